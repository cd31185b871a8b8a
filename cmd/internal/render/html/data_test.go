package html

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func numbers(v ...float64) []*float64 {
	out := make([]*float64, len(v))
	for i, x := range v {
		if !math.IsNaN(x) {
			out[i] = new(x)
		}
	}
	return out
}

var nan = math.NaN()

func TestRound(t *testing.T) {
	for _, tt := range []struct{ v, want float64 }{
		{0, 0}, {math.Copysign(0, -1), 0}, {1.0 / 3, 0.333333}, {-2.0 / 3, -0.666667}, {123456.7, 123457}, {1234567, 1234570},
		{1e-300 / 3, 3.33333e-301}, {math.MaxFloat64, 1.79769e308}, {5e-324, 5e-324},
	} {
		if got := round(tt.v); got != tt.want || math.Signbit(got) != math.Signbit(tt.want) {
			t.Errorf("round(%v) = %v, want %v", tt.v, got, tt.want)
		}
	}
}

func TestRoundX(t *testing.T) {
	for _, tt := range []struct {
		name    string
		x, want []float64
	}{
		{"empty", []float64{}, []float64{}},
		{"one", []float64{1.23456789}, []float64{1.23456789}},
		{"seconds", []float64{0, 1.00000049, 9.9999999}, []float64{0, 1, 10}},
		{"a late stretch", []float64{1e6, 1e6 + 0.123456789, 1e6 + 1}, []float64{1e6, 1e6 + 0.123457, 1e6 + 1}},
		{"too close for it", []float64{0, 1e-9, 1}, []float64{0, 1e-9, 1}},
		{"days", []float64{0, 1234567.8, 9876543.2}, []float64{0, 1234568, 9876543}},
		{"farther apart than a float64", []float64{-math.MaxFloat64, math.MaxFloat64}, []float64{-math.MaxFloat64, math.MaxFloat64}},
	} {
		if diff := cmp.Diff(tt.want, roundX(tt.x)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestDescribe(t *testing.T) {
	x := []float64{0, 1, 2, 3}
	for _, tt := range []struct {
		name, want string
		chart      Chart
	}{
		{"no series", "no values.", Chart{Kind: Line}},
		{"odd", "p50: min 1, median 2, max 10 ms.",
			Chart{Kind: Line, Unit: "ms", X: x[:3], Series: []Series{{"p50", numbers(10, 1, 2)}}}},
		{"even, with a gap elsewhere", "p50: min 1, median 3, max 5 ms; p95: always 7 ms; missing: 3 of 8 values.",
			Chart{Kind: Line, Unit: "ms", X: x, Series: []Series{{"p50", numbers(5, 1, 4, 2)}, {"p95", numbers(nan, 7, nan, nan)}}}},
		{"parts", "before: always 5 ms; since: min 7, median 8, max 9 ms; missing: 1 of 4 values.",
			Chart{Kind: Line, Unit: "ms", Parts: true, X: x, Series: []Series{{"before", numbers(5, nan, nan, nan)}, {"since", numbers(nan, nan, 7, 9)}}}},
		{"mark", "min 0.1235, median 0.1235, max 12346; line at 500: p95 < 500; line at 2.",
			Chart{Kind: Line, X: x[:3], Series: []Series{{"", numbers(0.123456, 12345.6, 0.12346)}}, Marks: []Mark{{500, "p95 < 500"}, {2, ""}}}},
		{"logarithmic", "n: min 0, median 5, max 100; not drawn, 0 or less on a logarithmic scale: 1.",
			Chart{Kind: Line, Log: true, X: x[:3], Series: []Series{{"n", numbers(0, 100, 5)}}}},
		{"bins", "all: 10 from 1 to 50, most (6) in 2 to 5, the median in 2 to 5.",
			Chart{Kind: Bars, Unit: "requests", X: []float64{1, 2, 5, 10, 50}, Series: []Series{{"all", numbers(1, 6, 1, 2)}}}},
		{"skewed bins", "all: 10 from 1 to 50, most (4) in 1 to 2, the median in 5 to 10.",
			Chart{Kind: Bars, X: []float64{1, 2, 5, 10, 50}, Series: []Series{{"all", numbers(4, 0, 3, 3)}}}},
		{"empty bins", "all: no values.", Chart{Kind: Bars, X: []float64{1, 2, 5}, Series: []Series{{"all", numbers(0, 0)}}}},
	} {
		if err := tt.chart.check(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := tt.chart.describe(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func ascending(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i)
	}
	return x
}

func values(vs []*float64) []float64 {
	out := []float64{}
	for _, v := range vs {
		if v == nil {
			out = append(out, -1)
			continue
		}
		out = append(out, *v)
	}
	return out
}

func TestThin(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int
		chart Chart
		x     []float64
		want  [][]float64 // -1: a gap
	}{
		{"short enough", 4, Chart{Kind: Line, X: ascending(4), Series: []Series{{"", numbers(4, 1, 2, 3)}}},
			ascending(4), [][]float64{{4, 1, 2, 3}}},
		{"line: least and greatest in their order", 4,
			Chart{Kind: Line, X: ascending(8), Series: []Series{{"", numbers(5, 9, 1, 5, 2, 3, 8, 4)}, {"", numbers(nan, nan, nan, nan, 7, nan, nan, 6)}}},
			[]float64{0, 2, 4, 6}, [][]float64{{9, 1, 2, 8}, {-1, -1, 7, 6}}},
		{"columns: the tallest, whole", 2,
			Chart{Kind: Stacked, X: ascending(4), Series: []Series{{"", numbers(1, 3, 0, nan)}, {"", numbers(4, 1, nan, nan)}}},
			[]float64{0, 2}, [][]float64{{1, 0}, {4, -1}}},
		{"bins: added up", 2,
			Chart{Kind: Bars, X: ascending(6), Series: []Series{{"", numbers(1, nan, 2, nan, nan)}}},
			[]float64{0, 3, 5}, [][]float64{{3, -1}}},
	} {
		x, got := thin(&tt.chart, tt.limit)
		if diff := cmp.Diff(tt.x, x); diff != "" {
			t.Errorf("%s: X: %s", tt.name, diff)
		}
		for i := range got {
			if diff := cmp.Diff(tt.want[i], values(got[i])); diff != "" {
				t.Errorf("%s: series %d: %s", tt.name, i, diff)
			}
		}
	}
}

// Whatever the length: never more points than allowed, X ascends, and neither
// the least nor the greatest value of a line, the tallest column or the sum of bins is lost.
func TestThinKeeps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n, limit := 1+r.IntN(500), 2+r.IntN(100)
		vs := make([]*float64, n)
		low, high, sum := math.Inf(1), math.Inf(-1), 0.0
		for i := range vs {
			if v := float64(r.IntN(1000)); r.IntN(5) > 0 {
				vs[i] = &v
				low, high, sum = min(low, v), max(high, v), sum+v
			}
		}
		for _, c := range []Chart{{Kind: Line, X: ascending(n)}, {Kind: Stacked, X: ascending(n)}, {Kind: Bars, X: ascending(n + 1)}} {
			c.Series = []Series{{"", vs}}
			x, got := thin(&c, limit)
			gotLow, gotHigh, gotSum := math.Inf(1), math.Inf(-1), 0.0
			for _, v := range got[0] {
				if v != nil {
					gotLow, gotHigh, gotSum = min(gotLow, *v), max(gotHigh, *v), gotSum+*v
				}
			}
			if len(got[0]) > limit && n > limit {
				t.Fatalf("%s: %d points of %d, limit %d", c.Kind, len(got[0]), n, limit)
			}
			for i := 1; i < len(x); i++ {
				if x[i] <= x[i-1] {
					t.Fatalf("%s: X does not ascend: %v", c.Kind, x)
				}
			}
			switch {
			case c.Kind == Line && (gotLow != low || gotHigh != high), c.Kind == Stacked && gotHigh != high, c.Kind == Bars && gotSum != sum:
				t.Fatalf("%s: %d points, limit %d: %v to %v, sum %v; want %v to %v, sum %v", c.Kind, n, limit, gotLow, gotHigh, gotSum, low, high, sum)
			}
		}
	}
}
