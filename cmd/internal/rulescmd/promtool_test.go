package rulescmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/rules/alert"
	"llmops/rules/slo"
)

// promtool runs Prometheus's own tool, which says what a rule file means.
func promtool(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, want cli.Code, args ...string) clitest.Result {
	t.Helper()
	r := clitest.Run(t, nil, []cli.Verb{New}, append([]string{"rules", "export"}, args...)...)
	if r.Code != want {
		t.Fatalf("%q exits %d:\n%s", args, r.Code, r.Err)
	}
	return r
}

// What each engine can serve is a file that promtool accepts, and the same bytes
// each time.
func TestCheckRules(t *testing.T) {
	dir := t.TempDir()
	const common = `
  - {name: availability, sli: availability, target: 0.999}
  - {name: 'a "name" with {{ braces }} and \ more', sli: availability, target: 0.99, window: 7d,
     alerts: [{severity: '{{ .Oops }}', long: 30m, short: 5m, threshold: 3}]}
  - {name: minutes, sli: availability, method: timeslices, slice: 1m, slice_target: 0.9, min_events: 10, target: 0.99}
  - {name: steady, sli: availability, method: ratio_timeslices, slice: 5m, target: 0.9995}
  - {name: rps, sli: requests_per_second > 100, method: timeslices, target: 0.9}
  - sli: error_rate < 0.1%
`
	for engine, more := range map[string]string{
		"vllm":    "  - {sli: ttft_ms <= 1000, target: 0.95, errors: bad}\n  - {sli: output_tokens_per_second >= 1000, target: 0.9}\n  - {name: tpot, sli: tpot_ms < 50, target: 0.99}\n  - sli: p99_itl_ms < 75\n",
		"sglang":  "  - {sli: ttft_ms < 800, target: 0.95, errors: bad}\n  - sli: p95_latency_ms < 4s\n",
		"tgi":     "",
		"litellm": "  - {sli: latency_ms < 2500, target: 0.95, errors: bad}\n  - sli: p95_ttft_ms < 500\n",
		"envoy":   "  - {sli: latency_ms < 1800000, target: 0.95}\n",
		"nginx":   "  - {sli: latency_ms < 500, target: 0.95, errors: bad}\n  - {sli: ttft_ms < 250, target: 0.95, method: timeslices, slice: 1m, slice_target: 0.9}\n",
	} {
		t.Run(engine, func(t *testing.T) {
			file := write(t, dir, engine+".yaml", "slos:"+common+more)
			args := []string{"--from-slo", file, "--engine", engine, "--match", `job="x"`}
			r := run(t, 0, args...)
			if again := run(t, 0, args...); again.Out != r.Out || again.Err != r.Err {
				t.Error("two runs differ")
			}
			out, err := promtool(t, dir, "check", "rules", write(t, dir, engine+".rules.yaml", r.Out))
			if err != nil || !strings.Contains(out, "SUCCESS") || strings.Contains(out, "duplicate") {
				t.Errorf("%v\n%s", err, out)
			}
			var doc struct {
				Schema string
				Groups []alert.Group
			}
			if err := json.Unmarshal([]byte(run(t, 0, append(args, "-o", "json")...).Out), &doc); err != nil || doc.Schema != alert.Schema || len(doc.Groups) < 6 {
				t.Errorf("JSON: %v, %q, %d groups", err, doc.Schema, len(doc.Groups))
			}
		})
	}
}

// minute is what happened in one minute.
type minute struct{ fast, slow, failed int }

// traffic has outages of three kinds, slow periods, idle ones and noise.
func traffic(n int) []minute {
	rng := rand.New(rand.NewPCG(7, 1))
	out := make([]minute, n+1) // none before the first minute
	for i := 1; i <= n; i++ {
		requests, failing, slow := 4+rng.IntN(17), 0.004, 0.03
		switch {
		case i >= 120 && i < 150: // nobody asks
			requests = 0
		case i >= 200 && i < 206:
			failing = 1
		case i >= 300 && i < 360:
			failing = 0.12
		case i >= 430 && i < 520:
			slow = 0.6
		}
		for range requests {
			switch v := rng.Float64(); {
			case v < failing:
				out[i].failed++
			case v < failing+slow*(1-failing):
				out[i].slow++
			default:
				out[i].fast++
			}
		}
	}
	return out
}

