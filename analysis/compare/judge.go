package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Verdict is the outcome of a statistic or of the whole.
type Verdict string

// The verdicts. Better, Same, Worse and Changed are of a statistic (Changed: of one
// that has no good direction), Pass and Fail of a gate and of the whole.
const (
	Better       Verdict = "better"
	Same         Verdict = "same"
	Worse        Verdict = "worse"
	Changed      Verdict = "changed"
	Undetermined Verdict = "undetermined"
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
)

// confidence is that of intervals; 1 minus it is how often runs that do not
// differ may be told apart, all statistics together.
const confidence = 0.95

// Defaults of Options, and what stands in their place for shares.
const (
	DefaultMinEffect = 0.02
	DefaultMargin    = 0.05

	shareEffect = 0.001 // a tenth of a percentage point
	shareMargin = 0.005
)

// Options say what is asked.
type Options struct {
	// Limits are the gates: how much worse a statistic may be, by name, as a share
	// of the baseline (0.05 is 5 %), or of an absolute one as the difference.
	Limits map[string]float64
	// MinEffect is the least change that matters, as a share; 0: DefaultMinEffect.
	MinEffect float64
	// Margin is how far apart the sides may be and yet be called the same, as a
	// share; 0: DefaultMargin. A limit stands in its place for its statistic.
	Margin float64
	// Names are the statistics that are compared and judged; empty: all that are
	// known of both sides, of which those count that are Primary.
	Names []string
}

// Runs compares two sides of at least one run each. Statistics that one of them
// lacks are left out. It fails if the sides have no statistic in common, or a
// limit names one that they lack.
func Runs(baseline, candidate []Run, o Options) (Comparison, error) {
	c := Comparison{Schema: Schema, Kind: LoadTests, Baseline: names(baseline), Candidate: names(candidate), Metrics: []Metric{}}
	if len(baseline) == 0 || len(candidate) == 0 {
		return c, fmt.Errorf("a comparison needs at least one run on each side")
	}
	o.MinEffect, o.Margin = cmp.Or(o.MinEffect, DefaultMinEffect), cmp.Or(o.Margin, DefaultMargin)
	open := slices.ContainsFunc(slices.Concat(baseline, candidate), func(r Run) bool { return r.Open }) // one such side is enough
	t := newTables()
	before, after := prepare(baseline, t), prepare(candidate, t)
	for _, st := range Statistics() {
		_, gated := o.Limits[st.Name]
		asked := gated || slices.Contains(o.Names, st.Name)
		if (len(o.Names) > 0 || st.Asked) && !asked {
			continue
		}
		a, b, ok := measure(st, before, after)
		if !ok || finite(a.value) == nil || finite(b.value) == nil { // a mean of an edited log may be beyond all numbers
			if asked {
				return c, fmt.Errorf("%s was not measured in every run", st.Name)
			}
			continue
		}
		m := o.weighed(st, a, b, t)
		m.Judged = gated
		if len(o.Limits) == 0 {
			m.Judged = asked || len(o.Names) == 0 && st.Primary && !(open && st.Throughput)
		}
		if open && st.Throughput {
			m.Detail = "the load fixes it: an open loop says little about it"
		}
		c.Metrics = append(c.Metrics, m)
	}
	if len(c.Metrics) == 0 {
		return c, fmt.Errorf("the sides have no figure in common")
	}
	c.failing(before, after, o, t)
	c.beware(baseline, candidate)
	c.loops(baseline, candidate, len(o.Names)+len(o.Limits) > 0)
	c.judge()
	return c, nil
}

// weighed is a statistic with its values, what is asked of it, and its interval.
func (o Options) weighed(st Statistic, a, b side, t *tables) Metric {
	m := st.metric(a.value, b.value)
	m.margin, m.effect = o.Margin, o.MinEffect
	if st.Absolute {
		m.margin, m.effect = min(o.Margin, shareMargin), min(o.MinEffect, shareEffect)
	}
	if limit, gated := o.Limits[st.Name]; gated {
		m.Limit, m.margin = &limit, limit
	}
	m.weigh(a, b, t)
	return m
}

func names(runs []Run) (list []string) {
	for i := range runs {
		list = append(list, runs[i].Name)
	}
	return list
}

