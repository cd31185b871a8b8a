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
	known         map[string]*entry
	key           []byte
	last          *entry // and its texts
	lastName      []byte
	lastLabels    []byte
}

// readCSVLong reads timestamp,metric,value[,label…].
func readCSVLong(r *reader) error {
	t := &longTable{table: table{reader: r}, known: map[string]*entry{}}
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
	if t.last == nil || string(name) != string(t.lastName) || string(rest) != string(t.lastLabels) {
		if bytes.IndexByte(row[:k], '"') >= 0 {
			return false, nil
		}
		t.key = append(append(append(t.key[:0], name...), comma), rest...)
		e := t.known[string(t.key)]
		if e == nil {
			return false, nil
		}
		t.last, t.lastName, t.lastLabels = e, append(t.lastName[:0], name...), append(t.lastLabels[:0], rest...)
	}
	when, ok := t.clock.parse(row[:i])
	if !ok {
		return false, nil
	}
	v, ok := parseFloat(value)
	if !ok || v != v { // NaN
		return false, nil
	}
	t.w.feed.add(t.last, when, v)
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
		key := string(rest[1]) + string(comma)
		if len(rest) == 4 {
			key += string(comma) + string(rest[3])
		}
		t.known[key] = e
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
