package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// hostile is a series as the world has them: of one of several shapes and steps, with
// missing and infinite values, extremes, denormals, repeated and falling times, resets.
func hostile(r *rand.Rand, n int) []Row {
	step := []int64{1, 15_000, 600_000, hourMS, 5 * hourMS}[r.IntN(5)]
	scale := []float64{1, 1e-320, 1e-9, 1e9, 1e300}[r.IntN(5)]
	shape := r.IntN(5)
	t, sum := int64(1_700_000_000_000), 0.0
	var all []Row
	for i := range n {
		var v float64
		switch shape {
		case 0:
			v = r.NormFloat64()
		case 1:
			v = 7
		case 2:
			sum += r.ExpFloat64()
			v = sum
		case 3:
			v = float64(r.IntN(4))
		case 4:
			v = 50 + 20*math.Sin(float64(i)/20) + r.NormFloat64()
		}
		v *= scale
		switch r.IntN(60) {
		case 0:
			v = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, 0, -1}[r.IntN(8)]
		case 1:
			v *= 100
		case 2:
			sum = 0
		}
		all = append(all, Row{t, v})
		switch r.IntN(40) {
		case 0: // the same time again
		case 1:
			t -= 7 * step
		case 2:
			t += 3 * dayMS
		default:
			t += step
		}
	}
	return all
}

// TestHostile: for series of any kind, channels by themselves and beside the default
// ones, and every class: the scores of a prefix are those of the whole, with a healthy
// period and without; all numbers are in their range, and anomalies have an extent.
func TestHostile(t *testing.T) {
	options := every()
	for i := range Kinds() {
		options = append(options, Options{Class: Class(i % int(Bucket+1)), Also: 1 << i})
	}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 11))
		all, healthy := hostile(r, 620), hostile(r, 300)
		cut := 1 + r.IntN(len(all)-1)
		for _, o := range options {
			for _, before := range [][]Row{nil, healthy} {
				var whole, part []Score
				j := Judge("x", slices.Values(all), before, o, func(s Score) { whole = append(whole, s) })
				Judge("x", slices.Values(all[:cut]), before, o, func(s Score) { part = append(part, s) })
				for i, s := range whole {
					if !(s.Value >= 0 && s.Value <= 1 && s.Level >= 0 && s.Level <= 1 && s.P > 0 && s.P <= 1) {
						t.Fatalf("seed %d, %v: row %d: %+v", seed, o, i, s)
					}
					if i < cut && !same(s, part[i]) {
						t.Fatalf("seed %d, %v: row %d of %d is %+v, of the whole %+v", seed, o, i, cut, part[i], s)
					}
				}
				for _, a := range j.Anomalies {
					if a.From > a.PeakAt || a.PeakAt > a.To || math.IsNaN(a.Value) || math.IsInf(a.Value, 0) || a.Score < Alert || !j.Judged {
						t.Fatalf("seed %d, %v: judged %v: %+v", seed, o, j.Judged, a)
					}
				}
			}
		}
	}
}

