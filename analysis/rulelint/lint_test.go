package rulelint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"llmops/rules/alert"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/slo"
)

func loadCatalog(t testing.TB) catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t testing.TB, name, text string) alert.File {
	t.Helper()
	f, err := alert.Read(name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// complete is what an alert needs so that only its expression is looked at.
const complete = `
        labels: {severity: warning}
        annotations: {summary: s, runbook_url: r}`

// of lints one alert, and gives its findings as "severity check line:column".
func of(t testing.TB, c catalog.Catalog, expr string) (got, words []string) {
	t.Helper()
	f := read(t, "r.yaml", "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: "+expr+complete)
	for _, f := range Lint([]alert.File{f}, Options{Catalog: c}) {
		got = append(got, fmt.Sprintf("%s %s %d:%d", f.Severity, f.Check, f.Position.Line, f.Position.Column))
		words = append(words, f.Message+"; "+f.Hint)
	}
	return got, words
}

func TestExpressions(t *testing.T) {
	c := loadCatalog(t)
	for _, tc := range []struct{ expr, want, words string }{
		// nothing is wrong with these
		{"cpu_utilization > 0.8", "", ""},
		{"cpu_utilization > 0.8 or memory_utilization > 0.8", "", ""},
		{"up == 0", "", ""},
		{"vector(1)", "", ""},
		{"vector(1) > 0", "", ""},
		{"absent(up{job=\"vllm\"}) == 1", "", ""},
		{"p95_latency_ms > 2000", "", ""},
		{"gpu_temperature_c >= gpu_temperature_slowdown_c", "", ""},
		{"DCGM_FI_DEV_GPU_UTIL > 90", "", ""},
		{"100 * cpu_utilization > 80", "", ""},
		{"100 - 100 * cpu_utilization < 5", "", ""},
		{"1 - memory_utilization < 0.1", "", ""},
		{"sum(gpu_utilization) > 3", "", ""},
		{"count(up == 0) > 3", "", ""},
		{"rate(preemptions_total[5m]) > 1", "", ""},
		{"preemptions_total > 0", "", ""},
		{"increase(vllm:num_preemptions_total[1h]) > 10", "", ""},
		{"histogram_quantile(0.95, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) > 2", "", ""},
		{"time() - ALERTS_FOR_STATE > 600", "", ""},
		{"ALERTS{alertstate=\"firing\"} and on (job) up", "", ""},
		{"prometheus_tsdb_head_series > 5", "info unknown-metric 5:15", ""},
		// ratios and other ranges
		{"cpu_utilization > 80", "error never-true 5:15", "cpu_utilization > 80 is never true: cpu_utilization is a ratio and runs from 0 to 1; write 0.8 for 80 percent"},
		{"80 < cpu_utilization", "error never-true 5:15", "80 percent"},
		{"avg by (gpu) (gpu_memory_utilization) >= 95", "error never-true 5:15", "write 0.95 for 95 percent"},
		{"max_over_time(cpu_utilization[5m]) > 1", "error never-true 5:15", ""},
		{"(1 - memory_utilization) > 1", "error never-true 5:15", ""},
		{"DCGM_FI_DEV_GPU_UTIL > 100", "error never-true 5:15", "is in percent and runs from 0 to 100"},
		{"success_rate < 0", "error never-true 5:15", ""},
		{"error_rate >= 0", "warning never-true 5:15", "is always true"},
		{"up == 2", "warning never-true 5:15", ""},
		{"cpu_utilization > bool 80", "error never-true 5:15", ""},
		{"node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 80", "warning never-true 5:15", "write 0.8"},
		{"sum(rate(http_requests_total{status=\"5xx\"}[5m])) / sum(rate(http_requests_total[5m])) > 5", "warning never-true 5:15", "write 0.05 for 5 percent"},
		{"up == 0 or cpu_utilization > 80", "error never-true 5:26", ""},
		// units
		{"DCGM_FI_DEV_GPU_UTIL > 0.9", "warning unit 5:15", "is in percent, from 0 to 100; write 90 if 0.9 of all is meant"},
		{"p95_latency_ms > 0.5", "warning unit 5:15", "is in milliseconds; write 500 if seconds are meant"},
		{"histogram_quantile(0.95, rate(vllm:e2e_request_latency_seconds_bucket[5m])) > 2000", "warning unit 5:15", "is in seconds; write 2 if milliseconds are meant"},
		{"memory_used_bytes < 80", "warning unit 5:15", "80 * 1024^3"},
		{"p95_latency_ms > histogram_quantile(0.9, rate(vllm:e2e_request_latency_seconds_bucket[5m]))", "warning unit 5:15", "p95_latency_ms in ms together with"},
		{"p95_latency_ms > 1000 * histogram_quantile(0.9, rate(vllm:e2e_request_latency_seconds_bucket[5m]))", "", ""},
		{"gpu_utilization - DCGM_FI_DEV_GPU_UTIL > 0", "warning unit 5:15", "ratio together with"},
		// burn rates
		{"error_rate > 14.4 * (1 - 0.9)", "error burn-rate 5:15", "14.4 times a budget of 0.1 is 1.44, and no more than all events can be bad; take a factor below 10"},
		{"error_rate > (14.4 * 0.1)", "error burn-rate 5:15", ""},
		{"error_rate > 14.4 * (1 - 0.999)", "", ""},
		// names
		{"gpu_utilisation > 0.5", "warning unknown-metric 5:15", "nobody knows a metric called gpu_utilisation; did you mean gpu_utilization?"},
		{"my_own_thing > 5", "warning unknown-metric 5:15", "--metrics"},
		{"{job=\"x\"} > 5", "", ""},
		// counters and gauges
		{"rate(gpu_utilization[5m]) > 0", "warning rate-of-gauge 5:15", "deriv"},
		{"delta(preemptions_total[5m]) > 3", "warning rate-of-gauge 5:15", "rate or increase"},
		{"preemptions_total > 100", "warning counter-without-rate 5:15", "increase(preemptions_total[1h])"},
		{"sum by (server) (preemptions_total) > 100", "warning counter-without-rate 5:32", ""},
		{"preemptions_total - preemptions_total offset 1h > 100", "", ""},
		{"timestamp(preemptions_total) < 100", "", ""},
		// ranges
		{"rate(preemptions_total[1m]) > 1", "info short-range 5:15", "take 4m"},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			got, words := of(t, c, "'"+strings.ReplaceAll(tc.expr, "'", "''")+"'")
			// The quote shifts what is on the line by one.
			want := tc.want
			if want != "" {
				i := strings.LastIndex(want, ":")
				var column int
				if _, err := fmt.Sscan(want[i+1:], &column); err != nil {
					t.Fatal(err)
				}
				want = fmt.Sprintf("%s:%d", want[:i], column+1)
			}
			if len(got) > 1 && strings.Contains(want, "unknown-metric") {
				got = slices.CompactFunc(got, func(a, b string) bool { return strings.Contains(b, "unknown-metric") })
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("got %q, want %q\n%s", got, want, strings.Join(words, "\n"))
			}
			if !strings.Contains(strings.Join(words, "\n"), tc.words) {
				t.Errorf("%q says nothing of %q", words, tc.words)
			}
		})
	}
}

