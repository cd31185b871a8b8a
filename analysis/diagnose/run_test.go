package diagnose

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// remade is a store of the same samples: in another order, with values multiplied.
func remade(s *series.Store, shuffle uint64, factor func(name string) float64) *series.Store {
	list := originals(s)
	r := rand.New(rand.NewPCG(shuffle, 1))
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	b := series.NewBuilder()
	for _, x := range list {
		for t, v := range x.Points() {
			b.Add(x.Labels(), x.Kind(), t, v*factor(x.Name()))
		}
	}
	return canonical(b.Store(nil))
}

func same(string) float64 { return 1 }

func straggler() service {
	return service{changes: together(slow("llm-1"), []change{set("num_requests_running llm-1", 38), times("SM_CLOCK llm-1", 0.97)})}
}

// The report does not depend on processors or on the order of series.
func TestDeterministic(t *testing.T) {
	c := shipped(t)
	s := straggler().store(t)
	report := func(procs int, shuffle uint64) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		r, err := Run(t.Context(), remade(s, shuffle, same), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := report(1, 1)
	for i := range 2 {
		if got := report(3-i, uint64(i+2)); !bytes.Equal(got, want) {
			t.Error(cmp.Diff(string(want), string(got)))
		}
	}
}

// A metric in units a million times smaller leaves the ranks of suspects as they are.
func TestSuspectsHaveNoUnit(t *testing.T) {
	c := shipped(t)
	s := straggler().store(t)
	ranks := func(of string) (names []string) {
		r, err := Run(t.Context(), remade(s, 1, func(name string) float64 {
			if of != "" && strings.HasPrefix(name, of) {
				return 1e6
			}
			return 1
		}), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range r.Incidents[0].Suspects {
			names = append(names, x.Entity)
		}
		return names
	}
	want := ranks("")
	if len(want) == 0 || want[0] == fleetName {
		t.Fatalf("no suspects: %v", want)
	}
	for _, of := range []string{"vllm:e2e_request_latency_seconds_sum", "vllm:request_decode", "DCGM_FI_DEV_SM_CLOCK", "node_memory", "process_resident"} {
		if got := ranks(of); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", of, got, want)
		}
	}
}

// With a baseline five points are enough, and a fault that fills the data is seen.
func TestBaseline(t *testing.T) {
	c := shipped(t)
	s := straggler().store(t)
	part := func(from, to int) *series.Store {
		b := series.NewBuilder()
		for _, x := range originals(s) {
			for t, v := range x.Between(int64(from)*goldenStep, int64(to)*goldenStep) {
				b.Add(x.Labels(), x.Kind(), t, v)
			}
		}
		return canonical(b.Store(nil))
	}
	r, err := Run(t.Context(), part(72, 98), Options{Faults: c, Baseline: part(0, 60)})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Incidents) != 1 || r.Incidents[0].Diagnoses[0].Fault != "straggler_replica" {
		show(t, "fault all along", label{}, r)
		t.Error("want one incident, a straggler")
	}
	if r, err = Run(t.Context(), part(30, 60), Options{Faults: c, Baseline: part(0, 60)}); err != nil || r.Verdict != OK {
		t.Errorf("a healthy period: %s %v", r.Verdict, err)
	}
	if r, err = Run(t.Context(), part(0, 2), Options{Faults: c}); err != nil || r.Verdict != Insufficient {
		t.Errorf("three scrapes: %s %v", r.Verdict, err)
	}
	if r, err = Run(t.Context(), s, Options{Faults: c, Since: time.UnixMilli(60 * goldenStep)}); err != nil || len(r.Incidents) != 1 {
		t.Errorf("since minute 30: %+v %v", r.Incidents, err)
	}
	if r, err = Run(t.Context(), s, Options{Faults: c, To: time.UnixMilli(60 * goldenStep)}); err != nil || r.Verdict != OK {
		t.Errorf("until minute 30: %+v %v", r.Incidents, err)
	}
}

