package capacity

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// curve is the latency of a service against its load. It never falls.
type curve func(load float64) float64

// curves are shapes that services have, with a capacity in throughput of top and a
// latency of 1 without load.
func curves(rng *rand.Rand, top float64) map[string]curve {
	power, from, step := 0.5+2*rng.Float64(), 0.3+0.5*rng.Float64(), 2+8*rng.Float64()
	over := func(f curve) curve {
		return func(x float64) float64 {
			if x >= top {
				return math.Inf(1)
			}
			return f(x / top)
		}
	}
	return map[string]curve{
		"queue":        over(func(u float64) float64 { return 1 / math.Pow(1-u, power) }),
		"many servers": over(func(u float64) float64 { return 1 + math.Pow(u, 10*power)/(1-u) }),
		"batching":     over(func(u float64) float64 { return 1 + 3*u + 0.05/(1-u) }),
		"kinked": over(func(u float64) float64 {
			if u < from {
				return 1
			}
			return 1 + step*(u-from) + 0.02/(1-u)
		}),
		"cliff": over(func(u float64) float64 {
			if u < from {
				return 1
			}
			return 100
		}),
	}
}

// knee is the load at which the latency of c reaches a limit.
func (c curve) knee(limit, top float64) float64 {
	lo, hi := 0.0, top
	for range 200 {
		if m := (lo + hi) / 2; c(m) < limit {
			lo = m
		} else {
			hi = m
		}
	}
	return lo
}

// probe measures c with relative noise of a standard deviation.
func (c curve) probe(rng *rand.Rand, load, limit, noise, top float64) Probe {
	t := c(load)
	if math.IsInf(t, 1) {
		return Probe{Load: load, Verdict: Fail, Diverged: true, Completed: top * (1 + noise*rng.NormFloat64()/2), Margin: 1, Weight: 100}
	}
	p := Probe{Load: load, Verdict: Inconclusive, Margin: Margin(t*math.Exp(noise*rng.NormFloat64()), limit, true, false), Weight: 1000}
	if sure := 2 * noise; p.Margin < -sure {
		p.Verdict = Pass
	} else if p.Margin > sure {
		p.Verdict = Fail
	}
	return p
}

func TestSearchOnRandomCurves(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	for _, noise := range []float64{0, 0.02, 0.05} {
		searches, probes, wide := 0, 0, map[string]int{}
		for seed := range uint64(runs) {
			rng := rand.New(rand.NewPCG(seed, 11))
			top := math.Exp(rng.Float64()*9 - 2) // 0.1 to 1000 a second
			all := curves(rng, top)
			for _, name := range slices.Sorted(maps.Keys(all)) {
				c := all[name]
				limit := 1.2 + 10*rng.Float64()*rng.Float64()
				knee := c.knee(limit, top)
				if knee < 0.02*top {
					continue // no more than the share of a server that a search starts with
				}
				// Where noise hides a difference of 5 % in the load from six probes, no
				// search can tell it.
				if tells := min(-Margin(c(0.95*knee), limit, true, false), Margin(c(1.05*knee), limit, true, false)); tells < 1.25*noise {
					continue
				}
				s := New(Config{Start: top * math.Exp(-6*rng.Float64()) / 2, Idle: new(Margin(c(0), limit, true, false))})
				n := 0
				for {
					load, ok := s.Next()
					if !ok {
						break
					}
					if n++; n > DefaultMaxProbes {
						t.Fatalf("%s, seed %d: more than %d probes", name, seed, DefaultMaxProbes)
					}
					if math.IsNaN(load) || load <= 0 {
						t.Fatalf("%s, seed %d: probe %d at %v", name, seed, n, load)
					}
					s.Add(c.probe(rng, load, limit, noise, top))
				}
				e := s.Estimate()
				searches++
				probes += n
				if e.Load == nil {
					t.Errorf("%s, seed %d, noise %g: nothing found: %+v", name, seed, noise, s.Probes())
					continue
				}
				if math.Abs(*e.Load/knee-1) > 0.05 {
					wide[name]++
					t.Logf("%s, seed %d, noise %g: capacity %.4g, in truth %.4g", name, seed, noise, *e.Load, knee)
				}
				if e.Low != nil && e.High != nil && *e.Low > *e.High {
					t.Errorf("%s, seed %d: low %g is above high %g", name, seed, *e.Low, *e.High)
				}
			}
		}
		t.Logf("noise %g: %d searches, %.1f probes on average; further off than 5 %%: %v", noise, searches, float64(probes)/float64(searches), wide)
		for name, n := range wide {
			if float64(n) > max(1, noise*float64(runs)/2) {
				t.Errorf("noise %g: %s: %d of %d searches are further off than 5 %%", noise, name, n, runs)
			}
		}
	}
}

// drive runs a search on a service that passes below a load and fails above.
func drive(s *Search, answer func(load float64) Probe) []float64 {
	var loads []float64
	for {
		load, ok := s.Next()
		if !ok {
			return loads
		}
		loads = append(loads, load)
		p := answer(load)
		p.Load = load
		s.Add(p)
	}
}

