package length

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestParseRejects(t *testing.T) {
	for _, s := range []string{"", "0", "-3", "abc", "12.5", "uniform:5", "uniform:5,3", "uniform:1.5,3", "normal:10,-1",
		"normal:NaN,1", "lognormal:100,99", "gauss:1,2", "uniform:0,5", "99999999999", "normal:1e9,1", "uniform:1,1e300"} {
		if d, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, d)
		}
	}
}

// The moments of a large sample must match the formulas of each family within
// five standard errors.
func TestMoments(t *testing.T) {
	const n = 200_000
	for _, tc := range []struct {
		text     string
		mean, sd float64
	}{
		{"100", 100, 0},
		{"uniform:1,100", 50.5, math.Sqrt((100*100 - 1) / 12.0)},
		{"normal:1000,50", 1000, 50},
		{"lognormal:500,0.4", 500 * math.Exp(0.08), 500 * math.Exp(0.08) * math.Sqrt(math.Exp(0.16)-1)},
	} {
		d, err := Parse(tc.text)
		if err != nil {
			t.Fatal(err)
		}
		if d.String() != tc.text {
			t.Errorf("String() = %q, want %q", d, tc.text)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		var sum, sq float64
		for range n {
			v := float64(d.Draw(rng))
			sum += v
			sq += v * v
		}
		mean := sum / n
		sd := math.Sqrt(max(0, sq/n-mean*mean))
		if math.Abs(mean-tc.mean) > 5*tc.sd/math.Sqrt(n)+1e-9 {
			t.Errorf("%s: mean %.3f, want %.3f", tc.text, mean, tc.mean)
		}
		if math.Abs(sd-tc.sd) > 0.02*tc.sd+1e-9 {
			t.Errorf("%s: sd %.3f, want %.3f", tc.text, sd, tc.sd)
		}
	}
}

func TestDrawIsAtLeastOne(t *testing.T) {
	d, err := Parse("normal:2,100")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		if v := d.Draw(rng); v < 1 {
			t.Fatalf("drew %d", v)
		}
	}
}
