package alert

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/slo"
)

const several = `- apiVersion: openslo/v1
  kind: DataSource
  metadata: {name: mimir}
  spec: {type: Mimir}
- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: requests, annotations: {llmops/sli: availability}}
  spec:
    ratioMetric:
      counter: true
      bad: {metricSource: {metricSourceRef: mimir, spec: {query: 'errors_total'}}}
      total: {metricSource: {type: prometheus, spec: {query: &all 'requests_total'}}}
- apiVersion: openslo/v1
  kind: SLO
  metadata: {name: one}
  spec:
    service: s
    indicatorRef: requests
    budgetingMethod: Occurrences
    objectives: [{displayName: low, target: 0.9}, {displayName: high, target: 0.999}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: two, annotations: {llmops/sli: ttft_ms, llmops/unit: s}}
spec:
  service: s
  indicator: {spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'histogram_quantile(0.9, sum by (le) (rate(ttft_bucket[{{.window}}])))'}}}}}
  budgetingMethod: Timeslices
  objectives: [{op: lt, value: 0.80, target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 5m}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: three, annotations: {llmops/sli: availability}}
spec:
  service: s
  indicator: {spec: {ratioMetric: {rawType: failure, raw: {metricSource: {type: Prometheus, spec: {query: 'error_share'}}}}}}
  budgetingMethod: Timeslices
  objectives: [{target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 1}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: four, annotations: {llmops/sli: availability}}
spec:
  service: s
  budgetingMethod: Occurrences
  objectives:
    - target: 0.9
      indicator: {spec: {ratioMetric: {good: {metricSource: {type: Datadog, spec: {query: a}}}, total: {metricSource: {type: Datadog, spec: {query: b}}}}}}
`

// There is a query for each objective of the file.
func TestOpenSLOQueries(t *testing.T) {
	queries := func(text string) (out []Query) {
		file, err := slo.Load("f", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range file.Objectives {
			out = append(out, queryOf(o))
		}
		return out
	}
	ratio := Query{Bad: "errors_total", Total: "requests_total", Counter: true}
	want := []Query{
		ratio, ratio,
		{Value: "histogram_quantile(0.9, sum by (le) (rate(ttft_bucket[{{.window}}])))", Limit: "0.80"},
		{Raw: "error_share", RawBad: true},
		{Type: "Datadog"},
	}
	if d := cmp.Diff(want, queries(several)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Query{{}}, queries("slos: [{sli: availability, target: 0.9}]")); d != "" {
		t.Error(d)
	}
	nowhere := strings.ReplaceAll(several, "type: Mimir", "type: Datadog")
	if got := queries(nowhere)[0]; got.Type != "Datadog" || got.promQL() {
		t.Errorf("%+v", got)
	}
	if got := queries(strings.ReplaceAll(several, "metricSourceRef: mimir", "metricSourceRef: elsewhere"))[0]; !got.Unknown || got.promQL() {
		t.Errorf("%+v", got)
	}
}

func TestOpenSLORules(t *testing.T) {
	f, _, err := export(t, several, Options{Only: []string{"one/high"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := exprs(f); got["slo:events:rate1h"] != "sum(rate(requests_total[1h]))" ||
		got["slo:bad_events:rate1h"] != `sum(rate(errors_total[1h])) or 0 * sum(slo:events:rate1h{slo="one/high"})` {
		t.Errorf("%q", got)
	}

	f, warnings, err := export(t, several, Options{Only: []string{"two"}})
	if err != nil || f.Groups[0].Interval.String() != "5m" || len(warnings) == 0 {
		t.Fatalf("%v, %q", err, warnings)
	}
	if got := exprs(f); got["slo:slice_value:last"] != "max(histogram_quantile(0.9, sum by (le) (rate(ttft_bucket[5m]))))" ||
		got["slo:slice_bad:ratio"] != `(slo:slice_value:last{slo="two"} == slo:slice_value:last{slo="two"}) >= bool 0.80` {
		t.Errorf("%q", got)
	}
	if got := exprs(f)["slo:slice_bad:avg6h"]; got != `avg_over_time(slo:slice_bad:ratio{slo="two"}[5h57m30s])` {
		t.Error(got)
	}

	f, _, err = export(t, several, Options{Only: []string{"three"}})
	if got := exprs(f); err != nil || got["slo:slice_bad_share:last"] != "max(error_share)" ||
		got["slo:slice_bad:ratio"] != `(slo:slice_bad_share:last{slo="three"} == slo:slice_bad_share:last{slo="three"}) > bool 0.05` {
		t.Errorf("%q, %v", got, err)
	}

	if _, _, err = export(t, several, Options{Only: []string{"four"}}); err == nil || !strings.Contains(err.Error(), "one of Datadog, not of Prometheus") {
		t.Error(err)
	}
	if _, _, err = export(t, several, Options{Only: []string{"four"}, Engine: "litellm"}); err != nil {
		t.Errorf("an engine stands in for what is no PromQL: %v", err)
	}
	unknown := strings.ReplaceAll(several, "type: Datadog", "metricSourceRef: elsewhere")
	if _, _, err = export(t, unknown, Options{Only: []string{"four"}}); err == nil || !strings.Contains(err.Error(), "nothing says what its query is a query of") {
		t.Error(err)
	}
	occurrences := strings.Replace(several, "budgetingMethod: Timeslices\n  objectives: [{target: 0.9, timeSliceTarget: 0.95, timeSliceWindow: 1}]", "budgetingMethod: Occurrences\n  objectives: [{target: 0.9}]", 1)
	if _, _, err = export(t, occurrences, Options{Only: []string{"three"}}); err == nil || !strings.Contains(err.Error(), "a raw share has no events") {
		t.Error(err)
	}
}

// A calendar window has alerts, and no remaining budget that PromQL could tell.
func TestCalendar(t *testing.T) {
	text := strings.Replace(several, "budgetingMethod: Occurrences\n    objectives", "timeWindow: [{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}]\n    budgetingMethod: Occurrences\n    objectives", 1)
	f, warnings, err := export(t, text, Options{Only: []string{"one/high"}})
	got := exprs(f)
	_, remaining := got["slo:error_budget_remaining:ratio"]
	_, whole := got["slo:bad_events_per_events:ratio_rate30d"]
	if err != nil || remaining || whole || got["slo:bad_events_per_events:ratio_rate1h"] == "" || !strings.Contains(strings.Join(warnings, ""), "no calendar") {
		t.Errorf("%v, %q, %q", err, warnings, got)
	}
}

// Whatever file loads, its rules are made or refused.
func FuzzOpenSLORules(f *testing.F) {
	f.Add(several)
	f.Add("slos: [{sli: availability, target: 0.9}]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := slo.Load("f", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, o := range file.Objectives {
			if q := queryOf(o); q.promQL() && o.Source == nil {
				t.Errorf("%+v of nothing", q)
			}
			_, _, err := FromSLO([]slo.Objective{o}, Options{})
			if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Msg == "") {
				t.Errorf("%v", err)
			}
		}
	})
}
