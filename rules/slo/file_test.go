package slo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/slo/chat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load("chat.yaml", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.ExcludeStatus) != 6 || f.ExcludeStatus[5] != 499 {
		t.Errorf("exclude_status %v", f.ExcludeStatus)
	}
	day := 24 * time.Hour
	want := []struct {
		name, text, target string
		statistic          Statistic
		method             Method
		errors             Errors
		window, slice      time.Duration
		minEvents, alerts  int
	}{
		{"availability", "success_rate >= 0.999", "0.999", Ratio, Occurrences, ErrorsExclude, 30 * day, 0, 0, 3},
		{"latency", "p98_latency_ms < 12000", "0.98", Quantile, Occurrences, ErrorsExclude, 30 * day, 0, 0, 0},
		{"first-token", "p95_ttft_ms <= 1500", "0.95", Quantile, Occurrences, ErrorsBad, 30 * day, 0, 0, 0},
		{"availability-slices", "success_rate >= 0.9 in 97% of 1m slices", "0.97", Ratio, Timeslices, ErrorsExclude, 30 * day, time.Minute, 1, 0},
		{"throughput", "tokens_per_second >= 8 in 80% of 30s slices", "0.8", Rate, Timeslices, ErrorsExclude, 7 * day, 30 * time.Second, 3, 0},
		{"p99.9_itl_ms < 250", "p99.9_itl_ms < 250", "0.999", Quantile, Occurrences, ErrorsExclude, 30 * day, 0, 0, 0},
		{"errors", "error_rate < 0.1%", "0.999", Ratio, Occurrences, ErrorsExclude, 30 * day, 0, 0, 0},
	}
	if len(f.Objectives) != len(want) {
		t.Fatalf("%d objectives", len(f.Objectives))
	}
	for i, w := range want {
		o := f.Objectives[i]
		if o.Name != w.name || o.String() != w.text || o.Target.Text != w.target || o.Statistic != w.statistic ||
			o.Method != w.method || o.Errors != w.errors || o.Window != w.window || o.Slice != w.slice ||
			o.MinEvents != w.minEvents || len(o.Alerts) != w.alerts {
			t.Errorf("%d: %s: %+v", i, o, o)
		}
	}
	a := f.Objectives[0].Alerts[0]
	if a.Severity != "page" || a.Long != time.Hour || a.Short != 5*time.Minute || a.Threshold.Text != "14.4" {
		t.Errorf("%+v", a)
	}
}

