package diagnose

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

// twice has the changes of a fault from minute 35 to 38 and from 45 and a half to 50.
func twice(changes ...change) []change {
	list := slices.Clone(changes)
	for i, c := range changes {
		list[i].set = func(v, p float64) float64 {
			if p > 0.22 && p < 0.7 {
				return v
			}
			return c.set(v, p)
		}
	}
	return list
}

func capped(replica string) []change {
	return []change{times("SM_CLOCK "+replica, 0.6), times("POWER_USAGE "+replica, 0.5), set("POWER_VIOLATION "+replica, 4e5)}
}

// A fault that comes back is an incident each time, of one replica and of the fleet.
func TestComesBack(t *testing.T) {
	c := shipped(t)
	for replica, entity := range map[string]string{"llm-1": "replica=llm-1", "": fleetName} {
		s := service{changes: twice(capped(replica)...)}.store(t)
		for since, want := range map[time.Time]int{{}: 2, time.UnixMilli((goldenFrom + 15) * goldenStep): 1} {
			r, err := Run(t.Context(), s, Options{Faults: c, Since: since})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Incidents) != want {
				show(t, entity, label{}, r)
				t.Fatalf("%q since %s: %d incidents, want %d", replica, since, len(r.Incidents), want)
			}
			for i, from := range []int{goldenFrom, goldenFrom + 21}[2-want:] {
				in := r.Incidents[i]
				late := in.Onset.UnixMilli()/goldenStep - int64(from)
				if d := in.Diagnoses[0]; d.Fault != "power_capping" || d.Entity != entity || late < -4 || late > 4 {
					t.Errorf("%s of %s at step %d", d.Fault, d.Entity, in.Onset.UnixMilli()/goldenStep)
				}
			}
		}
	}
}

// What is over before --from is no news, with a baseline as without.
func TestSinceWithBaseline(t *testing.T) {
	c := shipped(t)
	s, healthy := service{changes: capped("llm-1")}.store(t), service{}.store(t)
	for since, want := range map[time.Time]string{{}: IncidentSeen, time.UnixMilli((goldenTo + 12) * goldenStep): OK} {
		r, err := Run(t.Context(), s, Options{Faults: c, Baseline: healthy, Since: since})
		if err != nil || r.Verdict != want {
			t.Errorf("since %s: %s %v, want %s", since, r.Verdict, err, want)
		}
	}
}

// levels is a store of one series of no known exporter: a value a minute.
func levels(name string, from int, n int, at func(i int) float64) *series.Store {
	b := series.NewBuilder()
	for i := range n {
		b.Add(labels.FromStrings(model.MetricNameLabel, name, "service", "web"), series.Gauge, int64(from+i)*60_000, at(i))
	}
	return b.Store(nil)
}

// The same holds for series that no pattern knows.
func TestSinceOfUnknownSeries(t *testing.T) {
	s := levels("latency", 0, 120, func(i int) float64 {
		v := 10 + float64(i%3)
		if i >= 60 && i < 80 {
			v += 100
		}
		return v
	})
	for since, want := range map[int]string{0: IncidentSeen, 50: IncidentSeen, 100: OK} {
		o := Options{Topology: &Topology{Label: "service", Edges: [][2]string{{"web", "db"}}}}
		if since > 0 {
			o.Since = time.UnixMilli(int64(since) * 60_000)
		}
		r, err := Run(t.Context(), s, o)
		if err != nil || r.Verdict != want {
			t.Errorf("since minute %d: %s %v, want %s", since, r.Verdict, err, want)
		}
		for _, in := range r.Incidents {
			if end := in.End.UnixMilli() / 60_000; in.Ongoing || end < 78 || end > 81 {
				t.Errorf("over since minute 80, said: ongoing %v, end in minute %d", in.Ongoing, end)
			}
		}
	}
}

