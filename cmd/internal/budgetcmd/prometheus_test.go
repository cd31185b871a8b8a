package budgetcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// report runs the command and reads its JSON.
func report(t *testing.T, args ...string) (budget.Report, clitest.Result) {
	t.Helper()
	r := clitest.Run(t, nil, []cli.Verb{New}, append([]string{"budget", "-o", "json"}, args...)...)
	var doc budget.Report
	if err := json.Unmarshal([]byte(r.Out), &doc); err != nil {
		t.Fatalf("%q exits %d: %v\n%s", args, r.Code, err, r.Err)
	}
	return doc, r
}

// fake answers every query with the same series, where a test asks for more than what
// a real server easily does.
func fake(t *testing.T, answer func(query string, start, end int64) (status int, body string)) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		end, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		if r.Header.Get("Authorization") == "Bearer wr0ng-t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "no wr0ng-t0ken here")
			return
		}
		status, body := answer(r.FormValue("query"), int64(start*1000), int64(end*1000))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// matrix has one series, with 3 events a minute up to newest.
func matrix(labels string, newest int64) func(query string, start, end int64) (int, string) {
	return func(query string, start, end int64) (int, string) {
		var points []string
		back := int64(0) // a server looks back for the newest reading
		if strings.Contains(query, "timestamp(") {
			back = 300_000
		}
		for at := start; at <= end && at <= newest+back; at += 60_000 {
			v := strconv.FormatInt((at-t0)/20_000+3_000_000, 10)
			if strings.Contains(query, "timestamp(") {
				v = strconv.FormatFloat(float64(newest)/1000, 'f', -1, 64)
			}
			points = append(points, fmt.Sprintf(`[%d,"%s"]`, at/1000, v))
		}
		if len(points) == 0 {
			return 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`
		}
		return 200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{` + labels + `},"values":[` + strings.Join(points, ",") + `]}]},"warnings":["some store is away"]}`
	}
}

func TestPrometheusOutcomes(t *testing.T) {
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli() // of clitest
	steady := matrix(`"job":"j","instance":"i"`, clock-12_000)
	old := matrix(`"job":"j","instance":"i"`, clock-3*3_600_000)
	requests := func(then func(string, int64, int64) (int, string)) func(string, int64, int64) (int, string) {
		return func(query string, start, end int64) (int, string) {
			if strings.Contains(query, "5..") || strings.Contains(query, "4..\"") && !strings.Contains(query, "!~") {
				return 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`
			}
			return then(query, start, end)
		}
	}
	slos := write(t, "slos.yaml", "slos: [{name: a, sli: availability, target: 0.99, window: 1d}]")
	engine := []string{"--engine", "vllm", "--slo-file", slos}
	for name, c := range map[string]struct {
		answer func(string, int64, int64) (int, string)
		args   []string
		env    map[string]string
		code   cli.Code
		says   []string
		total  int64
	}{
		"steady": {answer: requests(steady), args: engine, total: 1440 * 3, says: []string{
			"now is rounded down to the minute, 2026-01-02 03:03Z", "some store is away"}},
		"at":  {answer: requests(steady), args: append([]string{"--at", "2026-01-01T00:00:30Z"}, engine...), total: 1440 * 3, says: []string{"to the minute, 2026-01-01 00:00Z"}},
		"old": {answer: requests(old), args: engine, total: 1440 * 3, says: []string{"the newest reading of a counter is of 2026-01-02T00:04:05.000Z", "to the minute, 2026-01-02 00:04Z"}},
		"too much at once": {answer: requests(func(q string, start, end int64) (int, string) {
			if end-start > 700*60_000 {
				return 422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`
			}
			return steady(q, start, end)
		}), args: engine, total: 1440 * 3},
		"always too much": {answer: requests(func(q string, start, end int64) (int, string) {
			if strings.Contains(q, "timestamp") {
				return steady(q, start, end)
			}
			return 422, `{"status":"error","errorType":"execution","error":"too many samples"}`
		}), args: engine, code: cli.CodeFailed, says: []string{": too many samples", "hint: -v shows the queries; narrow them with --match"}},
		"nothing": {answer: matrix("", 0), args: engine, code: cli.CodeNoVerdict, says: []string{"the server has no series of http_requests_total{"}},
		"fractions": {answer: requests(func(q string, s, e int64) (int, string) {
			status, body := steady(q, s, e)
			return status, strings.ReplaceAll(body, `"],[`, `.5"],[`)
		}), args: engine, code: cli.CodeUsage, says: []string{"a counter of events has whole numbers"}},
		"denied": {answer: steady, args: engine, env: map[string]string{"LLMOPS_TOKEN": "wr0ng-t0ken"}, code: cli.CodeFailed, says: []string{"HTTP status 401", "hint: put a token into $LLMOPS_TOKEN"}},
		"bad query": {answer: func(string, int64, int64) (int, string) {
			return 400, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected \u001b[2J"}`
		}, args: engine, code: cli.CodeFailed, says: []string{"parse error: unexpected [2J"}},
		"broken":      {answer: func(string, int64, int64) (int, string) { return 500, "oops" }, args: engine, code: cli.CodeFailed, says: []string{"HTTP status 500", "hint: try again later"}},
		"no engine":   {answer: steady, args: []string{"--slo-file", slos}, code: cli.CodeUsage, says: []string{"objective a: nothing says which Prometheus metrics it is measured by", "hint: name an --engine"}},
		"wrong match": {answer: steady, args: append([]string{"--match", "job=vllm"}, engine...), code: cli.CodeUsage, says: []string{`"job=vllm" are no label matchers`}},
		"no bucket":   {answer: steady, args: []string{"--engine", "vllm", "--slo", "p95_ttft_ms < 700"}, code: cli.CodeUsage, says: []string{"its limit of 0.7 s is no bucket of vllm:time_to_first_token_seconds", "--round-to-bucket takes 0.5 s"}},
		"seconds":     {answer: steady, args: append([]string{"--window", "90s"}, engine...), code: cli.CodeUsage, says: []string{"a window of 1m30s: want whole minutes"}},
		"with logs":   {answer: steady, args: append([]string{"x.log"}, engine...), code: cli.CodeUsage, says: []string{"--prometheus and x.log exclude each other"}},
		"with a map":  {answer: steady, args: append([]string{"--map", "time=x"}, engine...), code: cli.CodeUsage, says: []string{"--prometheus"}},
		"unlike scale": {answer: func(q string, s, e int64) (int, string) {
			switch {
			case strings.Contains(q, "count by (le)"):
				return 200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"le":"0.5"},"values":[[1,"1"]]},{"metric":{"le":"+Inf"},"values":[[1,"1"]]},{"metric":{"le":"0.9"},"values":[[1,"1"]]}]}}`
			case strings.Contains(q, "_bucket"):
				return 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`
			}
			return steady(q, s, e)
		}, args: []string{"--engine", "vllm", "--slo", "p95_ttft_ms < 750"}, code: cli.CodeUsage, says: []string{"has the bound 0.75; next to it are 0.5 and 0.9"}},
	} {
		t.Run(name, func(t *testing.T) {
			url := fake(t, c.answer)
			r := clitest.Run(t, &cli.App{Getenv: clitest.Env(c.env)}, []cli.Verb{New}, append([]string{"budget", "-o", "json", "--prometheus", url}, c.args...)...)
			if r.Code != c.code {
				t.Errorf("exits %d, want %d:\n%s", r.Code, c.code, r.Err)
			}
			for _, s := range c.says {
				if !strings.Contains(r.Err, s) {
					t.Errorf("does not say %q:\n%s", s, r.Err)
				}
			}
			if strings.Contains(r.Err+r.Out, "wr0ng-t0ken") {
				t.Error("shows the token")
			}
			if c.total > 0 {
				var doc budget.Report
				if err := json.Unmarshal([]byte(r.Out), &doc); err != nil || doc.SLOs[0].Total != c.total || doc.Source.Format != "prometheus" || doc.Source.Resolution != "1m" {
					t.Errorf("%v %+v", err, doc.Source)
					t.Errorf("total %d, want %d", doc.SLOs[0].Total, c.total)
				}
			}
		})
	}
}
