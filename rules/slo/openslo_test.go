package slo

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOpenSLO(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/slo/openslo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load("openslo.yaml", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Name, Expr, Text  string
		Statistic         Statistic
		Target, Threshold string
		SliceTarget       string
		Method            Method
		Errors            Errors
		Window, Slice     time.Duration
		MinEvents         int
		Alerts            int
	}
	const day = 24 * time.Hour
	want := []line{
		{"chat-availability", "availability", "success_rate >= 0.999", Ratio, "0.999", "0.999", "", Occurrences, ErrorsExclude, 30 * day, 0, 0, 2},
		{"chat-latency/most", "latency_ms < 500", "p95_latency_ms < 500", Quantile, "0.95", "500", "", Occurrences, ErrorsBad, 7 * day, 0, 0, 0},
		{"chat-latency/nearly all", "latency_ms < 500", "p99.5_latency_ms < 500", Quantile, "0.995", "500", "", Occurrences, ErrorsBad, 7 * day, 0, 0, 0},
		{"contract", "ttft_ms <= 1500", "ttft_ms <= 1500 for 95% in 99% of 1m slices", Quantile, "0.99", "1500", "0.95", Timeslices, ErrorsExclude, 30 * day, time.Minute, 0, 0},
		{"steady", "availability", "success_rate >= 0.9995 as mean of 5m slices", Ratio, "0.9995", "0.9995", "", RatioTimeslices, ErrorsExclude, 7 * day, 5 * time.Minute, 10, 0},
		{"throughput", "output_tokens_per_second > 1000", "tokens_per_second > 1000 in 90% of 1m slices", Rate, "0.9", "1000", "", Timeslices, ErrorsExclude, day, time.Minute, 0, 0},
	}
	var got []line
	for _, o := range f.Objectives {
		got = append(got, line{o.Name, o.Expr, o.String(), o.Statistic, o.Target.Text, o.Threshold.Text, o.SliceTarget.Text,
			o.Method, o.Errors, o.Window, o.Slice, o.MinEvents, len(o.Alerts)})
		if o.Inline || o.Target.Rat == nil || o.Threshold.Rat == nil {
			t.Errorf("%s: %+v", o.Name, o)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	type alert struct {
		Severity         string
		Long, Short, For time.Duration
		Op               Op
		Threshold        string
	}
	var alerts []alert
	for _, a := range f.Objectives[0].Alerts {
		alerts = append(alerts, alert{a.Severity, a.Long, a.Short, a.For, a.Op, a.Threshold.Text})
	}
	if diff := cmp.Diff([]alert{
		{"page", time.Hour, 5 * time.Minute, 0, Greater, "14.4"},
		{"ticket", 3 * day, 3 * day, time.Hour, GreaterEqual, "1"},
	}, alerts); diff != "" {
		t.Error(diff)
	}
	if c := f.Objectives[3].Calendar; c == nil || c.Count != 1 || c.Unit != Months || c.Start.Format(time.RFC3339) != "2026-01-01T00:00:00+01:00" || c.Start.Location().String() != "Europe/Berlin" {
		t.Errorf("%+v", c)
	}
	if f.Objectives[0].Calendar != nil {
		t.Error("a rolling window has a calendar")
	}
	if len(f.ExcludeStatus) != len(DefaultExcludeStatus()) {
		t.Errorf("%v", f.ExcludeStatus)
	}
}

// spec puts lines into the spec of an SLO whose indicator is bound; they begin in line 10.
func spec(lines string) string {
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: s, annotations: {llmops/sli: latency_ms}}
spec:
  service: x
  indicator:
    spec:
      thresholdMetric:
        metricSource: {type: Prometheus, spec: {query: q}}
` + indent(lines, 2)
}

func indent(lines string, n int) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(lines, "\n", "\n"+pad) + "\n"
}

// objective is an SLO over occurrences with one objective; it stands in line 11.
func objective(flow string) string {
	return spec("budgetingMethod: Occurrences\nobjectives: [" + flow + "]")
}

// sliced is the same with slices.
func sliced(method, flow string) string {
	return spec("budgetingMethod: " + method + "\nobjectives: [" + flow + "]")
}

// ratio is an SLO with an indicator of its own; annotations stand in line 3, the metric in line 6.
func ratio(annotations, metric, flow string) string {
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: s, annotations: {` + annotations + `}}
spec:
  indicator:
    spec: {` + metric + `}
  budgetingMethod: Occurrences
  objectives: [` + flow + `]
`
}

const (
	goodTotal = "ratioMetric: {good: {metricSource: {type: P}}, total: {metricSource: {type: P}}}"
	fine      = "{op: lt, value: 500, target: 0.95}"
)

// window is an SLO with that timeWindow, which stands in line 10, from column 15.
func window(flow string) string {
	return spec("timeWindow: [" + flow + "]\nbudgetingMethod: Occurrences\nobjectives: [" + fine + "]")
}

// alert is an SLO with one condition in place, which stands in line 12.
func alert(flow string) string {
	return spec("budgetingMethod: Occurrences\nalertPolicies:\n  - {kind: AlertPolicy, spec: {conditions: [{spec: {severity: page, condition: {" + flow + "}}}]}}\nobjectives: [" + fine + "]")
}

func TestOpenSLOErrors(t *testing.T) {
	whole := objective(fine)
	doc := func(kind, name, spec string) string {
		return "---\napiVersion: openslo/v1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec: " + spec + "\n"
	}
	for name, c := range map[string]struct{ in, want, hint string }{
		// The frame.
		"v1alpha":           {"apiVersion: openslo/v1alpha\nkind: SLO", `f:1:13: apiVersion "openslo/v1alpha" is not read`, "only openslo/v1"},
		"v2alpha":           {whole + "---\napiVersion: openslo.com/v2alpha\n", `f:13:13: apiVersion "openslo.com/v2alpha" is not read`, ""},
		"no apiVersion":     {whole + "---\nslos: []\n", "f:13:1: a document without 'apiVersion'", "short form"},
		"after short form":  {"slos: [{sli: availability, target: 0.9}]\n---\napiVersion: openslo/v1\n", "f:3:1: a second document", ""},
		"no kind":           {"apiVersion: openslo/v1\nspec: {}", "f:1:1: a document without 'kind'", "SLO, SLI"},
		"kind":              {"apiVersion: openslo/v1\nkind: AlertPolicys", `f:2:7: unknown kind "AlertPolicys"`, "did you mean AlertPolicy?"},
		"no name":           {"apiVersion: openslo/v1\nkind: Service\nmetadata: {displayName: x}", "f:1:1: Service without a name", ""},
		"no metadata":       {"apiVersion: openslo/v1\nkind: SLO\nspec: {}", "f:1:1: SLO without a name", ""},
		"no spec":           {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}", "f:3:18: SLO a without 'spec'", ""},
		"spec list":         {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: []", "f:4:7: an SLO must be a mapping", ""},
		"unknown top":       {"apiVersion: openslo/v1\nkind: SLO\nmetdata: {name: a}", `f:3:1: unknown key "metdata"`, "did you mean metadata?"},
		"unknown metadata":  {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {nme: a}", `f:3:12: unknown key "nme"`, "did you mean name?"},
		"labels":            {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a, labels: [b]}\nspec: {}", "f:3:29: 'labels' must be a mapping", ""},
		"annotations":       {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a, annotations: [b]}\nspec: {}", "f:3:34: 'annotations' must be a mapping", ""},
		"long name":         {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: " + strings.Repeat("a", 254) + "}\nspec: {}", "f:3:18: a name of 254 bytes", ""},
		"twice":             {whole + "---\n" + whole, `f:15:18: a second SLO is called "s"`, "the first is in line 3"},
		"no slo":            {doc("Service", "a", "{}"), "f:2:1: no document of kind SLO", ""},
		"service key":       {doc("Service", "a", "{desription: x}"), `f:5:8: unknown key "desription"`, "description"},
		"source key":        {doc("DataSource", "a", "{typ: x}"), `f:5:8: unknown key "typ"`, "type"},
		"target key":        {doc("AlertNotificationTarget", "a", "{targt: x}"), `f:5:8: unknown key "targt"`, "target"},
		"list of objects":   {"- apiVersion: openslo/v1\n  kind: Service\n  metadata: {name: a}\n- 5", "f:4:3: an OpenSLO document must be a mapping", ""},
		"nested bomb":       {"apiVersion: openslo/v1\nkind: [" + bomb + "]", "f:2:", "fewer aliases"},
		"syntax":            {whole + "---\nkind: [\n", "f:13: not valid YAML", ""},
		"merge key":         {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {<<: {service: a}}", `f:4:8: unknown key "<<"`, ""},
		"unknown spec":      {spec("budgetMethod: Occurrences"), `f:10:3: unknown key "budgetMethod"`, "did you mean budgetingMethod?"},
		"annotation":        {ratio("llmops/slo: availability", goodTotal, "{target: 0.9}"), `f:3:35: unknown annotation "llmops/slo" of SLO`, "did you mean llmops/sli?"},
		"annotation twice":  {ratio("llmops/sli: availability, llmops/sli: availability", goodTotal, "{target: 0.9}"), `f:3:61: annotation "llmops/sli" stands twice`, ""},
		"annotation null":   {ratio("llmops/sli: ~", goodTotal, "{target: 0.9}"), `f:3:47: annotation "llmops/sli" must be a text`, ""},
		"annotation place":  {ratio("llmops/short-window: 5m", goodTotal, "{target: 0.9}"), `f:3:35: unknown annotation "llmops/short-window" of SLO`, "SLO may have"},
		"annotation kind":   {"apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a, annotations: {llmops/sli: availability}}", "f:3:35: unknown annotation", "Service has none"},
		"annotation differ": {ratio("llmops/sli: availability", "thresholdMetric: {metricSource: {type: P}}}\n    metadata: {annotations: {llmops/sli: latency_ms}", fine), `f:3:47: annotation llmops/sli is "availability" here and "latency_ms" at the SLI`, "line 7"},

		// The SLO.
		"no method":          {spec("objectives: [" + fine + "]"), "f:5:3: an SLO without 'budgetingMethod'", "Occurrences, Timeslices"},
		"method":             {spec("budgetingMethod: Timeslice\nobjectives: []"), `f:10:20: unknown budgetingMethod "Timeslice"`, "did you mean Timeslices?"},
		"no objectives":      {spec("budgetingMethod: Occurrences"), "f:5:3: an SLO without 'objectives'", ""},
		"objectives empty":   {spec("budgetingMethod: Occurrences\nobjectives: []"), "f:11:15: 'objectives' is empty", ""},
		"objectives map":     {spec("budgetingMethod: Occurrences\nobjectives: {target: 0.9}"), `f:11:15: "objectives" must be a list`, ""},
		"service list":       {strings.Replace(whole, "service: x", "service: [x]", 1), `f:5:12: "service" must be a text`, ""},
		"both indicators":    {spec("indicatorRef: a\nbudgetingMethod: Occurrences\nobjectives: [" + fine + "]"), "f:10:17: both 'indicator' and 'indicatorRef'", ""},
		"no indicator":       {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {budgetingMethod: Occurrences, objectives: [{target: 0.9}]}", "f:4:51: an objective without an indicator", ""},
		"indicator twice":    {objective("{op: lt, value: 5, target: 0.9, indicator: {spec: {thresholdMetric: {metricSource: {type: P}}}}}"), "f:11:84: an indicator of the objective, and one of the SLO", ""},
		"indicatorRef":       {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {indicatorRef: fist, budgetingMethod: Occurrences, objectives: [{target: 0.9}]}\n" + doc("SLI", "first", "{"+goodTotal+"}"), `f:4:22: no SLI is called "fist"`, "did you mean first?"},
		"indicatorRef alone": {"apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {indicatorRef: x, budgetingMethod: Occurrences, objectives: [{target: 0.9}]}", `f:4:22: no SLI is called "x"`, "add a document of kind SLI"},
		"inline kind":        {strings.Replace(whole, "  indicator:\n", "  indicator:\n    kind: SLO\n", 1), `f:7:11: unknown kind "SLO"`, "SLI"},
		"composite":          {objective("{op: lt, value: 5, target: 0.9, compositeWeight: 1}"), "f:11:65: composite SLOs are not read", "remove"},

		// Objectives.
		"unknown key":     {objective("{op: lt, valu: 5, target: 0.9}"), `f:11:25: unknown key "valu"`, "did you mean value?"},
		"no target":       {objective("{op: lt, value: 5}"), "f:11:16: an objective without 'target'", "targetPercent"},
		"two targets":     {objective("{op: lt, value: 5, target: 0.9, targetPercent: 90}"), "f:11:63: both 'target' and 'targetPercent'", ""},
		"target 1":        {objective("{op: lt, value: 5, target: 1}"), `f:11:43: target "1" is no share`, "above 0 and below 1"},
		"target 0":        {objective("{op: lt, value: 5, target: 0.0}"), `f:11:43: target "0.0" is no share`, ""},
		"target percent":  {objective("{op: lt, value: 5, target: 99%}"), `f:11:43: target "99%" is no share`, ""},
		"targetPercent":   {objective("{op: lt, value: 5, targetPercent: 100}"), `f:11:50: targetPercent "100" is no share`, "below 100"},
		"no op":           {objective("{value: 5, target: 0.9}"), `f:11:16: the objective of a thresholdMetric without "op"`, "lt"},
		"no value":        {objective("{op: lt, target: 0.9}"), `f:11:16: the objective of a thresholdMetric without "value"`, ""},
		"op":              {objective("{op: less, value: 5, target: 0.9}"), `f:11:21: unknown op "less"`, "gt or gte or lt or lte"},
		"value":           {objective("{op: lt, value: 1e3, target: 0.9}"), `f:11:32: "1e3" is not a number an objective can have`, ""},
		"negative":        {objective("{op: lt, value: -3, target: 0.9}"), `f:11:32: "-3" is not a number an objective can have`, ""},
		"never":           {objective("{op: lt, value: 0, target: 0.9}"), "f:11:32: latency_ms < 0 can never hold", ""},
		"value of ratio":  {ratio("llmops/sli: availability", goodTotal, "{value: x, target: 0.9}"), `f:8:24: value "x" is no number`, ""},
		"op of ratio":     {ratio("llmops/sli: availability", goodTotal, "{op: lt, target: 0.9}"), "f:8:21: the objective of a ratioMetric asks for at least the target", ""},
		"unit of ratio":   {ratio("llmops/sli: availability, llmops/unit: s", goodTotal, "{target: 0.9}"), "f:3:74: a ratio has no unit", ""},
		"unit":            {strings.Replace(whole, "latency_ms}", "latency_ms, llmops/unit: min}", 1), `f:3:72: latency_ms has no unit "min"`, "ms, s or us"},
		"errors":          {strings.Replace(whole, "latency_ms}", "latency_ms, llmops/errors: baad}", 1), `f:3:74: unknown errors "baad"`, "did you mean bad?"},
		"errors of ratio": {ratio("llmops/sli: availability, llmops/errors: bad", goodTotal, "{target: 0.9}"), "f:3:76: annotation llmops/errors cannot be said of success_rate", ""},

		// Slices.
		"stray slice":      {objective("{op: lt, value: 5, target: 0.9, timeSliceWindow: 1m}"), `f:11:65: "timeSliceWindow" is for methods with slices`, ""},
		"stray sliceT":     {objective("{op: lt, value: 5, target: 0.9, timeSliceTarget: 1}"), `f:11:65: "timeSliceTarget" is for methods with slices`, ""},
		"stray min-events": {strings.Replace(whole, "latency_ms}", "latency_ms, llmops/min-events: 5}", 1), "f:3:78: annotation llmops/min-events is for methods with slices", ""},
		"no slice":         {sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9}"), "f:11:16: slices without 'timeSliceWindow'", "1m"},
		"no slice target":  {sliced("Timeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 1m}"), "f:11:16: Timeslices without 'timeSliceTarget'", ""},
		"ratio target":     {sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 1m, timeSliceTarget: 1}"), "f:11:86: RatioTimeslices have no 'timeSliceTarget'", ""},
		"slice target":     {sliced("Timeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 1m, timeSliceTarget: 1.1}"), `f:11:86: timeSliceTarget "1.1" is no share`, "up to 1"},
		"slice unit":       {sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 1M}"), `f:11:65: timeSliceWindow "1M" is no length of a slice`, "5m"},
		"slice second":     {sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 30s}"), `f:11:65: timeSliceWindow "30s" is no length of a slice`, ""},
		"slice long":       {sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 30d}"), "f:11:65: a slice is as long as the timeWindow", ""},
		"rate occurrences": {strings.Replace(whole, "latency_ms}", "requests_per_second}", 1), "f:11:16: requests_per_second has no events that Occurrences could count", "Timeslices"},

		// Windows.
		"windows":       {window("{duration: 1d, isRolling: true}, {duration: 7d, isRolling: true}"), "f:10:15: 2 entries in 'timeWindow'", ""},
		"window map":    {spec("timeWindow: {duration: 1d}\nbudgetingMethod: Occurrences\nobjectives: [" + fine + "]"), `f:10:15: "timeWindow" must be a list`, ""},
		"no duration":   {window("{isRolling: true}"), "f:10:16: a timeWindow without 'duration'", ""},
		"duration":      {window("{duration: 30 d, isRolling: true}"), `f:10:27: duration "30 d" is no duration`, "30d"},
		"duration 0":    {window("{duration: 0d, isRolling: true}"), `f:10:27: duration "0d" is no duration`, ""},
		"duration sign": {window("{duration: +3d, isRolling: true}"), `f:10:27: duration "+3d" is no duration`, ""},
		"duration long": {window("{duration: 101Y, isRolling: true}"), `f:10:27: duration "101Y" is no duration`, "100 years"},
		"rolling text":  {window("{duration: 1d, isRolling: maybe}"), `f:10:42: "isRolling" must be true or false`, ""},
		"not rolling":   {window("{duration: 1M, isRolling: false}"), "f:10:42: a window that does not roll, without 'calendar'", "timeZone"},
		"both windows":  {window("{duration: 1M, isRolling: true, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}"), "f:10:58: a window that rolls has no 'calendar'", ""},
		"no start":      {window("{duration: 1M, calendar: {timeZone: UTC}}"), `f:10:41: a calendar without "startTime"`, ""},
		"no zone":       {window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00}}"), `f:10:41: a calendar without "timeZone"`, ""},
		"start":         {window("{duration: 1M, calendar: {startTime: 2026-02-30 00:00:00, timeZone: UTC}}"), `f:10:53: startTime "2026-02-30 00:00:00" is no date`, ""},
		"start zone":    {window("{duration: 1M, calendar: {startTime: 2026-02-20T00:00:00Z, timeZone: UTC}}"), `f:10:53: startTime "2026-02-20T00:00:00Z" is no date`, "timeZone"},
		"start skipped": {window("{duration: 1d, calendar: {startTime: 2026-03-29 02:30:00, timeZone: Europe/Berlin}}"), "f:10:53: no clock in Europe/Berlin showed 2026-03-29 02:30:00", ""},
		"zone":          {window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Brelin}}"), `f:10:84: "Europe/Brelin" is no time zone`, "IANA"},
		"zone local":    {window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Local}}"), `f:10:84: "Local" is no time zone`, ""},
		"zone path":     {window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: ../UTC}}"), `f:10:84: "../UTC" is no time zone`, ""},

		// Indicators.
		"not bound":         {strings.Replace(whole, "llmops/sli: latency_ms", "", 1), "f:9:9: nothing says which metric of llmops this indicator is", "annotations: {llmops/sli: latency_ms}"},
		"ratio not bound":   {ratio("", goodTotal, "{target: 0.9}"), "f:6:25: nothing says which metric of llmops this indicator is", "{llmops/sli: availability}; where its good events are the fast ones, {llmops/sli: latency_ms < 500}"},
		"bound to nothing":  {strings.Replace(whole, "latency_ms}", "latency}", 1), `f:3:47: "latency" is nothing that a thresholdMetric can be`, "did you mean latency_ms?"},
		"bound to ratio":    {strings.Replace(whole, "latency_ms}", "availability}", 1), "f:3:47: availability is a ratio, and this a thresholdMetric", "ratioMetric"},
		"bound to limit":    {strings.Replace(whole, "latency_ms}", "latency_ms < 5}", 1), "f:3:47: \"latency_ms < 5\" has a limit", ""},
		"ratio bound":       {ratio("llmops/sli: latency_ms", goodTotal, "{target: 0.9}"), "f:3:47: a ratio of latency_ms needs a limit", "llmops/sli: latency_ms < 500"},
		"ratio rate":        {ratio("llmops/sli: requests_per_second", goodTotal, "{target: 0.9}"), `f:3:47: "requests_per_second" is nothing that a ratioMetric can be`, "availability"},
		"ratio expression":  {ratio("llmops/sli: latncy_ms < 500", goodTotal, "{target: 0.9}"), `f:3:47: "latncy_ms" is no metric of single requests`, "did you mean latency_ms?"},
		"ratio number":      {ratio("llmops/sli: latency_ms < x", goodTotal, "{target: 0.9}"), "f:3:60: no number after the operator", ""},
		"two metrics":       {ratio("llmops/sli: availability", goodTotal+", thresholdMetric: {metricSource: {type: P}}", "{target: 0.9}"), "f:6:25: an SLI with both thresholdMetric and ratioMetric", ""},
		"no metric":         {ratio("llmops/sli: availability", "description: x", "{target: 0.9}"), "f:6:11: an SLI without a metric", ""},
		"good alone":        {ratio("llmops/sli: availability", "ratioMetric: {good: {metricSource: {type: P}}}", "{target: 0.9}"), "f:6:25: a ratioMetric of neither good and total", ""},
		"good and bad":      {ratio("llmops/sli: availability", "ratioMetric: {good: {metricSource: {type: P}}, bad: {metricSource: {type: P}}, total: {metricSource: {type: P}}}", "{target: 0.9}"), "f:6:25: a ratioMetric of neither", ""},
		"raw alone":         {ratio("llmops/sli: availability", "ratioMetric: {raw: {metricSource: {type: P}}}", "{target: 0.9}"), "f:6:31: 'raw' without 'rawType'", "success"},
		"rawType":           {ratio("llmops/sli: availability", "ratioMetric: {rawType: succes, raw: {metricSource: {type: P}}}", "{target: 0.9}"), `f:6:35: unknown rawType "succes"`, "did you mean success?"},
		"counter":           {ratio("llmops/sli: availability", "ratioMetric: {counter: 1, raw: {metricSource: {type: P}}}", "{target: 0.9}"), `f:6:35: "counter" must be true or false`, ""},
		"no source":         {ratio("llmops/sli: availability", "thresholdMetric: {}", "{target: 0.9}"), "f:6:29: a thresholdMetric without 'metricSource'", ""},
		"metric source key": {ratio("llmops/sli: availability", "thresholdMetric: {metricSource: {typ: P}}", "{target: 0.9}"), `f:6:45: unknown key "typ"`, ""},
		"own part":          {ratio("", "ratioMetric: {good: {metricSource: {type: llmops, spec: {metric: requests.total}}}, total: {metricSource: {type: P}}}", "{target: 0.9}"), `f:6:77: unknown metric "requests.total"`, "requests.good"},
		"own and other":     {ratio("", "ratioMetric: {good: {metricSource: {type: llmops, spec: {metric: requests.good}}}, total: {metricSource: {type: P}}}", "{target: 0.9}"), "f:6:25: a ratioMetric of which one part only is of type llmops", ""},
		"own and said":      {ratio("llmops/sli: ttft_ms", "thresholdMetric: {metricSource: {type: llmops, spec: {metric: ttft_ms}}}", fine), "f:3:47: the source of type llmops says already what is measured: ttft_ms", ""},
		"own without spec":  {ratio("", "thresholdMetric: {metricSource: {type: llmops}}", fine), "f:6:44: a metricSource of type llmops without 'spec'", ""},
		"own without more":  {ratio("", "thresholdMetric: {metricSource: {type: llmops, spec: {}}}", fine), "f:6:65: a metricSource of type llmops without 'metric'", ""},
		"own spec":          {ratio("", "thresholdMetric: {metricSource: {type: llmops, spec: {metic: ttft_ms}}}", fine), `f:6:66: unknown key "metic"`, "metric"},
		"own unit twice":    {ratio("llmops/unit: s", "thresholdMetric: {metricSource: {type: llmops, spec: {metric: ttft_ms, unit: s}}}", fine), "f:3:48: the source of type llmops says already what the unit is", ""},
		"unused sli":        {whole + doc("SLI", "x", "{ratioMetrics: {}}"), `f:16:8: unknown key "ratioMetrics"`, "ratioMetric"},
		"min-events number": {strings.Replace(sliced("RatioTimeslices", "{op: lt, value: 5, target: 0.9, timeSliceWindow: 1m}"), "latency_ms}", "latency_ms, llmops/min-events: few}", 1), `f:3:78: min_events "few" is no count`, ""},

		// Alerts.
		"healthy":         {alert("kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h"), "f:12:103: op lte fires while the budget burns slowly", "gte"},
		"healthy lt":      {alert("op: lt, threshold: 2, lookbackWindow: 1h"), "f:12:87: op lt fires while", "gt"},
		"condition kind":  {alert("kind: budget, op: gt, threshold: 2, lookbackWindow: 1h"), `f:12:89: unknown kind "budget"`, "burnrate"},
		"no threshold":    {alert("op: gt, lookbackWindow: 1h"), `f:12:82: a burn rate condition without "threshold"`, ""},
		"threshold":       {alert("op: gt, threshold: 0, lookbackWindow: 1h"), "f:12:102: the threshold of a condition is a burn rate above 0", "14.4"},
		"lookback":        {alert("op: gt, threshold: 2, lookbackWindow: 90s"), `f:12:121: lookbackWindow "90s" is no duration`, ""},
		"after":           {alert("op: gt, threshold: 2, lookbackWindow: 1h, alertAfter: 5"), `f:12:137: alertAfter "5" is no duration`, ""},
		"policies map":    {spec("budgetingMethod: Occurrences\nalertPolicies: {a: b}\nobjectives: [" + fine + "]"), `f:11:18: "alertPolicies" must be a list`, ""},
		"policy text":     {spec("budgetingMethod: Occurrences\nalertPolicies: [a]\nobjectives: [" + fine + "]"), "f:11:19: an entry of alertPolicies must be a mapping", ""},
		"policy ref":      {spec("budgetingMethod: Occurrences\nalertPolicies: [{alertPolicyRef: a}]\nobjectives: [" + fine + "]"), `f:11:36: no AlertPolicy is called "a"`, "add a document"},
		"policy ref more": {spec("budgetingMethod: Occurrences\nalertPolicies: [{alertPolicyRef: a, kind: AlertPolicy}]\nobjectives: [" + fine + "]"), `f:11:39: unknown key "kind"`, ""},
		"condition ref":   {whole + doc("AlertPolicy", "p", "{conditions: [{conditionRef: fast}]}") + doc("AlertCondition", "fst", "{severity: page, condition: {op: gt, threshold: 2, lookbackWindow: 1h}}"), `f:16:36: no AlertCondition is called "fast"`, "did you mean fst?"},
		"two conditions":  {whole + doc("AlertPolicy", "p", "{conditions: [{conditionRef: a}, {conditionRef: b}]}"), "f:16:20: 2 conditions in one AlertPolicy", "llmops/short-window"},
		"no conditions":   {whole + doc("AlertPolicy", "p", "{description: x}"), "f:16:7: an AlertPolicy without 'conditions'", ""},
		"breaching":       {whole + doc("AlertPolicy", "p", "{alertWhenBreaching: yes, conditions: []}"), `f:16:28: "alertWhenBreaching" must be true or false`, ""},
		"severity":        {whole + doc("AlertCondition", "p", "{condition: {}}"), `f:16:7: an AlertCondition without "severity"`, ""},
		"short window": {whole + "---\napiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {name: c, annotations: {llmops/short-window: 2h}}\n" +
			"spec: {severity: page, condition: {op: gt, threshold: 2, lookbackWindow: 1h}}\n", "f:15:56: the short window of a condition is longer", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("f", strings.NewReader(c.in))
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.HasPrefix(err.Error(), c.want) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got  %v\nwant %s\nhint %+v", err, c.want, e)
			}
		})
	}
}
