package alerting

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/series"
	"llmops/rules/alert"
)

// loaded is a store of series with values from time 0 on, a step apart; "_" is none,
// "stale" a marker.
func loaded(t testing.TB, step time.Duration, values map[string]string) *series.Store {
	t.Helper()
	b := series.NewBuilder()
	for name, list := range values {
		ls, err := parser.NewParser(parser.Options{}).ParseMetric(name)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(0)
		for text := range strings.FieldsSeq(list) {
			v, err := strconv.ParseFloat(text, 64)
			switch {
			case text == "stale":
				v = math.NaN()
			case err != nil && text != "_":
				t.Fatal(err)
			}
			if text != "_" {
				b.Add(ls, series.Unknown, at, v)
			}
			at += step.Milliseconds()
		}
	}
	return b.Store(nil)
}

func groupsOf(t testing.TB, text string) []alert.Group {
	t.Helper()
	f, err := alert.Read("r.yaml", strings.NewReader("groups:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return f.Groups
}

// timeline replays up to a time and lists, for each evaluation of the first group with
// something active, the minute and the alerts: state and a few labels.
func timeline(t testing.TB, store *series.Store, groups []alert.Group, end time.Duration, o Options, show ...string) (lines []string, res Result) {
	t.Helper()
	o.Start, o.End = time.UnixMilli(0), time.UnixMilli(end.Milliseconds())
	for at := int64(0); at <= end.Milliseconds(); at += time.Duration(groups[0].Interval).Milliseconds() {
		o.ObserveAt = append(o.ObserveAt, at)
	}
	o.Observe = func(at int64, _ alert.Group, active []Alert) {
		var list []string
		for _, a := range active {
			text := string(a.State)
			for _, l := range show {
				text = a.Labels[l] + ":" + text
			}
			list = append(list, text)
		}
		slices.Sort(list)
		if len(list) > 0 {
			lines = append(lines, fmt.Sprintf("%gm %s", float64(at)/60_000, strings.Join(list, " ")))
		}
	}
	res, err := Replay(t.Context(), store, groups, o)
	if err != nil {
		t.Fatal(err)
	}
	return lines, res
}

// The vectors of Prometheus's own tests of rules (rules/*_test.go), as facts.
func TestVectors(t *testing.T) {
	two := map[string]string{
		`http_requests{job="app-server",instance="0",group="canary",severity="overwrite-me"}`: "75 85 95 105 105 95 85",
		`http_requests{job="app-server",instance="1",group="canary",severity="overwrite-me"}`: "80 90 100 110 120 130 140",
	}
	one := func(values string) map[string]string {
		return map[string]string{`http_requests{job="app-server",instance="0"}`: values}
	}
	for name, c := range map[string]struct {
		step   time.Duration
		series map[string]string
		rules  string
		end    time.Duration
		show   []string
		want   []string
	}{
		"TestAlertingRule": {
			5 * time.Minute, two, "- {name: g, interval: 5m, rules: [{alert: HTTPRequestRateLow, expr: 'http_requests{group=\"canary\",job=\"app-server\"} < 100', for: 1m, labels: {severity: '{{\"c\"}}ritical'}}]}",
			30 * time.Minute, []string{"instance", "severity"},
			[]string{"0m critical:0:pending critical:1:pending", "5m critical:0:firing critical:1:firing", "10m critical:0:firing", "25m critical:0:pending", "30m critical:0:firing"},
		},
		"TestKeepFiringFor": {
			time.Minute, one("75 85 70 70 10 10 10 10 10 10"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests > 50, for: 1m, keep_firing_for: 1m}]}",
			8 * time.Minute, nil, []string{"0m pending", "1m firing", "2m firing", "3m firing", "4m firing"},
		},
		"TestPendingAndKeepFiringFor": {
			time.Minute, one("75 10 10 10 10 10 10 10 10 10 10"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests > 50, for: 1m, keep_firing_for: 1m}]}",
			8 * time.Minute, nil, []string{"0m pending"},
		},
		"TestAlertingRuleLabelsUpdate": {
			time.Minute, one("75 85 70 70 stale"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests < 100, for: 1m, labels: {severity: '{{ if lt $value 80.0 }}critical{{ else }}warning{{ end }}'}}]}",
			5 * time.Minute, []string{"severity"}, []string{"0m critical:pending", "1m warning:pending", "2m critical:pending", "3m critical:firing"},
		},
		"TestAlertingRuleExternalLabelsInTemplate": {
			time.Minute, one("75 85 70 70"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests < 100, for: 1m, labels: {templated_label: 'There are {{ len $externalLabels }} external Labels, of which foo is {{ $externalLabels.foo }}.'}}]}",
			0, []string{"templated_label"}, []string{"0m There are 2 external Labels, of which foo is bar.:pending"},
		},
		"TestAlertingRuleExternalURLInTemplate": {
			time.Minute, one("75 85 70 70"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests < 100, for: 1m, labels: {templated_label: 'The external URL is {{ $externalURL }}.'}}]}",
			0, []string{"templated_label"}, []string{"0m The external URL is http://localhost:1234.:pending"},
		},
		"TestAlertingRuleEmptyLabelFromTemplate": {
			time.Minute, one("75"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests < 100, for: 1m, labels: {empty_label: ''}}]}",
			0, []string{"empty_label", "job"}, []string{"0m app-server::pending"},
		},
		"TestAlertingRuleLimit, below": {
			time.Minute, map[string]string{`metric{label="1"}`: "1", `metric{label="2"}`: "1"}, "- {name: g, interval: 1m, limit: 2, rules: [{alert: A, expr: metric > 0, for: 1m}]}",
			0, []string{"label"}, []string{"0m 1:pending 2:pending"},
		},
		"for shorter than the interval": {
			time.Minute, one("75 75 75"), "- {name: g, interval: 1m, rules: [{alert: A, expr: http_requests > 50, for: 1s}]}",
			2 * time.Minute, nil, []string{"0m pending", "1m firing", "2m firing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, stepwise := range []bool{false, true} {
				o := Options{ExternalLabels: map[string]string{"foo": "bar", "dings": "bums"}, ExternalURL: "http://localhost:1234", stepwise: stepwise}
				got, res := timeline(t, loaded(t, c.step, c.series), groupsOf(t, c.rules), c.end, o, c.show...)
				if d := cmp.Diff(c.want, got); d != "" || res.Rules[0].Failures != 0 {
					t.Errorf("want -, got +:\n%s%+v", d, res.Rules[0].FirstError)
				}
			}
		})
	}
}

