package results

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/analysis/compare"
)

// fixture reads a file that the tool itself wrote, cut to what is read.
func fixture(t testing.TB, name string) []compare.Run {
	t.Helper()
	path := filepath.Join("../../../fixtures/compare", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := Read(File{Name: name, Text: text, Beside: func(beside string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(path), beside))
	}})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// What single requests add up to is what the tool itself says of them.
func TestRequestsAgreeWithFigures(t *testing.T) {
	for _, x := range []struct {
		file, tool string
		means      []string
		load       string
	}{
		{"vllm-detailed.json", "vllm", []string{"ttft_ms", "latency_ms", "tpot_ms", "chunk_gap_ms"}, "closed loop, concurrency 4"},
		{"guidellm.json", "guidellm", []string{"ttft_ms", "latency_ms"}, "concurrent, 4 streams"},
		{"aiperf/profile_export_aiperf.json", "aiperf", []string{"ttft_ms", "latency_ms", "tpot_ms", "chunk_gap_ms"}, "concurrency 4"},
	} {
		r := fixture(t, x.file)[0]
		if r.About.Tool != x.tool || r.Total != 40 || len(r.Failed) != 0 || r.About.Model != "sim" || r.About.Load != x.load || r.Open {
			t.Errorf("%s: %d requests, %+v", x.file, r.Total, r.About)
		}
		for _, metric := range x.means {
			got, want := mean(r.Values[metric]), r.Figures["mean_"+metric]
			if !(math.Abs(got/want-1) < 1e-6) {
				t.Errorf("%s: mean of %d values of %s is %v, the file says %v", x.file, len(r.Values[metric]), metric, got, want)
			}
		}
		for _, name := range []string{"p50_ttft_ms", "p95_latency_ms", "requests_per_second", "tokens_per_second"} {
			if r.Figures[name] <= 0 {
				t.Errorf("%s: no %s in %v", x.file, name, r.Figures)
			}
		}
	}
}

func TestAppendedRuns(t *testing.T) {
	runs := fixture(t, "vllm-appended.jsonl")
	if len(runs) != 2 || runs[0].Total != 0 || runs[1].Name != "vllm-appended.jsonl#2" || runs[0].Figures["error_rate"] != 0 {
		t.Errorf("%+v", runs)
	}
}

func TestK6(t *testing.T) {
	summary, handled, points := fixture(t, "k6-summary.json")[0], fixture(t, "k6-handle-summary.json")[0], fixture(t, "k6-points.json")[0]
	if summary.Figures["p50_latency_ms"] < 10 || handled.Figures["p50_latency_ms"] < 10 || summary.Figures["requests_per_second"] < 10 {
		t.Errorf("%v, %v", summary.Figures, handled.Figures)
	}
	if points.Total != 40 || len(points.Values["latency_ms"]) != 40 || points.About.Tool != "k6" {
		t.Errorf("%d of %d", len(points.Values["latency_ms"]), points.Total)
	}
}

// These two are after the tools' sources.
const (
	inferencePerf = `{"benchmark_time_seconds": 10, "load_summary": {"count": 100, "requested_rate": 10, "achieved_rate": 9.9},
 "successes": {"count": 98, "latency": {"request_latency": {"mean": 1.5, "median": 1.4, "p90": 2, "p95": 2.1, "p99": 3}, "time_per_output_token": {"mean": 0.02, "median": 0.019},
  "time_to_first_token": {"mean": 0.1, "median": 0.09, "p99": 0.3}, "inter_token_latency": null}, "throughput": {"output_tokens_per_sec": 640, "requests_per_sec": 9.8}},
 "failures": {"count": 2}}`
	sglang = `{"backend": "sglang", "request_rate": 4.0, "completed": 50, "request_throughput": 3.9, "output_throughput": 500, "mean_e2e_latency_ms": 900, "median_e2e_latency_ms": 880,
 "mean_ttft_ms": 50, "median_ttft_ms": 45, "p99_ttft_ms": 90, "mean_tpot_ms": 12, "median_tpot_ms": 11, "concurrency": 3.5}`
)

