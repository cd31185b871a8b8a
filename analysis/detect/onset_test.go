package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestChangePoints(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	steps := func(n int, noise float64, at map[int]float64) []float64 {
		v := make([]float64, n)
		level := 10.0
		for i := range v {
			if l, ok := at[i]; ok {
				level = l
			}
			v[i] = level + noise*r.NormFloat64()
		}
		return v
	}
	for _, c := range []struct {
		name   string
		values []float64
		want   []int
		within int
	}{
		{"one", steps(100, 1, map[int]float64{60: 20}), []int{60}, 1},
		{"two", steps(200, 1, map[int]float64{60: 16, 150: 9}), []int{60, 150}, 2},
		{"none", steps(200, 1, nil), nil, 0},
		{"no noise", steps(50, 0, map[int]float64{20: 11}), []int{20}, 0},
		{"all the same", steps(50, 0, nil), nil, 0},
		{"one spike", steps(100, 1, map[int]float64{50: 80, 51: 10}), nil, 0},
		{"short", []float64{1, 1, 1, 1, 1, 9, 9, 9, 9}, []int{5}, 0},
		{"too short", []float64{1, 9}, nil, 0},
		{"missing", append(append(steps(40, 1, nil), math.NaN(), math.NaN()), steps(40, 1, map[int]float64{0: 30})...), []int{42}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ChangePoints(c.values, 1e-3, 3)
			if len(got) != len(c.want) {
				t.Fatalf("%+v, want changes at %v", got, c.want)
			}
			for i, p := range got {
				if d := p.At - c.want[i]; d > c.within || -d > c.within {
					t.Errorf("a change at %d, want %d", p.At, c.want[i])
				}
				if math.IsNaN(p.Z) || math.IsInf(p.Z, 0) || p.P > 1e-3 {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestChangePointsFalse: noise alone has change points about as often as P says.
func TestChangePointsFalse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	wrong := 0
	for range 300 {
		v := make([]float64, 120)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		if len(ChangePoints(v, 1e-3, 3)) > 0 {
			wrong++
		}
	}
	if wrong > 6 {
		t.Errorf("changes in %d of 300 series of noise", wrong)
	}
}

func TestOnset(t *testing.T) {
	v := make([]float64, 100)
	for i := range v {
		v[i] = float64(i % 3)
		if i >= 70 {
			v[i] += 50
		}
	}
	for _, factor := range []float64{1, 1e6, 1e-9} {
		scaled := make([]float64, len(v))
		for i := range v {
			scaled[i] = v[i] * factor
		}
		p, ok := Onset(scaled, 20, 100)
		if !ok || p.At != 70 {
			t.Errorf("× %g: onset %+v, %v; want row 70", factor, p, ok)
		}
	}
	if p, ok := Onset(v, 0, 60); ok {
		t.Errorf("onset %+v before anything changes", p)
	}
}

func TestRobustZ(t *testing.T) {
	healthy := []float64{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	// Median 15, quantiles 11 and 19.
	for _, f := range []float64{1, 1e6} {
		var h []float64
		for _, x := range healthy {
			h = append(h, x*f)
		}
		if z, ok := RobustZ(25*f, h); !ok || math.Abs(z-10/(8/gaussianQ)) > 1e-9 {
			t.Errorf("z %v, %v", z, ok)
		}
	}
	if _, ok := RobustZ(1, []float64{1, 2, 3, 4}); ok {
		t.Error("four values are enough")
	}
}
