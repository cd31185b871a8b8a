package metricinput

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/probes/prometheus/prometheustest"
)

// fleet is what an exporter and an engine show for six hours: gauges and histograms
// with gaps, counters that begin anew, a pod that leaves.
func fleet() string {
	r := rand.New(rand.NewPCG(3, 9))
	var b strings.Builder
	metric := func(name string, labels []string, value func(total float64) float64) {
		for _, pod := range []string{"a", "b"} {
			for _, more := range labels {
				total := 0.0
				for s := 0; s <= 6*3600; s += 15 {
					if r.IntN(15) == 0 || pod == "b" && (s > 4000 && s < 5000 || s > 15_000) {
						continue
					}
					total = value(total)
					fmt.Fprintf(&b, "%s{pod=%q%s} %v %.3f\n", name, pod, more, total, float64(t0+int64(s)*1000+int64(r.IntN(300)))/1000)
				}
			}
		}
	}
	grow := func(total float64) float64 {
		if r.IntN(200) == 0 {
			return 0
		}
		return total + float64(r.IntN(30))
	}
	metric("DCGM_FI_DEV_GPU_UTIL", []string{`,gpu="0"`, `,gpu="1"`}, func(float64) float64 { return float64(r.IntN(101)) })
	metric("vllm:generation_tokens_total", []string{""}, grow)
	metric("vllm:time_to_first_token_seconds_bucket", []string{`,le="0.1"`, `,le="0.5"`, `,le="+Inf"`}, grow)
	metric("vllm:num_requests_waiting", []string{""}, func(float64) float64 { return 50 * r.Float64() })
	return b.String()
}

// all is each point of each series.
func all(s *series.Store, from, to int64) map[string][]series.Point {
	points := map[string][]series.Point{}
	for _, x := range s.Series() {
		for at, v := range x.Between(from, to) {
			points[x.Labels().String()] = append(points[x.Labels().String()], series.Point{T: at, F: v})
		}
	}
	return points
}

// From a server come the samples that were given to it, to the last one, and with them
// the same canonical and computed metrics as from the file.
func TestRealPrometheus(t *testing.T) {
	page := fleet()
	w := Wants{Step: 15 * time.Second, Expressions: []string{`p95_ttft_ms > 300`, `gpu_utilization > 0.9`, `rate(vllm:generation_tokens_total[10m]) < 5`, `{__name__=~"vllm:num_.*"} > 40`, `tokens_per_second < 1`}}
	file, r := load(t, w, nil, write(t, "page.txt", page))
	if r.Code != cli.CodeOK {
		t.Fatal(r.Err)
	}
	address := prometheustest.Start(t, "", page)
	begin, end := file.Start.UnixMilli(), file.End.UnixMilli()
	for _, from := range []int64{begin, begin + 3*3600_000} {
		start, stop := strconv.FormatInt(from, 10), strconv.FormatInt(end, 10)
		server, r := load(t, w, nil, "--prometheus", address, "--start", start, "--end", stop)
		if r.Code != cli.CodeOK || r.Err != "" {
			t.Fatalf("exit %d\n%s", r.Code, r.Err)
		}
		want, got := all(file.Store, from, end), all(server.Store, from, end)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from %d: %.3000s", from-t0, diff)
		}
		if from == begin && (server.Summary.Points != file.Summary.Points || server.Summary.Series != file.Summary.Series || len(got) < 16) {
			t.Errorf("%+v, want %+v", server.Summary, file.Summary)
		}
		// What lies before the start is there as far as it is looked at.
		if first, _, _ := server.Store.Bounds(); from > begin && (first > from-15*60_000+20_000 || first < from-15*60_000) {
			t.Errorf("the first sample lies %d ms before the start", from-first)
		}
	}
	// A selector of a server is that of the file, and values at steps are those of the engine.
	server, r := load(t, Wants{}, nil, "--prometheus", address, "--query", `DCGM_FI_DEV_GPU_UTIL{pod="b"}`, "--start", strconv.FormatInt(t0, 10), "--end", strconv.FormatInt(end, 10))
	if r.Code != cli.CodeOK || len(server.Store.Series()) != 4 || server.Summary.Points != int64(len(all(file.Store, t0, end)[`{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="0", pod="b"}`])+len(all(file.Store, t0, end)[`{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="1", pod="b"}`])) {
		t.Errorf("exit %d, %+v\n%s%s", r.Code, server.Summary, r.Err, r.Out)
	}
	const expr = `sum by (pod) (rate(vllm:generation_tokens_total[5m]))`
	server, r = load(t, Wants{}, nil, "--prometheus", address, "--query", "tokens="+expr, "--start", strconv.FormatInt(t0+600_500, 10), "--end", strconv.FormatInt(end, 10), "--step", "37s")
	if r.Code != cli.CodeOK {
		t.Fatal(r.Err)
	}
	result, err := series.NewEngine(series.Limits{}).Range(t.Context(), file.Store, expr, time.UnixMilli(t0+600_500), file.End, 37*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range result.Rows {
		name := fmt.Sprintf(`{__name__="tokens", pod=%q}`, row.Labels.Get("pod"))
		if diff := cmp.Diff(row.Points, all(server.Store, t0+600_500, end)[name], near()); diff != "" || len(row.Points) < 100 {
			t.Errorf("%s: %.2000s", name, diff)
		}
	}
}

