package series

import (
	"bytes"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// isCSVLong knows a table of timestamp, metric and value.
func isCSVLong(start []byte) bool {
	header, _, _ := csvHeader(start)
	return columnNamed(header, timeNames) >= 0 && columnNamed(header, metricNames) >= 0 && columnNamed(header, []string{"value"}) >= 0
}

// A longTable is a table with a row for each sample. The other columns are labels.
type longTable struct {
	table
	metric, value int
	plain         bool // the first columns are timestamp, metric, value
	known         map[string]*spelling
	key           []byte
	last          *spelling // of the row before
}

// A spelling is how a series stands in the rows.
type spelling struct {
	e            *entry
	name, labels string    // as they stand, the labels with the comma before them
	next         *spelling // of the row that came after the last such one: exports repeat their order
}

func (s *spelling) is(name, labels []byte) bool {
	return s != nil && s.labels == string(labels) && s.name == string(name)
}

// readCSVLong reads timestamp,metric,value[,label…].
func readCSVLong(r *reader) error {
	t := &longTable{table: table{reader: r}, known: map[string]*spelling{}}
	if err := t.open(); err != nil {
		return err
	}
	t.metric, t.value = columnNamed(t.header, metricNames), columnNamed(t.header, []string{"value"})
	if t.time < 0 || t.metric < 0 || t.value < 0 {
		return &SyntaxError{r.name, 1, 1, "want the columns timestamp, metric and value"}
	}
	t.plain = t.time == 0 && t.metric == 1 && t.value == 2
	return t.rows(func(row []byte) error {
		if t.plain {
			if done, err := t.quick(row); done {
				return err
			}
		}
		return t.slow(row)
	})
}

// quick reads a row without looking at its labels one by one, if they have been seen
// before and the fields before them have no quotes.
func (t *longTable) quick(row []byte) (done bool, err error) {
	comma := t.csv.Comma()
	i := bytes.IndexByte(row, comma)
	if i < 0 {
		return false, nil
	}
	j := bytes.IndexByte(row[i+1:], comma)
	if j < 0 {
		return false, nil
	}
	j += i + 1
	k := j + 1
	for k < len(row) && row[k] != comma {
		k++
	}
	name, value, rest := row[i+1:j], row[j+1:k], row[k:]
	s := t.last
	if s != nil && s.next.is(name, rest) {
		s = s.next
	} else if !s.is(name, rest) {
		if bytes.IndexByte(row[:k], '"') >= 0 {
			return false, nil
		}
		t.key = append(append(append(t.key[:0], name...), comma), rest...)
		if s = t.known[string(t.key)]; s == nil {
			return false, nil
		}
		if t.last != nil {
			t.last.next = s
		}
	}
	t.last = s
	when, ok := t.clock.parse(row[:i])
	if !ok {
		return false, nil
	}
	v, ok := parseFloat(value)
	if !ok || v != v { // NaN
		return false, nil
	}
	t.w.feed.add(s.e, when, v)
	return true, nil
}

// slow reads any row.
func (t *longTable) slow(row []byte) error {
	fields, ok := t.csv.Fields(row)
	switch {
	case !ok:
		return badRow{0, "the quotes of the row do not match"}
	case len(fields) != len(t.header):
		return badRow{0, fmt.Sprintf("%d fields, the header has %d", len(fields), len(t.header))}
	}
	when, ok := t.clock.parse(bytes.TrimSpace(fields[t.time]))
	if !ok {
		return badRow{at(row, fields[t.time]), fmt.Sprintf("%q is no timestamp", shortened(fields[t.time]))}
	}
	cell := bytes.TrimSpace(fields[t.value])
	if missing(cell) {
		return nil
	}
	v, ok := parseFloat(cell)
	if !ok {
		return badRow{at(row, fields[t.value]), fmt.Sprintf("%q is no number", shortened(cell))}
	}
	ls, err := t.series(fields)
	if err != nil {
		return badRow{at(row, fields[t.metric]), err.Error()}
	}
	e, err := t.w.series(ls)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", t.name, t.lineOf(row), err)
	}
	if t.plain && bytes.IndexByte(row, '"') < 0 {
		comma := []byte{t.csv.Comma()}
		rest := bytes.SplitN(row, comma, 4)
		s := &spelling{e: e, name: string(rest[1])}
		if len(rest) == 4 {
			s.labels = string(comma) + string(rest[3])
		}
		t.known[s.name+string(comma)+s.labels] = s
	}
	t.w.feed.add(e, when, v)
	return nil
}

// series are the labels that the fields of a row make.
func (t *longTable) series(fields [][]byte) (labels.Labels, error) {
	b := labels.NewScratchBuilder(len(fields))
	name := bytes.TrimSpace(fields[t.metric])
	if len(name) == 0 {
		return labels.Labels{}, fmt.Errorf("the name of the metric is missing")
	}
	if bytes.IndexByte(name, '{') >= 0 && name[len(name)-1] == '}' {
		inside, _, err := t.names.parse(name)
		if err != nil {
			return labels.Labels{}, err
		}
		inside.Range(func(l labels.Label) { b.Add(l.Name, l.Value) })
	} else {
		b.Add(model.MetricNameLabel, string(name))
	}
	for i, f := range fields {
		if i != t.time && i != t.metric && i != t.value && len(f) > 0 && t.header[i] != "" {
			b.Add(t.header[i], string(f))
		}
	}
	b.Sort()
	ls := b.Labels()
	if twice, ok := ls.HasDuplicateLabelNames(); ok {
		return ls, fmt.Errorf("label %q is there twice", twice)
	}
	return ls, nil
}