// bomb is a few hundred bytes that come to 10^9 values.
var bomb = func() string {
	s := "&a0 [1,1,1,1,1,1,1,1,1,1]"
	for i := range 8 {
		s += fmt.Sprintf(", &a%d [%s]", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return s
}()

// The methods with slices of events that are counted against a limit.
func TestSlicesOfEvents(t *testing.T) {
	f, err := Load("f", strings.NewReader(`slos:
  - {sli: ttft_ms < 800, target: 0.99, method: timeslices, slice_target: 95%, slice: 30s, min_events: 5}
  - {sli: ttft_ms < 800, target: 0.99, method: ratio_timeslices}
  - {sli: availability, target: 0.9995, method: ratio_timeslices, slice: 5m}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"ttft_ms < 800 for 95% in 99% of 30s slices",
		"ttft_ms < 800 for 99% as mean of 1m slices",
		"success_rate >= 0.9995 as mean of 5m slices",
	} {
		if o := f.Objectives[i]; o.String() != want || !o.Method.Sliced() || o.Slice == 0 {
			t.Errorf("%s, want %s: %+v", o, want, o)
		}
		if q, ok := f.Objectives[i].QuantileOf(); ok {
			t.Errorf("%s: quantile %v", want, q)
		}
	}
}

// An inline percentile and the file entry that it stands for are one thing.
func TestInlineIsTheFileEntry(t *testing.T) {
	f, err := Load("f", strings.NewReader("slos: [{sli: latency_ms < 500, target: 0.95}]"))
	if err != nil {
		t.Fatal(err)
	}
	a := f.Objectives[0]
	b, err := Parse(a.String())
	if err != nil {
		t.Fatal(err)
	}
	if a.Metric != b.Metric || a.Statistic != b.Statistic || a.Op != b.Op || a.Threshold.Rat.Cmp(b.Threshold.Rat) != 0 ||
		a.Target.Rat.Cmp(b.Target.Rat) != 0 || a.Method != b.Method || a.Errors != b.Errors || a.Window != b.Window {
		t.Errorf("%+v\n%+v", a, b)
	}
	if len(f.ExcludeStatus) != len(DefaultExcludeStatus()) {
		t.Errorf("default exclude_status: %v", f.ExcludeStatus)
	}
}

func TestLoadErrors(t *testing.T) {
	entry := func(s string) string { return "slos:\n  - " + strings.ReplaceAll(s, "\n", "\n    ") }
	for name, c := range map[string]struct{ in, want, hint string }{
		"empty":              {"", "f:1:1: the file is empty", "slos"},
		"comment only":       {"# nothing\n", "f:1:1: the file is empty", ""},
		"null":               {"null", "f:1:1: the file must be a mapping", ""},
		"list":               {"- a", "f:1:1: the file must be a mapping", "exclude_status, slos"},
		"syntax":             {"slos:\n  - name: [", "f:", "indentation"},
		"second document":    {entry("sli: availability\ntarget: 0.9") + "\n---\nslos: []\n", "f:5:1: a second document", ""},
		"no slos":            {"exclude_status: [400]", "f:1:1: no 'slos'", ""},
		"slos empty":         {"slos: []", "f:1:7: 'slos' is empty", ""},
		"slos map":           {"slos: {a: b}", `f:1:7: "slos" must be a list`, ""},
		"entry text":         {"slos: [p95]", "f:1:8: an objective must be a mapping", ""},
		"status text":        {"exclude_status: [4xx]\nslos: []", `f:1:18: "4xx" is no HTTP status`, "100 to 599"},
		"status range":       {"exclude_status: [42]\nslos: []", "f:1:18:", ""},
		"unknown top":        {"slo: []", `f:1:1: unknown key "slo"`, "did you mean slos"},
		"unknown key":        {entry("sli: availability\ntraget: 0.9"), `f:3:5: unknown key "traget"`, "did you mean target"},
		"merge key":          {entry("<<: {sli: a}"), `unknown key "<<"`, ""},
		"twice":              {entry("sli: availability\nsli: availability"), `f:3:5: key "sli" stands twice`, ""},
		"no sli":             {entry("name: a\ntarget: 0.9"), "f:2:5: an objective without 'sli'", ""},
		"sli list":           {entry("sli: [a]\ntarget: 0.9"), `f:2:10: "sli" must be a text`, ""},
		"sli null":           {entry("sli: ~\ntarget: 0.9"), `f:2:10: "sli" must be a text`, ""},
		"no target":          {entry("sli: availability"), "f:2:5: an objective without 'target'", "0.99"},
		"no target latency":  {entry("sli: latency_ms < 5"), "f:2:5: an objective without 'target'", ""},
		"target 0":           {entry("sli: availability\ntarget: 0"), `f:3:13: target "0" is no share`, "99.9%"},
		"target 99":          {entry("sli: availability\ntarget: 99"), `f:3:13: target "99" is no share`, ""},
		"target list":        {entry("sli: availability\ntarget: [0.9]"), `f:3:13: "target" must be a text`, ""},
		"target exponent":    {entry("sli: availability\ntarget: 9e-1"), `"9e-1" is no share`, ""},
		"unknown metric":     {entry("sli: latency_mss < 5\ntarget: 0.9"), `f:2:10: unknown metric "latency_mss"`, ""},
		"quoted column":      {entry("sli: \"latency_ms < x\"\ntarget: 0.9"), "f:2:24: no number", ""},
		"bare column":        {entry("sli: latency_ms < 5%\ntarget: 0.9"), "f:2:24: latency_ms takes no unit", ""},
		"window":             {entry("sli: availability\ntarget: 0.9\nwindow: 30 days"), `f:4:13: window "30 days" is no duration`, "30d"},
		"window 0":           {entry("sli: availability\ntarget: 0.9\nwindow: 0s"), "is no duration", ""},
		"method":             {entry("sli: availability\ntarget: 0.9\nmethod: ratio"), `f:4:13: unknown method "ratio"`, "occurrences or timeslices"},
		"latency slices":     {entry("sli: latency_ms < 5\ntarget: 0.9\nmethod: timeslices"), "f:2:5: timeslices of latency_ms without 'slice_target'", "0.9"},
		"ratio slice target": {entry("sli: latency_ms < 5\ntarget: 0.9\nmethod: ratio_timeslices\nslice_target: 0.9"), "f:5:19: ratio_timeslices has no 'slice_target'", "method: timeslices"},
		"method cut short":   {entry("sli: latency_ms < 5\ntarget: 0.9\nmethod: timeslice"), `unknown method "timeslice"`, "did you mean timeslices? want"},
		"own anchor":         {"slos: &a [*a]", "f:1:11: alias *a stands inside of its own anchor", ""},
		"alias bomb":         {"slos: []\nexclude_status: [" + bomb + "]", "f:2:", "fewer aliases"},
		"rate occurrences":   {entry("sli: requests_per_second > 5\ntarget: 0.9\nmethod: occurrences"), `unknown method "occurrences"`, "want timeslices"},
		"errors":             {entry("sli: availability\ntarget: 0.9\nerrors: good"), `unknown errors "good"`, "exclude or bad"},
		"no slice_target":    {entry("sli: availability\ntarget: 0.9\nmethod: timeslices"), "without 'slice_target'", "0.9"},
		"stray slice":        {entry("sli: availability\ntarget: 0.9\nslice: 1m"), `"slice" is for methods with slices`, ""},
		"stray target":       {entry("sli: requests_per_second > 5\ntarget: 0.9\nslice_target: 0.9"), "a rate has no 'slice_target'", ""},
		"short slice":        {entry("sli: requests_per_second > 5\ntarget: 0.9\nslice: 100ms"), "a slice is at least 1s", ""},
		"min_events":         {entry("sli: requests_per_second > 5\ntarget: 0.9\nmin_events: 1.5"), `min_events "1.5" is no count`, ""},
		"inline and target":  {entry("sli: error_rate < 1%\ntarget: 0.9"), "f:3:13:", "remove"},
		"inline slices":      {entry("sli: mean_latency_ms < 5\nmethod: timeslices"), "f:3:13:", ""},
		"errors of a mean":   {entry("sli: mean_latency_ms < 5\nerrors: bad"), "f:3:13: 'errors: bad' cannot be said of mean_latency_ms < 5", "error_rate"},
		"errors of a max":    {entry("sli: max_ttft_ms < 5\nerrors: bad"), "f:3:13: 'errors: bad' cannot be said of", ""},
		"limit 0":            {entry("sli: latency_ms < 0\ntarget: 0.9"), "f:2:23: latency_ms < 0 can never hold", ""},
		"slices of 0":        {entry("sli: requests_per_second >= 0\ntarget: 0.9"), "f:2:33: requests_per_second >= 0 always holds", ""},
		"alert key":          {entry("sli: availability\ntarget: 0.9\nalerts: [{severity: page, long: 1h, short: 5m}]"), `f:4:14: an alert without "threshold"`, ""},
		"alert windows":      {entry("sli: availability\ntarget: 0.9\nalerts: [{severity: page, long: 5m, short: 1h, threshold: 2}]"), "longer than the long one", ""},
		"alert threshold":    {entry("sli: availability\ntarget: 0.9\nalerts: [{severity: page, long: 1h, short: 5m, threshold: 0}]"), "burn rate above 0", ""},
		"alerts map":         {entry("sli: availability\ntarget: 0.9\nalerts: {a: b}"), `"alerts" must be a list`, ""},
		"too large":          {strings.Repeat("#", MaxFileSize+1), "larger than", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("f", strings.NewReader(c.in))
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got  %v\nhint %+v\nwant %s", err, e, c.want)
			}
		})
	}
}

func TestAnchors(t *testing.T) {
	in := "slos:\n  - {sli: availability, target: 0.9, alerts: &a [{severity: page, long: 1h, short: 5m, threshold: 2}]}\n" +
		"  - {sli: ttft_ms < 5, target: 0.9, alerts: *a}\n"
	f, err := Load("f", strings.NewReader(in))
	if err != nil || len(f.Objectives[1].Alerts) != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text, out string
		want      time.Duration
	}{
		{"30d", "30d", 720 * time.Hour}, {"1w", "7d", 168 * time.Hour}, {"1h30m", "1h30m", 90 * time.Minute},
		{"1.5h", "1h30m", 90 * time.Minute}, {"500ms", "500ms", 500 * time.Millisecond}, {"1m0.5s", "1m500ms", 60500 * time.Millisecond},
		{"60s", "1m", time.Minute}, {"250us", "250µs", 250 * time.Microsecond},
	} {
		d, err := ParseDuration(c.text)
		if err != nil || d != c.want || FormatDuration(d) != c.out {
			t.Errorf("%s: %v %v, written %s", c.text, d, err, FormatDuration(d))
		}
	}
	for _, bad := range []string{"", "5", "d", "-1h", "1x", "0s", "1h 5m", "0.1ns", "99999999999d", "1..5s", "5 m"} {
		if d, err := ParseDuration(bad); err == nil {
			t.Errorf("%q: %v", bad, d)
		}
	}
}

// Files of the largest size, made to cost time and memory, are read or refused
// in a moment.
func TestLargeFiles(t *testing.T) {
	fill := func(head, part, tail string) string {
		return head + strings.Repeat(part, (MaxFileSize-len(head)-len(tail))/len(part)) + tail
	}
	entry := "{sli: availability, target: 0.9, alerts: "
	one := "{severity: page, long: 1h, short: 5m, threshold: 2}"
	condition := "{spec: {severity: page, condition: {op: gt, threshold: 2, lookbackWindow: 1h}}}"
	head := "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a, annotations: {llmops/sli: availability}}\nspec:\n  budgetingMethod: Occurrences\n"
	for name, in := range map[string]string{
		"many objectives": fill("slos: [", "{sli: availability, target: 0.9},", "]"),
		"alias of alerts": fill("slos: ["+entry+"&a ["+strings.Repeat(one+",", 9000)+"]}", ","+entry+"*a}", "]"),
		"policies":        fill(head+"  objectives: [{target: 0.9}]\n  alertPolicies: [&p {kind: AlertPolicy, spec: {conditions: ["+condition+"]}}", ",*p", "]\n"),
		"unknown name":    fill("slos: [{sli: availability, target: 0.9, ", "a", ": 1}]"),
		"unknown ref":     fill(head+"  objectives: [{target: 0.9, indicatorRef: ", "a", "}]\n"),
		"documents":       fill("", "---\n", ""),
		"services":        fill("", "---\napiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\n", ""),
		"deep":            fill("slos: ", "[", ""),
		"zone":            fill(head+"  objectives: [{target: 0.9}]\n  timeWindow: [{duration: 1d, calendar: {startTime: 2026-01-01 00:00:00, timeZone: ", "A/", "}}]\n"),
		"digits":          fill("slos: [{sli: availability, target: 0.", "9", "}]"),
		"expression":      fill("slos: [{sli: ", "p", " < 5}]"),
	} {
		start := time.Now()
		_, err := Load("f", strings.NewReader(in))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", name, took)
		} else if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
		}
	}
}

func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile("../../fixtures/slo/chat.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("slos: [{sli: latency_ms < 500, target: 0.95}]"))
	f.Add([]byte("slos: &a [*a]"))
	f.Add([]byte("slos: [" + bomb + "]"))
	if data, err = os.ReadFile("../../fixtures/slo/openslo.yaml"); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for doc := range strings.SplitSeq(string(data), "---\n") {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Load("f", bytes.NewReader(data))
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Msg == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		for _, o := range file.Objectives {
			if o.Name == "" || o.Window <= 0 || o.Threshold.Rat == nil || o.Metric == "" ||
				o.Target.Given() && !isRatio(o.Target.Rat) || o.Method.Sliced() != (o.Slice >= time.Second) ||
				o.SliceTarget.Given() && (!isRatio(o.SliceTarget.Rat) || o.Method != Timeslices) || o.String() == "" {
				t.Fatalf("%+v", o)
			}
			for _, a := range o.Alerts {
				if a.Short <= 0 || a.Short > a.Long || a.Op.Upper() || a.Threshold.Rat.Sign() <= 0 || a.For < 0 {
					t.Fatalf("%+v", a)
				}
			}
			if c := o.Calendar; c != nil {
				now := time.Unix(1774746000, 0)
				if from, to := c.Period(now); from.After(now) || !to.After(now) {
					t.Fatalf("%+v: [%v, %v)", c, from, to)
				}
			}
		}
	})
}
