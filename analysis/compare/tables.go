package compare

import (
	"gonum.org/v1/gonum/mathext"

	"llmops/analysis/stats"
)

// likely is the probability that stands for point i.
func likely(i int) float64 { return (float64(i) + 0.5) / points }

// tables are quantiles of distributions at the probabilities of all points, each
// computed once: most statistics of a run are of as many values.
type tables map[[2]float64][]float64

// beta is that of Beta(a, b).
func (t tables) beta(a, b float64) []float64 {
	return t.get([2]float64{a, b}, func(p float64) float64 { return mathext.InvRegIncBeta(a, b, p) })
}

// student is Student's t with df degrees of freedom.
func (t tables) student(df float64) []float64 {
	return t.get([2]float64{df}, func(p float64) float64 { return stats.StudentT(p, df) })
}

func (t tables) get(key [2]float64, quantile func(p float64) float64) []float64 {
	if known, ok := t[key]; ok {
		return known
	}
	list := make([]float64, points)
	for i := range list {
		list[i] = quantile(likely(i))
	}
	t[key] = list
	return list
}
