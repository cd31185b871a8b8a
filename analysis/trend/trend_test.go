package trend

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/snapshot"
)

var start = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// recording is an hour of two GPUs, every minute: the first gets warmer by 12 degrees
// an hour, the second stays; the energy counter of the first gains 600 J a second and
// starts again once.
func recording(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for i := range 61 {
		minute := float64(i)
		energy := 36_000 * minute
		if i >= 30 {
			energy = 36_000 * (minute - 29.5)
		}
		s := snapshot.Snapshot{Schema: snapshot.Schema, TakenAt: start.Add(time.Duration(i) * time.Minute), WindowS: new(1 + minute/100), GPUs: []snapshot.GPU{
			{Index: 0, State: snapshot.GPUOK, Temperature: &snapshot.GPUTemperature{GPUC: new(60 + minute/5)}, Power: &snapshot.GPUPower{EnergyJ: &energy}},
			{Index: 1, State: snapshot.GPUOK, Temperature: &snapshot.GPUTemperature{GPUC: new(70 + float64(i%2))}, Persistence: new(i%2 == 0)},
		}}
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func report(t *testing.T, metric, text string) Report {
	t.Helper()
	r, err := New(metric)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return r.Report()
}

func TestReport(t *testing.T) {
	text := recording(t)
	near := func(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 1e-6 }
	for _, c := range []struct {
		metric         string
		series         int
		min, max, last float64
		change         float64
		direction      stats.Direction
	}{
		{`gpu_temperature_c{gpu="0"}`, 1, 60, 72, 72, 12, stats.Rising},
		{`gpu_temperature_c{gpu="1"}`, 1, 70, 71, 70, 0, stats.None},
		{"gpu_temperature_c", 2, 60, 72, 72, 12, stats.Rising},
		{`{__name__=~"gpu_temp.*",gpu!="1"}`, 1, 60, 72, 72, 12, stats.Rising},
		{"gpus[0].temperature.gpu_c", 1, 60, 72, 72, 12, stats.Rising},
		{"gpus.0.temperature.gpu_c", 1, 60, 72, 72, 12, stats.Rising},
		{"$.gpus[*].temperature.gpu_c", 2, 60, 72, 72, 12, stats.Rising},
		{".window_s", 1, 1, 1.6, 1.6, 0.6, stats.Rising},
		{"gpus[1].persistence", 1, 0, 1, 1, 0, stats.None},
		{"gpu_energy_j_total", 1, 300, 600, 600, 0, stats.None}, // the rate; the restart shows half of a minute
		{"gpus[0].power.energy_j_total", 1, 300, 600, 600, 0, stats.None},
	} {
		r := report(t, c.metric, text)
		if len(r.Series) != c.series || r.Snapshots != 61 || r.Unread != 0 || !r.First.Equal(start) || !r.Last.Equal(start.Add(time.Hour)) {
			t.Errorf("%s: %d series: %+v", c.metric, len(r.Series), r)
			continue
		}
		s := r.Series[0]
		if s.Min != c.min || s.Max != c.max || s.Last != c.last || s.Direction != c.direction || !near(s.Change, c.change) || s.Mean < s.Min || s.Mean > s.Max {
			t.Errorf("%s: %+v, change %v", c.metric, s, *s.Change)
		}
	}
	if s := report(t, "gpu_energy_j_total", text).Series[0]; !s.Rate || s.Count != 60 {
		t.Errorf("a counter is shown by its rate: %+v", s)
	}
}

// Order and repetition of lines change nothing, and what is no snapshot is counted.
func TestLinesAreSortedAndBadOnesCounted(t *testing.T) {
	text := recording(t)
	lines := strings.SplitAfter(strings.TrimSpace(text), "\n")
	mixed := `{"schema":"llmops.snapshot/v1"` + "\n\nnot JSON\n" + strings.Join(lines[30:], "") + "\n" + strings.Join(lines[:40], "") + lines[60][:100]
	want, got := report(t, "gpus[0].temperature.gpu_c", text).Series[0], report(t, "gpus[0].temperature.gpu_c", mixed)
	if got.Unread != 3 || got.Series[0].Count != want.Count || *got.Series[0].Change != *want.Change || got.Series[0].Mean != want.Mean {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestNothing(t *testing.T) {
	if r := report(t, "gpu_up", ""); r.Snapshots != 0 || r.First != nil || len(r.Series) != 0 {
		t.Errorf("%+v", r)
	}
	if r := report(t, "no_such_thing", recording(t)); len(r.Series) != 0 || r.Snapshots != 61 {
		t.Errorf("%+v", r)
	}
	one, _, _ := strings.Cut(recording(t), "\n")
	r := report(t, "gpu_temperature_c", one)
	if s := r.Series[0]; s.Direction != stats.Undetermined || s.Change != nil || s.P != nil || s.Last != 60 {
		t.Errorf("%+v", s)
	}
	if r := report(t, "gpu_energy_j_total", one); len(r.Series) != 0 {
		t.Errorf("one reading of a counter has no rate: %+v", r.Series)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, metric := range []string{"", "gpu_up{", "gpus[", "gpus[x].y", "a..b", "rate(x[5m])"} {
		if _, err := New(metric); err == nil {
			t.Errorf("%q was taken", metric)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"schema":"llmops.snapshot/v1","at":"2026-01-02T03:04:05Z","gpus":[{"index":0,"state":"ok","utilization":1e308}]}`, "gpus[*].utilization")
	f.Add("{}\n[]\nnull", "gpu_up")
	f.Fuzz(func(t *testing.T, text, metric string) {
		r, err := New(metric)
		if err != nil {
			return
		}
		if err := r.Read(t.Context(), strings.NewReader(text)); err != nil {
			return
		}
		if _, err := json.Marshal(r.Report()); err != nil {
			t.Errorf("a number that JSON cannot hold: %v", err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	s := snapshot.Snapshot{Schema: snapshot.Schema, TakenAt: start}
	for i := range 8 {
		s.GPUs = append(s.GPUs, snapshot.GPU{Index: i, State: snapshot.GPUOK, Utilization: new(0.5), Memory: &snapshot.GPUMemory{Utilization: new(0.5)}})
	}
	line, _ := json.Marshal(s)
	text := strings.Repeat(string(line)+"\n", 100)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := New("gpu_utilization")
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Read(b.Context(), strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
