package fault_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/defaults"
	"llmops/rules/fault"
)

// ids are those of the contract.
var ids = strings.Fields(`kv_cache_exhaustion demand_overload concurrency_cap long_prompt_shift prefix_cache_collapse runaway_generation cpu_bottleneck
	collective_hang engine_restart_loop gpu_oom gpu_memory_leak host_memory_leak resource_exhaustion model_degradation
	straggler_replica thermal_throttling power_capping gpu_memory_error gpu_lost pcie_degradation nvlink_errors
	network_congestion cold_start lora_thrash retry_storm upstream_rate_limit admission_rejection load_imbalance
	speculative_decoding_collapse corrupted_output structured_output_stall telemetry_fault`)

func TestShipped(t *testing.T) {
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(c.IDs()))); diff != "" {
		t.Error(diff)
	}
	if !c.Faults[0].Telemetry {
		t.Errorf("%s is looked for first: what is not seen cannot be judged", c.Faults[0].ID)
	}
	for _, f := range c.Faults {
		if f.Zh == "" || f.Cause == "" || len(f.Actions) < 2 || f.Runbook == "" {
			t.Errorf("%s: something is missing: %+v", f.ID, f)
		}
		for i, a := range f.Actions[1:] {
			if slices.Index(fault.Risks(), a.Risk) < slices.Index(fault.Risks(), f.Actions[i].Risk) {
				t.Errorf("%s: %q is riskier than %q, which comes later", f.ID, f.Actions[i].Do, a.Do)
			}
			if a.Risk != fault.Look && (a.Blast == "" || a.Undo == "") && a.Kind == "" {
				t.Errorf("%s: %q does not say what it touches", f.ID, a.Do)
			}
		}
	}
	for _, s := range c.Signals {
		if s.En == "" || s.Zh == "" || s.Unit == "" {
			t.Errorf("signal %s: no meaning or unit", s.Name)
		}
	}
}

const good = `
signals:
  - name: load
    unit: ratio
    from: ['sum by (replica) (rate(x_total[$window]))']
faults:
  - id: too_much
    en: Too much
    cause: somebody asks for it
    severity: medium
    symptoms:
      - {name: load is high, expr: load, above: [0.5, 0.9], rises: 2, weight: 3, required: true}
    actions:
      - {do: stop it, risk: dangerous, run: {plain: 'kill {replica}'}}
      - {do: look}
`