// A baseline counts as a whole, however long it is and whatever its step.
func TestBaselineOfAnotherLength(t *testing.T) {
	c := shipped(t)
	running := func(from, n int, step int64, at func(ms int64) float64) *series.Store {
		b := series.NewBuilder()
		for i := range n {
			ms := int64(from)*step + int64(i)*step
			b.Add(labels.FromStrings(model.MetricNameLabel, "vllm:num_requests_running", "replica", "a"), series.Gauge, ms, at(ms))
		}
		return canonical(b.Store(nil))
	}
	data := running(0, 240, 15_000, func(int64) float64 { return 20 })
	for name, base := range map[string]*series.Store{
		// A third of the time is a quiet night.
		"three days at 15 s": running(0, 3*5760, 15_000, func(ms int64) float64 {
			if ms < 24*3_600_000 {
				return 2
			}
			return 20
		}),
		"a day at 5 m": running(0, 288, 300_000, func(int64) float64 { return 20 }),
	} {
		w, err := measure(t.Context(), data, Options{Faults: c, Baseline: base, From: time.UnixMilli(0), To: time.UnixMilli(239 * 15_000)})
		if err != nil {
			t.Fatal(err)
		}
		if n := w.usual["running"][Entity{Label: "replica", Name: "a"}]; n.n == 0 || n.median != 20 {
			t.Errorf("%s: normal is %+v, want 20", name, n)
		}
	}
}

// With a baseline suspects are held against it, not against the beginning of the data,
// and what a counter grows by is that of a second, whatever the steps.
func TestSuspectsOfBaseline(t *testing.T) {
	c := shipped(t)
	s := straggler().store(t)
	part := func(from, to, every int) *series.Store {
		b := series.NewBuilder()
		for _, x := range originals(s) {
			for t, v := range x.Between(int64(from)*goldenStep, int64(to)*goldenStep) {
				if t/goldenStep%int64(every) == 0 {
					b.Add(x.Labels(), x.Kind(), t, v)
				}
			}
		}
		return canonical(b.Store(nil))
	}
	for _, every := range []int{1, 2} {
		r, err := Run(t.Context(), part(72, 98, 1), Options{Faults: c, Baseline: part(0, 60, every)})
		if err != nil || len(r.Incidents) != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		list := r.Incidents[0].Suspects
		if len(list) == 0 || slices.ContainsFunc(list, func(s Suspect) bool { return !strings.HasPrefix(s.Entity, "replica=llm-1") }) {
			t.Errorf("every %d. scrape: suspects are %+v, want those of replica=llm-1", every, list)
		}
	}
}

// Numbers of any size can be written down, and those that are none are never a value.
func TestExtremes(t *testing.T) {
	c := shipped(t)
	for _, v := range []float64{1e-305, 5e-324, 1.7e308, -1.7e308, math.Inf(1), math.Inf(-1), math.NaN()} {
		for name, s := range map[string]*series.Store{
			"all":    levels("latency", 0, 60, func(int) float64 { return v }),
			"late":   levels("latency", 0, 60, func(i int) float64 { return map[bool]float64{false: 1, true: v}[i > 40] }),
			"mostly": levels("latency", 0, 60, func(i int) float64 { return map[bool]float64{false: 1, true: v}[i%4 > 0] }),
		} {
			for _, topology := range []*Topology{nil, {Label: "service"}} {
				r, err := Run(t.Context(), s, Options{Faults: c, Topology: topology})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := json.Marshal(r); err != nil {
					t.Errorf("%s %g: %v", name, v, err)
				}
				if inf := math.IsInf(v, 0) || math.IsNaN(v); inf && r.Verdict == IncidentSeen {
					t.Errorf("%s %g: %s from what is no number: %+v", name, v, r.Verdict, r.Incidents[0].Diagnoses[0])
				}
			}
		}
		if got := round(v); math.IsNaN(got) || v > 0 && v < 1 && math.Abs(got-v) > 1e-5*v {
			t.Errorf("round(%g) is %g", v, got)
		}
	}
}

// A ramp of one number leads the way of its test.
func TestOneNumber(t *testing.T) {
	n := normal{median: 10, scale: 1, n: 9}
	at := fault.Ramp{From: 1.2, To: 1.2}
	for v, want := range map[float64]float64{5: 1, 11: 1, 12: 1, 13: 0} {
		if got := judge(fault.Test{Holds: &at}, v, n, 0); got != want {
			t.Errorf("holds 1.2 of 10 at %g: %g, want %g", v, got, want)
		}
	}
	for v, want := range map[float64]float64{5: 0, 9: 1, 10: 1, 11: 1, 13: 0, 0: 0} {
		if got := judge(fault.Test{Stays: &at}, v, n, 0); got != want {
			t.Errorf("stays 1.2 of 10 at %g: %g, want %g", v, got, want)
		}
	}
}