const replayed = `exclude_status: []
slos:
  - name: availability
    sli: availability
    target: 0.99
    window: 3d
    alerts: &alerts
      - {severity: page, long: 1h, short: 5m, threshold: 14.4}
      - {severity: page, long: 2h, short: 10m, threshold: 6}
      - {severity: ticket, long: 4h, short: 30m, threshold: 1}
  - {name: latency, sli: latency_ms <= 500, target: 0.9, alerts: [{severity: page, long: 1h, short: 5m, threshold: 3}]}
  - {name: strict, sli: latency_ms <= 500, target: 0.9, errors: bad, alerts: [{severity: page, long: 1h, short: 5m, threshold: 3}]}
  - {name: minutes, sli: availability, method: timeslices, slice: 1m, slice_target: 0.9, min_events: 8, target: 0.9, alerts: [{severity: page, long: 1h, short: 5m, threshold: 3}]}
  - {name: steady, sli: availability, method: ratio_timeslices, slice: 1m, target: 0.98, alerts: *alerts}
  - {name: rps, sli: requests_per_second >= 0.15, method: timeslices, slice: 1m, target: 0.7, alerts: [{severity: page, long: 30m, short: 5m, threshold: 1.2}]}
`

const replayedOpenSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: chat, annotations: {llmops/sli: availability}}
spec:
  service: chat
  indicator:
    spec:
      ratioMetric:
        good: {metricSource: {type: Prometheus, spec: {query: 'sum by (engine) (increase(http_requests_total{status="2xx"}[5m])) # of each engine'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_requests_total[{{ .window }}]))'}}}
  timeWindow: [{duration: 1w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  alertPolicies:
    - {kind: AlertPolicy, spec: {conditions: [{kind: AlertCondition, spec: {severity: page, condition: {op: gte, threshold: 8, lookbackWindow: 30m, alertAfter: 4m}}}]}}
    - kind: AlertPolicy
      spec:
        conditions:
          - kind: AlertCondition
            metadata: {annotations: {llmops/short-window: 5m}}
            spec: {severity: page, condition: {op: gt, threshold: 5, lookbackWindow: 1h}}
`

// The rules fire in exactly the minutes in which "llmops budget" says that they
// would have, for the same requests. The counters are read once a minute, on the
// minute, where rate over a range of Prometheus 2 has no need to extrapolate.
func TestFiresWhenBudgetDoes(t *testing.T) {
	if out, err := promtool(t, ".", "--version"); err != nil || !strings.Contains(out, "version 2.") {
		t.Skipf("needs promtool 2, whose ranges are closed:\n%s", out)
	}
	for name, c := range map[string]struct {
		slos    string
		args    []string
		firings int // at least, or the traffic tests too little
	}{
		"short form": {replayed, []string{"--engine", "vllm"}, 40},
		"openslo":    {replayedOpenSLO, nil, 4},
	} {
		t.Run(name, func(t *testing.T) {
			const minutes = 600
			dir, seen := t.TempDir(), traffic(minutes)
			slos := write(t, dir, "slos.yaml", c.slos)
			write(t, dir, "rules.yaml", run(t, 0, append([]string{"--from-slo", slos}, c.args...)...).Out)
			firings := 0
			var expected cases
			for _, s := range replay(t, c.slos, seen).SLOs {
				for _, a := range s.Alerts {
					firings += len(a.Fired)
					for m := 1; m <= minutes; m++ {
						fires := 0
						for _, f := range a.Fired {
							if at := budget.Time(int64(m) * 60_000); at >= f.From && (f.To == nil || at < *f.To) {
								fires = 1
							}
						}
						expected.add(m, fires, `count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",slo="%s",long="%s",short="%s"}) or vector(0)`, s.Name, a.Long, a.Short)
					}
				}
				// The rates that are added up reach five minutes back.
				expected.add(minutes, 1, `abs(slo:error_budget_remaining:ratio{slo="%s"} - (%g)) < bool 0.02`, s.Name, *s.Remaining)
			}
			if firings < c.firings {
				t.Fatalf("only %d firings: the traffic tests too little", firings)
			}
			check(t, dir, seen, &expected)
			t.Logf("%d firings, %d comparisons", firings, expected.n)
		})
	}
}

