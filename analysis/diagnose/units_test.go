package diagnose

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// A metric in other units leaves the ranks of suspects as they are, whichever metric it
// is; and the incidents too, where its signals are only held against what is normal or
// against peers. Tests that have units (above, below, gains, loses) cannot do without.
func TestUnits(t *testing.T) {
	absolute := withUnits()
	all := stores(t)
	perCase := 4
	ranks, runs := 0, 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]()
		r, err := Run(t.Context(), s, Options{Faults: shippedFaults()})
		if err != nil {
			t.Fatal(err)
		}
		metrics := original(s).Names()
		pick := seeded(name, 77)
		pick.Shuffle(len(metrics), func(i, j int) { metrics[i], metrics[j] = metrics[j], metrics[i] })
		free := 0
		for i, metric := range metrics {
			scaled := remade(s, 1, func(n string) float64 {
				if n == metric {
					return 1e6
				}
				return 1
			})
			if len(r.Incidents) > 0 && i < perCase {
				ranks++
				first, last, _ := s.Bounds()
				w := &world{grid: gridOf(s, first, last), view: newView(scaled)}
				w.base = normalSteps(w.grid)
				if got, want := suspectsOf(w.suspects(&r.Incidents[0])), suspectsOf(r.Incidents[0].Suspects); !slices.Equal(got, want) {
					t.Errorf("%s, %s: suspects %v, want %v", name, metric, got, want)
				}
			}
			if !absolute(metric) && free < 1 {
				free++
				runs++
				got, err := Run(t.Context(), scaled, Options{Faults: shippedFaults()})
				if err != nil {
					t.Fatal(err)
				}
				if g, w := windows(got), windows(r); !slices.Equal(g, w) {
					t.Errorf("%s, %s: %v, want %v", name, metric, g, w)
				}
			}
		}
	}
	t.Logf("ranks of suspects %d times, incidents %d times", ranks, runs)
	if ranks < 8 || runs < 3 {
		t.Error("too few to say anything")
	}
}

func suspectsOf(list []Suspect) (names []string) {
	for _, s := range list {
		names = append(names, s.Entity)
	}
	return names
}

// windows are incidents in short, with the ranks of their suspects.
func windows(r Report) (all []string) {
	for _, in := range r.Incidents {
		all = append(all, fmt.Sprint(in.Onset, in.End, in.Diagnoses[0].Fault, in.Entities, suspectsOf(in.Suspects)))
	}
	return all
}

// withUnits tells whether a metric is part of a signal that is tested in its own unit
// somewhere, alone or together with others in an expression.
func withUnits() func(metric string) bool {
	c := shippedFaults()
	units := map[string]bool{"gpu_util": true, "gpu_temp": true, "gpu_power": true, "gpu_memory": true} // what telemetry looks at
	for _, s := range single(c) {
		free := s.Test.Above == nil && s.Test.Below == nil && s.Test.Gains == nil && s.Test.Loses == nil
		for _, sig := range c.Signals {
			if containsWord(s.Expr, sig.Name) && (!free || s.Expr != sig.Name) {
				units[sig.Name] = true
			}
			if sig.Impact != nil && (sig.Impact.Gains != nil || sig.Impact.Loses != nil || sig.Impact.Above != nil || sig.Impact.Below != nil) {
				units[sig.Name] = true
			}
		}
	}
	var names []*labels.Matcher
	for _, sig := range c.Signals {
		if units[sig.Name] {
			names = append(names, metricsOf(sig)...)
		}
	}
	return func(metric string) bool {
		return slices.ContainsFunc(names, func(m *labels.Matcher) bool { return m.Matches(viewName(metric)) })
	}
}

// A test against what is normal or against peers has no unit.
func TestRatiosHaveNoUnit(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 2000 {
		var tests []string
		for _, s := range single(shippedFaults()) {
			x := s.Test
			if x.Above != nil || x.Below != nil || x.Gains != nil || x.Loses != nil {
				continue
			}
			n := normal{median: math.Exp(r.NormFloat64() * 5), n: 10}
			n.scale = n.median * r.Float64()
			v, other := n.median*math.Exp(r.NormFloat64()), n.median*math.Exp(r.NormFloat64())
			k := math.Ldexp(1, r.IntN(60)-30) // exact
			big := normal{median: k * n.median, scale: k * n.scale, n: n.n}
			if a, b := judge(x, v, n, other), judge(x, k*v, big, k*other); a != b {
				t.Fatalf("%s: %g of %+v is %g, times %g %g", x, v, n, a, k, b)
			}
			tests = append(tests, x.String())
		}
		if len(tests) < 20 {
			t.Fatalf("%d tests without a unit", len(tests))
		}
	}
}
