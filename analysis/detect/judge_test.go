package detect

import (
	"slices"
	"testing"
)

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

// TestRestart: the fall of a counter is an event, and its rate then nothing to judge.
func TestRestart(t *testing.T) {
	var values []float64
	for i := range 300 {
		values = append(values, float64(i%100*10))
	}
	j := Judge("x_total", slices.Values(rowsOf(60_000, values...)), nil, Options{Class: Counter}, nil)
	if len(j.Events) != 2 || len(j.Anomalies) != 0 {
		t.Errorf("%d events, want 2 restarts; anomalies %+v", len(j.Events), j.Anomalies)
	}
}

// TestLength: an anomaly lasts as long as values are off, not as long as windows
// remember them; the p-value of its first row is the least that its past allows.
func TestLength(t *testing.T) {
	for _, c := range []struct{ off, rows int }{{1, 1}, {2, 2}, {12, 12}} {
		values := repeated(400, 10, 11, 12, 13, 14)
		for i := range c.off {
			values[300+i] = 40 + float64(i%3)
		}
		j := Judge("x", slices.Values(rowsOf(600_000, values...)), nil, Options{}, nil)
		if len(j.Anomalies) != 1 {
			t.Fatalf("%d rows off: %d anomalies: %+v", c.off, len(j.Anomalies), j.Anomalies)
		}
		a := j.Anomalies[0]
		if got := int((a.To-a.From)/600_000) + 1; got != c.rows || a.P != 1.0/31 {
			t.Errorf("%d rows off: the anomaly lasts %d and has p %v; want %d and 1/31", c.off, got, a.P, c.rows)
		}
	}
}
