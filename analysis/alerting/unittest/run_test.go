package unittest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/alert"
	"llmops/rules/alert/routing"
)

const gpuRules = `groups:
  - name: gpus
    rules:
      - alert: GPUHot
        expr: gpu_temperature_c > 80
        for: 2m
        labels: {severity: critical}
        annotations: {summary: 'GPU {{ $labels.gpu }} has {{ $value }} °C'}
      - alert: GPUWarm
        expr: gpu_temperature_c > 70
        labels: {severity: warning}
      - record: share
        expr: gpu_temperature_c / 0
`

const gpuRoutes = `route:
  receiver: chat
  group_by: [alertname]
  group_wait: 30s
  routes:
    - matchers: [severity="critical"]
      receivers: [chat, pager]
      escalation: [{after: 10m, receivers: [boss]}]
    - {matchers: [team="gpu"], receiver: boss}
receivers:
  - {name: chat, url_env: CHAT_URL}
  - {name: pager, url_env: PAGER_URL}
  - {name: boss, url_env: BOSS_URL}
inhibit_rules:
  - {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [gpu]}
`

// failures runs a test file over the rules and lists what fails, a line for each
// difference.
func failures(t *testing.T, rules, tests string) []string {
	t.Helper()
	f, err := Read("t.yaml", strings.NewReader(tests), Options{})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := alert.Read("r.yaml", strings.NewReader(rules))
	if err != nil {
		t.Fatal(err)
	}
	routes, err := routing.Read("routes.yaml", strings.NewReader(gpuRoutes))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, test := range f.Tests {
		out, err := f.Run(t.Context(), test, groups.Groups, &routes)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Failures {
			head := fmt.Sprintf("%s %s %s%s", x.Position, x.Kind, x.Name, x.Expr)
			if x.Message != "" {
				got = append(got, head+": "+x.Message)
			}
			for _, d := range x.Differences {
				line := head
				if d.Expected != nil {
					line += " -" + d.Expected.String()
				}
				if d.Got != nil {
					line += " +" + d.Got.String()
				}
				got = append(got, line)
			}
		}
	}
	return got
}

const gpuSeries = `
    interval: 1m
    input_series: [{series: 'gpu_temperature_c{gpu="0"}', values: 60 75 85x20 NaN}]
`

