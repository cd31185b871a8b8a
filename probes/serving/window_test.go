package serving

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/probes/snapshot"
)

// transport answers without a network, so that time can be virtual.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func plain(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// inTurn answers /metrics with pages one after the other, and all else with 404.
func inTurn(pages ...string) transport {
	n := 0
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/metrics" {
			return plain(404, ""), nil
		}
		n++
		return plain(200, pages[min(n, len(pages))-1]), nil
	}
}

func target(t *testing.T, rt transport) *Target {
	t.Helper()
	c := New(Config{Transport: rt})
	got, err := c.Target("http://server:8000")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, problems := target(t, inTurn(fixture(t, "vllm-1.txt"), fixture(t, "vllm-2.txt"))).Read(t.Context(), 2*time.Second)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
		if len(problems) > 0 {
			t.Error(problems)
		}
		// Differences of the two pages, both engines together, over 2 s. TTFT: 80 and 20
		// new ones, cumulative 10, 30, 50, 70, 95, 100; rank 50 is the end of 0.25 to 0.5,
		// rank 90 lies 20/25 into 1 to 2.5, rank 95 at its end, rank 99 beyond all bounds.
		want := snapshot.Server{
			URL: "http://server:8000", Up: true, Engine: "vllm", Models: []string{"org/model-70b"}, StartedAt: new(time.Unix(1_780_000_000, 0)),
			Basis: snapshot.OverWindow, WindowS: new(2.0),
			Running: new(46.0), Waiting: new(12.0), KVCacheUtilization: new(0.97),
			RequestsTotal: new(173.0), PromptTokensTotal: new(14900.0), GenerationTokensTotal: new(61400.0), PreemptionsTotal: new(9.0),
			FinishedTotal:      map[string]float64{"stop": 140, "length": 28, "abort": 3, "error": 2},
			ErrorsTotal:        map[string]float64{"abort": 3, "error": 2, "http_4xx": 14, "http_5xx": 6},
			PrefixCacheHitRate: new(2500. / 4000), ErrorRate: new(2. / 50), ErrorsPerSecond: new(1.0),
			RequestsPerSecond: new(24.5), PromptTokensPerSecond: new(2000.0), TokensPerSecond: new(2200.0), PreemptionsPerSecond: new(2.0),
			TTFT: &snapshot.Distribution{Count: 100, Mean: new(820.0), P50: new(500.0), P90: new(2200.0), P95: new(2500.0), P99: new(2500.0),
				Bounds: map[string]snapshot.Bounds{"p50": {Low: 250, High: new(500.0)}, "p90": {Low: 1000, High: new(2500.0)}, "p95": {Low: 1000, High: new(2500.0)}, "p99": {Low: 2500}}},
		}
		ignore := cmpopts.IgnoreFields(snapshot.Server{}, "Parts", "ITL", "Latency", "Queue")
		if diff := cmp.Diff(want, got, ignore, near, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Error(diff)
		}
		// ITL: cumulative 0, 200, 450, 450 of 0.01, 0.025, 0.05.
		itl := &snapshot.Distribution{Count: 450, Mean: new(12000. / 450), P50: new(27.5), P90: new(45.5), P95: new(47.75), P99: new(49.55), Bounds: every(25, new(50.0))}
		if diff := cmp.Diff(itl, got.ITL, near); diff != "" {
			t.Error(diff)
		}
	})
}

// A capture of the simulated server: what it does not bound by chance is pinned.
func TestSimulatedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := target(t, inTurn(fixture(t, "sim-vllm-1.txt"), fixture(t, "sim-vllm-2.txt"))).Read(t.Context(), 2*time.Second)
		for name, c := range map[string]struct {
			got  *float64
			want float64
		}{
			"running": {got.Running, 12}, "waiting": {got.Waiting, 6}, "requests a second": {got.RequestsPerSecond, 41},
			"tokens a second": {got.TokensPerSecond, (10068 - 5963) / 2.}, "error rate": {got.ErrorRate, (17031. - 9657) / (17031 - 9657 + 192 - 110)},
			"requests that ended": {&got.Latency.Count, 82},
		} {
			if c.got == nil || *c.got-c.want > 1e-9 || c.want-*c.got > 1e-9 {
				t.Errorf("%s: %v, want %v", name, show(c.got), c.want)
			}
		}
		for name, d := range map[string]*snapshot.Distribution{"ttft": got.TTFT, "itl": got.ITL, "tpot": got.TPOT, "latency": got.Latency, "queue": got.Queue, "prefill": got.Prefill, "decode": got.Decode} {
			if d == nil || d.P50 == nil || *d.P50 > *d.P95 || *d.P95 > *d.P99 || d.Bounds["p95"].Low > *d.P95 {
				t.Errorf("%s: %+v", name, d)
			}
		}
	})
}