// web calls app, app calls db; db is slow, and so is what waits for it. cache is not.
func TestTopology(t *testing.T) {
	topo, err := ReadTopology([]byte(`{"label":"service","edges":[["web","app"],["app","db"],["app","cache"],["db","web"]]}`))
	if err != nil {
		t.Fatal(err)
	}
	make := func(bad bool, n int, factor float64) *series.Store {
		b := series.NewBuilder()
		for _, svc := range []string{"web", "app", "db", "cache", "batch"} {
			for i := range n {
				v := 0.1 * noise(svc, i)
				if bad && i >= n/2 && svc != "cache" && svc != "batch" {
					v *= map[string]float64{"web": 1.5, "app": 2, "db": 4}[svc]
				}
				if svc == "db" {
					v *= factor
				}
				b.Add(labels.FromStrings(model.MetricNameLabel, "latency", "service", svc, "stat", "p50"), series.Gauge, int64(i)*300_000, v)
			}
		}
		return b.Store(nil)
	}
	for _, factor := range []float64{1, 1e6} {
		o := Options{Topology: &topo, Baseline: make(false, 200, factor), Target: labels.FromStrings(model.MetricNameLabel, "latency", "service", "web", "stat", "p50")}
		r, err := Run(t.Context(), make(true, 6, factor), o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, in := range r.Incidents {
			for _, s := range in.Suspects {
				got = append(got, s.Entity)
			}
		}
		if diff := cmp.Diff([]string{"service=db", "service=app", "service=web"}, got); diff != "" {
			t.Errorf("times %g: %s", factor, diff)
		}
		if r, err = Run(t.Context(), make(false, 6, factor), o); err != nil || r.Verdict != OK {
			t.Errorf("healthy: %s %v %+v", r.Verdict, err, r.Incidents)
		}
	}
	for _, bad := range []string{"", "{", `{"edges":[]}`, `{"label":"x","edges":[["a",""]]}`} {
		if _, err := ReadTopology([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// Every command of the catalogue is one that a shell can read, whatever a pod is called.
func TestCommandsAreShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	seen := map[string]bool{}
	for _, f := range shipped(t).Faults {
		for _, a := range f.Actions {
			for _, c := range a.Run {
				for _, name := range []string{"llm-0", "it's; $(odd)"} {
					line := c.For(name, "0")
					if seen[line] {
						continue
					}
					seen[line] = true
					if out, err := exec.Command(sh, "-n", "-c", line).CombinedOutput(); err != nil {
						t.Errorf("%s: %s: %s", f.ID, line, out)
					}
				}
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d commands only", len(seen))
	}
}

// Odd data give a report all the same, and one that can be written as JSON: no NaN in it.
func TestOddData(t *testing.T) {
	c := shipped(t)
	r := rand.New(rand.NewPCG(7, 7))
	names := []string{"up", "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:generation_tokens_total", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_XID_ERRORS", "http_requests_total", "latency", "vllm:time_to_first_token_seconds_sum", "vllm:time_to_first_token_seconds_count", "vllm:lora_requests_info"}
	values := []float64{0, 1, -1, 1e300, -1e300, 1e-300, 0.5, 95}
	for i := range 32 {
		b := series.NewBuilder()
		for range r.IntN(8) {
			ls := labels.FromStrings(model.MetricNameLabel, names[r.IntN(len(names))], "instance", []string{"a:1", "b:2", ""}[r.IntN(3)], "gpu", []string{"", "0"}[r.IntN(2)], "code", []string{"", "200", "503"}[r.IntN(3)], "service", []string{"", "web", "db"}[r.IntN(3)])
			at := r.Int64N(1e9)
			for range r.IntN(40) {
				at += 1 + r.Int64N([]int64{1, 1000, 60_000, 600_000}[r.IntN(4)])
				b.Add(ls, series.Kind(r.IntN(3)), at, values[r.IntN(len(values))])
			}
		}
		s := b.Store(nil)
		o := Options{Faults: c}
		switch i % 4 {
		case 1:
			o.Baseline = s
		case 2:
			o.Topology = &Topology{Label: "service", Edges: [][2]string{{"web", "db"}, {"db", "web"}}}
		case 3:
			o.Since = time.UnixMilli(r.Int64N(2e9))
		}
		report, err := Run(t.Context(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(report); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
}