// metric is a statistic with its values.
func (s Statistic) metric(a, b float64) Metric {
	m := Metric{Name: s.Name, Unit: s.Unit, Absolute: s.Absolute, Baseline: a, Candidate: b, statistic: s, weight: s.weight()}
	switch {
	case s.Absolute:
		m.Change = new(b - a)
	case a > 0:
		m.Change = finite(b/a - 1)
	case a == b:
		m.Change = new(0.0)
	}
	return m
}

// weigh fills in the interval of the change and its p-values from the differences of
// all pairs of points.
func (m *Metric) weigh(a, b side, t *tables) {
	if a.low == nil || b.low == nil {
		return
	}
	d := t.possible(a.spread, b.spread, m.Absolute)
	m.P = new(d.twoSided())
	if m.Absolute && a.value == 0 && b.value == 0 { // no failure at all: nothing tells the sides apart
		m.P = new(1.0)
	}
	m.Low, m.High = finite(d.least.at((1-confidence)/2)), finite(d.most.at((1+confidence)/2))
	m.low90, m.high90 = d.least.at(1-confidence), d.most.at(confidence)
	if m.Limit != nil && m.statistic.Better == Lower {
		m.beyond = max(d.least.upTo(*m.Limit), d.rise, leastP)
	} else if m.Limit != nil {
		m.beyond = max(1-d.most.below(-*m.Limit), d.fall, leastP)
	}
}

func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}

// judge gives the verdicts. Those of better and worse, and gates that fail, hold
// for all judged statistics together (Holm, A simple sequentially rejective
// multiple test procedure, Scand. J. Statist. 6, 1979), and those of the others for
// all there are; a gate passes and two sides are the same by two one-sided tests
// (Schuirmann 1987), which need no such correction. A median weighs more than a
// tail: it can be known from fewer requests.
func (c *Comparison) judge() {
	var judged, all []*Metric
	for i := range c.Metrics {
		if m := &c.Metrics[i]; m.P != nil {
			if all = append(all, m); m.Judged {
				judged = append(judged, m)
			}
		}
	}
	p := func(m *Metric) float64 { return *m.P }
	for i, p := range holm(all, p) {
		all[i].Adjusted = &p
	}
	for i, p := range holm(judged, p) {
		judged[i].Adjusted = &p
	}
	beyond := holm(judged, func(m *Metric) float64 { return m.beyond })
	for i := range c.Metrics {
		c.Metrics[i].judge()
	}
	for i, m := range judged {
		if m.Limit != nil {
			m.gate(beyond[i])
		}
	}
	c.distrust()
	c.conclude()
}

// holm adjusts p-values for their number, each by its weight.
func holm(metrics []*Metric, of func(*Metric) float64) []float64 {
	order, left := make([]int, len(metrics)), 0.0
	for i, m := range metrics {
		order[i] = i
		left += m.weight
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(of(metrics[i])/metrics[i].weight, of(metrics[j])/metrics[j].weight)
	})
	out, least := make([]float64, len(metrics)), 0.0
	for _, i := range order {
		least = max(least, min(1, of(metrics[i])*left/metrics[i].weight))
		out[i] = least
		left -= metrics[i].weight
	}
	return out
}

// gate holds the change against the limit.
func (m *Metric) gate(beyond float64) {
	worst := m.high90
	if m.statistic.Better == Higher {
		worst = -m.low90
	}
	switch {
	case beyond < 1-confidence && *m.P < 1-confidence:
		m.Gate = Fail
	case worst <= *m.Limit:
		m.Gate = Pass
	default:
		m.Gate = Undetermined
	}
}

// judge gives the verdict of one statistic.
func (m *Metric) judge() {
	m.Verdict = Undetermined
	if m.P == nil {
		m.Detail = "its spread is not known: single requests, or several runs a side, would show it"
		if m.Limit != nil {
			m.Gate = Undetermined
		}
		return
	}
	rise := m.Candidate > m.Baseline
	matters := m.Change == nil || math.Abs(*m.Change) >= m.effect
	switch {
	case *m.Adjusted < 1-confidence && matters && rise == (m.statistic.Better == Lower):
		m.Verdict = Worse
	case *m.Adjusted < 1-confidence && matters:
		m.Verdict = Better
	case m.low90 >= -m.margin && m.high90 <= m.margin, m.Absolute && m.Baseline == 0 && m.Candidate == 0:
		m.Verdict = Same
	default:
		m.Detail = cmp.Or(m.Detail, "more requests would narrow the interval")
	}
}