// Pending alerts, and who is told of those that fire: waits, inhibition, escalation.
func TestOurKeys(t *testing.T) {
	got := failures(t, gpuRules, `tests:
  - name: good`+gpuSeries+`
    alert_rule_test:
      - {eval_time: 3m, alertname: GPUHot, exp_pending: [{exp_labels: {gpu: "0", severity: critical}, exp_annotations: {summary: GPU 0 has 85 °C}}]}
      - {eval_time: 4m, alertname: GPUHot, exp_pending: [], exp_receivers: []}
      - {eval_time: 4m30s, alertname: GPUHot, exp_receivers: [pager, chat]}
      - {eval_time: 13m59s, alertname: GPUHot, exp_receivers: [pager, chat]}
      - {eval_time: 20m, alertname: GPUHot, exp_receivers: [boss, chat, pager]}
      - {eval_time: 1m29s, alertname: GPUWarm, exp_receivers: []}
      - {eval_time: 1m30s, alertname: GPUWarm, exp_receivers: [chat]}
      - {eval_time: 23m, alertname: GPUWarm}
`)
	if len(got) > 0 {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	got = failures(t, gpuRules, `tests:
  - name: bad`+gpuSeries+`
    alert_rule_test:
      - {eval_time: 3m, alertname: GPUHot, exp_pending: [{exp_labels: {gpu: "1", severity: critical}, exp_annotations: {summary: GPU 0 has 85 °C}}]}
      - {eval_time: 2m, alertname: GPUHot, exp_pending: []}
      - {eval_time: 5m, alertname: GPUHot, exp_alerts: [], exp_receivers: [chat, boss, boss]}
`)
	want := []string{
		`t.yaml:7:9 pending GPUHot -{alertname="GPUHot", gpu="1", severity="critical"} summary: "GPU 0 has 85 °C" +{alertname="GPUHot", gpu="0", severity="critical"} summary: "GPU 0 has 85 °C"`,
		`t.yaml:8:9 pending GPUHot +{alertname="GPUHot", gpu="0", severity="critical"} summary: "GPU 0 has 85 °C"`,
		`t.yaml:9:9 firing GPUHot +{alertname="GPUHot", gpu="0", severity="critical"} summary: "GPU 0 has 85 °C"`,
		`t.yaml:9:9 receivers GPUHot -boss`,
		`t.yaml:9:9 receivers GPUHot +pager`,
		`t.yaml:9:9 receivers GPUHot -boss`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Routes see the labels that a server adds to what it sends; those of the alert win.
func TestReceiversByExternalLabels(t *testing.T) {
	for external, want := range map[string]string{
		"{severity: critical}":        "chat", // the rule says that it is a warning
		"{team: gpu, other: label}":   "boss",
		"{alertname: Other, team: x}": "chat",
	} {
		got := failures(t, strings.Replace(gpuRules, "severity: critical", "none: ''", 1), `tests:
  - external_labels: `+external+gpuSeries+`
    alert_rule_test: [{eval_time: 10m, alertname: GPUWarm, exp_receivers: [`+want+`]}]
`)
		if len(got) > 0 {
			t.Errorf("%s: %s", external, strings.Join(got, "\n"))
		}
	}
}

func TestExpressions(t *testing.T) {
	got := failures(t, gpuRules, `fuzzy_compare: true
tests:
  - start_timestamp: 2026-03-01T00:00:00Z`+gpuSeries+`
    promql_expr_test:
      - {expr: vector(0.1) + 0.2, exp_samples: [{value: 0.3}]}
      - {expr: time(), eval_time: 5m, exp_samples: [{value: 1772323500}]}
      - {expr: timestamp(gpu_temperature_c), eval_time: 90s, exp_samples: [{labels: '{gpu="0"}', value: 1772323260}]}
      - {expr: share, eval_time: 2m, exp_samples: [{labels: 'share{gpu="0"}', value: .inf}]}
      - {expr: gpu_temperature_c != bool gpu_temperature_c, eval_time: 23m, exp_samples: [{labels: '{gpu="0"}', value: 1}]}
      - {expr: 'ALERTS_FOR_STATE{alertname="GPUWarm"}', eval_time: 3m, exp_samples: [{labels: 'ALERTS_FOR_STATE{alertname="GPUWarm", gpu="0", severity="warning"}', value: 1772323260}]}
      - {expr: gpu_temperature_c, eval_time: 23m, exp_samples: [{labels: 'gpu_temperature_c{gpu="0"}', value: .nan}]}
      - {expr: 1 + 0.1, exp_samples: [{value: 1.2}]}
      - {expr: '"text"'}
      - {expr: 'gpu_temperature_c[5m]'}
      - {expr: 'gpu_temperature_c * on () group_left () (vector(1) or label_replace(vector(2), "a", "b", "", ""))', eval_time: 1m}
`)
	want := []string{
		`t.yaml:14:9 expr gpu_temperature_c -{__name__="gpu_temperature_c", gpu="0"} NaN +{__name__="gpu_temperature_c", gpu="0"} NaN`,
		`t.yaml:15:9 expr 1 + 0.1 -{} 1.2 +{} 1.1`,
		`t.yaml:16:9 expr "text": it gives a string, and neither a vector nor a scalar`,
		`t.yaml:17:9 expr gpu_temperature_c[5m]: it gives a matrix, and neither a vector nor a scalar`,
	}
	if len(got) != 5 || !strings.Contains(got[4], "many-to-many") {
		t.Fatalf("%s", strings.Join(got, "\n"))
	}
	if d := cmp.Diff(want, got[:4]); d != "" {
		t.Error(d)
	}
}

// A rule with an error fails its test, whatever else holds.
func TestEvaluationError(t *testing.T) {
	const rules = `groups: [{name: g, rules: [{record: r, expr: 'x * on () y'}]}]`
	got := failures(t, rules, `tests:
  - interval: 1m
    input_series: [{series: 'x{a="1"}', values: _ 1}, {series: 'x{a="2"}', values: _ 1}, {series: 'y{b="1"}', values: 1x5}]
    promql_expr_test: [{expr: vector(1), eval_time: 3m, exp_samples: [{value: 1}]}]
`)
	if len(got) != 1 || !strings.HasPrefix(got[0], "t.yaml:2:5 evaluation rx * on () y: ") || !strings.Contains(got[0], "many-to-one") && !strings.Contains(got[0], "many-to-many") {
		t.Errorf("%q", got)
	}
}
