package diagnose

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

func TestStarts(t *testing.T) {
	for _, c := range []struct {
		name  string
		edges [][2]string
		want  []string
	}{
		{"nobody calls it", [][2]string{{"web", "app"}, {"app", "db"}, {"cron", "db"}}, []string{"cron", "web"}},
		{"a cycle below", [][2]string{{"web", "a"}, {"a", "b"}, {"b", "a"}}, []string{"web"}},
		{"a cycle at the top", [][2]string{{"a", "b"}, {"b", "a"}, {"b", "db"}}, []string{"a", "b"}},
		{"two of them", [][2]string{{"a", "b"}, {"b", "a"}, {"c", "d"}, {"d", "c"}, {"d", "b"}, {"y", "z"}}, []string{"c", "d", "y"}},
		{"it calls itself", [][2]string{{"a", "a"}, {"a", "b"}}, []string{"a"}},
		{"none", nil, nil},
	} {
		if diff := cmp.Diff(c.want, Topology{Edges: c.edges}.starts()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	var all Topology // each calls every other one, twice
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf("s%02d", i))
		for k := range 60 {
			if i != k {
				all.Edges = append(all.Edges, [2]string{fmt.Sprintf("s%02d", i), fmt.Sprintf("s%02d", k)}, [2]string{fmt.Sprintf("s%02d", i), fmt.Sprintf("s%02d", k)})
			}
		}
	}
	if diff := cmp.Diff(want, all.starts()); diff != "" {
		t.Error(diff)
	}
}

// services has an hour of latencies, of which the last half is as many times as slow.
func services(times float64, names ...string) *series.Store {
	b := series.NewBuilder()
	for _, name := range names {
		for i := range 120 {
			v := 0.1 * noise(name, i)
			if i >= 60 {
				v *= times
			}
			b.Add(labels.FromStrings(model.MetricNameLabel, "latency", "service", name), series.Gauge, int64(i)*30_000, v)
		}
	}
	return b.Store(nil)
}

// Whoever calls whom, services that are all ten times as slow are an incident, and those
// that are as they were are none.
func TestSlowWhateverTheTopology(t *testing.T) {
	for name, edges := range map[string][][2]string{
		"a cycle at the top": {{"s0", "s1"}, {"s1", "s0"}, {"s1", "s2"}}, "other services": {{"a", "b"}, {"b", "a"}}, "no edges": nil,
		"a root that is not measured": {{"door", "s0"}, {"s0", "s1"}},
	} {
		o := Options{Topology: &Topology{Label: "service", Edges: edges}}
		r, err := Run(t.Context(), services(10, "s0", "s1", "s2"), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Incidents) != 1 || len(r.Incidents[0].Suspects) < 2 {
			t.Errorf("%s: %s, %+v", name, r.Verdict, r.Incidents)
			continue
		}
		e := r.Incidents[0].Diagnoses[0].Evidence[0]
		if e.Normal == nil || math.Abs(*e.Normal-0.1) > 0.02 || e.Value < 0.8 {
			t.Errorf("%s: %+v", name, e)
		}
		if want := `latency{service="` + r.Incidents[0].Entities[0][len("service="):] + `"}`; e.Series != want {
			t.Errorf("%s: %s, want %s", name, e.Series, want)
		}
		if r, err = Run(t.Context(), services(1, "s0", "s1", "s2"), o); err != nil || r.Verdict != OK {
			t.Errorf("%s, healthy: %s %v", name, r.Verdict, err)
		}
	}
	if (Topology{Label: "service", Edges: [][2]string{{"a", "b"}}}).Names(services(1, "s0")) {
		t.Error("a is none of the services")
	}
	if !(Topology{Label: "service", Edges: [][2]string{{"a", "s0"}}}).Names(services(1, "s0")) {
		t.Error("s0 is one of the services")
	}
}

