package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"llmops/analysis/stats"
)

// significance is what the p-value of one series must be below: there are many of
// them, and nobody asked for each.
const significance = 0.001

// leastSamples is the fewest values a side of a series whose spread is worth anything.
const leastSamples = 8

// Recording is a series on both sides: its values in order of time.
type Recording struct {
	Name          string // with labels
	Metric        string // without
	Unit          string
	Before, After []float64
}

// Recorded compares series by their means. A change counts if a t-test for unlike
// variances (Welch, Biometrika 34, 1947) gives p < 0.001, still holds with all series
// (Holm), and is at least the minimum effect. Samples that resemble the one before are
// worth fewer: n (1-r)/(1+r) of n by the correlation r of neighbours (Bartlett 1946).
//
// Only metrics of which it is known where an improvement goes are judged, and those that
// o names.
func Recorded(list []Recording, o Options) Comparison {
	c := Comparison{Schema: Schema, Kind: Metrics, Metrics: []Metric{}}
	effect := cmp.Or(o.MinEffect, DefaultMargin)
	var tested []*Metric
	for _, r := range list {
		m := Metric{Name: r.Name, Unit: r.Unit, weight: 1, effect: effect, margin: cmp.Or(o.Margin, effect), Verdict: Undetermined}
		m.statistic.Better = directionOf(r.Metric)
		m.Judged = m.statistic.Better != 0 || len(o.Names) > 0
		m.welch(r.Before, r.After)
		c.Metrics = append(c.Metrics, m)
	}
	for i := range c.Metrics {
		if c.Metrics[i].P != nil {
			tested = append(tested, &c.Metrics[i])
		}
	}
	for i, p := range holm(tested, func(m *Metric) float64 { return *m.P }) {
		tested[i].Adjusted = &p
		tested[i].moved()
	}
	c.sortSeries()
	c.concludeSeries()
	return c
}

// concludeSeries gives the verdict of the whole: of what is judged, of which something
// must be known. What has no good direction keeps no candidate from passing, and lets
// none pass.
func (c *Comparison) concludeSeries() {
	var worse, open []string
	judged := 0
	for _, m := range c.Metrics {
		switch {
		case !m.Judged:
			continue
		case m.Verdict == Worse:
			worse = append(worse, m.Name)
		case m.Verdict == Undetermined, m.Verdict == Changed:
			open = append(open, m.Name)
		}
		judged++
	}
	switch {
	case judged == 0:
		c.Verdict = Undetermined
		c.void("of no series is it known where an improvement goes")
	case len(worse) > 0:
		c.Verdict, c.Reasons = Fail, worse
	case len(open) == judged:
		c.Verdict, c.Reasons = Undetermined, open
	default:
		c.Verdict = Pass
	}
}

// sortSeries puts the worst first: what got worse, changed, better, by how far.
func (c *Comparison) sortSeries() {
	order := []Verdict{Worse, Changed, Better, Undetermined, Same}
	size := func(m *Metric) float64 {
		if m.Change == nil {
			return math.Inf(1)
		}
		return math.Abs(*m.Change)
	}
	slices.SortStableFunc(c.Metrics, func(a, b Metric) int {
		if d := slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict); d != 0 {
			return d
		}
		return cmp.Or(cmp.Compare(size(&b), size(&a)), cmp.Compare(a.Name, b.Name))
	})
}

func (m *Metric) welch(before, after []float64) {
	a, b := sampleOf(before), sampleOf(after)
	m.Baseline, m.Candidate = a.mean, b.mean
	diff, base := b.mean-a.mean, math.Abs(a.mean)
	if base > 0 {
		m.Change = new(diff / base)
	} else if diff == 0 {
		m.Change = new(0.0)
	}
	if a.n < leastSamples || b.n < leastSamples {
		m.Detail = fmt.Sprintf("%d and %d samples: it takes %d on each side", a.n, b.n, leastSamples)
		return
	}
	se := a.variance + b.variance // of the means
	if se == 0 {
		m.P = new(1.0)
		if diff != 0 { // constant on both sides, and not the same
			m.P = new(math.Pow(2, -float64(min(a.n, b.n))))
		}
		m.Low, m.High = m.Change, m.Change
	} else {
		df := max(se*se/(a.variance*a.variance/max(a.effective-1, 1)+b.variance*b.variance/max(b.effective-1, 1)), 1)
		t := diff / math.Sqrt(se)
		m.P = new(mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)))
		if base > 0 {
			half := stats.StudentT((1+confidence)/2, df) * math.Sqrt(se)
			m.Low, m.High = finite((diff-half)/base), finite((diff+half)/base)
		}
	}
	if m.Low != nil && m.High != nil {
		m.low90, m.high90 = *m.Low, *m.High
	} else {
		m.low90, m.high90 = math.Inf(-1), math.Inf(1)
		if diff == 0 && se == 0 {
			m.low90, m.high90 = 0, 0
		}
	}
}

// moved gives the verdict of a series.
func (m *Metric) moved() {
	matters := m.Change == nil || math.Abs(*m.Change) >= m.effect
	switch {
	case *m.P < significance && *m.Adjusted < 1-confidence && matters:
		m.Verdict = Changed
		if rise := m.Candidate > m.Baseline; m.statistic.Better != 0 {
			if m.Verdict = Better; rise == (m.statistic.Better == Lower) {
				m.Verdict = Worse
			}
		}
	case m.low90 >= -m.margin && m.high90 <= m.margin:
		m.Verdict = Same
	default:
		m.Verdict, m.Detail = Undetermined, "more samples would narrow the interval"
	}
}

// sample is the mean of values, its variance, and how many independent ones they are
// worth.
type sample struct {
	n                         int
	mean, variance, effective float64
}

func sampleOf(values []float64) sample {
	var w stats.Welford
	for _, v := range values {
		w.Add(v)
	}
	s := sample{n: len(values), mean: w.Mean, effective: float64(len(values))}
	v, ok := w.Variance()
	if !ok || v <= 0 {
		return s
	}
	n, product := float64(s.n), 0.0
	for i := 1; i < len(values); i++ {
		product += (values[i] - w.Mean) * (values[i-1] - w.Mean)
	}
	r := product / (v * (n - 1))
	r += (1 + 4*r) / n // what taking out the mean hides (Kendall 1954)
	if r > 0 {
		r = min(r, 1-2/n)
		s.effective = max(n*(1-r)/(1+r), 2)
	}
	s.variance = v / s.effective
	return s
}
