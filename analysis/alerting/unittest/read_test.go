package unittest

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/alert"
)

// The values language of Prometheus's unit tests, by its documentation.
func TestValues(t *testing.T) {
	const none = "_"
	for _, tc := range []struct {
		values string
		want   []any // numbers, or "_"
	}{
		{"", nil},
		{"1 2.5 -3", []any{1.0, 2.5, -3.0}},
		{"1x3", []any{1.0, 1.0, 1.0, 1.0}},
		{"1+2x3", []any{1.0, 3.0, 5.0, 7.0}},
		{"-2+4x3", []any{-2.0, 2.0, 6.0, 10.0}},
		{"1-2x4", []any{1.0, -1.0, -3.0, -5.0, -7.0}},
		{"1 _x3 5", []any{1.0, none, none, none, 5.0}},
		{"_ 1", []any{none, 1.0}},
		{"1\n  2\n", []any{1.0, 2.0}},
		{"Inf -Inf", []any{math.Inf(1), math.Inf(-1)}},
	} {
		ls, values, err := parseSeries(parser.NewParser(parser.Options{}), `up{job="a"}`, tc.values)
		if err != nil || ls.String() != `{__name__="up", job="a"}` {
			t.Errorf("%q: %v, %v", tc.values, ls, err)
		}
		var got []any
		for _, v := range values {
			if v.Omitted {
				got = append(got, none)
			} else {
				got = append(got, v.Value)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%q: %s", tc.values, d)
		}
	}
	_, values, err := parseSeries(parser.NewParser(parser.Options{}), "x", "stale NaN")
	if err != nil || len(values) != 2 || !value.IsStaleNaN(values[0].Value) || !math.IsNaN(values[1].Value) || value.IsStaleNaN(values[1].Value) {
		t.Errorf("stale NaN: %v, %v", values, err)
	}
	for values, want := range map[string]string{
		"1x99999999":             "more than",
		"1x9999999 1x9999999":    "more than",
		"1x99999999999999999999": "more than",
		"{{schema:0 count:1}}":   "native histogram",
		"one":                    "unexpected",
	} {
		if _, _, err := parseSeries(parser.NewParser(parser.Options{}), "x", values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", values, err, want)
		}
	}
}

// Everything that is wrong is said at once, each with its place.
func TestReadErrors(t *testing.T) {
	const text = `rule_files: r.yaml
evaluation_interval: 5 minutes
group_eval_order: [a, b, a]
fuzzy_compare: maybe
test: []
tests:
  - nam: x
    start_timestamp: yesterday
    external_labels: [a]
    input_series:
      - {series: 'up{', values: 1}
      - {series: up, values: 1, value: 2}
    alert_rule_test:
      - {eval_time: 1m}
      - {eval_time: 1m, alertname: A, exp_alerts: {exp_labels: {}}}
    promql_expr_test:
      - {expr: 'sum(', eval_time: 1m}
      - {eval_time: 1m}
      - {expr: up, eval_time: x, exp_samples: [{labels: 'up{', value: one}, {histogram: '{{}}'}]}
`
	_, err := Read("t.yaml", strings.NewReader(text), Options{})
	bad, ok := errors.AsType[*alert.ReadError](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, p := range bad.Problems {
		got = append(got, p.Error())
	}
	want := []string{
		`t.yaml:1:13: rule_files must be a list`,
		`t.yaml:2:22: evaluation_interval: unknown unit " minutes" in duration "5 minutes"`,
		`t.yaml:3:26: group "a" stands twice in group_eval_order`,
		`t.yaml:4:16: fuzzy_compare must be true or false`,
		`t.yaml:5:1: unknown field "test"`,
		`t.yaml:7:5: unknown field "nam"`,
		`t.yaml:8:22: start_timestamp "yesterday" is no time`,
		`t.yaml:9:22: external_labels must be a mapping of names to texts`,
		`t.yaml:11:9: input series "up{": unexpected character inside braces: '1'`,
		`t.yaml:12:33: unknown field "value"`,
		`t.yaml:14:9: an item of alert_rule_test without alertname`,
		`t.yaml:15:51: expected alerts must be a list`,
		`t.yaml:17:16: expr: unclosed left parenthesis`,
		`t.yaml:18:9: an item of promql_expr_test without expr`,
		`t.yaml:19:31: eval_time: not a valid duration string: "x"`,
		`t.yaml:19:57: labels "up{": unexpected end of input inside braces`,
		`t.yaml:19:71: value must be a number, not "one"`,
		`t.yaml:19:89: a native histogram: they are not read`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if hint := bad.Problems[5].Hint; hint != "did you mean name?" {
		t.Errorf("hint %q", hint)
	}
	if _, err := Read("t.yaml", strings.NewReader("tests:\n- nam: x\n  interval: 3m\nmore: 1\n"), Options{IgnoreUnknownFields: true}); err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	const text = `rule_files: [a.yaml, 'b/*.yaml']
routes_file: routes.yaml
fuzzy_compare: true
tests:
  - &base
    name: one
    start_timestamp: 1772323200.5
    external_labels: {a: b}
    alert_rule_test: [{eval_time: 1h30m, alertname: A}]
  - <<: *base
    name: two
    interval: 10s
    start_timestamp: 2026-03-01T01:00:00+01:00
    routes_file: other.yaml
`
	f, err := Read("t.yaml", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Interval != time.Minute || !f.Fuzzy || len(f.RuleFiles) != 2 || f.RuleFiles[1].Value != "b/*.yaml" || f.RuleFiles[1].Position.String() != "t.yaml:1:22" {
		t.Errorf("%+v", f)
	}
	one, two := f.Tests[0], f.Tests[1]
	if one.Interval != time.Minute || !one.Start.Equal(time.UnixMilli(1772323200500)) || one.RoutesFile.Value != "routes.yaml" || one.ExternalLabels["a"] != "b" {
		t.Errorf("%+v", one)
	}
	if two.Name != "two" || two.Interval != 10*time.Second || !two.Start.Equal(time.Unix(1772323200, 0)) || two.RoutesFile.Value != "other.yaml" || len(two.Alerts) != 1 || two.duration() != 90*time.Minute {
		t.Errorf("%+v", two)
	}
	// What is not said is not expected, unless one of our keys is there.
	if c := one.Alerts[0]; c.Firing == nil || c.Pending != nil || c.Receivers != nil {
		t.Errorf("%+v", c)
	}
	for _, text := range []string{"tests: []\n---\n", "tests: []\n---\n---\n", "tests: []\n---\n# nothing\n"} {
		if _, err := Read("t.yaml", strings.NewReader(text), Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"tests: []\n---\ntests: []\n", "tests: []\n---\n---\ntests: []\n", "tests: []\n---\n}\n"} {
		if _, err := Read("t.yaml", strings.NewReader(text), Options{}); err == nil || !strings.Contains(err.Error(), "second YAML document") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "null\n"} {
		if f, err := Read("t.yaml", strings.NewReader(empty), Options{}); err != nil || len(f.Tests) != 0 {
			t.Errorf("%q: %+v, %v", empty, f, err)
		}
	}
}

func TestNotes(t *testing.T) {
	const text = `tests:
  - input_series: [{series: 'x{a="1"}', values: 1}, {series: 'x{a="1"}', values: 2}]
    alert_rule_test: [{eval_time: 0, alertname: A, exp_alerts: [{exp_labels: {b: ''}}]}]
    promql_expr_test: [{expr: x, exp_samples: [{value: .nan}]}]
`
	f, err := Read("t.yaml", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range f.Notes {
		got = append(got, n.Error())
	}
	want := []string{
		`t.yaml:2:53: the series {__name__="x", a="1"} is given before, and only the last one counts`,
		`t.yaml:3:78: exp_labels: "b" is empty, and no alert has an empty label`,
		`t.yaml:4:56: NaN is equal to no value, so that this never holds`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Aliases cannot make a small file large.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("tests:\n  - input_series: &s\n")
	for range 3000 {
		b.WriteString("      - {series: x, values: 1}\n")
	}
	for range 3000 {
		b.WriteString("  - input_series: *s\n")
	}
	if _, err := Read("t.yaml", strings.NewReader(b.String()), Options{}); err == nil || !strings.Contains(err.Error(), "aliases") {
		t.Errorf("%v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"", "tests: [{input_series: [{series: x, values: 1+1x3}]}]", "a: &a [*a]", "tests: &t [{<<: *t}]", "tests:\n- <<: [{name: x}, {name: y}]\n", "tests: [{alert_rule_test: [{alertname: x, exp_pending: []}]}]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Read("f", strings.NewReader(text), Options{})
		if bad, ok := errors.AsType[*alert.ReadError](err); err != nil && (!ok || len(bad.Problems) == 0) {
			t.Errorf("%v", err)
		}
		for _, x := range file.Tests {
			if x.Interval <= 0 || x.Title() == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
