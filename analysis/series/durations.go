package series

import (
	"slices"

	"llmops/analysis/stats"
)

// durations are values in ns: themselves as long as they take less room than a
// sketch.
type durations struct {
	few  []int64
	many *stats.Sketch
}

const fewDurations = 4096

func (d *durations) add(ns int64) {
	if d.many != nil {
		d.many.Add(ns)
		return
	}
	if d.few = append(d.few, ns); len(d.few) > fewDurations {
		d.sketch()
	}
}

func (d *durations) sketch() {
	d.many = new(stats.Sketch)
	for _, ns := range d.few {
		d.many.Add(ns)
	}
	d.few = nil
}

func (d *durations) merge(o *durations) {
	if o.many != nil {
		if d.many == nil {
			d.sketch()
		}
		d.many.Merge(o.many)
		return
	}
	for _, ns := range o.few {
		d.add(ns)
	}
}

// measures gives quantiles (1 is the maximum) and the mean, in ms; false if there is
// no value.
func (d *durations) measures(quantiles ...float64) (ms []float64, mean float64, ok bool) {
	const nsPerMs = 1e6
	if d.many != nil {
		for _, q := range quantiles {
			v, _ := d.many.Quantile(q)
			ms = append(ms, float64(v)/nsPerMs)
		}
		m, ok := d.many.Mean()
		return ms, m / nsPerMs, ok
	}
	if len(d.few) == 0 {
		return nil, 0, false
	}
	slices.Sort(d.few)
	sum := 0.0
	for _, v := range d.few {
		sum += float64(v)
	}
	for _, q := range quantiles {
		ms = append(ms, float64(d.few[stats.Rank(q, uint64(len(d.few)))-1])/nsPerMs)
	}
	return ms, sum / nsPerMs / float64(len(d.few)), true
}
