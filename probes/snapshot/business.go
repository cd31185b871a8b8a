package snapshot

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Business is what no probe of a machine can see, as somebody else counted it:
// users, conversion, satisfaction, cost. Names and units are those of the
// catalogue.
type Business struct {
	Values []BusinessValue `json:"values"`
}

// BusinessValue is the newest value of one series. One that its source left
// empty is not in Business at all.
type BusinessValue struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  float64           `json:"value"`
	// At is when the value held, by the source's own account; absent when it does
	// not say, and then the value may be of any age.
	At     *time.Time `json:"at,omitempty"`
	Source string     `json:"source"` // the file, or the URL without credentials and query
}

// businessSamples yields the values under their own names. A name that ends in
// _total is a counter.
func businessSamples(w *samples, b *Business) {
	if b == nil {
		return
	}
	for _, v := range b.Values {
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(v.Labels)) {
			pairs = append(pairs, name, v.Labels[name])
		}
		kind := Gauge
		if strings.HasSuffix(v.Name, "_total") {
			kind = Counter
		}
		w.put(kind, v.Name, v.Value, pairs)
	}
}