func TestRead(t *testing.T) {
	c, err := fault.Read("mine.yaml", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	f := c.Find("too_much")
	if f == nil || f.Severity != fault.Medium || f.Scope != fault.Replica || len(c.Signals) != 1 || c.Signal("load") == nil {
		t.Fatalf("%+v", c)
	}
	if s := f.Symptoms[0]; !s.Required || s.Weight != 3 || *s.Test.Above != (fault.Ramp{From: 0.5, To: 0.9}) || *s.Test.Rises != (fault.Ramp{From: 2, To: 2}) || s.Line != 12 || s.Column != 9 {
		t.Errorf("%+v", s)
	}
	if f.Actions[0].Do != "look" {
		t.Errorf("the dangerous action comes first: %+v", f.Actions)
	}
	if got := f.Actions[1].Text("a b", ""); got != "stop it: plain: kill 'a b'" {
		t.Error(got)
	}
	other := strings.Replace(good, "en: Too much", "en: Far too much", 1)
	o, err := fault.Read("other.yaml", strings.NewReader(other))
	if err != nil {
		t.Fatal(err)
	}
	if both := c.With(o); len(both.Faults) != 1 || both.Faults[0].En != "Far too much" {
		t.Errorf("%+v", both.Faults)
	}
}

func TestReadProblems(t *testing.T) {
	for _, tt := range []struct{ old, new, at, why, hint string }{
		{"severity: medium", "severty: medium", "mine.yaml:10:5", `unknown key "severty"`, "did you mean severity?"},
		{"severity: medium", "severity: awful", "mine.yaml:10:15", `unknown word "awful"`, "critical"},
		{"expr: load,", "expr: 'load +',", "mine.yaml:12:43", "unexpected end of input", ""},
		{"above: [0.5, 0.9]", "above: [0.5, much]", "mine.yaml:12:55", `not "much"`, ""},
		{"above: [0.5, 0.9], rises: 2, ", "", "mine.yaml:12:9", "nothing that its value is held against", "above"},
		{"required: true", "required: maybe", "mine.yaml:12:92", "want true or false", ""},
		{", required: true", "", "mine.yaml:7:5", "no symptom of fault too_much is required", "required: true"},
		{"id: too_much", "id: Too-much", "mine.yaml:7:9", `"Too-much" is no name`, ""},
		{"faults:", "fault:", "mine.yaml:6:1", `unknown key "fault"`, "did you mean faults?"},
		{"from: ['sum by (replica) (rate(x_total[$window]))']", "from: []", "mine.yaml:3:5", "made of nothing", ""},
		{"signals:", "signals: [", "mine.yaml:", "did not find", ""},
		{"    cause: somebody asks for it\n", "", "mine.yaml:7:5", "without cause:", ""},
		{"en: Too much", `en: "Too \e[2J much"`, "mine.yaml:8:9", `control character ('\x1b')`, ""},
		{"{plain: 'kill {replica}'}", `{plain: "kill \x07{replica}"}`, "mine.yaml:14:53", "control character", ""},
		{"expr: load,", "expr: " + strings.Repeat("(", 20_000) + "load" + strings.Repeat(")", 20_000) + ",", "mine.yaml:12:36", "an expression of 40004 bytes", "signal"},
		{"expr: load,", "expr: 'rate(load[$trend]) + max_over_time(load[$long:$step]) +',", "mine.yaml:12:92", "unexpected end of input", ""},
		{"expr: load,", "expr: 'rate(load[$window]) + + ) +',", "mine.yaml:12:62", "unexpected", ""},
		{"expr: load,", "expr: 'max_over_time(load[100000h:1ms])',", "mine.yaml:12:36", "a subquery of 100000h0m0s with steps of 1ms", "[1h:30s]"},
		{"from: ['sum by (replica) (rate(x_total[$window]))']", "from: ['sum_over_time(x[30d:])']", "mine.yaml:5:12", "11000 steps at most", ""},
		{"severity: medium", "sure_from: 0", "mine.yaml:10:16", `above 0 and below 1, not "0"`, "0.8"},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Fatalf("%q is not in the file", tt.old)
		}
		_, err := fault.Read("mine.yaml", strings.NewReader(text))
		p, ok := errors.AsType[*fault.Problem](err)
		if !ok || !strings.HasPrefix(err.Error(), tt.at) || !strings.Contains(err.Error(), tt.why) || !strings.Contains(p.Hint, tt.hint) {
			t.Errorf("%s: %v (%+v), want %s: %s", tt.new, err, p, tt.at, tt.why)
		}
	}
	c, err := fault.Read("mine.yaml", strings.NewReader(good+"    explains: [nothing]\n"))
	if err == nil {
		err = c.Check()
	}
	if err == nil || !strings.Contains(err.Error(), `"nothing", which is no fault`) {
		t.Error(err)
	}
}

