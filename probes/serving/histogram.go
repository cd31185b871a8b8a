package serving

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/probes/snapshot"
)

// histogram holds how many values were at most as large as each bound. The last
// bound is +Inf; counts never fall.
type histogram struct {
	bounds, counts []float64
	sum            *float64
}

// histogram adds up the histograms of all label sets of the first of names that the
// page has; ok is false when there is none that can be read. Sets with different
// bounds are added at those that they share, where each count is still exact.
func (p page) histogram(names []metric) (h histogram, factor float64, ok bool) {
	for _, m := range names {
		if h, ok := p.merged(m); ok {
			return h, m.scale(), true
		}
	}
	return histogram{}, 0, false
}

func (p page) merged(m metric) (histogram, bool) {
	sets := map[uint64]map[float64]float64{} // counts by bound, for each set of labels
	for _, s := range p.series[m.name+"_bucket"] {
		bound, err := strconv.ParseFloat(s.labels.Get(labels.BucketLabel), 64)
		if err != nil || math.IsNaN(bound) {
			continue
		}
		k := key(s.labels, labels.BucketLabel)
		if sets[k] == nil {
			sets[k] = map[float64]float64{}
		}
		sets[k][bound] = s.value
	}
	for _, s := range p.series[m.name+"_count"] {
		// Some libraries leave the +Inf bucket out; the count is the same number.
		if set := sets[key(s.labels)]; set != nil {
			if _, ok := set[math.Inf(1)]; !ok {
				set[math.Inf(1)] = s.value
			}
		}
	}
	var h histogram
	shared := map[float64]int{}
	for _, set := range sets {
		for bound := range set {
			shared[bound]++
		}
	}
	for bound, n := range shared {
		if n == len(sets) {
			h.bounds = append(h.bounds, bound)
		}
	}
	slices.Sort(h.bounds)
	if n := len(h.bounds); n < 2 || !math.IsInf(h.bounds[n-1], 1) {
		return histogram{}, false // without a total there is no rank
	}
	most := 0.0
	for _, bound := range h.bounds {
		sum := 0.0
		for _, set := range sets {
			sum += set[bound]
		}
		// Counts are read one after the other while the engine counts on, so that
		// a later one may be behind.
		most = max(most, sum)
		h.counts = append(h.counts, most)
	}
	if sums := p.series[m.name+"_sum"]; len(sums) > 0 {
		h.sum = new(0.0)
		for _, s := range sums {
			*h.sum += s.value
		}
	}
	return h, true
}

func (h histogram) total() float64 { return h.counts[len(h.counts)-1] }

// quantile is that of Prometheus's histogram_quantile: linear within the bucket of
// rank q·total, from 0 in the first one if its bound is above 0; in the last bucket
// it is the highest bound that is finite, and in a first bucket with a bound of 0 or
// less that bound. ok is false without values.
func (h histogram) quantile(q float64) (v float64, in snapshot.Bounds, ok bool) {
	n := len(h.bounds)
	if h.total() <= 0 {
		return 0, in, false
	}
	rank := q * h.total()
	b := sort.Search(n-1, func(i int) bool { return h.counts[i] >= rank })
	switch {
	case b == n-1:
		return h.bounds[n-2], snapshot.Bounds{Low: h.bounds[n-2]}, true
	case b == 0 && h.bounds[0] <= 0:
		return h.bounds[0], snapshot.Bounds{Low: h.bounds[0], High: new(h.bounds[0])}, true
	}
	low, below := 0.0, 0.0
	if b > 0 {
		low, below = h.bounds[b-1], h.counts[b-1]
	}
	high := h.bounds[b]
	v = low + (high-low)*((rank-below)/(h.counts[b]-below))
	return min(max(v, low), high), snapshot.Bounds{Low: low, High: &high}, true
}

// distribution gives a histogram in ms; factor is the ms in one of its units.
func (h histogram) distribution(factor float64) *snapshot.Distribution {
	d := &snapshot.Distribution{Count: h.total()}
	if h.total() <= 0 {
		return d
	}
	if h.sum != nil {
		d.Mean = finite(*h.sum / h.total() * factor)
	}
	d.Bounds = map[string]snapshot.Bounds{}
	for _, p := range []struct {
		name string
		q    float64
		to   **float64
	}{{"p50", 0.5, &d.P50}, {"p90", 0.9, &d.P90}, {"p95", 0.95, &d.P95}, {"p99", 0.99, &d.P99}} {
		v, in, ok := h.quantile(p.q)
		if !ok {
			continue
		}
		if *p.to = finite(v * factor); *p.to == nil {
			continue
		}
		in.Low *= factor
		if in.High != nil {
			in.High = new(*in.High * factor)
		}
		d.Bounds[p.name] = in
	}
	return d
}

// finite is nil for what JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