const several = `groups:
  - name: a
    interval: 1m
    labels: {team: x}
    rules:
      - record: job:util:avg
        expr: avg by (job) (gpu_utilization)
      - alert: High
        expr: job:util:avg > 90
        for: 30s
        annotations:
          summary: '{{ $labels.instance }} of {{ $labels.job }}'
      - alert: High
        expr: job:util:avg > 0.9
        labels: {severity: critical}
        annotations: {summary: '{{ $labels.severity }}', runbook_url: x}
      - alert: High
        expr: job:util:avg > 0.8
        labels: {severity: critical}
        annotations: {summary: s, runbook_url: x}
`

const other = `groups:
  - name: b
    rules:
      - record: job:util:avg
        expr: sum by (job) (up)
        labels: {team: x}
      - record: job:util:avg
        expr: sum by (job) (up)
        labels: {team: x}
`

func TestSeveralFiles(t *testing.T) {
	files := []alert.File{read(t, "a.yaml", several), read(t, "b.yaml", other)}
	var got []string
	for _, f := range Lint(files, Options{Catalog: loadCatalog(t)}) {
		got = append(got, fmt.Sprintf("%s %s %s: %s", f.Position, f.Severity, f.Check, f.Message))
	}
	want := []string{
		`a.yaml:8:9 warning lost-label: annotation summary asks for the label instance, which the expression does not keep`,
		`a.yaml:8:9 info missing-runbook: an alert without the annotation runbook_url`,
		`a.yaml:8:9 info missing-severity: an alert without the label severity`,
		`a.yaml:8:9 info short-for: for: 30s is shorter than the interval of 1m, so it is as long as that`,
		`a.yaml:13:9 warning lost-label: annotation summary asks for the label severity, which the expression does not keep`,
		`a.yaml:17:9 warning duplicate-rule: the alert at a.yaml:13:9 has the same name and labels: they cannot be told apart`,
		`b.yaml:4:9 error duplicate-rule: job:util:avg is recorded by the rule at a.yaml:6:9 too: where both have a result, Prometheus drops one`,
		`b.yaml:7:9 error duplicate-rule: job:util:avg is recorded by the rule at a.yaml:6:9 too: where both have a result, Prometheus drops one`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The rules that "rules export --from-slo" makes have their limits as numbers.
func TestBurnOfRecordedShare(t *testing.T) {
	f := read(t, "a.yaml", "groups: [{name: g, rules: [{alert: ErrorBudgetBurn, expr: 'slo:bad_events_per_events:ratio_rate1h > 1.2'}]}]")
	var got []string
	for _, x := range Lint([]alert.File{f}, Options{Catalog: loadCatalog(t), Only: []string{"burn-rate", "unknown-metric"}}) {
		got = append(got, fmt.Sprintf("%s %s: %s", x.Severity, x.Check, x.Message))
	}
	want := []string{
		"error burn-rate: the alert cannot fire: the share of bad events is at most 1, and never above 1.2",
		"info unknown-metric: none of the rules given records slo:bad_events_per_events:ratio_rate1h",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A threshold on a recorded series is judged by what is recorded.
func TestRecorded(t *testing.T) {
	f := read(t, "a.yaml", strings.Split(several, "        for: 30s")[0])
	found := Lint([]alert.File{f}, Options{Catalog: loadCatalog(t), Only: []string{"never-true"}})
	if len(found) != 1 || found[0].Severity != Error || found[0].Position.String() != "a.yaml:9:15" || found[0].Hint != "write 0.9 for 90 percent" {
		t.Errorf("%+v", found)
	}
	// Rules that are made of themselves end.
	loop := read(t, "l.yaml", "groups: [{name: g, rules: [{record: 'a:b', expr: 'c:d'}, {record: 'c:d', expr: 'a:b > 5'}]}]")
	if found := Lint([]alert.File{loop}, Options{Catalog: loadCatalog(t)}); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestGivenMetrics(t *testing.T) {
	c := loadCatalog(t)
	f := read(t, "a.yaml", "groups: [{name: g, rules: [{record: 'a:b', expr: 'my_own_thing + gpu_utilization + p95_latency_ms + my_own_thong'}]}]")
	var got []string
	for _, f := range Lint([]alert.File{f}, Options{Catalog: c, Metrics: []string{"my_own_thing", "DCGM_FI_DEV_GPU_UTIL"}}) {
		got = append(got, string(f.Severity)+" "+f.Message)
	}
	want := []string{"info no series of p95_latency_ms is among the metrics given", "warning nobody knows a metric called my_own_thong"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What ships, and what llmops itself makes, has nothing worse than a remark.
func TestOwnRules(t *testing.T) {
	c := loadCatalog(t)
	var files []alert.File
	entries, err := defaults.Rules.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := defaults.Rules.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, read(t, e.Name(), string(data)))
	}
	objectives, err := slo.Load("o", strings.NewReader("slos: [{name: availability, sli: availability, target: 0.999, window: 30d}, {name: slow, sli: latency_ms <= 1000, target: 0.95}]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range alert.Engines() {
		f, _, err := alert.FromSLO(objectives.Objectives, alert.Options{Engine: engine, RoundToBucket: true})
		if err != nil {
			continue // it has no metrics for them
		}
		var text strings.Builder
		if err := f.WriteYAML(&text); err != nil {
			t.Fatal(err)
		}
		for _, x := range Lint([]alert.File{read(t, engine, text.String())}, Options{Catalog: c}) {
			if x.Severity != Info && x.Check != "unknown-metric" {
				t.Errorf("%s %s %s: %s", x.Position, x.Severity, x.Check, x.Message)
			}
		}
	}
	for _, x := range Lint(files, Options{Catalog: c}) {
		if x.Severity != Info {
			t.Errorf("%s %s %s: %s (%s)", x.Position, x.Severity, x.Check, x.Message, x.Hint)
		}
	}
}

func TestChecks(t *testing.T) {
	var ids []string
	for _, c := range Checks() {
		if c.ID == "" || c.About == "" || c.run == nil {
			t.Errorf("%+v", c)
		}
		ids = append(ids, c.ID)
	}
	if n := len(ids); n < 12 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != n {
		t.Errorf("%q", ids)
	}
}

// No expression that parses makes a check fail.
func FuzzLint(f *testing.F) {
	c := loadCatalog(f)
	for _, e := range []string{"a > 1", "sum by (x) (rate(a_total[1m])) / 0 > 1e400", "-gpu_utilization % 0 == NaN", "count_values('x', up) unless on () {__name__=~\"a.*\"}", "histogram_quantile(1, up[5m:])"} {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		one := alert.File{Groups: []alert.Group{{Name: "g", Rules: []alert.Rule{{Alert: "A", Expr: expr, Annotations: map[string]string{"summary": "{{ $labels." + expr + " }}"}}}}}}
		for _, x := range Lint([]alert.File{one}, Options{Catalog: c}) {
			if x.Message == "" || x.Check == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
