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

// TestAlertOnce: a new level is alerted on at its first row, and no more.
func TestAlertOnce(t *testing.T) {
	var values []float64
	for i := range 400 {
		v := float64(10 + i%5)
		if i >= 300 {
			v += 30
		}
		values = append(values, v)
	}
	j := Judge("x", slices.Values(rowsOf(600_000, values...)), nil, Options{}, nil)
	if len(j.Anomalies) != 1 {
		t.Fatalf("%d anomalies, want 1: %+v", len(j.Anomalies), j.Anomalies)
	}
	a := j.Anomalies[0]
	start := int64(1_700_000_000_000)
	if a.From != start+300*600_000 || a.Low != 10 || a.High != 14 {
		t.Errorf("anomaly %+v: want it from row 300, with 10 to 14 expected", a)
	}
	if names := a.Channels.Names(); !slices.Contains(names, "novelty") {
		t.Errorf("found by %v", names)
	}
	if !j.Judged || j.Rows != 400 || j.Values != 400 {
		t.Errorf("judgement %+v", j)
	}
}

func TestEvents(t *testing.T) {
	all := rowsOf(15_000, make([]float64, 40)...)
	for i := range all {
		all[i].V = float64(i * 100)
		if i >= 20 {
			all[i].T += 600_000
		}
		if i >= 30 {
			all[i].V -= 2950
		}
	}
	j := Judge("x_total", slices.Values(all), nil, Options{Class: Counter}, nil)
	want := []Event{
		{"x_total", Gap, all[19].T, all[20].T},
		{"x_total", Reset, all[29].T, all[30].T},
	}
	if !slices.Equal(j.Events, want) {
		t.Errorf("events %+v, want %+v", j.Events, want)
	}
	if j.Judged || len(j.Anomalies) > 0 {
		t.Errorf("40 rows are not enough to judge by, and a restart is no anomaly: %+v", j)
	}
}

// TestBaseline: what a healthy period had is not new.
func TestBaseline(t *testing.T) {
	var healthy, now []float64
	for i := range 300 {
		healthy = append(healthy, float64(i%5))
		now = append(now, float64(i%5))
	}
	healthy[150], now[200] = 40, 40
	count := func(h []Row) int {
		return len(Judge("x", slices.Values(rowsOf(600_000, now...)), h, Options{}, nil).Anomalies)
	}
	if n := count(nil); n != 1 {
		t.Errorf("without the healthy period %d anomalies, want 1", n)
	}
	if n := count(rowsOf(600_000, healthy...)); n != 0 {
		t.Errorf("with it %d, want none", n)
	}
	few := Judge("x", slices.Values(rowsOf(600_000, 1, 2, 1000)), rowsOf(600_000, healthy...), Options{}, nil)
	if len(few.Anomalies) != 1 || !few.Judged {
		t.Errorf("three rows after a healthy period: %+v", few)
	}
}

// TestYoung: who has watched for an hour knows less than who has for a day. The same
// values alert at long steps, and not at short ones, unless they are far out.
func TestYoung(t *testing.T) {
	values := repeated(200, 10, 12, 14, 16, 18, 20)
	for _, c := range []struct {
		step   int64
		last   float64
		alerts bool
	}{
		{600_000, 24, true},
		{15_000, 24, false},
		{15_000, 200, true},
	} {
		all := rowsOf(c.step, append(slices.Clone(values), c.last)...)
		s := scoresOf(Options{}, all)
		if got := s[200].Value >= Alert; got != c.alerts {
			t.Errorf("every %d ms, %v: %+v", c.step, c.last, s[200])
		}
	}
}

// TestBucket: a bucket of a histogram is judged by those that were named alone.
func TestBucket(t *testing.T) {
	var values []float64
	for i := range 200 {
		values = append(values, float64(i*i))
	}
	values = append(values, 1e9)
	zscore, err := SetOf("zscore")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o      Options
		alerts bool
	}{{Options{Class: Bucket}, false}, {Options{Class: Bucket, Also: zscore}, true}, {Options{Class: Bucket, Channels: zscore}, true}, {Options{Class: Counter}, true}, {Options{Channels: None}, false}} {
		s := scoresOf(c.o, rowsOf(600_000, values...))
		if got := s[200].Value >= Alert; got != c.alerts {
			t.Errorf("%+v: %+v", c.o, s[200])
		}
	}
	if _, err := SetOf("novelty", "novelti"); err == nil {
		t.Error("novelti is a channel")
	}
}
