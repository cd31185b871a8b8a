package compare

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"llmops/analysis/stats"
)

const (
	// points is how many values stand for a distribution.
	points = 256
	// reach is how far out they go, as quantiles of the standard normal: to 3e-7.
	reach = 5
)

// tables are what distributions are made of. Points lie evenly on the scale of the
// standard normal, so that tails, which decide, are as well known as the middle.
type tables struct {
	likely [points]float64 // the probability that each point stands at
	weight [points]float64 // and the mass that it stands for
	known  map[[2]float64][]float64
}

func newTables() *tables {
	t := &tables{known: map[[2]float64][]float64{}}
	normal := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	edge := func(i int) float64 { return (2*float64(i)/points - 1) * reach }
	for i := range points {
		from, to := normal(edge(i)), normal(edge(i+1))
		if i == 0 {
			from = 0
		}
		if i == points-1 {
			to = 1
		}
		t.likely[i], t.weight[i] = normal((edge(i)+edge(i+1))/2), to-from
	}
	return t
}

// beta are the quantiles of Beta(a, b) at all points. They are computed once, for most
// statistics of a run are of as many values.
func (t *tables) beta(a, b float64) []float64 {
	return t.get([2]float64{a, b}, func(p float64) float64 { return mathext.InvRegIncBeta(a, b, p) })
}

// student are those of Student's t with df degrees of freedom.
func (t *tables) student(df float64) []float64 {
	return t.get([2]float64{df}, func(p float64) float64 { return stats.StudentT(p, df) })
}

func (t *tables) get(key [2]float64, quantile func(p float64) float64) []float64 {
	if known, ok := t.known[key]; ok {
		return known
	}
	list := make([]float64, points)
	for i := range list {
		list[i] = quantile(t.likely[i])
	}
	t.known[key] = list
	return list
}
