package series

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/probes/prometheus/prometheustest"
)

// A real Prometheus, if one is installed, gives the same answers over the same
// samples, and what promtool dumps of them is read as they were.
func TestRealPrometheus(t *testing.T) {
	dir, page := t.TempDir(), realPage()
	prometheustest.Backfill(t, dir, page)
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store, s := mustRead(t, page)
	if s.Malformed > 0 || s.Dropped > 0 {
		t.Fatal(s)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "wal"), 0o700); err != nil { // dump wants one
		t.Fatal(err)
	}
	promtool := exec.CommandContext(t.Context(), "promtool", "tsdb", "dump", "data")
	promtool.Dir = dir
	dumped, err := promtool.CombinedOutput()
	if err != nil {
		t.Skipf("promtool tsdb dump: %v\n%s", err, dumped)
	}
	if again, s := mustRead(t, string(dumped[bytes.IndexByte(dumped, '{'):])); dump(again) != dump(store) || s.Malformed > 0 {
		t.Errorf("the dump: %d malformed %v", s.Malformed, s.Samples)
	}
	url := prometheustest.Over(t, dir, "--config.file=config.yml")
	e := NewEngine(Limits{})
	for _, expression := range []string{
		`requests_total`, `rate(requests_total[90s])`, `increase(requests_total[5m])`, `irate(requests_total[3m])`, `sum by (pod) (rate(requests_total[2m]))`,
		`queue_length`, `avg(queue_length)`, `max by (pod) (queue_length) > 20`, `queue_length and on (pod) rate(requests_total{code="500"}[5m]) > 1`,
		`absent(queue_length)`, `absent_over_time(queue_length[2m])`, `changes(queue_length[10m])`, `deriv(queue_length[10m])`, `predict_linear(queue_length[10m], 600)`,
		`quantile_over_time(0.9, queue_length[10m])`, `stddev_over_time(queue_length[7m])`, `max_over_time(rate(requests_total[2m])[10m:30s])`, `queue_length offset 3m`,
		`histogram_quantile(0.95, sum by (le) (rate(ttft_seconds_bucket[3m])))`, `topk(1, queue_length)`, `count({__name__=~".*_total"})`, `label_replace(queue_length, "x", "$1", "pod", "(.)")`,
		`sum(rate(requests_total{code="500"}[5m])) / sum(rate(requests_total[5m]))`, `1 - avg_over_time(queue_length[5m]) / 100`, `resets(requests_total[20m])`, `time() - timestamp(queue_length)`,
	} {
		// Steps lie where no sample is on the edge of a range: it is open on its left
		// since version 3, and closed before.
		start, end, step := at0(600.5), at0(3000.5), 37*time.Second
		want := askReal(t, url, expression, start, end, step)
		got, err := e.Range(t.Context(), store, expression, start, end, step)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if len(want) == 0 && !strings.HasPrefix(expression, "absent") {
			t.Errorf("%s gives nothing to compare", expression)
		}
		if diff := compareRows(want, got.Rows); diff != "" {
			t.Errorf("%s: %s", expression, diff)
		}
	}
}

// realPage is a fleet of three: counters that begin anew, gauges with gaps, a pod
// that leaves, a histogram.
func realPage() string {
	r := rand.New(rand.NewPCG(7, 7))
	var b strings.Builder
	for _, name := range []string{"queue_length", "requests_total", "ttft_seconds_bucket"} {
		for _, pod := range []string{"a", "b", "c"} {
			for _, more := range map[string][]string{"queue_length": {""}, "requests_total": {`,code="200"`, `,code="500"`},
				"ttft_seconds_bucket": {`,le="0.1"`, `,le="0.5"`, `,le="2"`, `,le="+Inf"`}}[name] {
				total := 0.0
				for s := 0; s <= 3600; s += 15 {
					if r.IntN(12) == 0 || pod == "b" && s > 1200 && s < 1800 || pod == "c" && s > 2000 {
						continue
					}
					v := 30 * r.Float64()
					if name != "queue_length" {
						if total += float64(r.IntN(40)); pod == "a" && r.IntN(60) == 0 {
							total = 0
						}
						v = total
					}
					fmt.Fprintf(&b, "%s{pod=%q%s} %v %.3f\n", name, pod, more, v, float64(t0+int64(s)*1000+int64(r.IntN(300)))/1000)
				}
			}
		}
	}
	return b.String()
}

// askReal reads the answer with encoding/json, and checks that this package reads
// the same from it.
func askReal(t *testing.T, server, expression string, start, end time.Time, step time.Duration) map[string][]Point {
	t.Helper()
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	resp, err := http.Get(server + "/api/v1/query_range?" + url.Values{"query": {expression}, "start": {seconds(start)}, "end": {seconds(end)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Values [][2]any          `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	rows := map[string][]Point{}
	points := int64(0)
	for _, x := range answer.Data.Result {
		key := fmt.Sprint(x.Metric)
		for _, p := range x.Values {
			v, err := strconv.ParseFloat(p[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			rows[key] = append(rows[key], Point{T: int64(math.Round(p[0].(float64) * 1000)), F: v})
			points++
		}
	}
	_, s, err := Read(t.Context(), []accesslog.Source{textSource("answer", string(body))}, Options{})
	if err != nil || s.Points+s.Missing != points || s.Format != "prometheus-json" {
		t.Errorf("%s: the answer is read as %+v, %v; it has %d points", expression, s, err, points)
	}
	return rows
}

// compareRows allows for the last bits: sums are added up in another order.
func compareRows(want map[string][]Point, got []Row) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(want))
	}
	for _, row := range got {
		theirs := want[fmt.Sprint(row.Labels.Map())]
		if len(theirs) != len(row.Points) {
			return fmt.Sprintf("%s: %d points, want %d", row.Labels, len(row.Points), len(theirs))
		}
		for i, p := range row.Points {
			o := theirs[i]
			if p.T != o.T || math.Abs(p.F-o.F) > 1e-9*math.Max(1, math.Abs(o.F)) && !(math.IsNaN(p.F) && math.IsNaN(o.F)) {
				return cmp.Diff(o, p)
			}
		}
	}
	return ""
}