// An error of a rule changes nothing; the others go on.
func TestFailures(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{`metric{label="1"}`: "1 1 1 1", `metric{label="2"}`: "0 0 1 0"})
	for name, c := range map[string]struct {
		rules, message string
		failures       int64
		want           []string
	}{
		"TestAlertingRuleLimit":      {"- {name: g, interval: 1m, limit: 1, rules: [{alert: A, expr: metric > 0}]}", "exceeded limit of 1 with 2 alerts", 1, []string{"0m firing", "1m firing", "3m firing"}},
		"TestRecordingRuleLimit":     {"- {name: g, interval: 1m, limit: 1, rules: [{record: a, expr: metric > 0}]}", "exceeded limit of 1 with 2 series", 1, nil},
		"TestAlertingRuleDuplicate":  {"- {name: g, interval: 1m, rules: [{alert: A, expr: 'vector(0) or label_replace(vector(0),\"test\",\"x\",\"\",\"\")', labels: {test: test}}]}", "same labelset after applying alert labels", 4, nil},
		"TestRecordingRuleDuplicate": {"- {name: g, interval: 1m, rules: [{record: a, expr: metric, labels: {label: x}}]}", "same labelset after applying rule labels", 4, nil},
		"a duplicate in between":     {"- {name: g, interval: 1m, rules: [{alert: A, expr: metric > 0, labels: {label: x}, for: 1m}]}", "same labelset", 1, []string{"0m pending", "1m firing", "2m firing", "3m firing"}},
		"no vector":                  {"- {name: g, interval: 1m, rules: [{alert: A, expr: 'metric[1m]'}]}", "not a vector or scalar", 4, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, res := timeline(t, store, groupsOf(t, c.rules), 3*time.Minute, Options{})
			r := res.Rules[0]
			if d := cmp.Diff(c.want, got); d != "" || r.Failures != c.failures || r.FirstError == nil || !strings.Contains(r.FirstError.Message, c.message) {
				t.Errorf("%s%d failures, %+v", d, r.Failures, r.FirstError)
			}
		})
	}
}