// What was not measured before the time that is looked at is shown as it was after it, never as 0.
func TestEvidenceIsMeasured(t *testing.T) {
	nan := math.NaN()
	w := &world{grid: grid{step: 1000, n: 4}}
	tr := &track{v: []float64{nan, nan, nan, 7}}
	e := w.evidenceOf(shown{evidence: evidence{track: tr, v: []float64{nan, nan, 0, 0}}, known: true}, 2)
	if e.Value != 7 || e.At.UnixMilli() != 3000 {
		t.Errorf("%+v", e)
	}
	// Of several ways to see a symptom it is the one that was seen at that time.
	one := func(name string, v ...float64) evidence {
		return evidence{entity: Entity{"replica", "a", ""}, track: &track{series: name, v: v}, v: v}
	}
	s := fault.Symptom{Name: "both", Any: []fault.Symptom{{Name: "first"}, {Name: "second"}}}
	got := told(&s, map[string][]evidence{"first": {one("x", 1, 1, 1, 0)}, "second": {one("y", 0, 0, 0, 0.9)}}, Entity{"replica", "a", ""})
	if e := w.evidenceOf(got, 3); e.Symptom != "second" || e.Series != "y" || e.Value != 0.9 {
		t.Errorf("%+v", e)
	}
	if e := w.evidenceOf(got, 0); e.Symptom != "first" || e.Value != 1 {
		t.Errorf("%+v", e)
	}
}

// Steps below half a second are looked at in steps of a second, not of the default.
func TestShortSteps(t *testing.T) {
	b := series.NewBuilder()
	for i := range 600 {
		b.Add(labels.FromStrings(model.MetricNameLabel, "x"), series.Gauge, int64(i)*200, 1)
	}
	if g := gridOf(b.Store(nil), 0, 599*200); g.step != 1000 {
		t.Errorf("a step of %d ms", g.step)
	}
}

// Times that hold no data are no time to judge.
func TestNoTime(t *testing.T) {
	s := service{}.store(t)
	for _, o := range []Options{{To: time.UnixMilli(-1000)}, {From: time.UnixMilli(9000 * goldenStep)}, {From: time.UnixMilli(5 * goldenStep), To: time.UnixMilli(2 * goldenStep)}} {
		o.Faults = shipped(t)
		if r, err := Run(t.Context(), s, o); err != nil || r.Verdict != Insufficient {
			t.Errorf("%s to %s: %s %v", o.From, o.To, r.Verdict, err)
		}
	}
}

// Everything that the catalogue asks of exporters is asked of a server.
func TestLooks(t *testing.T) {
	c := shipped(t)
	e := series.NewEngine(series.Limits{})
	asked := slices.Sorted(maps.Keys(metricNames))
	for _, s := range c.Signals {
		for _, expr := range s.From {
			for _, name := range fault.Asked(expr) {
				if strings.HasPrefix(name, "http_") || strings.HasPrefix(name, "nginx_") {
					asked = append(asked, name)
				}
			}
		}
	}
	for _, name := range asked {
		s := levels(name, 0, 1, func(int) float64 { return 1 })
		r, err := e.Instant(t.Context(), s, Looks, time.UnixMilli(0))
		if err != nil || len(r.Rows) != 1 {
			t.Errorf("%s is not asked for (%v)", name, err)
		}
	}
}

// An effect is no answer, however low a user's own pattern sets the bar.
func TestEffectIsNoAnswer(t *testing.T) {
	cause := &fault.Fault{ID: "cause", SureFrom: 0.1, Explains: []string{"effect"}}
	effect := &fault.Fault{ID: "effect", SureFrom: 0.1}
	c := fault.Catalogue{Faults: []fault.Fault{*cause, *effect}}
	list := choose([]*candidate{{fault: cause, confidence: 0.2, to: 9}, {fault: effect, confidence: 0.9, to: 9}}, c, view{}, grid{step: 15_000, n: 100})
	if list[0].fault != cause || !list[0].sure() || list[1].sure() {
		t.Errorf("%s is the first answer", list[0].fault.ID)
	}
}
