package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// draws are values of very different shapes, some negative, some extreme.
func draws(r *rand.Rand, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		switch r.IntN(5) {
		case 0:
			out[i] = r.Int64N(3000)
		case 1:
			out[i] = int64(math.Exp(r.NormFloat64()*3 + 17))
		case 2:
			out[i] = r.Int64() >> r.IntN(63)
		case 3:
			out[i] = -r.Int64() >> r.IntN(63)
		default:
			out[i] = 1 << r.IntN(63)
		}
	}
	return out
}

func TestSketchAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		values := draws(r, 1+r.IntN(500))
		if round == 0 {
			values = []int64{math.MinInt64, math.MaxInt64, 0, -1, 1}
		}
		var s Sketch
		sum := new(big.Int)
		for _, v := range values {
			s.Add(v)
			sum.Add(sum, big.NewInt(v))
		}
		slices.Sort(values)
		n := len(values)
		if got, _ := s.Min(); got != values[0] {
			t.Fatalf("min %d, want %d", got, values[0])
		}
		if got, _ := s.Max(); got != values[n-1] {
			t.Fatalf("max %d, want %d", got, values[n-1])
		}
		mean, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(n))).Float64()
		if got, _ := s.Mean(); math.Abs(got-mean) > 1e-14*math.Abs(mean) {
			t.Fatalf("mean %v, want %v", got, mean)
		}
		for _, q := range []float64{0, 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
			want := values[max(int(math.Ceil(q*float64(n)-1e-9)), 1)-1]
			got, ok := s.Quantile(q)
			// Halves first: the difference of two int64 may not fit.
			if diff := math.Abs(float64(got)/2-float64(want)/2) * 2; !ok || diff > math.Abs(float64(want))*0.0005 {
				t.Fatalf("n=%d q=%v: %d, want %d", n, q, got, want)
			}
		}
		x := values[r.IntN(n)]
		block, bucket := locate(x)
		_, high := bounds(block, bucket)
		want := uint64(0)
		for _, v := range values {
			if v > high {
				want++
			}
		}
		if got := s.Above(x); got != want {
			t.Fatalf("above %d: %d, want %d", x, got, want)
		}
	}
}

func TestSketchBucketsTileTheLine(t *testing.T) {
	next := int64(math.MinInt64)
	for block := range 2 * octaves {
		for bucket := range subBuckets {
			low, high := bounds(block, bucket)
			if low != next {
				t.Fatalf("block %d bucket %d begins at %d, want %d", block, bucket, low, next)
			}
			for _, v := range []int64{low, high} {
				if b, i := locate(v); b != block || i != bucket {
					t.Fatalf("%d is in %d/%d, want %d/%d", v, b, i, block, bucket)
				}
			}
			if half := (float64(high) - float64(low)) / 2; half > 0.0005*min(math.Abs(float64(low)), math.Abs(float64(high))) {
				t.Fatalf("block %d bucket %d: [%d, %d] is too wide", block, bucket, low, high)
			}
			next = high + 1
		}
	}
	if next != math.MinInt64 { // one past MaxInt64
		t.Fatalf("the buckets end at %d", next-1)
	}
}

func TestSketchMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var all Sketch
		var parts [3]Sketch
		for _, v := range draws(r, 300) {
			n := r.Uint64N(5)
			all.AddN(v, n)
			parts[r.IntN(3)].AddN(v, n)
		}
		var left, right Sketch // ((a+b)+c) and ((c+b)+a)
		for i := range parts {
			left.Merge(&parts[i])
			right.Merge(&parts[len(parts)-1-i])
		}
		for _, m := range []*Sketch{&left, &right} {
			if m.n != all.n || m.sumHi != all.sumHi || m.sumLo != all.sumLo || m.min != all.min || m.max != all.max ||
				!slices.Equal(slices.Collect(m.Buckets()), slices.Collect(all.Buckets())) {
				t.Fatal("merged sketch differs from one over all values")
			}
		}
	}
}

func TestSketchEmpty(t *testing.T) {
	var s Sketch
	if _, ok := s.Quantile(0.5); ok {
		t.Error("quantile of nothing")
	}
	if _, ok := s.Mean(); ok {
		t.Error("mean of nothing")
	}
	s.Add(7)
	for _, rank := range []uint64{0, 2} {
		if v, ok := s.AtRank(rank); ok {
			t.Errorf("rank %d of one value: %d", rank, v)
		}
	}
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		q    float64
		n    uint64
		want uint64
	}{
		{0.07, 100, 7}, // 0.07*100 is 7.000000000000001 in binary
		{0.95, 100, 95}, {0.95, 101, 96}, {0.99, 1, 1}, {0.999, 1000, 999}, {0.999, 1001, 1000},
		{0.5, 2, 1}, {0.5, 3, 2}, {0, 5, 1}, {-1, 5, 1}, {math.NaN(), 5, 1}, {1, 5, 5}, {2, 5, 5},
		{0.29, 100, 29}, {0.57, 100, 57}, {0.95, math.MaxUint64, 17524406870024074035},
	} {
		if got := Rank(c.q, c.n); got != c.want {
			t.Errorf("Rank(%v, %d) = %d, want %d", c.q, c.n, got, c.want)
		}
	}
}

func TestSketchAddDoesNotAllocate(t *testing.T) {
	var s Sketch
	s.Add(1_000_000)
	if n := testing.AllocsPerRun(100, func() { s.Add(1_000_001) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSketchAdd(b *testing.B) {
	var s Sketch
	v := uint64(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		v = v*6364136223846793005 + 1442695040888963407
		s.Add(int64(v >> 28))
	}
}

func BenchmarkSketchQuantile(b *testing.B) {
	var s Sketch
	r := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		s.Add(int64(math.Exp(r.NormFloat64() + 20)))
	}
	for b.Loop() {
		s.Quantile(0.99)
	}
}
