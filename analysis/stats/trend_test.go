package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func at(values ...float64) []At {
	out := make([]At, len(values))
	for i, v := range values {
		out[i] = At{float64(i), v}
	}
	return out
}

// S and its variance by hand. For {23, 24, 29, 6, 29, 24, 24, 29, 23}, with ties of 3,
// 3 and 2: (9*8*23 - 3*2*11 - 3*2*11 - 2*1*9)/18 = 1506/18.
func TestKendallVarianceWithTies(t *testing.T) {
	points := at(23, 24, 29, 6, 29, 24, 24, 29, 23)
	if got, want := kendallVariance(points), 1506.0/18; math.Abs(got-want) > 1e-9 {
		t.Errorf("variance %v, want %v", got, want)
	}
	if _, s := pairs(at(1, 3, 2, 4)); s != 4 {
		t.Errorf("S is %v: five pairs rise, one falls", s)
	}
}

func TestTrendOf(t *testing.T) {
	straight := make([]At, 50)
	for i := range straight {
		straight[i] = At{float64(10 * i), 5 - 0.25*float64(10*i)}
	}
	for _, c := range []struct {
		name   string
		points []At
		want   Direction
		slope  float64
	}{
		{"a line that falls", straight, Falling, -0.25},
		{"one outlier does not turn it", at(1, 2, 3, 4, -1e6, 6, 7, 8, 9, 10, 11, 12), Rising, 1},
		{"five that rise", at(1, 2, 3, 4, 5), Rising, 1},
		{"four are too few", at(1, 2, 3, 4), Undetermined, 0},
		{"nothing", nil, Undetermined, 0},
		{"all equal", at(7, 7, 7, 7, 7, 7, 7), None, 0},
		{"up and down", at(1, 2, 1, 2, 1, 2, 1, 2, 1, 2), None, 0},
		{"only the last two rise", at(4, 6, 5, 4, 6, 5, 6, 4, 4, 9), None, 0},
		{"NaN is no value", at(1, math.NaN(), 2, math.Inf(1), 3, 4, 5), Rising, 2.0 / 3},
		{"all at one time", []At{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}}, Undetermined, 0},
	} {
		got := TrendOf(c.points, 0.95)
		if got.Direction != c.want || math.Abs(got.Slope-c.slope) > 0.11 || math.IsNaN(got.P) || got.P < 0 || got.P > 1 {
			t.Errorf("%s: %+v, want %s and slope %v", c.name, got, c.want, c.slope)
		}
		if got.Direction != Undetermined && !(got.Low <= got.Slope && got.Slope <= got.High) {
			t.Errorf("%s: slope %v outside of [%v, %v]", c.name, got.Slope, got.Low, got.High)
		}
	}
}

// Ties in time are no pairs: shifting and scaling the clock changes only the unit.
func TestTrendFollowsTheUnitOfTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a := make([]At, 80)
	b := make([]At, 80)
	for i := range a {
		a[i] = At{float64(i) + rng.Float64(), rng.NormFloat64() + 0.05*float64(i)}
		b[i] = At{1e6 + 60*a[i].T, -3 * a[i].V}
	}
	x, y := TrendOf(a, 0.95), TrendOf(b, 0.95)
	if math.Abs(x.P-y.P) > 1e-6 || math.Abs(y.Slope+3*x.Slope/60) > 1e-9 || x.Direction != Rising || y.Direction != Falling {
		t.Errorf("%+v and %+v", x, y)
	}
}

// Of series without a trend about one in twenty may seem to have one, also when
// neighbours resemble each other: with an autoregression of 0.7 it is about one in
// eight, and two in five without the correction. Of series with one most must be found.
func TestTrendErrorRates(t *testing.T) {
	const runs = 120
	rng := rand.New(rand.NewPCG(3, 4))
	share := func(phi, slope float64, n int) float64 {
		hits := 0
		for range runs {
			points, v := make([]At, n), 0.0
			for i := range points {
				v = phi*v + rng.NormFloat64()
				points[i] = At{float64(i), v + slope*float64(i)}
			}
			if TrendOf(points, 0.95).Direction != None {
				hits++
			}
		}
		return float64(hits) / runs
	}
	for _, c := range []struct {
		phi, slope float64
		n          int
		low, high  float64
	}{
		{0, 0, 20, 0, 0.09}, {0, 0, 120, 0.01, 0.09}, {0.3, 0, 120, 0, 0.14}, {0.7, 0, 120, 0, 0.2}, {0.9, 0, 200, 0, 0.2},
		{0, 0.03, 120, 0.95, 1}, {0.7, 0.05, 120, 0.7, 1},
	} {
		got := share(c.phi, c.slope, c.n)
		t.Logf("autoregression %v, slope %v, %d points: a trend in %.3f", c.phi, c.slope, c.n, got)
		if got < c.low || got > c.high {
			t.Errorf("autoregression %v, slope %v, %d points: a trend in %.3f, want %.2f to %.2f", c.phi, c.slope, c.n, got, c.low, c.high)
		}
	}
}

// The interval of the slope holds the true one about as often as it says.
func TestTrendInterval(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const runs = 400
	inside := 0
	for range runs {
		points := make([]At, 60)
		for i := range points {
			points[i] = At{float64(i), 0.1*float64(i) + rng.NormFloat64()}
		}
		if tr := TrendOf(points, 0.95); tr.Low <= 0.1 && 0.1 <= tr.High {
			inside++
		}
	}
	if share := float64(inside) / runs; share < 0.92 || share > 0.99 {
		t.Errorf("the interval of 95 %% holds the slope in %.3f of %d runs", share, runs)
	}
}

func TestTrendOfManyPoints(t *testing.T) {
	points := make([]At, 200_000)
	for i := range points {
		points[i] = At{float64(i), math.Sin(float64(i)) + float64(i)*1e-3}
	}
	got := TrendOf(points, 0.95)
	if got.Direction != Rising || math.Abs(got.Slope-1e-3) > 1e-5 {
		t.Errorf("%+v", got)
	}
}

func BenchmarkTrend(b *testing.B) {
	points := make([]At, 17_280) // a day, every 5 s
	for i := range points {
		points[i] = At{float64(i), math.Sin(float64(i))}
	}
	for b.Loop() {
		TrendOf(points, 0.95)
	}
}