func show(v *float64) any {
	if v == nil {
		return "absent"
	}
	return *v
}

func counterPage(start, requests, tokens string) string {
	var b strings.Builder
	if start != "" {
		b.WriteString("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds " + start + "\n")
	}
	b.WriteString("# TYPE vllm:request_success_total counter\n")
	if requests != "" {
		b.WriteString(`vllm:request_success_total{finished_reason="stop"} ` + requests + "\n")
	}
	b.WriteString("# TYPE vllm:generation_tokens_total counter\nvllm:generation_tokens_total " + tokens + "\n")
	return b.String()
}

func TestCounters(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after    string
		requests, tokens float64 // a second, over 10 s
		reset            bool
	}{
		"count on":                    {counterPage("1000", "10", "100"), counterPage("1000", "30", "600"), 2, 50, false},
		"one went back":               {counterPage("", "10", "100"), counterPage("", "4", "600"), 0.4, 50, true},
		"the process started again":   {counterPage("1000", "10", "100"), counterPage("1500", "30", "600"), 3, 60, true},
		"the start is told with ms":   {counterPage("1000.1", "10", "100"), counterPage("1000.3", "30", "600"), 2, 50, false},
		"a label set that came later": {counterPage("", "", "100"), counterPage("", "20", "600"), 2, 50, false},
		"nothing happened":            {counterPage("", "10", "100"), counterPage("", "10", "100"), 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _ := target(t, inTurn(tt.before, tt.after)).Read(t.Context(), 10*time.Second)
				if got.Reset != tt.reset || *got.RequestsPerSecond != tt.requests || *got.TokensPerSecond != tt.tokens {
					t.Errorf("reset %v, %v requests/s, %v tokens/s", got.Reset, *got.RequestsPerSecond, *got.TokensPerSecond)
				}
			})
		})
	}
}

// Without a window, rates are of the time since the reading before.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := target(t, inTurn(counterPage("", "10", "100"), counterPage("", "30", "600"), "<html>", counterPage("", "90", "900")))
		first, _ := x.Read(t.Context(), 0)
		if first.Basis != snapshot.SinceStart || first.RequestsPerSecond != nil || first.WindowS != nil {
			t.Errorf("the first reading has rates: %+v", first)
		}
		time.Sleep(5 * time.Second)
		second, _ := x.Read(t.Context(), 0)
		if second.Basis != snapshot.OverWindow || *second.WindowS != 5 || *second.RequestsPerSecond != 4 {
			t.Errorf("the second: %+v", second)
		}
		time.Sleep(5 * time.Second)
		if third, problems := x.Read(t.Context(), 0); len(problems) != 1 || third.RequestsTotal != nil {
			t.Errorf("the third: %+v %v", third, problems)
		}
		time.Sleep(5 * time.Second)
		if fourth, _ := x.Read(t.Context(), 0); *fourth.WindowS != 10 || *fourth.RequestsPerSecond != 6 {
			t.Errorf("the fourth: %+v", fourth)
		}
	})
}

func TestWindowThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, problems := target(t, inTurn(counterPage("", "10", "100"), "<html>")).Read(t.Context(), time.Second)
		if got.Basis != snapshot.SinceStart || *got.RequestsTotal != 10 || got.RequestsPerSecond != nil {
			t.Errorf("%+v", got)
		}
		if len(problems) != 1 || problems[0].What != "rates" || problems[0].Status != snapshot.Failed {
			t.Error(problems)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, problems = target(t, inTurn(counterPage("", "10", "100"))).Read(ctx, time.Minute)
		if *got.RequestsTotal != 10 || len(problems) != 1 || problems[0].Status != snapshot.Timeout {
			t.Errorf("%+v %v", got, problems)
		}
	})
}
