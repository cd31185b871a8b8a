package loadreport

import (
	"math"
	"strconv"
	"time"

	"llmops/analysis/stats"
)

const (
	firstBin = 10 * time.Millisecond
	maxBins  = 2048
)

// bin counts what ended within a stretch of time.
type bin struct{ succeeded, good, failed, tokens int64 }

func (b *bin) add(o bin) {
	b.succeeded += o.succeeded
	b.good += o.good
	b.failed += o.failed
	b.tokens += o.tokens
}

// timeline bins ends by time since its base. When the bins are used up, they
// merge in pairs and their width doubles, so that a run of any length fits.
type timeline struct {
	base  time.Time
	width time.Duration
	bins  []bin
}

func (t *timeline) add(at time.Time, b bin) {
	since := max(at.Sub(t.base), 0)
	for since/t.width >= maxBins {
		t.halve()
	}
	i := int(since / t.width)
	for len(t.bins) <= i {
		t.bins = append(t.bins, bin{})
	}
	t.bins[i].add(b)
}

func (t *timeline) halve() {
	for i := range t.bins {
		if i%2 == 0 {
			t.bins[i/2] = t.bins[i]
		} else {
			t.bins[i/2].add(t.bins[i])
		}
	}
	t.bins = t.bins[:(len(t.bins)+1)/2]
	t.width *= 2
}

// recent sums the bins of the last d before at, and says how long they are.
func (t *timeline) recent(at time.Time, d time.Duration) (bin, time.Duration) {
	var sum bin
	since := at.Sub(t.base)
	if since <= 0 || t.width == 0 {
		return sum, 0
	}
	first := int(max(since-d, 0) / t.width)
	for i := first; i < len(t.bins) && time.Duration(i)*t.width < since; i++ {
		sum.add(t.bins[i])
	}
	return sum, since - time.Duration(first)*t.width
}

// rates cuts [from, to] into k equal slices and gives the mean and spread of
// value per second over them. A bin that a cut divides is shared out by time,
// so that the mean is the total over the window.
func (t *timeline) rates(from, to time.Time, k int, value func(bin) int64) stats.Welford {
	start, end := from.Sub(t.base), to.Sub(t.base)
	slice := float64(end-start) / float64(k)
	sums := make([]float64, k)
	for i, b := range t.bins {
		v := float64(value(b))
		if v == 0 {
			continue
		}
		low := max(float64(time.Duration(i)*t.width-start), 0)
		high := min(float64(time.Duration(i+1)*t.width-start), float64(end-start))
		if high <= low { // outside by rounding: what happened there still counts
			sums[min(max(int(low/slice), 0), k-1)] += v
			continue
		}
		for j := min(int(low/slice), k-1); j < k && float64(j)*slice < high; j++ {
			part := min(high, float64(j+1)*slice) - max(low, float64(j)*slice)
			sums[j] += v * part / (high - low)
		}
	}
	var w stats.Welford
	for _, s := range sums {
		w.Add(s / slice * float64(time.Second))
	}
	return w
}

// sliceCounts counts the ends within slices of a fixed length from the base on:
// slice i is (base+i*length, base+(i+1)*length].
type sliceCounts struct {
	length time.Duration
	bins   []bin
	over   bool // more than maxSlices: the counts are not complete
}

const maxSlices = 1 << 20

func (s *sliceCounts) add(base, at time.Time, b bin) {
	i := max((at.Sub(base)+s.length-1)/s.length-1, 0)
	if i >= maxSlices {
		s.over = true
		return
	}
	for len(s.bins) <= int(i) {
		s.bins = append(s.bins, bin{})
	}
	s.bins[i].add(b)
}

// whole are the slices that lie within the run, empty ones included.
func (s *sliceCounts) whole(base, end time.Time) []bin {
	n := min(max(int(end.Sub(base)/s.length), 0), maxSlices)
	for len(s.bins) < n {
		s.bins = append(s.bins, bin{})
	}
	return s.bins[:n]
}

// round6 drops the noise of binary fractions: six decimals of a millisecond
// are nanoseconds. What is smaller keeps four digits, so that only 0 is 0.
func round6(x float64) float64 {
	switch size := math.Abs(x); {
	case size >= 1e9:
		return x
	case size < 1e-3:
		r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 3, 64), 64)
		if err != nil {
			return x
		}
		return r
	}
	return math.Round(x*1e6) / 1e6
}