// A series that nobody knows is judged by its growth where it is a counter, whatever it
// has counted; of one that falls all the time as well.
func TestUnknownCounters(t *testing.T) {
	for _, c := range []struct {
		name, metric string
		step         func(i int) float64
		want         string
		value        float64 // of the evidence, a second
	}{
		{"a steady counter", "x_total", func(i int) float64 { return 30 }, OK, 0},
		{"one that only falls", "x_total", func(i int) float64 { return -10 }, OK, 0},
		{"one that begins to run", "x_total", func(i int) float64 { return 30 + 270*float64(i/120) }, IncidentSeen, 10},
		{"a gauge that grows", "x", func(i int) float64 { return 30 }, IncidentSeen, 0},
	} {
		b := series.NewBuilder()
		v := 0.0
		kind := series.Gauge
		if c.metric == "x_total" {
			kind = series.Counter
		}
		for i := range 240 {
			v += c.step(i)
			b.Add(labels.FromStrings(model.MetricNameLabel, c.metric), kind, int64(i)*30_000, v)
		}
		r, err := Run(t.Context(), b.Store(nil), Options{})
		if err != nil || r.Verdict != c.want {
			t.Errorf("%s: %s %v, want %s", c.name, r.Verdict, err, c.want)
			continue
		}
		if c.value > 0 {
			if e := r.Incidents[0].Diagnoses[0].Evidence[0]; math.Abs(e.Value-c.value) > 1e-9 || e.Unit != "1/s" || e.Normal == nil || math.Abs(*e.Normal-1) > 1e-9 {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
	}
	// What began again at zero has grown by what it shows.
	b := series.NewBuilder()
	for i, v := range []float64{10, 20, 5, 15} {
		b.Add(labels.FromStrings(model.MetricNameLabel, "x_total"), series.Counter, int64(i)*10_000, v)
	}
	at, v := valuesOf(b.Store(nil).Series()[0], minTime, maxTime)
	if !slices.Equal(v, []float64{1, 0.5, 1}) || !slices.Equal(at, []int64{10_000, 20_000, 30_000}) {
		t.Errorf("%v at %v", v, at)
	}
}

// What is a part of another entity of an incident is not named beside it.
func TestWholes(t *testing.T) {
	r0, r1, up := Entity{Label: "replica", Name: "r0"}, Entity{Label: "replica", Name: "r1"}, Entity{Label: "upstream", Name: "far"}
	gpu := Entity{Label: "replica", Name: "r1", GPU: "3"}
	for _, c := range []struct {
		all  []Entity
		want []string
	}{
		{[]Entity{r1, {}, r0, gpu}, []string{"fleet"}}, {[]Entity{{}, up}, []string{"fleet", "upstream=far"}}, {[]Entity{r1, gpu, r0, r0}, []string{"replica=r0", "replica=r1"}},
		{[]Entity{r0, gpu}, []string{"replica=r0", "replica=r1,gpu=3"}}, {nil, []string{}},
	} {
		if diff := cmp.Diff(c.want, wholes(c.all)); diff != "" {
			t.Errorf("%v: %s", c.all, diff)
		}
	}
}

// A series has the form in which people write and tools read it.
func TestSeriesName(t *testing.T) {
	ls := labels.FromStrings(model.MetricNameLabel, "x", "replica", "vllm-0", "gpu", "0", "empty", "")
	if got, want := seriesName("power", ls), `power{gpu="0",replica="vllm-0"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := nameOf(labels.FromStrings(model.MetricNameLabel, "x")), "x"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := nameOf(labels.FromStrings(model.MetricNameLabel, "x", "a", "b\"c")), `x{a="b\"c"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// An answer needs the score that its fault asks for: below it, it makes no incident,
// explains nothing and stands behind those that are answers; and a tie is held against
// the confidences that are shown.
func TestSureFrom(t *testing.T) {
	c := shipped(t)
	s := services(1, "s0") // any grid will do
	first, last, _ := s.Bounds()
	w := &world{grid: gridOf(s, first, last), calibration: calibration{{0.5, 0.1, 1}, {0.7, 0.2, 1}, {0.9, 0.8, 1}}}
	make := func(id string, score float64) *candidate {
		return &candidate{fault: c.Find(id), entity: Entity{Label: "replica", Name: "r0"}, confidence: score, from: 70, to: 90}
	}
	for id, least := range map[string]float64{"gpu_memory_leak": 0.8, "model_degradation": 0.7, "network_congestion": 0.6, "resource_exhaustion": 0.8, "cold_start": 0.5} {
		if make(id, least-0.01).sure() || !make(id, least).sure() {
			t.Errorf("%s is an answer from %g on, not %g", id, c.Find(id).Least(), least)
		}
	}
	got := choose([]*candidate{make("gpu_memory_leak", 0.79), make("demand_overload", 0.55)}, c, w.view, w.grid)
	if len(got) != 2 || got[0].fault.ID != "demand_overload" || got[0].explained != nil {
		t.Errorf("a leak that is not sure: %s first", got[0].fault.ID)
	}
	got = choose([]*candidate{make("gpu_memory_leak", 0.8), make("demand_overload", 0.55)}, c, w.view, w.grid)
	if got[0].fault.ID != "gpu_memory_leak" || got[1].explained != got[0] {
		t.Errorf("a leak that is sure: %s first", got[0].fault.ID)
	}
	for _, x := range []struct {
		a, b float64
		tie  bool
	}{{0.9, 0.88, true}, {0.9, 0.85, false}, {0.7, 0.52, true}, {0.7, 0.45, false}} {
		tie := w.tie(event{faults: []*candidate{make("cold_start", x.a), make("lora_thrash", x.b)}})
		if (tie != nil) != x.tie {
			t.Errorf("%g and %g, shown as %.2f and %.2f: %+v", x.a, x.b, w.calibration.at(x.a), w.calibration.at(x.b), tie)
		}
	}
}

func TestStays(t *testing.T) {
	c := shipped(t)
	leak := c.Find("gpu_memory_leak")
	i := slices.IndexFunc(leak.Symptoms, func(s fault.Symptom) bool { return s.Test.Stays != nil })
	n := normal{median: 10, scale: 1, n: 20}
	for v, want := range map[float64]float64{10: 1, 11: 1, 10 / 1.1: 1, 13: 0.5, 10 / 1.3: 0.5, 16: 0, 6: 0, 0: 0, -1: 0} {
		if got := judge(leak.Symptoms[i].Test, v, n, math.NaN()); math.Abs(got-want) > 1e-9 {
			t.Errorf("%g of 10: %g, want %g", v, got, want)
		}
	}
	if got := judge(leak.Symptoms[i].Test, 10, normal{}, math.NaN()); !math.IsNaN(got) {
		t.Errorf("without a normal: %g", got)
	}
}
