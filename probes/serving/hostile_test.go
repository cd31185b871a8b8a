package serving

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
	"llmops/probes/snapshot"
)

func TestTarget(t *testing.T) {
	c := New(Config{})
	for raw, want := range map[string][2]string{ // the server, the path of metrics
		"http://h:8000":                     {"http://h:8000", "/metrics"},
		"http://h:8000/":                    {"http://h:8000", "/metrics"},
		"http://h:8000/v1":                  {"http://h:8000", "/metrics"},
		"http://h:8000/v1/":                 {"http://h:8000", "/metrics"},
		"http://h:8000/v1/chat/completions": {"http://h:8000", "/metrics"},
		"https://h/models/a/v1":             {"https://h/models/a", "/models/a/metrics"},
		"http://h:8002/metrics":             {"http://h:8002", "/metrics"},
		"http://h/prometheus/metrics":       {"http://h", "/prometheus/metrics"},
		"http://h/a/metrics/":               {"http://h/a", "/a/metrics"},
		"http://[::1]:8000":                 {"http://[::1]:8000", "/metrics"},
	} {
		got, err := c.Target(raw)
		if err != nil || got.URL() != want[0] || got.path != want[1] {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "h:8000", "ftp://h", "http://", "http://u:geheim@h", "http://h/?k=geheim", "http://h/#geheim", "http://h:x", "\x00"} {
		if _, err := c.Target(raw); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestHostilePages(t *testing.T) {
	running := "vllm:num_requests_running 1\n"
	for name, tt := range map[string]struct {
		page   answer
		status snapshot.Status
		detail string
	}{
		"a web page":        {answer{body: "<!DOCTYPE html><p>hi"}, snapshot.Failed, "web page"},
		"JSON":              {answer{body: `[{"iter":1}]`}, snapshot.Unsupported, "JSON"},
		"empty":             {answer{body: ""}, snapshot.Unsupported, "no inference server"},
		"other metrics":     {answer{body: "node_load1 3\n"}, snapshot.Unsupported, "no inference server"},
		"a broken line":     {answer{body: running + "vllm:num_requests_waiting{\n"}, snapshot.Failed, "line 2"},
		"bytes":             {answer{body: running + "vllm:x{a=\"\xff\xfe\"} 1\n"}, snapshot.Failed, "text format"},
		"too large":         {answer{body: strings.Repeat("# nothing\n", 4<<10)}, snapshot.Failed, "larger than 32 KiB"},
		"elsewhere":         {answer{status: 302, body: ""}, snapshot.Failed, "redirects"},
		"forbidden":         {answer{status: 403, body: ""}, snapshot.Forbidden, "403"},
		"loading":           {answer{status: 503, body: "{}"}, snapshot.Unavailable, "503"},
		"an error":          {answer{status: 500, body: running}, snapshot.Failed, "500"},
		"nothing":           {answer{status: 404, body: ""}, snapshot.Unsupported, "no page"},
		"not allowed":       {answer{status: 405, body: ""}, snapshot.Unsupported, "no page"},
		"a word for number": {answer{body: running + "vllm:num_requests_waiting many\n"}, snapshot.Failed, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := serve(t, map[string][]answer{"/metrics": {tt.page}})
			s, problems := read(t, Config{MaxReply: 32 << 10}, base, 0)
			if !s.Up || s.Running != nil || len(problems) != 1 {
				t.Fatalf("%+v %v", s, problems)
			}
			if p := problems[0]; p.Status != tt.status || !strings.Contains(p.Detail, tt.detail) || p.Source != base || p.What != "metrics" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// What is no measurement costs its own number only.
func TestValuesThatAreNone(t *testing.T) {
	base, _ := serve(t, map[string][]answer{"/metrics": {{body: `
vllm:num_requests_running NaN
vllm:num_requests_waiting -3
vllm:kv_cache_usage_perc 1.5
vllm:generation_tokens_total +Inf
vllm:prompt_tokens_total 12
vllm:time_to_first_token_seconds_bucket{le="0.1"} 5
vllm:time_to_first_token_seconds_bucket{le="0.5"} 9
vllm:e2e_request_latency_seconds_bucket{le="oops"} 5
vllm:e2e_request_latency_seconds_bucket{le="+Inf"} 9
vllm:request_queue_time_seconds_bucket{le="0.1"} 5
vllm:request_queue_time_seconds_bucket{le="0.5"} 3
vllm:request_queue_time_seconds_count 10
vllm:request_decode_time_seconds_sum 3
`}}})
	s, problems := read(t, Config{}, base, 0)
	if len(problems) > 0 {
		t.Error(problems)
	}
	want := snapshot.Server{URL: base, Up: true, Engine: "vllm", Basis: snapshot.SinceStart, PromptTokensTotal: new(12.0),
		// The bucket that fell back is taken for what came before it, and the count for +Inf.
		Queue: &snapshot.Distribution{Count: 10, P50: new(100.0), P90: new(500.0), P95: new(500.0), P99: new(500.0), Bounds: map[string]snapshot.Bounds{
			"p50": {Low: 0, High: new(100.0)}, "p90": {Low: 500}, "p95": {Low: 500}, "p99": {Low: 500}}}}
	if diff := cmp.Diff(want, s, near); diff != "" {
		t.Error(diff)
	}
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	s, problems := read(t, Config{}, gone.URL, time.Minute) // and no window is waited for
	if s.Up || len(problems) != 1 || problems[0].Status != snapshot.Unavailable || strings.Contains(problems[0].Detail, "http://") {
		t.Errorf("%+v %+v", s, problems)
	}
	secret := httptest.NewTLSServer(http.NotFoundHandler())
	defer secret.Close()
	s, problems = read(t, Config{}, secret.URL, 0)
	if s.Up || len(problems) != 1 || problems[0].Status != snapshot.Unavailable || !strings.Contains(problems[0].Hint, "authority") {
		t.Errorf("%+v %+v", s, problems)
	}
}

func TestHang(t *testing.T) {
	for _, slow := range []string{"/v1/models", "/metrics", "/version"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			x := target(t, func(r *http.Request) (*http.Response, error) {
				switch r.URL.Path {
				case slow:
					<-r.Context().Done()
					return nil, r.Context().Err()
				case "/metrics":
					return plain(200, "vllm:num_requests_running 1\n"), nil
				}
				return plain(404, ""), nil
			})
			s, problems := x.Read(t.Context(), 0)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: took %v", slow, took)
			}
			if slow == "/version" { // costs the version only
				if s.Running == nil || len(problems) > 0 {
					t.Errorf("%+v %v", s, problems)
				}
			} else if len(problems) != 1 || problems[0].Status != snapshot.Timeout || s.Up != (slow == "/metrics") {
				t.Errorf("%s: %+v %v", slow, s, problems)
			}
		})
	}
}

// A credential goes to the server that it is for and appears nowhere.
func TestCredential(t *testing.T) {
	elsewhere, asked := serve(t, nil)
	var header string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		if r.URL.Path == "/metrics" {
			http.Redirect(w, r, elsewhere+"/metrics", http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprintf(w, `{"data":[{"id":"m %s","owned_by":"vllm"}]}`, header)
	}))
	defer srv.Close()
	s, problems := read(t, Config{Access: remote.Access{Header: http.Header{"Authorization": {"Bearer geheim"}}, Secrets: []string{"geheim"}}}, srv.URL, 0)
	if header != "Bearer geheim" || asked.Load() != 0 {
		t.Errorf("sent %q, and %d requests elsewhere", header, asked.Load())
	}
	if text := fmt.Sprint(s, problems); strings.Contains(text, "geheim") || !strings.Contains(text, "redacted") {
		t.Error(text)
	}
}

// FuzzPage gives any page to the reader, twice over: numbers that come out are
// numbers, ratios are ratios, and the snapshot can be written.
func FuzzPage(f *testing.F) {
	for _, name := range []string{"vllm-1.txt", "vllm-2.txt", "vllm-old.txt", "sglang.txt", "tgi.txt", "triton-trtllm.txt", "trtllm.txt", "llamacpp.txt"} {
		f.Add([]byte(fixture(f, name)), []byte(fixture(f, "vllm-1.txt")))
	}
	f.Add([]byte("{\"vllm:num_requests_running\"} 1\n"), []byte("vllm:x{le=\"\"} 1e308\n"))
	known := engines()
	f.Fuzz(func(t *testing.T, before, after []byte) {
		then, err := known.parse(before, "text/plain")
		if err != nil {
			return
		}
		now, err := known.parse(after, "text/plain")
		if err != nil {
			return
		}
		counted, _ := now.minus(then)
		for _, e := range known {
			if len(e.prefixes) == 0 {
				continue // it has no page
			}
			for _, x := range []page{now, counted} {
				var s snapshot.Server
				e.fill(now, x, 1, &s)
				if _, err := json.Marshal(s); err != nil {
					t.Fatalf("%s: %v", e.name, err)
				}
				for _, v := range []*float64{s.KVCacheUtilization, s.PrefixCacheHitRate, s.ErrorRate} {
					if v != nil && !(*v >= 0 && *v <= 1) {
						t.Fatalf("%s: ratio %v", e.name, *v)
					}
				}
				for _, v := range []*float64{s.Running, s.Waiting, s.TokensPerSecond, s.RequestsTotal} {
					if v != nil && (*v < 0 || math.IsInf(*v, 0)) {
						t.Fatalf("%s: %v", e.name, *v)
					}
				}
			}
		}
	})
}
