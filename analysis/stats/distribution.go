package stats

// Distribution sums up values: percentiles by nearest rank, ceil(q*n). With Count
// 0 there is nothing else. Its keys are part of the JSON of reports.
type Distribution struct {
	Count uint64   `json:"count"`
	Mean  *float64 `json:"mean,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	P50   *float64 `json:"p50,omitempty"`
	P90   *float64 `json:"p90,omitempty"`
	P95   *float64 `json:"p95,omitempty"`
	P99   *float64 `json:"p99,omitempty"`
	P999  *float64 `json:"p999,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// Quantiles are those of a Distribution, ascending.
func Quantiles() [5]float64 { return [5]float64{0.5, 0.9, 0.95, 0.99, 0.999} }

// Percentiles are where the values of Quantiles go, in their order.
func (d *Distribution) Percentiles() [5]**float64 {
	return [5]**float64{&d.P50, &d.P90, &d.P95, &d.P99, &d.P999}
}

// Distribution sums up the sketch, each value as unit gives it. Percentiles are
// within the sketch's bound, the rest is exact.
func (s *Sketch) Distribution(unit func(float64) float64) Distribution {
	d := Distribution{Count: s.Count()}
	if d.Count == 0 {
		return d
	}
	put := func(v int64, _ bool) *float64 { return new(unit(float64(v))) }
	mean, _ := s.Mean()
	d.Mean, d.Min, d.Max = new(unit(mean)), put(s.Min()), put(s.Max())
	to := d.Percentiles()
	for i, q := range Quantiles() {
		*to[i] = put(s.Quantile(q))
	}
	return d
}
