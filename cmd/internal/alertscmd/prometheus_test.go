package alertscmd

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/probes/prometheus/prometheustest"
)

// prometheus starts the real one over the file data in the folder, if there is one.
func (w *world) prometheus(config string) string {
	w.t.Helper()
	w.write("prometheus.yml", config)
	return prometheustest.Over(w.t, w.dir, "--config.file=prometheus.yml")
}

// replay runs the command and gives its alerts.
func (w *world) replay(args ...string) []alertDoc {
	w.t.Helper()
	r := clitest.Run(w.t, &cli.App{Getenv: clitest.Env(w.env)}, []cli.Verb{New}, append([]string{"alerts", "--rules", w.path("rules.yaml"), "-o", "json"}, args...)...)
	var doc struct{ Alerts []alertDoc }
	if err := json.Unmarshal([]byte(r.Out), &doc); err != nil || r.Code != cli.CodeOK {
		w.t.Fatalf("exit %d, %v\n%s", r.Code, err, r.Err)
	}
	return doc.Alerts
}

// UnmarshalText reads what MarshalText writes.
func (m *moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	*m = moment(t.UnixMilli())
	return err
}

const fleetRules = `groups:
  - name: fleet
    interval: 15s
    rules:
      - record: pod:tokens:rate5m
        expr: sum by (pod) (rate(vllm:generation_tokens_total[5m]))
      - alert: SlowDecoding
        expr: pod:tokens:rate5m < 0.95
        for: 1m
        keep_firing_for: 2m
        labels: {severity: warning}
        annotations: {summary: '{{ $labels.pod }}: {{ $value | humanize }} tokens/s'}
      - alert: Queue
        expr: vllm:num_requests_waiting > 45
        labels: {severity: critical}
      - alert: SlowFirstToken
        expr: histogram_quantile(0.95, sum by (pod, le) (rate(vllm:time_to_first_token_seconds_bucket[2m]))) > 0.49
        for: 30s
      - alert: Gone
        expr: absent(vllm:num_requests_waiting{pod="b"})
      - alert: Canonical
        expr: queue_length > 40 and on (pod) gpu_utilization > 0.9
  - name: slow
    interval: 1m
    rules:
      - alert: Restarted
        expr: resets(vllm:generation_tokens_total[10m]) > 0
        labels: {severity: info}
`

// fleet is an engine and its GPU for two hours: a queue, counters that begin anew,
// histograms, missed scrapes, and a pod that leaves and comes back.
func fleet() string {
	r := rand.New(rand.NewPCG(6, 1))
	var b strings.Builder
	for _, m := range []struct {
		name, more string
		value      func(float64) float64
	}{
		{"DCGM_FI_DEV_GPU_UTIL", `,gpu="0"`, func(float64) float64 { return float64(r.IntN(101)) }},
		{"vllm:generation_tokens_total", "", func(total float64) float64 {
			if r.IntN(200) == 0 {
				return 0
			}
			return total + float64(r.IntN(30))
		}},
		{"vllm:num_requests_waiting", "", func(v float64) float64 { return max(0, min(60, v+float64(r.IntN(21)-10))) }},
		{"vllm:time_to_first_token_seconds_bucket", `,le="0.5"`, func(total float64) float64 { return total + float64(r.IntN(30)) }},
		{"vllm:time_to_first_token_seconds_bucket", `,le="+Inf"`, func(total float64) float64 { return total + 28 }},
	} {
		for _, pod := range []string{"a", "b"} {
			v := 0.0
			for s := 0; s <= 2*3600; s += 15 {
				if v = m.value(v); r.IntN(15) > 0 && (pod == "a" || s < 3000 || s > 4000) {
					fmt.Fprintf(&b, "%s{pod=%q%s} %v %d.%03d\n", m.name, pod, m.more, v, start.Unix()+int64(s), r.IntN(300))
				}
			}
		}
	}
	return b.String()
}

