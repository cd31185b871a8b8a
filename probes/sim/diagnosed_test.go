package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/diagnose"
	"llmops/analysis/series"
	"llmops/probes/serving"
	"llmops/probes/sim/model"
	"llmops/probes/snapshot"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

// pages is a transport that answers with the metrics of the present state.
type pages func() []byte

func (p pages) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusNotFound, []byte(nil)
	if r.URL.Path == "/metrics" {
		status, body = http.StatusOK, p()
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/plain; version=0.0.4"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// recorded is what would be recorded of the model in so much time, a reading a second,
// under a load of rate requests a second: as snapshots, and as pages with times.
func recorded(t *testing.T, cfg model.Config, seed uint64, rate float64, length time.Duration) (snapshots, texts []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		engine, err := model.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		for at := time.Duration(0); at < length; at += time.Duration(rng.ExpFloat64() / rate * float64(time.Second)) {
			engine.Submit(at, model.Request{PromptTokens: 80 + rng.IntN(60), MaxTokens: 40})
		}
		var page []byte
		client := serving.New(serving.Config{Transport: pages(func() []byte { return page })})
		defer client.Close()
		target, err := client.Target("http://sim:8000")
		if err != nil {
			t.Fatal(err)
		}
		var lines, text bytes.Buffer
		for at := time.Duration(0); at < length; at += time.Second {
			engine.Advance(at, func(model.Event) {})
			var b bytes.Buffer
			writeMetrics(&b, "sim", engine.State())
			page = b.Bytes()
			server, problems := target.Read(t.Context(), 0)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			line, err := json.Marshal(snapshot.Snapshot{Schema: snapshot.Schema, TakenAt: time.Now().UTC(), Servers: []snapshot.Server{server}})
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
			for l := range strings.Lines(b.String()) {
				if !strings.HasPrefix(l, "#") && !strings.Contains(l, "_bucket{") {
					fmt.Fprintf(&text, "%s %d\n", strings.TrimSpace(l), time.Now().UnixMilli())
				}
			}
			time.Sleep(time.Second)
		}
		snapshots, texts = lines.Bytes(), text.Bytes()
	})
	return snapshots, texts
}

// diagnosed is what is found in a recording.
func diagnosed(t *testing.T, name string, content []byte) diagnose.Report {
	t.Helper()
	source := accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	s, _, err := series.Read(t.Context(), []accesslog.Source{source}, series.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	faults, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	r, err := diagnose.Run(t.Context(), series.Canonical(s, names), diagnose.Options{Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// firstAnswer is the first answer of the one incident that there is; "" without any.
func firstAnswer(t *testing.T, name string, content []byte) string {
	t.Helper()
	r := diagnosed(t, name, content)
	var all []string
	for _, in := range r.Incidents {
		for _, d := range in.Diagnoses {
			all = append(all, fmt.Sprintf("%s of %s %.2f", d.Fault, d.Entity, d.Confidence))
		}
	}
	t.Logf("%s: %s %q", name, r.Verdict, all)
	switch len(r.Incidents) {
	case 0:
		return ""
	case 1:
		return r.Incidents[0].Diagnoses[0].Fault
	}
	return fmt.Sprintf("%d incidents", len(r.Incidents))
}

// What the faults of the model do to its metrics is enough to tell which they are, in
// three to five minutes. Snapshots have what the engine says; pages also what an exporter
// would say of the GPU.
func TestFaultsAreDiagnosed(t *testing.T) {
	const pages = "run.prom"
	for _, c := range []struct {
		name, fault string
		spare       float64 // MiB of GPU memory that nobody uses at first
		from        string  // pages, or ""
		seed        uint64
		want        string
	}{
		{name: "healthy"},
		{name: "healthy again", seed: 1},
		{name: "healthy pages", from: pages, seed: 2},
		{name: "leak of the cache", fault: "gpu-leak:mib_per_s=15", want: "gpu_memory_leak"},
		{name: "leak of memory that the engine does not see", fault: "gpu-leak:mib_per_s=15", spare: 4096},
		{name: "leak of memory that the exporter sees", fault: "gpu-leak:mib_per_s=15", spare: 4096, from: pages, want: "gpu_memory_leak"},
		{name: "latency creep", fault: "latency-creep:per_minute=1", want: "model_degradation"},
		{name: "slow decode", fault: "slow-decode:factor=2", from: pages, want: "model_degradation"},
		{name: "stalls of some", fault: "stall:after=5,duration=2s,p=0.3", want: "model_degradation"},
		{name: "a stall of each", fault: "stall:after=5,duration=1s", want: "model_degradation"},
		{name: "hang", fault: "hang", want: "collective_hang"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := model.Default()
			cfg.GPUMemoryMiB = cfg.WeightsMiB + cfg.KVMemoryMiB + c.spare
			if c.fault != "" {
				f, err := ParseFault(c.fault)
				if err != nil {
					t.Fatal(err)
				}
				f.From = 70 * time.Second
				cfg.Faults = append(cfg.Faults, f)
			}
			snapshots, texts := recorded(t, cfg, c.seed, 4, 220*time.Second)
			name, content := "run.jsonl", snapshots
			if c.from == pages {
				name, content = pages, texts
			}
			if got := firstAnswer(t, name, content); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
