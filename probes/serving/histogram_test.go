package serving

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/promql"
)

// Prometheus's own function is the oracle.
func TestQuantileIsPrometheus(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var h histogram
		var theirs promql.Buckets
		bound, count := rng.Float64()-0.3, 0.0
		for range 1 + rng.IntN(8) {
			if rng.IntN(3) > 0 {
				count += float64(rng.IntN(50))
			}
			h.bounds, h.counts = append(h.bounds, bound), append(h.counts, count)
			bound += rng.Float64()
		}
		h.bounds, h.counts = append(h.bounds, math.Inf(1)), append(h.counts, count+float64(rng.IntN(3)))
		for i := range h.bounds {
			theirs = append(theirs, promql.Bucket{UpperBound: h.bounds[i], Count: h.counts[i]})
		}
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.95, 0.99, 1} {
			want, _, _, _, _, _ := promql.BucketQuantile(q, theirs)
			got, in, ok := h.quantile(q)
			switch {
			case math.IsNaN(want) && q == 0 && ok: // 0/0 in an empty first bucket: theirs has no answer
			case ok == math.IsNaN(want), ok && math.Abs(got-want) > 1e-12:
				t.Fatalf("%v of %v %v: %v, want %v", q, h.bounds, h.counts, got, want)
			case ok && (got < in.Low || in.High != nil && got > *in.High):
				t.Fatalf("%v of %v %v: %v is outside of %v", q, h.bounds, h.counts, got, in)
			}
		}
	}
}

// Sets of labels with different bounds are added where both have a count.
func TestSharedBounds(t *testing.T) {
	p, err := engines().parse([]byte(`
vllm:time_to_first_token_seconds_bucket{m="a",le="0.1"} 1
vllm:time_to_first_token_seconds_bucket{m="a",le="0.2"} 2
vllm:time_to_first_token_seconds_bucket{m="a",le="1"} 3
vllm:time_to_first_token_seconds_bucket{m="a",le="+Inf"} 4
vllm:time_to_first_token_seconds_bucket{m="b",le="0.1"} 10
vllm:time_to_first_token_seconds_bucket{m="b",le="0.50"} 20
vllm:time_to_first_token_seconds_bucket{m="b",le="1.0"} 30
vllm:time_to_first_token_seconds_bucket{m="b",le="+Inf"} 40
`), "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	h, factor, ok := p.histogram(seconds("vllm:time_to_first_token_seconds"))
	if !ok || factor != 1000 || len(h.bounds) != 3 || h.counts[0] != 11 || h.counts[1] != 33 || h.counts[2] != 44 || h.sum != nil {
		t.Errorf("%+v %v %v", h, factor, ok)
	}
}