func TestRamp(t *testing.T) {
	for _, tt := range []struct {
		r    fault.Ramp
		v, e float64
	}{{fault.Ramp{From: 1, To: 3}, 0, 0}, {fault.Ramp{From: 1, To: 3}, 2, 0.5}, {fault.Ramp{From: 1, To: 3}, 9, 1}, {fault.Ramp{From: 2, To: 2}, 1.9, 0}, {fault.Ramp{From: 2, To: 2}, 2, 1}, {fault.Ramp{From: -0.9, To: -0.5}, -0.7, 0.5}} {
		if got := tt.r.At(tt.v); got < tt.e-1e-9 || got > tt.e+1e-9 {
			t.Errorf("%+v at %g: %g, want %g", tt.r, tt.v, got, tt.e)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Add("faults: [{id: a}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := fault.Read("x.yaml", strings.NewReader(text))
		if err != nil {
			if _, ok := errors.AsType[*fault.Problem](err); !ok {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		for _, x := range c.Faults {
			if x.ID == "" || x.En == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}

// A symptom may be seen in several ways: each has a place and the symptom's name.
func TestAny(t *testing.T) {
	any := strings.Replace(good, "{name: load is high, expr: load, above: [0.5, 0.9], rises: 2, weight: 3, required: true}",
		"{name: load is high, weight: 3, required: true, any: [{expr: load, above: 0.9}, {name: it grows, expr: 'rate(load[$trend])', gains: 1}]}", 1)
	c, err := fault.Read("mine.yaml", strings.NewReader(any))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Faults[0].Symptoms[0]
	line := strings.Split(any, "\n")[11]
	at := fault.Position{File: "mine.yaml", Line: 12, Column: strings.Index(line, "'rate(") + 1}
	if len(s.Any) != 2 || s.Any[0].Name != "load is high" || s.Any[1].Name != "it grows" || s.Any[1].ExprAt != at || s.Weight != 3 || s.Test != (fault.Test{}) {
		t.Errorf("%+v", s)
	}
	if want := "load (above 0.9), or rate(load[$trend]) (gains 1)"; s.Expr != want {
		t.Errorf("%q, want %q", s.Expr, want)
	}
	for old, want := range map[string]string{
		"weight: 3, required: true, any": "any: and an expression or test beside it",
		", gains: 1":                     "nothing that its value is held against",
		"expr: load, above":              "an alternative without expr:",
	} {
		with := map[string]string{"weight: 3, required: true, any": "weight: 3, required: true, above: 1, any", ", gains: 1": "", "expr: load, above": "above"}[old]
		if _, err := fault.Read("mine.yaml", strings.NewReader(strings.Replace(any, old, with, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", with, err, want)
		}
	}
}

// All problems of a file are told, in the order of lines, and one place has one.
func TestAllProblems(t *testing.T) {
	text := strings.NewReplacer("severity: medium", "severity: awful", "required: true", "required: maybe", "en: Too much", "name: Too much").Replace(good)
	_, err := fault.Read("mine.yaml", strings.NewReader(text))
	ps, ok := errors.AsType[fault.Problems](err)
	if !ok || len(ps) != 4 {
		t.Fatalf("%v", err)
	}
	for i, want := range []string{"mine.yaml:7:5", "mine.yaml:8:5", "mine.yaml:10:15", "mine.yaml:12:92"} {
		if ps[i].Position.String() != want {
			t.Errorf("%v, want %s", ps[i], want)
		}
	}
	for _, twice := range []string{good + good[strings.Index(good, "  - id:"):], strings.Replace(good, "signals:\n", "signals:\n  - {name: load, from: [up]}\n", 1)} {
		if _, err := fault.Read("mine.yaml", strings.NewReader(twice)); err == nil || !strings.Contains(err.Error(), "a second time") {
			t.Error(err)
		}
	}
}

func TestAsked(t *testing.T) {
	for expr, want := range map[string]string{
		"a / b + a":                           "a b",
		`sum({__name__=~"a|(b|c):d"})`:        "a b:d c:d",
		`rate(x_total[$window])`:              "x_total",
		`min_over_time(y[$long:$step]) > 0`:   "y",
		`{__name__=~"a.*"} or {job="b"} or c`: "c",
		"a +":                                 "",
	} {
		if got := strings.Join(fault.Asked(expr), " "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// A few aliases of aliases would be more faults than fit into memory.
func TestAliases(t *testing.T) {
	many := "faults:\n  - &f {id: a, explains: [" + strings.Repeat("x, ", 20_000) + "x]}\n" + strings.Repeat("  - *f\n", 200)
	if _, err := fault.Read("x.yaml", strings.NewReader(many)); err == nil || !strings.Contains(err.Error(), "use fewer aliases") && !strings.Contains(err.Error(), "more than 1048576 values") {
		t.Errorf("%.200v", err)
	}
}

func TestWindowed(t *testing.T) {
	got := fault.Windowed("a[$window] b[$trend] c[$long:$step]", 2*time.Minute, 5*time.Minute)
	if want := "a[120000ms] b[300000ms] c[600000ms:60000ms]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What ships can be read without a remark that matters, and remarks come with places.
func TestLint(t *testing.T) {
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range fault.Lint(c, c, []string{"serving", "gpu_absent", "telemetry_broken"}) {
		if !r.Slight {
			t.Errorf("%+v", r)
		}
	}
	for old, want := range map[string][2]string{
		"expr: load,":               {"expr: loud,", "mine.yaml:12:36 unknown-signal"},
		"above: [0.5, 0.9]":         {"above: [0.9, 0.5]", "mine.yaml:12:9 never-seen"},
		"rises: 2":                  {"rises: 0.5", "mine.yaml:12:9 never-seen"},
		"weight: 3":                 {"weight: 2.9", "mine.yaml:7:5 never-seen"},
		"runbook: https://x.test/r": {"", "mine.yaml:7:5 missing-words"},
	} {
		text := strings.Replace(good, "    actions:", "    zh: 过多\n    runbook: https://x.test/r\n    actions:", 1)
		changed := strings.Replace(text, old, want[0], 1)
		if changed == text {
			t.Fatalf("%q is not there", old)
		}
		x, err := fault.Read("mine.yaml", strings.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, r := range fault.Lint(x, x, nil) {
			found = found || r.Position.String()+" "+r.Check == want[1]
		}
		if !found {
			t.Errorf("%s: %+v", want[0], fault.Lint(x, x, nil))
		}
	}
}

func FuzzReadTests(f *testing.F) {
	f.Add("fault_tests:\n  - {name: a, interval: 1m, input_series: [{series: up, values: 1x3}], verdict: ok, diagnoses: [{fault: b, confidence: [0, 1]}]}")
	f.Fuzz(func(t *testing.T, text string) {
		tests, err := fault.ReadTests("x.yaml", strings.NewReader(text))
		if err != nil {
			if ps, ok := errors.AsType[fault.Problems](err); !ok || len(ps) == 0 {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		for _, x := range tests.Tests {
			if x.Name == "" || x.Interval <= 0 || len(x.Series) == 0 {
				t.Errorf("%+v", x)
			}
		}
	})
}

// Least is what sure_from says, or a half; what is no score is refused.
func TestSureFrom(t *testing.T) {
	for text, want := range map[string]float64{"": 0.5, "    sure_from: 0.8\n": 0.8} {
		c, err := fault.Read("mine.yaml", strings.NewReader(good+text))
		if err != nil || c.Faults[0].Least() != want {
			t.Errorf("%q: %v %v, want %g", text, c.Faults, err, want)
		}
	}
	for _, bad := range []string{"1", "-0.1", "often"} {
		if _, err := fault.Read("mine.yaml", strings.NewReader(good+"    sure_from: "+bad+"\n")); err == nil {
			t.Errorf("sure_from: %s is no score", bad)
		}
	}
	// A fault whose symptoms cannot lead to that score can never be named.
	c, err := fault.Read("mine.yaml", strings.NewReader(strings.Replace(good, "weight: 3", "weight: 4", 1)+"    sure_from: 0.8\n"))
	if err != nil {
		t.Fatal(err)
	}
	grave := func(c fault.Catalogue) (n int) {
		for _, r := range fault.Lint(c, c, nil) {
			if r.Grave && r.Check == "never-seen" {
				n++
			}
		}
		return n
	}
	if grave(c) != 1 { // 4 − 3 = 1, a score of 0.73
		t.Errorf("%+v", fault.Lint(c, c, nil))
	}
	if c.Faults[0].SureFrom = 0.7; grave(c) != 0 {
		t.Errorf("%+v", fault.Lint(c, c, nil))
	}
}

// What stays is neither more nor less than it was.
func TestStaysIsRead(t *testing.T) {
	c, err := fault.Read("mine.yaml", strings.NewReader(strings.Replace(good, "rises: 2", "stays: [1.5, 1.1]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Faults[0].Symptoms[0].Test
	if s.Stays == nil || *s.Stays != (fault.Ramp{From: 1.5, To: 1.1}) || !strings.HasSuffix(s.String(), "stays within times 1.5, full at 1.1") {
		t.Errorf("%s", s)
	}
	c.Faults[0].Symptoms[0].Test.Stays = &fault.Ramp{From: 1.1, To: 0.9}
	if list := fault.Lint(c, c, nil); !slices.ContainsFunc(list, func(r fault.Remark) bool { return r.Grave && strings.Contains(r.Why, "never below 1") }) {
		t.Errorf("%+v", list)
	}
	c.Faults[0].Symptoms[0].Test.Stays = &fault.Ramp{From: 1.1, To: 1.5}
	if list := fault.Lint(c, c, nil); !slices.ContainsFunc(list, func(r fault.Remark) bool { return r.Grave && strings.Contains(r.Why, "stays: [1.1, 1.5]") }) {
		t.Errorf("%+v", list)
	}
}
