package budget

import (
	"math"
	"math/big"
	"testing"
)

// Intervals as published, to the digits that are.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ bad, total, low, high float64 }{
		{0, 100, 0, .036993}, {1, 10, .017876, .404150}, {1, 100, .001767, .054486}, {5, 1000, .002138, .011651},
		{3, 60, .017150, .137005}, {0, 3000, 0, .001279}, {10, 10, .722467, 1},
	} {
		low, high := wilson(c.bad, c.total)
		if math.Abs(low-c.low) > 1e-6 || math.Abs(high-c.high) > 1e-6 {
			t.Errorf("%v of %v: %.6f to %.6f, want %.6f to %.6f", c.bad, c.total, low, high, c.low, c.high)
		}
	}
}

// weigh says what the ends of the interval say, wherever these are far enough
// from the limit to be told from it in floating point.
func TestWeigh(t *testing.T) {
	for _, limit := range []string{"0.5", "0.1", "0.05", "0.01", "0.001", "0.0005"} {
		allowed, _ := new(big.Rat).SetString(limit)
		f, _ := allowed.Float64()
		for total := int64(1); total < 5000; total += total/7 + 1 {
			for bad := int64(0); bad <= total; bad += bad/5 + 1 {
				low, high := wilson(float64(bad), float64(total))
				want := weighFloat(low, high, allowed)
				if got := weigh(bad, total, allowed); got != want && math.Abs(low-f) > 1e-12 && math.Abs(high-f) > 1e-12 {
					t.Fatalf("%d of %d against %s: %s, want %s", bad, total, limit, got, want)
				}
			}
		}
	}
	if got := weigh(0, 0, big.NewRat(1, 10)); got != NoData {
		t.Errorf("nothing: %s", got)
	}
	// The lower end of 0 of n is 0 itself, and not above it.
	if got := weigh(0, 100, new(big.Rat)); got != Undetermined {
		t.Errorf("no failure against a limit of 0: %s", got)
	}
}

// Comparisons do not round, whatever the size of the terms.
func TestLimit(t *testing.T) {
	for _, c := range []struct {
		limit      string
		bad, total int64
		want       int
	}{
		{"1/10", 1, 10, 0}, {"1/10", 1, 11, -1}, {"1/10", 1, 9, 1}, {"0.0144", 864, 60_000, 0},
		{"0.1", 100_000_000_000_000_000, 1_000_000_000_000_000_000, 0}, {"0.1", 100_000_000_000_000_001, 1_000_000_000_000_000_000, 1},
		{"0.10000000000000000000000000000001", 1, 10, -1}, {"0", 0, 5, 0}, {"0", 1, math.MaxInt64, 1}, {"14.4", 1, 1, -1},
	} {
		r, _ := new(big.Rat).SetString(c.limit)
		if got := newLimit(r).cmp(c.bad, c.total); got != c.want {
			t.Errorf("%d/%d against %s: %d, want %d", c.bad, c.total, c.limit, got, c.want)
		}
	}
}

func TestBucketOf(t *testing.T) {
	for _, c := range []struct{ t, length, want int64 }{{0, 60_000, 0}, {1, 60_000, 1}, {60_000, 60_000, 1}, {60_001, 60_000, 2}, {-1, 60_000, 0}, {-60_000, 60_000, -1}, {-60_001, 60_000, -1}} {
		if got := bucketOf(c.t, c.length); got != c.want {
			t.Errorf("%d in buckets of %d: %d, want %d", c.t, c.length, got, c.want)
		}
	}
}