// From a real Prometheus come the same alerts as from the file that was given to it.
func TestRealPrometheus(t *testing.T) {
	w := newWorld(t, nil)
	w.write("rules.yaml", fleetRules)
	page := w.write("page.txt", fleet()+"# EOF\n")
	backfill := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", page, w.path("data"))
	if out, err := backfill.CombinedOutput(); err != nil {
		t.Skipf("promtool is not installed, or cannot backfill: %v\n%s", err, out)
	}
	server := w.prometheus("")
	at := func(d time.Duration) string { return start.Add(d).Format(time.RFC3339) }
	from, to := at(30*time.Minute), at(2*time.Hour)
	file := w.replay(page, "--start", from, "--end", to)
	live := w.replay("--prometheus", server, "--start", from, "--end", to)
	if diff := cmp.Diff(file, live); diff != "" {
		t.Errorf("%.3000s", diff)
	}
	names := map[string]int{}
	for _, a := range file {
		names[a.Name]++
	}
	if len(names) != 6 || len(file) < 40 {
		t.Errorf("only %v: little is put to the test", names)
	}
}

// A server that evaluates the same rules at the same times fires the same alerts.
func TestRealLive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	w := newWorld(t, nil)
	w.write("rules.yaml", `groups:
  - name: live
    interval: 1s
    rules:
      - record: tick
        expr: vector(1)
      - record: doubled
        expr: 2 * load
      - alert: Hot
        expr: doubled > 100
        for: 2s
        keep_firing_for: 1s
        labels: {severity: critical}
      - alert: Rising
        expr: delta(load[5s]) > 20
      - alert: Gone
        expr: absent(load{pod="b"})
`)
	if strings.Contains(version(t), " 2.3") { // keep_firing_for came with 2.42
		t.Skip("this Prometheus is too old")
	}
	var scrapes atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		n := scrapes.Add(1)
		load := 10
		if n >= 4 && n < 10 || n >= 12 {
			load = 80
		}
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(rw, "load{pod=\"a\"} %d\n", load)
		if n < 6 || n > 8 {
			fmt.Fprintf(rw, "load{pod=\"b\"} %d\n", load/2)
		}
	}))
	defer target.Close()
	server := w.prometheus(fmt.Sprintf("global: {evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs: [{job_name: x, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(target.URL, "http://")))
	for end := time.Now().Add(40 * time.Second); scrapes.Load() < 17 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	samples := func(expr string) map[string][]int64 { // times of stored samples, by what they are of
		var doc struct {
			Data struct {
				Result []struct {
					Metric map[string]string
					Values [][2]any
				}
			}
		}
		get(t, server+"/api/v1/query?"+url.Values{"query": {expr + "[2m]"}}.Encode(), &doc)
		found := map[string][]int64{}
		for _, x := range doc.Data.Result {
			key := x.Metric["alertname"] + " " + x.Metric["pod"]
			for _, v := range x.Values {
				found[key] = append(found[key], int64(v[0].(float64)*1000+0.5))
			}
		}
		return found
	}
	ticks := samples("tick")[" "]
	if len(ticks) < 12 {
		t.Fatalf("evaluated %d times only", len(ticks))
	}
	for i := range ticks[1:] {
		if ticks[i+1]-ticks[i] != 1000 {
			t.Skip("the machine is too busy: the server missed evaluations")
		}
	}
	for _, at := range samples(`up`)[" "] {
		if phase := ((at-ticks[0])%1000 + 1000) % 1000; phase > 940 { // taken just before, and perhaps not stored in time
			t.Skip("scrapes and evaluations coincide, and nobody knows which came first")
		}
	}
	ms := func(t int64) string { return strconv.FormatInt(t, 10) }
	want := samples(`ALERTS{alertstate="firing"}`)
	last := ticks[len(ticks)-1]
	alerts := w.replay("--prometheus", server, "--start", ms(ticks[0]), "--end", ms(last))
	got := map[string][]int64{}
	for _, a := range alerts {
		if a.FiredAt == nil {
			continue
		}
		key := a.Name + " " + a.Labels["pod"]
		for _, at := range ticks[2:] { // a server that starts writes no ALERTS before its third evaluation
			if at >= int64(*a.FiredAt) && (a.ResolvedAt == nil || at < int64(*a.ResolvedAt)) {
				got[key] = append(got[key], at)
			}
		}
	}
	for key, times := range want { // without what was evaluated since
		want[key] = slices.DeleteFunc(times, func(at int64) bool { return at > last })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%+v", diff, alerts)
	}
	if len(want) < 4 {
		t.Errorf("only %v fired: little is put to the test", want)
	}
}

func version(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "prometheus", "--version").CombinedOutput()
	if err != nil {
		t.Skip("prometheus is not installed (Debian package prometheus)")
	}
	return string(out)
}