func TestInferencePerfAndSGLang(t *testing.T) {
	for text, want := range map[string]map[string]float64{
		inferencePerf: {"p50_latency_ms": 1400, "p99_ttft_ms": 300, "mean_tpot_ms": 20, "error_rate": 0.02, "tokens_per_second": 640},
		sglang:        {"p50_latency_ms": 880, "p50_ttft_ms": 45, "p99_ttft_ms": 90, "requests_per_second": 3.9, "error_rate": 0},
	} {
		runs, err := Read(File{Name: "x", Text: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range want {
			if got, ok := runs[0].Figures[name]; !ok || math.Abs(got-v) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", runs[0].About.Tool, name, got, v)
			}
		}
		if !runs[0].Open {
			t.Errorf("%s: a rate is an open loop", runs[0].About.Tool)
		}
	}
}

// What Python writes for no number, and what editors put before a text, is no reason not
// to read a file. Within a text it stays.
func TestNoNumbers(t *testing.T) {
	for text, load := range map[string]string{
		strings.Replace(sglang, "4.0", "Infinity", 1): "all requests at once",
		strings.Replace(sglang, "4.0", "null", 1):     "all requests at once",
		strings.Replace(sglang, "4.0", `"trace"`, 1):  "open loop, a trace",
		"\ufeff" + sglang: "open loop, 4 req/s",
		strings.Replace(sglang, `"sglang"`, `"NaN, \"-Infinity\\", "x": -Infinity`, 1): "open loop, 4 req/s",
	} {
		runs, err := Read(File{Name: "x", Text: []byte(text)})
		if err != nil || FormatOf([]byte(text)) != "sglang" || runs[0].About.Load != load {
			t.Errorf("%s: %+v, %v", text, runs, err)
		}
	}
	if got := string(plain([]byte(`{"a NaN": "-Infinity", "b": [NaN,-Infinity , Infinity], "c": -1, "Name": Nano}`))); got != `{"a NaN": "-Infinity", "b": [null,null , null], "c": -1, "Name": Nano}` {
		t.Error(got)
	}
}

// A rate with a bound on what is in flight is no open loop, and no closed one either.
func TestCappedRate(t *testing.T) {
	for bound, want := range map[string][2]bool{"null": {true, false}, "64": {false, true}} {
		runs, err := Read(File{Name: "x", Text: []byte(strings.Replace(sglang, `"request_rate": 4.0`, `"request_rate": 4.0, "max_concurrency": `+bound, 1))})
		if err != nil || [2]bool{runs[0].Open, runs[0].Capped} != want {
			t.Errorf("at most %s: %+v, %v", bound, runs, err)
		}
	}
}

// A time of 0 was not measured, and one without a unit is none.
func TestNotMeasured(t *testing.T) {
	runs, err := Read(File{Name: "x", Text: []byte(strings.Replace(sglang, `"mean_tpot_ms": 12`, `"mean_tpot_ms": 0`, 1))})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := runs[0].Figures["mean_tpot_ms"]; ok {
		t.Errorf("a mean of %v ms", v)
	}
	run, err := aiperfRequests([]byte(`{"metadata": {"request_start_ns": 1, "request_end_ns": 9}, "metrics": {"inter_chunk_latency": {"value": [3, 4], "unit": "ticks"}, "request_latency": {"value": 8, "unit": "ns"}}}`))
	if err != nil || run.Values["chunk_gap_ms"] != nil || len(run.Values["latency_ms"]) != 1 {
		t.Errorf("%v, %v", run.Values, err)
	}
	whole := vllmResult{OutputLens: []float64{5}, TTFTs: []float64{0}, Latencies: []float64{2}}
	if run := whole.run(); run.Values["ttft_ms"] != nil || run.Values["latency_ms"][0] != 2000 {
		t.Errorf("%v", run.Values)
	}
}

// Other tools keep the address as it was typed.
func TestAddressesHoldNoSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"http://user:hunter2@host:8000/v1?api_key=hunter2#hunter2": "http://host:8000/v1",
		"http://a/v1, https://hunter2@b:1/v1?":                     "http://a/v1, https://b:1/v1",
		"user:hunter2@host":                                        "",
		"hunter2@host:80/v1":                                       "",
		"host:8000":                                                "",
		"":                                                         "",
	} {
		if got := addresses(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	text, err := os.ReadFile("../../../fixtures/compare/guidellm.json")
	if err != nil {
		t.Fatal(err)
	}
	was := fixture(t, "guidellm.json")[0].About.Target
	runs, err := Read(File{Name: "x", Text: []byte(strings.ReplaceAll(string(text), was, strings.Replace(was, "://", "://user:hunter2@", 1)+"?key=hunter2"))})
	if err != nil || was == "" || runs[0].About.Target != was {
		t.Errorf("%q in place of %q, %v", runs[0].About.Target, was, err)
	}
}

// A figure of the same name that means something else is left out, and said so.
func TestAlike(t *testing.T) {
	vllm, aiperf := fixture(t, "vllm-detailed.json"), fixture(t, "aiperf/profile_export_aiperf.json")
	a, b, notes := Alike(vllm, aiperf)
	for _, r := range append(a, b...) {
		if r.Values["ttft_ms"] != nil || r.Values["latency_ms"] == nil || r.Values["tpot_ms"] == nil {
			t.Errorf("%s: %v", r.About.Tool, len(r.Values))
		}
		if _, ok := r.Figures["p50_ttft_ms"]; ok {
			t.Error("ttft of vLLM ends with any chunk")
		}
	}
	if len(notes) == 0 || !strings.Contains(strings.Join(notes, "\n"), "ttft_ms is left out") {
		t.Errorf("notes %q", notes)
	}
	if vllm[0].Values["ttft_ms"] == nil {
		t.Error("the run itself was changed")
	}
	if _, _, notes := Alike(vllm, vllm); notes != nil {
		t.Errorf("one tool with itself: %q", notes)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "not the result of a load test",
		"{\"request_throughput\": 1,\n\"output_throughput\": \"x\", \"completed\": 1, \"model_id\": \"m\"}": "x of vllm: line ",
		`{"metadata": {}, "benchmarks": [{}]}`: "holds no figure",
	} {
		if _, err := Read(File{Name: "x", Text: []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{inferencePerf, sglang} {
		f.Add([]byte(text))
	}
	for _, name := range []string{"vllm-detailed.json", "guidellm.json", "k6-points.json", "k6-summary.json", "aiperf/profile_export_aiperf.json"} {
		text, err := os.ReadFile(filepath.Join("../../../fixtures/compare", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		runs, err := Read(File{Name: "x", Text: text})
		if err != nil {
			return
		}
		for _, r := range runs {
			for name, v := range r.Figures {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s is %v", name, v)
				}
			}
			for metric, values := range r.Values {
				for _, v := range values {
					if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
						t.Errorf("%s holds %v", metric, v)
					}
				}
			}
		}
		_, _ = compare.Runs(runs, runs, compare.Options{}) // must not panic
	})
}
