package unittest

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Entry is an alert, a sample, or a receiver, that is expected or was found.
type Entry struct {
	Labels      map[string]string
	Annotations map[string]string
	Value       *float64 // of a sample
	Receiver    string
}

// Field is a part of an entry in which two differ.
type Field struct {
	What     string // label, annotation or value
	Name     string
	Expected *string // nil: it is not there
	Got      *string
}

// Difference is an entry that is missing (Got is nil), one that is unexpected (Expected
// is nil), or two that are most likely meant to be the same, and what is not.
type Difference struct {
	Expected, Got *Entry
	Fields        []Field
}

func entryOf(ls, annotations labels.Labels) Entry {
	return Entry{Labels: ls.Map(), Annotations: annotations.Map()}
}

func sampleEntry(ls labels.Labels, v float64) Entry { return Entry{Labels: ls.Map(), Value: &v} }

// String is the entry in one line.
func (e Entry) String() string {
	var b strings.Builder
	if e.Receiver != "" {
		b.WriteString(e.Receiver)
		return b.String()
	}
	b.WriteString(labels.FromMap(e.Labels).String())
	if e.Value != nil {
		b.WriteString(" " + FormatValue(*e.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Annotations)) {
		b.WriteString(" " + name + ": " + strconv.Quote(e.Annotations[name]))
	}
	return b.String()
}

// FormatValue writes a value so that none other is written alike.
func FormatValue(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// equal compares entries; two NaN differ, as any two values of it do.
func (e Entry) equal(o Entry, fuzzy bool) bool {
	same := maps.Equal(e.Labels, o.Labels) && maps.Equal(e.Annotations, o.Annotations) && e.Receiver == o.Receiver && (e.Value == nil) == (o.Value == nil)
	return same && (e.Value == nil || sameValue(*e.Value, *o.Value, fuzzy))
}

func sameValue(x, y float64, fuzzy bool) bool {
	return x == y || fuzzy && (math.Nextafter(x, math.Inf(-1)) == y || math.Nextafter(x, math.Inf(1)) == y)
}

// compare finds what differs between two lists, whose order does not matter.
func compare(expected, got []Entry, fuzzy bool) []Difference {
	var missing []Entry
	rest := slices.Clone(got)
	for _, e := range expected {
		if i := slices.IndexFunc(rest, func(g Entry) bool { return e.equal(g, fuzzy) }); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			missing = append(missing, e)
		}
	}
	byText := func(a, b Entry) int { return strings.Compare(a.String(), b.String()) }
	slices.SortStableFunc(missing, byText)
	slices.SortStableFunc(rest, byText)
	var out []Difference
	for len(missing) > 0 && len(rest) > 0 {
		i, k, fields := nearest(missing, rest)
		out = append(out, Difference{new(missing[i]), new(rest[k]), fields})
		missing, rest = slices.Delete(missing, i, i+1), slices.Delete(rest, k, k+1)
	}
	for _, e := range missing {
		out = append(out, Difference{Expected: &e})
	}
	for _, g := range rest {
		out = append(out, Difference{Got: &g})
	}
	return out
}

// mostPairs bounds the search for pairs.
const mostPairs = 10_000

// nearest are the two with the fewest differences.
func nearest(missing, rest []Entry) (i, k int, fields []Field) {
	fields = fieldsOf(missing[0], rest[0])
	if len(missing)*len(rest) > mostPairs {
		return 0, 0, fields
	}
	for a := range missing {
		for b := range rest {
			if f := fieldsOf(missing[a], rest[b]); len(f) < len(fields) {
				i, k, fields = a, b, f
			}
		}
	}
	return i, k, fields
}

// fieldsOf are the fields in which two entries differ.
func fieldsOf(e, g Entry) []Field {
	fields := mapFields("label", e.Labels, g.Labels)
	fields = append(fields, mapFields("annotation", e.Annotations, g.Annotations)...)
	if e.Value != nil && g.Value != nil && !sameValue(*e.Value, *g.Value, false) {
		fields = append(fields, Field{What: "value", Expected: new(FormatValue(*e.Value)), Got: new(FormatValue(*g.Value))})
	}
	if e.Receiver != g.Receiver {
		fields = append(fields, Field{What: "receiver", Expected: &e.Receiver, Got: &g.Receiver})
	}
	return fields
}

func mapFields(what string, e, g map[string]string) []Field {
	var fields []Field
	for name, value := range e {
		if other, ok := g[name]; !ok {
			fields = append(fields, Field{what, name, &value, nil})
		} else if other != value {
			fields = append(fields, Field{what, name, &value, &other})
		}
	}
	for name, value := range g {
		if _, ok := e[name]; !ok {
			fields = append(fields, Field{what, name, nil, &value})
		}
	}
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	return fields
}
