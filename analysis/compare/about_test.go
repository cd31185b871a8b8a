package compare

import (
	"slices"
	"strings"
	"testing"
)

// An open loop beside a closed one has a verdict only on what was asked for.
func TestLoopsOfTwoKinds(t *testing.T) {
	a, b := constant(500, 100), constant(500, 100)
	a.About.Load, b.About.Load, b.Open = "closed loop, concurrency 4", "open loop, 10 req/s", true
	for _, sides := range [][2]Run{{a, b}, {b, a}} {
		if c := compared(t, sides[:1], sides[1:], Options{}); c.Verdict != Undetermined || len(c.Invalid) != 1 || !strings.Contains(c.Invalid[0], "an open loop") {
			t.Errorf("%s, %v", c.Verdict, c.Invalid)
		}
		for _, o := range []Options{{Names: []string{"p50_ttft_ms"}}, {Limits: map[string]float64{"p50_ttft_ms": 0.05}}} {
			if c := compared(t, sides[:1], sides[1:], o); c.Verdict != Pass || !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "they carry other loads") }) {
				t.Errorf("%s, %v", c.Verdict, c.Warnings)
			}
		}
	}
	for _, x := range [][2]Run{{a, a}, {b, b}} {
		if c := compared(t, x[:1], x[1:], Options{}); c.Verdict != Pass || len(c.Invalid) != 0 {
			t.Errorf("alike: %s, %v", c.Verdict, c.Invalid)
		}
	}
}

// What is neither kind of loop is held against neither.
func TestLoadsThatAreNoLoop(t *testing.T) {
	open, closed, capped, atOnce := constant(500, 100), constant(500, 100), constant(500, 100), constant(500, 100)
	open.About.Load, open.Open = "open loop, 10 req/s", true
	closed.About.Load = "closed loop, concurrency 4"
	capped.About.Load, capped.Capped = "open loop, 10 req/s, at most 64 at once", true
	atOnce.About.Load = AtOnce
	for _, other := range []Run{open, closed} {
		if c := compared(t, []Run{other}, []Run{capped}, Options{}); len(c.Invalid) != 0 {
			t.Errorf("%s beside %s: %v", other.About.Load, capped.About.Load, c.Invalid)
		}
		if c := compared(t, []Run{other}, []Run{atOnce}, Options{}); c.Verdict != Undetermined || len(c.Invalid) != 1 || !strings.Contains(c.Invalid[0], AtOnce) {
			t.Errorf("%s beside %s: %s, %v", other.About.Load, AtOnce, c.Verdict, c.Invalid)
		}
	}
}

// Runs of a side are repeats. Where both sides mix the same models, they are no more so.
func TestRunsThatAreNoRepeats(t *testing.T) {
	side := func(models ...string) (runs []Run) {
		for i, m := range models {
			r := constant(500, 100+float64(i))
			r.About.Model = m
			runs = append(runs, r)
		}
		return runs
	}
	const want = "the model is not the same in all runs of a side: x, y"
	for _, c := range []struct {
		a, b []Run
		want bool
	}{
		{side("x", "y"), side("x", "y"), true},
		{side("x", "y"), side("", ""), true},
		{side("x", "x"), side("x", "x"), false},
		{side("x", ""), side("x", "x"), false},
		{side("x", "y"), side("x", "x"), false}, // said of the sides
	} {
		if got := compared(t, c.a, c.b, Options{}).Warnings; slices.Contains(got, want) != c.want {
			t.Errorf("%q", got)
		}
	}
}
