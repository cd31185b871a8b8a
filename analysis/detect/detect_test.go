package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func scoresOf(o Options, all []Row) []Score {
	d := New(o)
	var s []Score
	for _, r := range all {
		s = append(s, d.Next(r.T, r.V))
	}
	return s
}

func rowsOf(step int64, values ...float64) []Row {
	var all []Row
	for i, v := range values {
		all = append(all, Row{1_700_000_000_000 + int64(i)*step, v})
	}
	return all
}

// bumpy is a series with a wave, noise, spikes, gaps and a change of level.
func bumpy(n int, step int64) []Row {
	r := rand.New(rand.NewPCG(7, 8))
	var all []Row
	for i := range n {
		v := 50 + 20*math.Sin(float64(i)/40) + r.NormFloat64()
		switch {
		case r.IntN(97) == 0:
			v += 200 * r.Float64()
		case r.IntN(50) == 0:
			v = math.NaN()
		}
		if i > n*2/3 {
			v += 90
		}
		all = append(all, Row{1_700_000_000_000 + int64(i)*step, v})
	}
	return all
}

func every() []Options {
	list := []Options{{}, {Class: Latency}, {Class: Counter}, {Class: Ratio}, {Class: Counts}}
	for i := range Kinds() {
		list = append(list, Options{Channels: 1 << i})
	}
	return list
}

// same tells whether two scores are the same, bit by bit.
func same(a, b Score) bool {
	eq := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	return a.Value == b.Value && a.Level == b.Level && a.P == b.P && a.Channels == b.Channels && eq(a.Low, b.Low) && eq(a.High, b.High)
}

// TestNoLookAhead: what comes later changes no score, for any channel and class.
func TestNoLookAhead(t *testing.T) {
	all := bumpy(700, 600_000)
	for _, o := range every() {
		whole := scoresOf(o, all)
		for _, n := range []int{1, 99, 300, 520} {
			changed := slices.Clone(all)
			for i := n; i < len(changed); i++ {
				changed[i].V = 1e9 * float64(i%3)
				changed[i].T += int64(i) * 1000
			}
			part := scoresOf(o, changed[:n+50])
			for i := range n {
				if !same(part[i], whole[i]) {
					t.Fatalf("%v: score %d of the prefix is %+v, of the whole %+v", o, i, part[i], whole[i])
				}
			}
		}
	}
}

// TestDeterministic: the same rows give the same bits, trees and networks too.
func TestDeterministic(t *testing.T) {
	all := bumpy(700, 600_000)
	for _, o := range every() {
		a, b := scoresOf(o, all), scoresOf(o, all)
		for i := range a {
			if !same(a[i], b[i]) {
				t.Fatalf("%v: row %d is %+v and %+v", o, i, a[i], b[i])
			}
			if !(a[i].Value >= 0 && a[i].Value <= 1 && a[i].Level >= 0 && a[i].Level <= 1 && a[i].P > 0 && a[i].P <= 1) {
				t.Fatalf("%v: row %d: out of range: %+v", o, i, a[i])
			}
		}
	}
}

// TestUnits: another unit changes no score. Powers of two keep every bit; with a shift
// only rounding differs.
func TestUnits(t *testing.T) {
	all := bumpy(700, 600_000)
	for _, c := range []struct {
		factor, shift, off float64
		classes            []Class
	}{
		{1 << 20, 0, 0, []Class{Gauge, Latency, Counter, Counts}},
		{1.0 / 4096, 0, 0, []Class{Gauge, Latency, Counter, Counts}},
		{1e6, 0, 1e-6, []Class{Gauge, Latency, Counter, Counts}},
		{3, 1000, 1e-6, []Class{Gauge}},
	} {
		changed := slices.Clone(all)
		for i := range changed {
			changed[i].V = changed[i].V*c.factor + c.shift
		}
		for _, class := range c.classes {
			a, b := scoresOf(Options{Class: class}, all), scoresOf(Options{Class: class}, changed)
			for i := range a {
				off := c.off
				if class == Latency { // its logarithm is rounded
					off = 1e-6
				}
				if math.Abs(a[i].Value-b[i].Value) > off {
					t.Fatalf("%v × %g + %g: row %d scores %g, was %g", class, c.factor, c.shift, i, b[i].Value, a[i].Value)
				}
			}
		}
	}
}

// TestMissing: values that are not there have the score 0 and change nothing else.
func TestMissing(t *testing.T) {
	all := bumpy(600, 300_000)
	present := slices.DeleteFunc(slices.Clone(all), func(r Row) bool { return math.IsNaN(r.V) })
	with, without := scoresOf(Options{}, all), scoresOf(Options{}, present)
	k := 0
	for i, r := range all {
		if math.IsNaN(r.V) {
			if with[i].Value != 0 || with[i].P != 1 {
				t.Fatalf("row %d is missing and scores %+v", i, with[i])
			}
			continue
		}
		if !same(with[i], without[k]) {
			t.Fatalf("row %d: %+v, without the missing rows %+v", i, with[i], without[k])
		}
		k++
	}
	for _, v := range []float64{math.Inf(1), math.Inf(-1)} {
		if s := New(Options{}).Next(0, v); s.Value != 0 {
			t.Errorf("%v scores %v", v, s.Value)
		}
	}
}

// TestSteadyState: the default channels allocate nothing once they are warm.
func TestSteadyState(t *testing.T) {
	d := New(Options{})
	all := bumpy(6000, 300_000)
	for _, r := range all {
		d.Next(r.T, r.V)
	}
	at := all[len(all)-1].T
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		at += 300_000
		d.Next(at, all[i].V)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}