func step(at float64) func(float64) Probe {
	return func(load float64) Probe {
		if load < at {
			return Probe{Verdict: Pass, Margin: -1, Weight: 1}
		}
		return Probe{Verdict: Fail, Margin: 0.9, Weight: 1}
	}
}

func TestSearchEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    Config
		answer func(float64) Probe
		ended  Ended
		low    float64 // of the load; 0: none
		high   float64
	}{
		{"a step", Config{Start: 1}, step(37), Converged, 35, 39},
		{"it holds at the greatest load", Config{Start: 1, Max: 20}, step(37), AtMax, 20, 20},
		{"it breaks at the least", Config{Start: 50, Min: 40}, step(37), AtMin, 0, 0},
		{"nothing holds", Config{Start: 50}, step(0), Exhausted, 0, 0},
		{"from far above", Config{Start: 1000}, step(37), Converged, 35, 39},
		{"in flight", Config{Start: 1, Min: 1, Whole: true}, step(37), Converged, 36, 36},
		{"one in flight is too much", Config{Start: 1, Min: 1, Whole: true}, step(1), AtMin, 0, 0},
		{"one in flight is just right", Config{Start: 1, Min: 1, Whole: true}, step(2), Converged, 1, 1},
		{"the client gives up", Config{Start: 1}, func(load float64) Probe {
			if load > 10 {
				return Probe{Verdict: Invalid}
			}
			return step(37)(load)
		}, ByClient, 4, 10},
		{"nothing can be decided", Config{Start: 1, Max: 8}, func(float64) Probe { return Probe{Verdict: Inconclusive, Margin: -0.5} }, AtMax, 0, 0},
		{"few probes", Config{Start: 1, MaxProbes: 3}, step(37), Exhausted, 16, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(c.cfg)
			loads := drive(s, c.answer)
			e := s.Estimate()
			if e.Ended != c.ended {
				t.Errorf("ended by %s, want %s; loads %v", e.Ended, c.ended, loads)
			}
			switch {
			case c.high == 0 && e.Load != nil:
				t.Errorf("found %g where there is nothing; loads %v", *e.Load, loads)
			case c.high > 0 && e.Load == nil:
				t.Errorf("found nothing; loads %v", loads)
			case c.high > 0 && (*e.Load < c.low || *e.Load > c.high):
				t.Errorf("found %g, want %g to %g; loads %v", *e.Load, c.low, c.high, loads)
			}
		})
	}
}

// One invalid probe may be a moment of the client's machine: it is repeated, and
// does not count as what the service did.
func TestSearchRepeatsAnInvalidProbe(t *testing.T) {
	s := New(Config{Start: 1})
	bad := true
	loads := drive(s, func(load float64) Probe {
		if load > 10 && bad {
			bad = false
			return Probe{Verdict: Invalid}
		}
		return step(37)(load)
	})
	e := s.Estimate()
	if e.Ended != Converged || math.Abs(*e.Load/37-1) > 0.05 {
		t.Errorf("found %v, ended by %s; loads %v", e.Load, e.Ended, loads)
	}
	if loads[2] != loads[3] {
		t.Errorf("the invalid probe was not repeated: %v", loads)
	}
}

// A client that falters where it asked for more before is not the limit of the search.
func TestSearchGoesOnPastAFalteringClient(t *testing.T) {
	s := New(Config{Start: 1})
	n := 0
	drive(s, func(load float64) Probe {
		if n++; n == 7 || n == 8 {
			return Probe{Verdict: Invalid}
		}
		return step(37)(load)
	})
	if e := s.Estimate(); e.Ended == ByClient || e.Load == nil || math.Abs(*e.Load/37-1) > 0.05 {
		t.Errorf("found %v, ended by %s after %d probes", e.Load, e.Ended, n)
	}
}

func TestStop(t *testing.T) {
	s := New(Config{Start: 1})
	s.Add(step(37)(1))
	s.Stop()
	if load, ok := s.Next(); ok {
		t.Errorf("a search that was stopped goes on at %g", load)
	}
	if e := s.Estimate(); e.Ended != Stopped {
		t.Errorf("ended by %s", e.Ended)
	}
}

func TestBest(t *testing.T) {
	s := New(Config{})
	for _, p := range []Probe{
		{Load: 10, Verdict: Pass, Margin: -1}, {Load: 40, Verdict: Fail, Margin: 0.5}, {Load: 20, Verdict: Pass, Margin: -0.6},
		{Load: 25, Verdict: Inconclusive, Margin: -0.1}, {Load: 22, Verdict: Invalid, Margin: -1}, {Load: 30, Verdict: Fail, Margin: 0.2},
	} {
		s.Add(p)
	}
	if i, ok := s.Best(); !ok || i != 2 {
		t.Errorf("best is probe %d, %v; want 2, the greatest load that passed", i, ok)
	}
	s = New(Config{})
	for _, p := range []Probe{{Load: 40, Verdict: Fail, Margin: 0.5}, {Load: 30, Verdict: Fail, Margin: 0.2}} {
		s.Add(p)
	}
	if i, ok := s.Best(); !ok || i != 1 {
		t.Errorf("best is probe %d, %v; want 1, the least that broke them", i, ok)
	}
	if _, ok := New(Config{}).Best(); ok {
		t.Error("there is a best of no probes")
	}
}