// replay judges the same requests from a log.
func replay(t *testing.T, text string, seen []minute) budget.Report {
	t.Helper()
	file, err := slo.Load("slos", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	at := int64(len(seen)-1) * 60_000
	counter, err := budget.New(budget.Config{Objectives: file.Objectives, ExcludeStatus: file.ExcludeStatus, At: &at})
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	shard := counter.Shard()
	for m, of := range seen {
		for _, kind := range []struct {
			n       int
			status  int16
			seconds float64
		}{{of.fast, 200, 0.4}, {of.slow, 200, 0.9}, {of.failed, 503, 0.1}} {
			for range kind.n {
				var e accesslog.Event
				e.Reset()
				e.End, e.Status, e.Failed = int64(m)*60_000, kind.status, kind.status >= 400
				e.Latency = accesslog.Fixed(kind.seconds * 1000 * 2e6)
				shard.Add(&e)
			}
		}
	}
	report, err := counter.Report(budget.Source{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

type cases struct {
	text strings.Builder
	n    int
}

// add wants a number of an expression, in a minute.
func (c *cases) add(minute, want int, expr string, args ...any) {
	c.n++
	labels := "{}"
	if strings.HasPrefix(expr, "abs(") {
		labels = fmt.Sprintf(`{slo="%s"}`, args[0])
	}
	fmt.Fprintf(&c.text, "      - {eval_time: %dm, expr: '%s', exp_samples: [{labels: '%s', value: %d}]}\n", minute, fmt.Sprintf(expr, args...), labels, want)
}

// check lets promtool evaluate rules.yaml over the counters of the traffic.
func check(t *testing.T, dir string, seen []minute, c *cases) {
	t.Helper()
	var all, failed, within bytes.Buffer
	var sumAll, sumFailed, sumWithin int
	for _, m := range seen {
		sumAll += m.fast + m.slow
		sumWithin += m.fast
		sumFailed += m.failed
		fmt.Fprintf(&all, " %d", sumAll)
		fmt.Fprintf(&within, " %d", sumWithin)
		fmt.Fprintf(&failed, " %d", sumFailed)
	}
	series := func(name string, values []byte) string {
		return fmt.Sprintf("      - {series: '%s', values: '%s'}\n", name, bytes.TrimSpace(values))
	}
	write(t, dir, "test.yaml", "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n"+
		series(`http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"}`, all.Bytes())+
		series(`http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"}`, failed.Bytes())+
		series(`vllm:e2e_request_latency_seconds_count{engine="0"}`, all.Bytes())+
		series(`vllm:e2e_request_latency_seconds_bucket{engine="0",le="0.5"}`, within.Bytes())+
		series(`vllm:e2e_request_latency_seconds_bucket{engine="0",le="1.0"}`, all.Bytes())+
		"    promql_expr_test:\n"+c.text.String())
	start := time.Now()
	out, err := promtool(t, dir, "test", "rules", "test.yaml")
	if len(out) > 4000 {
		out = out[:4000] + "…"
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("promtool took %v: %s", time.Since(start).Round(time.Millisecond), strings.TrimSpace(out))
}

// A name goes through YAML, PromQL and templates unchanged, and missing series
// raise an alert of their own.
func TestAlertAsSent(t *testing.T) {
	dir := t.TempDir()
	const name = `a "b" {{ c }} \d`
	slos := write(t, dir, "slos.yaml", `slos: [{name: '`+name+`', sli: availability, target: 0.999, alerts: [{severity: "{{x}}", long: 1h, short: 5m, threshold: 14.4}]}]`)
	write(t, dir, "rules.yaml", run(t, 0, "--from-slo", slos, "--bad", `errors_total{a="}#"}`, "--total", "requests_total").Out)
	write(t, dir, "test.yaml", `rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'errors_total{a="}#"}', values: '0+1x60'}
      - {series: 'requests_total', values: '0+4x60'}
    alert_rule_test:
      - eval_time: 10m
        alertname: ErrorBudgetBurn
        exp_alerts:
          - exp_labels: {slo: '`+name+`', severity: '{{x}}', long: 1h, short: 5m}
            exp_annotations:
              summary: '`+name+`: the error budget burns more than 14.4 times as fast as it may'
              description: '25% of all events in 1h missed the objective success_rate >= 0.999; 0.1% may. At 14.4 times the even pace 1h spends 2% of the budget of 30d, and all of it is gone in 2d2h.'
      - {eval_time: 30m, alertname: ErrorBudgetNotMeasured}
  - interval: 1m
    input_series:
      - {series: up, values: '1x30'}
    promql_expr_test:
      - {eval_time: 14m, expr: 'count(ALERTS{alertstate="firing"}) or vector(0)', exp_samples: [{labels: '{}', value: 0}]}
      - {eval_time: 15m, expr: 'count(ALERTS{alertname="ErrorBudgetNotMeasured",alertstate="firing"})', exp_samples: [{labels: '{}', value: 1}]}
  - interval: 1m # requests, and never a failure: the counter of failures is not there
    input_series:
      - {series: 'requests_total', values: '0+4x60'}
    promql_expr_test:
      - {eval_time: 50m, expr: 'count(ALERTS) or vector(0)', exp_samples: [{labels: '{}', value: 0}]}
      - {eval_time: 50m, expr: 'sum(slo:error_budget_remaining:ratio)', exp_samples: [{labels: '{}', value: 1}]}
  - interval: 1m # nobody asks: no share, and no NaN
    input_series:
      - {series: 'errors_total{a="}#"}', values: '3x60'}
      - {series: 'requests_total', values: '7x60'}
    promql_expr_test:
      - {eval_time: 50m, expr: 'count(ALERTS) or vector(0)', exp_samples: [{labels: '{}', value: 0}]}
      - {eval_time: 50m, expr: 'count({__name__=~"slo:.*ratio.*",__name__!="slo:objective:ratio"}) or vector(0)', exp_samples: [{labels: '{}', value: 0}]}
`)
	if out, err := promtool(t, dir, "test", "rules", "test.yaml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A value that is no number, a mean of nothing, is no slice.
func TestValueThatIsNone(t *testing.T) {
	dir := t.TempDir()
	slos := write(t, dir, "slos.yaml", `apiVersion: openslo/v1
kind: SLO
metadata: {name: v, annotations: {llmops/sli: ttft_ms, llmops/unit: s}}
spec:
  service: s
  indicator: {spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: ttft_sum / ttft_count}}}}}
  budgetingMethod: Occurrences
  timeWindow: [{duration: 1w, isRolling: true}]
  objectives: [{op: lt, value: 0.8, target: 0.9}]
`)
	write(t, dir, "rules.yaml", run(t, 0, "--from-slo", slos).Out)
	write(t, dir, "test.yaml", `rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'ttft_sum{engine="0"}', values: '7x9 0x9 8x9 0x29'}
      - {series: 'ttft_count{engine="0"}', values: '10x9 0x9 10x9 0x29'}
    promql_expr_test:
      - {eval_time: 19m, expr: 'slo:slice_bad:avg7d', exp_samples: [{labels: 'slo:slice_bad:avg7d{slo="v"}', value: 0}]}
      - {eval_time: 50m, expr: 'slo:slice_bad:avg7d', exp_samples: [{labels: 'slo:slice_bad:avg7d{slo="v"}', value: 0.5}]}
      - {eval_time: 50m, expr: 'count(ALERTS{alertname="ErrorBudgetNotMeasured"}) or vector(0)', exp_samples: [{labels: '{}', value: 0}]}
`)
	if out, err := promtool(t, dir, "test", "rules", "test.yaml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
