package serving

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/probes/snapshot"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "serving", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// answer is one page of a server.
type answer struct {
	status int // 0: 200
	body   string
	header string // Server
}

// serve answers with the pages of a server; those that it lacks are 404. A path may
// have several answers, given one after the other.
func serve(t *testing.T, pages map[string][]answer) (base string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	turn := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		list := pages[r.URL.Path]
		if len(list) == 0 {
			http.NotFound(w, r)
			return
		}
		a := list[min(turn[r.URL.Path], len(list)-1)]
		if r.URL.Path == "/metrics" {
			turn[r.URL.Path]++
		}
		if a.header != "" {
			w.Header().Set("Server", a.header)
		}
		kind := "text/plain; version=0.0.4"
		if strings.HasPrefix(a.body, "{") || strings.HasPrefix(a.body, "[") {
			kind = "application/json"
		}
		w.Header().Set("Content-Type", kind)
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		_, _ = w.Write([]byte(a.body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked
}

func read(t *testing.T, cfg Config, url string, window time.Duration) (snapshot.Server, []snapshot.Problem) {
	t.Helper()
	c := New(cfg)
	t.Cleanup(c.Close)
	s, problems, err := c.Probe(t.Context(), url, window)
	if err != nil {
		t.Fatal(err)
	}
	return s, problems
}

func models(owner string, ids ...string) answer {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(`{"id":"` + id + `","object":"model","owned_by":"` + owner + `"}`)
	}
	return answer{body: `{"object":"list","data":[` + b.String() + `]}`}
}

// near compares numbers that went through floating point.
var near = cmpopts.EquateApprox(1e-9, 1e-9)

func TestEnginesSinceStart(t *testing.T) {
	start := time.Unix(1_780_000_000, 0).UTC()
	for name, tt := range map[string]struct {
		pages    map[string][]answer
		cfg      Config
		want     snapshot.Server
		problems []snapshot.Problem
		noBasis  bool // there was no page of metrics
	}{
		"vllm": {
			pages: map[string][]answer{
				"/v1/models": {models("vllm", "org/model-70b")},
				"/metrics":   {{body: fixture(t, "vllm-1.txt")}},
				"/version":   {{body: `{"version":"0.15.0"}`}},
			},
			want: snapshot.Server{
				Engine: "vllm", Models: []string{"org/model-70b"}, Version: "0.15.0", StartedAt: &start,
				Running: new(48.0), Waiting: new(11.0), KVCacheUtilization: new(0.91),
				PrefixCacheHitRate: new(4500. / 12000),
				RequestsTotal:      new(124.0), PromptTokensTotal: new(10900.0), GenerationTokensTotal: new(57000.0), PreemptionsTotal: new(5.0),
				FinishedTotal: map[string]float64{"stop": 100, "length": 20, "abort": 3, "error": 1},
				ErrorsTotal:   map[string]float64{"abort": 3, "error": 1, "http_4xx": 10, "http_5xx": 4},
				ErrorRate:     new(4. / 124),
				Parts: []snapshot.Part{
					{Model: "org/model-70b", Rank: "0", Running: new(40.0), Waiting: new(11.0), KVCacheUtilization: new(0.91)},
					{Model: "org/model-70b", Rank: "1", Running: new(8.0), Waiting: new(0.0), KVCacheUtilization: new(0.2)},
				},
			},
		},
		"vllm with its old names": {
			pages: map[string][]answer{"/metrics": {{body: fixture(t, "vllm-old.txt")}}},
			want: snapshot.Server{
				Engine: "vllm", Models: []string{"m"}, Running: new(3.0), Waiting: new(2.0), KVCacheUtilization: new(0.42),
				PrefixCacheHitRate: new(0.75), PromptTokensTotal: new(1000.0), GenerationTokensTotal: new(500.0),
				ITL: &snapshot.Distribution{Count: 100, Mean: new(15.0), P50: new(15.0), P90: new(19.0), P95: new(19.5), P99: new(19.9), Bounds: every(10, new(20.0))},
			},
		},
		"sglang": {
			pages: map[string][]answer{
				"/v1/models":   {models("sglang", "org/m")},
				"/metrics":     {{body: fixture(t, "sglang.txt")}},
				"/server_info": {{body: `{"version":"0.5.6","api_key":"k","model_path":"x"}`}},
			},
			want: snapshot.Server{
				Engine: "sglang", Models: []string{"org/m"}, Version: "0.5.6", Config: map[string]string{"model_path": "x"},
				Running: new(10.0), Waiting: new(2.0), KVCacheUtilization: new(0.5), PrefixCacheHitRate: new(0.25),
				RequestsTotal: new(80.0), PromptTokensTotal: new(1000.0), GenerationTokensTotal: new(4000.0), PreemptionsTotal: new(7.0),
				ErrorsTotal: map[string]float64{"abort": 2, "http_503": 2}, ErrorRate: new(2. / 80),
				Parts: []snapshot.Part{
					{Model: "org/m", Rank: "0", Running: new(4.0), Waiting: new(2.0), KVCacheUtilization: new(0.28)},
					{Model: "org/m", Rank: "1", Running: new(6.0), Waiting: new(0.0), KVCacheUtilization: new(0.5)},
				},
			},
		},
		"sglang that was never hit": {
			pages: map[string][]answer{"/metrics": {{body: fixture(t, "sglang-idle.txt")}}},
			want: snapshot.Server{Engine: "sglang", Models: []string{"org/m"}, Running: new(0.0), Waiting: new(0.0),
				PrefixCacheHitRate: new(0.0), PromptTokensTotal: new(100.0)},
		},
		"tgi": {
			pages: map[string][]answer{
				"/v1/models": {models("org/m", "org/m")},
				"/metrics":   {{body: fixture(t, "tgi.txt")}},
				"/info":      {{body: `{"model_id":"org/m","version":"3.3.4","max_concurrent_requests":128}`}},
			},
			want: snapshot.Server{Engine: "tgi", Models: []string{"org/m"}, Version: "3.3.4", Config: map[string]string{"max_concurrent_requests": "128"}, Running: new(16.0), Waiting: new(3.0),
				RequestsTotal: new(1000.0), PromptTokensTotal: new(480000.0), GenerationTokensTotal: new(192000.0),
				ErrorsTotal: map[string]float64{"validation": 20, "overloaded": 15, "generation": 5}, ErrorRate: new(20. / 980)},
		},
		"triton with TensorRT-LLM": {
			pages: map[string][]answer{"/metrics": {{body: fixture(t, "triton-trtllm.txt")}}},
			want: snapshot.Server{Engine: "triton", Models: []string{"tensorrt_llm"}, Running: new(5.0), Waiting: new(7.0), Slots: new(64.0),
				KVCacheUtilization: new(0.25), RequestsTotal: new(101.0),
				ErrorsTotal: map[string]float64{"BACKEND": 2, "CANCELED": 1}, ErrorRate: new(3. / 104),
				Latency: &snapshot.Distribution{Count: 101, Mean: new(2000.0)}, Queue: &snapshot.Distribution{Count: 101, Mean: new(10.0)}},
		},
		"triton with an ensemble": { // no sum over models that count the same request
			pages: map[string][]answer{"/metrics": {{body: fixture(t, "triton-ensemble.txt")}}},
			want:  snapshot.Server{Engine: "triton"},
		},
		"trtllm-serve": {
			pages: map[string][]answer{
				"/v1/models":          {models("tensorrt_llm", "org/m")},
				"/metrics":            {{status: 500, body: "must not be asked"}},
				"/prometheus/metrics": {{body: fixture(t, "trtllm.txt")}},
				"/version":            {{body: `{"version":"1.2.0"}`}},
			},
			want: snapshot.Server{Engine: "tensorrt_llm", Models: []string{"org/m"}, Version: "1.2.0",
				Running: new(24.0), Waiting: new(5.0), Slots: new(256.0), KVCacheUtilization: new(0.625), PrefixCacheHitRate: new(0.25),
				RequestsTotal: new(96.0), PromptTokensTotal: new(8000.0), GenerationTokensTotal: new(16000.0),
				FinishedTotal: map[string]float64{"stop": 90, "length": 6},
				ErrorsTotal:   map[string]float64{"http_400": 7, "http_500": 4}, ErrorRate: new(0.04)},
		},
		"trtllm-serve without Prometheus": {
			noBasis: true,
			pages: map[string][]answer{
				"/v1/models": {models("tensorrt_llm", "org/m")},
				"/metrics":   {{body: fixture(t, "trtllm-iterations.json")}},
				"/version":   {{body: `{"version":"1.0.0"}`}},
			},
			want: snapshot.Server{Engine: "tensorrt_llm", Models: []string{"org/m"}, Version: "1.0.0"},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "Prometheus metrics are not enabled",
				Hint: "set return_perf_metrics: true in the options of trtllm-serve"}},
		},
		"trtllm-serve whose queue may be read": {
			cfg: Config{IterationStats: true},
			pages: map[string][]answer{
				"/v1/models": {models("tensorrt_llm", "org/m")},
				"/metrics":   {{body: fixture(t, "trtllm-iterations.json")}},
			},
			want: snapshot.Server{Engine: "tensorrt_llm", Models: []string{"org/m"}, Running: new(3.0), Waiting: new(2.0), Slots: new(2048.0),
				KVCacheUtilization: new(50. / 101), PrefixCacheHitRate: new(0.25)},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "Prometheus metrics are not enabled",
				Hint: "set return_perf_metrics: true in the options of trtllm-serve"}},
		},
		"llama.cpp": {
			pages: map[string][]answer{
				"/v1/models": {models("llamacpp", "tiny-random-llama")},
				"/metrics":   {{body: fixture(t, "llamacpp.txt")}},
				"/props":     {{body: fixture(t, "llamacpp-props.json")}},
				"/slots":     {{body: fixture(t, "llamacpp-slots.json")}},
			},
			// One slot of four runs, with 1+3 tokens of prompt and 1164 of answer.
			want: snapshot.Server{Engine: "llama.cpp", Models: []string{"tiny-random-llama"}, Version: "b0-unknown",
				Config:  map[string]string{"endpoint_metrics": "true", "endpoint_slots": "true", "model_alias": "tiny-random-llama"},
				Running: new(1.0), Waiting: new(0.0), Slots: new(4.0), KVCacheUtilization: new(1168. / 16384),
				PrefixCacheHitRate: new(0.5), PromptTokensTotal: new(14.0), GenerationTokensTotal: new(80.0)},
		},
		"llama.cpp without metrics": {
			noBasis: true,
			pages: map[string][]answer{
				"/v1/models": {{status: 401, body: `{"error":{"code":401}}`, header: "llama.cpp"}},
				"/metrics":   {{status: 501, body: `{"error":{"code":501,"message":"This server does not support metrics endpoint."}}`}},
				"/slots":     {{body: fixture(t, "llamacpp-slots.json")}},
			},
			want: snapshot.Server{Engine: "llama.cpp", Running: new(1.0), Slots: new(4.0), KVCacheUtilization: new(1168. / 16384)},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "metrics are not enabled",
				Hint: "start llama-server with --metrics"}},
		},
		"vllm that does not log": {
			noBasis: true,
			pages: map[string][]answer{
				"/v1/models": {models("vllm", "m")},
				"/metrics":   {{body: "# TYPE python_info gauge\npython_info{major=\"3\"} 1.0\n"}},
				"/version":   {{body: `{"version":"0.15.0"}`}},
			},
			want: snapshot.Server{Engine: "vllm", Models: []string{"m"}, Version: "0.15.0"},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "the server shows no metrics",
				Hint: "start vLLM without --disable-log-stats, and ask its own port rather than a proxy's"}},
		},
		"sglang without metrics": {
			noBasis: true,
			pages:   map[string][]answer{"/v1/models": {models("sglang", "org/m")}},
			want:    snapshot.Server{Engine: "sglang", Models: []string{"org/m"}},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "metrics are not enabled",
				Hint: "start SGLang with --enable-metrics"}},
		},
		"ollama": {
			noBasis: true,
			pages: map[string][]answer{
				"/v1/models":   {models("library", "llama3.2:latest", "on-disk:1b")},
				"/api/version": {{body: `{"version":"0.13.1"}`}},
				"/api/ps":      {{body: fixture(t, "ollama-ps.json")}},
			},
			want: snapshot.Server{Engine: "ollama", Version: "0.13.1", Models: []string{"llama3.2:latest"}, Loaded: []snapshot.LoadedModel{{
				Name: "llama3.2:latest", SizeBytes: new(uint64(6654289920)), VRAMBytes: new(uint64(3327144960)), Context: new(uint64(8192)),
				ExpiresAt: new(time.Date(2026, 10, 4, 21, 38, 31, 837530000, time.UTC))}}},
		},
		"ollama that does not list models": {
			noBasis: true,
			pages:   map[string][]answer{"/api/version": {{body: `{"version":"0.1.0"}`}}, "/api/ps": {{body: `{"models":[]}`}}},
			want:    snapshot.Server{Engine: "ollama", Version: "0.1.0"},
		},
		"triton's inference port": {
			noBasis: true,
			pages:   map[string][]answer{"/v2": {{body: `{"name":"triton","version":"2.60.0","extensions":[]}`}}},
			want:    snapshot.Server{Engine: "triton", Version: "2.60.0"},
			problems: []snapshot.Problem{{What: "metrics", Status: snapshot.Unsupported, Detail: "the inference port has no metrics",
				Hint: "give the URL of Triton's metrics port, 8002 unless --metrics-port says otherwise"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := serve(t, tt.pages)
			got, problems := read(t, tt.cfg, base, 0)
			tt.want.URL, tt.want.Up = base, true
			if !tt.noBasis {
				tt.want.Basis = snapshot.SinceStart
			}
			for i := range tt.problems {
				tt.problems[i].Source = base
			}
			ignore := cmp.Options{near, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}
			if tt.want.ITL == nil && tt.want.Latency == nil { // distributions have their own test
				ignore = append(ignore, cmpopts.IgnoreTypes(&snapshot.Distribution{}))
			}
			if diff := cmp.Diff(tt.want, got, ignore); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.problems, problems, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// every is the same bucket for each percentile.
func every(low float64, high *float64) map[string]snapshot.Bounds {
	b := snapshot.Bounds{Low: low, High: high}
	return map[string]snapshot.Bounds{"p50": b, "p90": b, "p95": b, "p99": b}
}

// A router shows the gauges of all its servers, told apart by a label of its own.
func TestLabelsOfOthers(t *testing.T) {
	base, _ := serve(t, map[string][]answer{"/metrics": {{body: `
vllm:num_requests_running{server="http://a"} 3
vllm:num_requests_running{server="http://b"} 4
vllm:kv_cache_usage_perc{server="http://a"} 0.5
vllm:kv_cache_usage_perc{server="http://b"} 0.25
ray_vllm_num_preemptions_total{WorkerId="x"} 2
vllm_num_preemptions{WorkerId="y"} 3
`}}})
	s, _ := read(t, Config{}, base, 0)
	if *s.Running != 7 || *s.KVCacheUtilization != 0.5 || *s.PreemptionsTotal != 5 || s.Parts != nil {
		t.Errorf("%+v", s)
	}
}

func TestOllamaThatFails(t *testing.T) {
	for status, want := range map[int]snapshot.Status{500: snapshot.Failed, 200: snapshot.Failed, 401: snapshot.Forbidden} {
		base, _ := serve(t, map[string][]answer{"/v1/models": {models("library", "a")}, "/api/ps": {{status: status, body: `{"models":7}`}}})
		s, problems := read(t, Config{}, base, 0)
		if s.Engine != "ollama" || len(problems) != 1 || problems[0].Status != want || problems[0].What != "loaded models" {
			t.Errorf("%d: %+v %+v", status, s, problems)
		}
	}
}