// TestJudgedFrom: a series counts as judged from the row on that a channel knows enough
// for, and not by what a healthy period alone has taught.
func TestJudgedFrom(t *testing.T) {
	const ten = 600_000
	set := func(name string) Set {
		s, err := SetOf(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name string
		o    Options
		step int64
		rows int // the first that is judged; 0: none
	}{
		{"default", Options{}, ten, 51},
		{"counter", Options{Class: Counter}, ten, 52}, // a rate has two ends
		{"counts by the hour", Options{Class: Counts}, hourMS, 26},
		{"bucket", Options{Class: Bucket}, ten, 0},
		{"no channel", Options{Channels: None}, ten, 0},
		{"zscore", Options{Channels: set("zscore")}, ten, 11},
		{"bucket by zscore", Options{Class: Bucket, Channels: set("zscore")}, ten, 12},
		{"ewma", Options{Channels: set("ewma")}, ten, 31},
		{"robust", Options{Channels: set("robust")}, ten, 26},
		{"cusum", Options{Channels: set("cusum")}, ten, 26},
		{"timeofday", Options{Channels: set("timeofday")}, ten, 3*144 + 1},
		{"yesterday", Options{Channels: set("yesterday")}, ten, 144 - 6 + 51}, // up to an hour early
		{"holtwinters", Options{Channels: set("holtwinters")}, ten, 128 + 25},
		{"spectral", Options{Channels: set("spectral")}, ten, 256},
		{"iforest", Options{Channels: set("iforest")}, ten, 257},
		{"ocsvm", Options{Channels: set("ocsvm")}, ten, 257},
		{"subknn", Options{Channels: set("subknn")}, ten, 301},
		{"lstm", Options{Channels: set("lstm")}, ten, 514},
		{"default and lstm", Options{Also: set("lstm")}, ten, 51},
	} {
		d, first := New(c.o), 0
		all := make([]float64, 600)
		r := rand.New(rand.NewPCG(1, 3))
		for i := range all {
			all[i] = 3*float64(i) + r.Float64()
		}
		for i, row := range rowsOf(c.step, all...) {
			if d.Next(row.T, row.V); d.Judged() && first == 0 {
				first = i + 1
			}
		}
		if first != c.rows {
			t.Errorf("%s: row %d is the first that is judged, want %d", c.name, first, c.rows)
		}
		missing := rowsOf(c.step, math.NaN(), math.NaN())
		if j := Judge("x", slices.Values(missing), rowsOf(c.step, all...), c.o, nil); j.Judged {
			t.Errorf("%s: judged without a value", c.name)
		}
	}
}

// TestStandsStill: a series that stands still is not strange for the last bits of its
// values, a counter neither: what a float64 holds of it gets coarser as it grows.
func TestStandsStill(t *testing.T) {
	for _, class := range []Class{Auto, Ratio, Latency, Counter} {
		var all []Row
		v := 0.0
		for i := range 4 * 5760 {
			x := 0.3
			if i%3 == 0 && i > 10_000 {
				x = 0.1 + 0.2
			}
			if class == Counter {
				v += 0.1
				x = v
			}
			all = append(all, Row{1_700_000_000_000 + int64(i)*15_000, x})
		}
		if j := Judge("x", slices.Values(all), nil, Options{Class: class}, nil); len(j.Anomalies) > 0 || !j.Judged {
			t.Errorf("%v: %d anomalies: %+v", class, len(j.Anomalies), j.Anomalies[0])
		}
		for i := range all {
			if class == Counter && i > 20_000 {
				all[i].V += 0.1 * float64(i-20_000) // twice as fast
			} else if i > 20_000 {
				all[i].V *= 1 + 1e-9
			}
		}
		if j := Judge("x", slices.Values(all), nil, Options{Class: class}, nil); class != Ratio && len(j.Anomalies) == 0 {
			t.Errorf("%v: a change is not seen", class)
		}
	}
}

// TestClockJump: one row with a time far in the future blinds no channel that looks at
// the time of day.
func TestClockJump(t *testing.T) {
	for _, name := range []string{"timeofday", "yesterday"} {
		set, err := SetOf(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []int{0, 13, 100} {
			r := rand.New(rand.NewPCG(3, 3))
			hit := false
			d := New(Options{Class: Gauge, Channels: set})
			for i := range 20 * 24 {
				at := 1_699_920_000_000 + int64(i)*hourMS
				v := 100 - 80*math.Cos(2*math.Pi*float64(i%24)/24) + r.NormFloat64()
				if i == 18*24+1 {
					v = 160
				}
				if i == bad {
					at += 76 * 365 * dayMS
				}
				if s := d.Next(at, v); i == 18*24+1 {
					hit = s.Value >= Alert
				}
			}
			if !hit {
				t.Errorf("%s is blind after row %d came from the future", name, bad)
			}
		}
	}
}

// TestLateRows: rows that come late, as those of several sources in one file do, do not
// keep the channel that looks at the time of day from counting days.
func TestLateRows(t *testing.T) {
	set, err := SetOf("timeofday")
	if err != nil {
		t.Fatal(err)
	}
	for _, late := range []int64{0, 30_000, 600_000, 2 * hourMS} {
		r := rand.New(rand.NewPCG(3, 3))
		d := New(Options{Class: Gauge, Channels: set})
		first, hit := 0, false
		for i := range 10 * 1440 {
			at := 1_699_920_000_000 + int64(i)*60_000 - r.Int64N(1+late)
			v := 100 - 80*math.Cos(2*math.Pi*float64(i)/1440) + r.NormFloat64()
			if i == 9*1440+10 {
				v = 160
			}
			s := d.Next(at, v)
			hit = hit || s.Value >= Alert
			if d.Judged() && first == 0 {
				first = i
			}
		}
		if off := 1 + int(late/60_000); !hit || first < 3*1440-off || first > 3*1440+off {
			t.Errorf("late by up to %d ms: judged from row %d on, anomaly seen: %v", late, first, hit)
		}
	}
}

// TestLSTMLate: a network that was shown a flat series first learns when it moves.
func TestLSTMLate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	l := newLSTM()
	var look Look
	for i := range 3000 {
		v := 10.0
		if i >= 640 {
			v = 10 + math.Sin(2*math.Pi*float64(i)/20) + 0.1*r.NormFloat64()
		}
		if i == 2999 {
			v = 60
		}
		look = l.Next(int64(i)*60_000, v)
	}
	if !(look.Strange >= 1) || math.IsNaN(look.Low) {
		t.Errorf("a spike of 50 amplitudes is %+v", look)
	}
}

// TestCusum against the recurrence of its comment; what lies at the median counts too.
func TestCusum(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	c, base := newCusum(), newRobust(robustRows, 1, 1, 1)
	up, down := 0.0, 0.0
	for i := range 600 {
		v := float64(10 + r.IntN(3))
		if i%50 == 49 {
			v = 30
		}
		got, look := c.Next(0, v), base.Next(0, v)
		if i < robustWarm+robustDelay {
			continue
		}
		mid, sd := (look.Low+look.High)/2, (look.High-look.Low)/2
		z := max(-4, min(4, (v-mid)/sd))
		up, down = max(0, up+z-1), max(0, down-z-1)
		if want := max(up, down) / 12; !(math.Abs(got.Strange-want) <= 1e-9) {
			t.Fatalf("row %d, %v: %v, want %v", i, v, got.Strange, want)
		}
	}
}

// TestBaselineOfCounter: where a counter was in a healthy period says nothing about where
// it begins: neither a restart nor a rate lies between.
func TestBaselineOfCounter(t *testing.T) {
	counter := func(from float64, n int) []float64 {
		var all []float64
		for i := range n {
			all = append(all, from+float64(i)*100)
		}
		return all
	}
	healthy := rowsOf(600_000, counter(1e6, 200)...)
	for _, from := range []float64{0, 1e6, 1e12} {
		now := rowsOf(600_000, counter(from, 50)...)
		for i := range now {
			now[i].T += 7 * dayMS
		}
		j := Judge("x_total", slices.Values(now), healthy, Options{Class: Counter}, nil)
		if len(j.Events) > 0 || len(j.Anomalies) > 0 || !j.Judged {
			t.Errorf("from %v: %+v", from, j)
		}
	}
}

// TestOnsetHostile: whatever the values are, changes are between rows and their numbers
// finite, and the values stay as they were.
func TestOnsetHostile(t *testing.T) {
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var v []float64
		for _, x := range hostile(r, 10+r.IntN(60)) {
			v = append(v, x.V)
		}
		old := slices.Clone(v)
		for _, p := range ChangePoints(v, 1e-3, 1+r.IntN(4)) {
			if bad(p.Z) || bad(p.Before) || bad(p.After) || !(p.P <= 1e-3) || p.At <= 0 || p.At >= len(v) {
				t.Errorf("seed %d: %+v", seed, p)
			}
		}
		if !slices.EqualFunc(v, old, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Fatalf("seed %d: values have changed", seed)
		}
		if z, ok := RobustZ(v[0], v[1:]); ok && bad(z) {
			t.Errorf("seed %d: %v is %v deviations off", seed, v[0], z)
		}
	}
}
