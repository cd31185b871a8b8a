package loadreport

import (
	"math"
	"time"

	"llmops/analysis/stats"
)

// Bucket counts the requests whose latency lies from From up to UpTo.
type Bucket struct {
	From, UpTo time.Duration
	Count      int64
}

// LatencyHistogram is the distribution of latency in at most so many rows (two
// at least) with round limits: of equal width where the values lie within one
// order of magnitude, else in steps of 1, 2, 5. A value within 0.05 % of a limit
// may be on either side of it. Nil without values.
func (a *Aggregator) LatencyHistogram(rows int) []Bucket {
	a.mu.Lock()
	defer a.mu.Unlock()
	return histogram(&a.series[latency].sketch, max(rows, 2))
}

func histogram(s *stats.Sketch, rows int) []Bucket {
	minimum, ok := s.Min()
	maximum, _ := s.Max()
	if !ok || minimum < 0 {
		return nil
	}
	low, high := float64(minimum)/1e6, float64(maximum)/1e6
	var edges []float64
	if high <= 10*max(low, 1e-6) {
		edges = equalEdges(low, high, rows)
	} else {
		edges = ladderEdges(low, high, rows)
	}
	out := make([]Bucket, len(edges)-1)
	for i := range out {
		out[i] = Bucket{From: time.Duration(nanoseconds(edges[i])), UpTo: time.Duration(nanoseconds(edges[i+1]))}
	}
	i := 0
	for b := range s.Buckets() {
		for i < len(out)-1 && time.Duration(b.Low+(b.High-b.Low)/2) >= out[i].UpTo {
			i++
		}
		out[i].Count += int64(b.Count)
	}
	return out
}

// equalEdges cover low to high in steps of 1, 2 or 5 times a power of ten, the
// smallest with which the rows are enough.
func equalEdges(low, high float64, rows int) []float64 {
	scale := math.Pow(10, math.Floor(math.Log10(max((high-low)/float64(rows), high/1000, 1e-6))))
	for {
		for _, m := range []float64{1, 2, 5} {
			step := m * scale
			first, last := math.Floor(low/step), math.Floor(high/step)+1
			if last-first > float64(rows) {
				continue
			}
			var edges []float64
			for i := first; i <= last; i++ {
				edges = append(edges, round6(i*step))
			}
			return edges
		}
		scale *= 10
	}
}

// ladderEdges cover low to high in powers of ten, with steps between them as
// the rows allow. What lies more than four of them below high, or below what
// the rows cover, shares the first row.
func ladderEdges(low, high float64, rows int) []float64 {
	lowest := low
	low = max(low, high/1e4)
	top := math.Floor(math.Log10(high))
	for _, steps := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		var edges []float64
		decade := math.Floor(math.Log10(low))
		for ; decade <= top+1; decade++ {
			for _, m := range steps {
				edge := round6(m * math.Pow(10, decade))
				if len(edges) == 1 && edge <= low {
					edges[0] = edge
				} else if len(edges) == 0 || edges[len(edges)-1] <= high {
					edges = append(edges, edge)
				}
			}
		}
		if len(edges)-1 > rows && len(steps) > 1 {
			continue
		}
		edges = edges[max(len(edges)-1-rows, 0):]
		if lowest < edges[0] {
			edges[0] = 0
		}
		return edges
	}
	return nil
}
