package diagnose

import (
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// statistics are labels that say what was computed of a measure, not whose it is.
var statistics = []string{"stat", "statistic", "quantile", "agg", "percentile", "le"}

// moved is how far a series is from what it was, without a unit.
type moved struct {
	series *series.Series
	entity Entity
	z      float64 // robust standard deviations; 0: not in the direction that hurts
	rel    float64 // 0..1: the difference over the sum
	value  float64
	normal float64 // the median of the healthy period
	unit   string
	at     int64
	first  int64 // when it was first far off
	last   int64 // and when last
}

// score is log(1+z): unit-free, and without a limit, so that a saturated cause stands
// above its weaker effects.
func (m moved) score() float64 { return math.Log1p(m.z) * math.Sqrt(m.rel) }

// hurts is the direction in which a metric hurts: 1 up, -1 down, 0 either.
func hurts(name string) float64 {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case has("availab", "success", "quality", "satisf", "hit", "goodput", "free"):
		return -1
	case has("latency", "duration", "error", "ttft", "fail", "timeout", "wait", "queue", "_time", "tpot", "itl", "retr", "drop"):
		return 1
	}
	return 0
}

// traffic tells metrics that say how much is asked: more of it is a cause of nothing in
// the node that is asked.
func traffic(name string) bool {
	return strings.Contains(name, "request") && !strings.Contains(name, "second") || strings.Contains(name, "throughput")
}

// movement compares the values of a series with a healthy period. It counts only as far as
// it is away from both the normal median and the quiet part of the data itself: what was
// different all along, since the normal period is of another time, is no news. The second
// largest value counts, for one may be an outlier; of many, the 95th percentile. What lies
// before since is quiet or not, and no news.
func movement(x *series.Series, from, since, to int64, base []float64) (moved, bool) {
	n := quiet{}
	if !n.learn(base) {
		return moved{}, false
	}
	at, v := valuesOf(x, from, to)
	begin := sort.Search(len(at), func(i int) bool { return at[i] >= since })
	if len(v)-begin < 3 {
		return moved{}, false
	}
	m := moved{series: x, normal: n.median}
	if counts(x) {
		m.unit = "1/s"
	}
	try := func(sign float64) {
		s := make([]float64, len(v))
		for i := range v {
			s[i] = sign * v[i]
		}
		ref := max(sign*n.median, quantile(slices.Sorted(slices.Values(s)), 0.25))
		sorted := slices.Sorted(slices.Values(s[begin:]))
		second := sorted[len(sorted)-max(2, len(sorted)/20)]
		d := second - ref
		if d <= 0 {
			return
		}
		z := maxZ
		if n.scale > 0 {
			z = min(maxZ, d/n.scale)
		}
		if !(z > m.z) { // also of what is too large to be held against another one
			return
		}
		m.z, m.rel = z, d/(math.Abs(second)+math.Abs(ref))
		i := begin + slices.Index(s[begin:], sorted[len(sorted)-1])
		m.value, m.at = v[i], at[i]
		m.first, m.last = m.at, m.at
		for k := range s[begin:] {
			if s[begin+k]-ref >= d/2 {
				m.first, m.last = min(m.first, at[begin+k]), max(m.last, at[begin+k])
			}
		}
	}
	if dir := hurts(x.Name()); dir != 0 {
		try(dir)
	} else {
		try(1)
		try(-1)
	}
	return m, true
}

// valuesOf are the values of a series within a time that are finite, of a counter what it grew by
// a second since the point before. One that falls began again at zero; what is below zero did not,
// and only falls.
func valuesOf(x *series.Series, from, to int64) (at []int64, v []float64) {
	rated := counts(x)
	before, since := math.NaN(), int64(0)
	for t, value := range x.Between(from, to) {
		if math.IsInf(value, 0) || math.IsNaN(value) {
			continue
		}
		if !rated {
			at, v = append(at, t), append(v, value)
			continue
		}
		if grown := value - before; t > since && !math.IsNaN(grown) {
			if grown < 0 && value >= 0 {
				grown = value
			}
			at, v = append(at, t), append(v, grown*1000/float64(t-since))
		}
		before, since = value, t
	}
	return at, v
}

// quiet is what a series was like in a healthy period.
type quiet struct{ median, scale float64 }

// learn needs five points; the scale is the width from the 5th to the 95th percentile of
// a Gaussian, at least two per cent of the median, half a per cent where it never moved.
func (q *quiet) learn(base []float64) bool {
	if len(base) < minNormal {
		return false
	}
	v := slices.Sorted(slices.Values(base))
	q.median = quantile(v, 0.5)
	q.scale = (quantile(v, 0.95) - quantile(v, 0.05)) / 3.2897
	floor := 0.02
	if q.scale == 0 {
		floor = 0.005
	}
	q.scale = max(q.scale, floor*math.Abs(q.median))
	return true
}

// movements are those of all series that have the label, of the same statistic as the
// target where they have several.
func movements(s *series.Store, o Options, label string) []moved {
	from, to, since := o.From.UnixMilli(), o.To.UnixMilli(), int64(minTime)
	normal := from + (to-from)*2/5
	if o.Since.After(o.From) {
		since = o.Since.UnixMilli()
		normal = since - 1
	}
	var found []moved
	for _, x := range s.Series() {
		ls := x.Labels()
		if !x.Original() || label != "" && ls.Get(label) == "" || traffic(x.Name()) || strings.HasSuffix(x.Name(), "_bucket") {
			continue
		}
		other := slices.ContainsFunc(statistics, func(l string) bool {
			return o.Target.Get(l) != "" && ls.Get(l) != "" && ls.Get(l) != o.Target.Get(l)
		})
		if other {
			continue
		}
		var base []float64
		if o.Baseline != nil {
			if b := o.Baseline.Find(ls); b != nil {
				_, base = valuesOf(b, minTime, maxTime)
			}
		} else {
			_, base = valuesOf(x, from, normal)
		}
		if m, ok := movement(x, from, since, to, base); ok {
			m.entity = Entity{Label: label, Name: ls.Get(label)}
			if label == "" {
				m.entity = anyEntity(ls)
			}
			found = append(found, m)
		}
	}
	return found
}

// anyEntity is what a series of no known exporter is about.
func anyEntity(ls labels.Labels) Entity {
	for _, group := range [][]string{replicaLabels, targetLabels, hostLabels, {"service", "job"}} {
		for _, l := range group {
			if v := ls.Get(l); v != "" {
				return Entity{Label: l, Name: v, GPU: ls.Get("gpu")}
			}
		}
	}
	return Entity{GPU: ls.Get("gpu")}
}