// An alert that a limit sweeps away does not fire; one that fired before is resolved.
func TestLimitSweeps(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{`metric{label="1"}`: "1 1 1 1", `metric{label="2"}`: "0 0 1 0"})
	_, res := timeline(t, store, groupsOf(t, "- {name: g, interval: 1m, limit: 1, rules: [{alert: A, expr: metric > 0}]}"), 3*time.Minute, Options{})
	var got []string
	for _, a := range res.Alerts {
		got = append(got, fmt.Sprint(a.Labels["label"], " ", a.State, " ", a.FiredAt, " ", a.ResolvedAt))
	}
	if d := cmp.Diff([]string{"1 resolved 0 120000", "1 firing 180000 0"}, got); d != "" {
		t.Error(d)
	}
	if r := res.Rules[0]; r.Fired != 2 || r.Firing != 120_000 {
		t.Errorf("%+v", r)
	}
}

// TestStaleness and TestForStateAddSamples of Prometheus: what is recorded, and when it
// ends, with and without a query offset.
func TestRecorded(t *testing.T) {
	for _, offset := range []string{"0s", "1m"} {
		store := loaded(t, time.Second, map[string]string{"a": "1 2 stale"})
		o := Options{Start: time.UnixMilli(0), End: time.UnixMilli(2000)}
		shift, _ := time.ParseDuration(offset)
		o.Start, o.End = o.Start.Add(shift), o.End.Add(shift)
		res, err := Replay(t.Context(), store, groupsOf(t, "- {name: g, interval: 1s, query_offset: "+offset+", rules: [{record: a_plus_one, expr: a + 1}]}"), o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"a_plus_one 0 2", "a_plus_one 1000 3", "a_plus_one 2000 stale"}, recordedSamples(res)); d != "" {
			t.Errorf("offset %s: %s", offset, d)
		}
	}
	store := loaded(t, time.Minute, map[string]string{`m{i="0"}`: "_ 9 9 1 9", `m{i="1"}`: "0 0 0 0 0"})
	res, err := Replay(t.Context(), store, groupsOf(t, "- {name: g, interval: 1m, rules: [{alert: A, expr: m > 5, for: 1m, labels: {s: x}}]}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`ALERTS{alertname="A", alertstate="firing", i="0", s="x"} 120000 1`, `ALERTS{alertname="A", alertstate="firing", i="0", s="x"} 180000 stale`,
		`ALERTS{alertname="A", alertstate="pending", i="0", s="x"} 60000 1`, `ALERTS{alertname="A", alertstate="pending", i="0", s="x"} 120000 stale`, `ALERTS{alertname="A", alertstate="pending", i="0", s="x"} 240000 1`,
		`ALERTS_FOR_STATE{alertname="A", i="0", s="x"} 60000 60`, `ALERTS_FOR_STATE{alertname="A", i="0", s="x"} 120000 60`, `ALERTS_FOR_STATE{alertname="A", i="0", s="x"} 180000 stale`, `ALERTS_FOR_STATE{alertname="A", i="0", s="x"} 240000 240`,
	}
	if d := cmp.Diff(want, recordedSamples(res)); d != "" {
		t.Error(d)
	}
}

func recordedSamples(res Result) []string {
	var all []string
	for _, s := range res.Recorded.Series() {
		for at, v := range s.Samples(math.MinInt64, math.MaxInt64) {
			value := fmt.Sprint(v)
			if series.IsStaleMarker(v) {
				value = "stale"
			}
			name := s.Labels().String()
			name = strings.TrimSuffix(strings.Replace(strings.Replace(name, `{__name__="`+s.Name()+`", `, s.Name()+"{", 1), `{__name__="`+s.Name()+`"`, s.Name(), 1), "}")
			if strings.Contains(name, "{") {
				name += "}"
			}
			all = append(all, fmt.Sprintf("%s %d %s", name, at, value))
		}
	}
	return all
}