// near allows for the last bits.
func near() cmp.Option {
	return cmp.Comparer(func(a, b float64) bool { return a == b || (a-b)/b < 1e-9 && (b-a)/b < 1e-9 })
}

// A series that is not shown any more, or whose target is gone, has no value from then
// on, as on the server itself, though the server gives no stale markers away.
func TestRealStaleness(t *testing.T) {
	var scrapes atomic.Int64
	var gone atomic.Bool
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := scrapes.Add(1)
		if gone.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = fmt.Fprintf(w, "queue_length{pod=\"a\"} %d\n", n)
		if n%6 < 3 { // comes and goes
			_, _ = fmt.Fprintf(w, "queue_length{pod=\"b\"} %d\n", n)
		}
	}))
	defer target.Close()
	before := time.Now()
	address := prometheustest.Start(t, fmt.Sprintf("scrape_configs: [{job_name: x, scrape_interval: 100ms, scrape_timeout: 100ms, static_configs: [{targets: [%q]}]}]\n",
		strings.TrimPrefix(target.URL, "http://")), "")
	for deadline := time.Now().Add(20 * time.Second); scrapes.Load() < 16 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	gone.Store(true)
	for n, deadline := scrapes.Load(), time.Now().Add(20*time.Second); scrapes.Load() < n+4 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	start, end := before.UnixMilli(), time.Now().UnixMilli()
	const step = 50 * time.Millisecond
	for _, expr := range []string{`queue_length > 0`, `{__name__=~"queue.*",job="x"}`} {
		in, r := load(t, Wants{Expressions: []string{expr}, Step: step}, nil, "--prometheus", address, "--start", strconv.FormatInt(start, 10), "--end", strconv.FormatInt(end, 10))
		if r.Code != cli.CodeOK {
			t.Fatal(r.Err)
		}
		want := evaluated(t, address, expr, start, end, step)
		got := map[string][]series.Point{}
		result, err := series.NewEngine(series.Limits{}).Range(t.Context(), in.Store, expr, time.UnixMilli(start), time.UnixMilli(end), step)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range result.Rows {
			got[row.Labels.Get("pod")] = row.Points
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", expr, diff)
		}
		if len(want["b"]) == 0 || len(want["b"]) > len(want["a"])*3/4 || in.Summary.Missing < 2 {
			t.Errorf("%s: %d and %d values, %d ends: nothing is put to the test", expr, len(want["a"]), len(want["b"]), in.Summary.Missing)
		}
	}
}

// evaluated is what the server itself says at each step, by pod.
func evaluated(t *testing.T, address, expr string, start, end int64, step time.Duration) map[string][]series.Point {
	t.Helper()
	seconds := func(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }
	resp, err := http.Get(address + "/api/v1/query_range?" + url.Values{"query": {expr}, "start": {seconds(start)}, "end": {seconds(end)}, "step": {seconds(step.Milliseconds())}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	points := map[string][]series.Point{}
	for _, x := range doc.Data.Result {
		for _, v := range x.Values {
			f, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			points[x.Metric["pod"]] = append(points[x.Metric["pod"]], series.Point{T: int64(v[0].(float64)*1000 + 0.5), F: f})
		}
	}
	return points
}
