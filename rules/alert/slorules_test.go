package alert

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/rules/slo"
)

// export reads a file as the command does.
func export(t *testing.T, text string, opt Options) (File, []string, error) {
	t.Helper()
	file, err := slo.Load("f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	opt.ExcludeStatus = file.ExcludeStatus
	return FromSLO(file.Objectives, opt)
}

// exprs are the expressions of a file by the names of records.
func exprs(f File) map[string]string {
	out := map[string]string{}
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			out[r.Record] = r.Expr
		}
	}
	return out
}

func slos(entry string) string { return "exclude_status: [400]\nslos: [{name: x, " + entry + "}]" }

// The expressions of what engines count, over one window.
func TestEngines(t *testing.T) {
	for _, c := range []struct{ engine, slo, events, bad string }{
		{"vllm", "sli: availability, target: 0.999",
			`sum(rate(http_requests_total{handler=~"/v1/.+",method="POST",status!~"4..",m="n"}[5m]))`,
			`sum(rate(http_requests_total{handler=~"/v1/.+",method="POST",status=~"5..",m="n"}[5m])) or 0 * sum(slo:events:rate5m{slo="x"})`},
		{"vllm", "sli: ttft_ms < 1s, target: 0.99",
			`sum(rate(vllm:time_to_first_token_seconds_count{m="n"}[5m]))`,
			`sum(slo:events:rate5m{slo="x"}) - sum(rate(vllm:time_to_first_token_seconds_bucket{le=~"1|1\\.0",m="n"}[5m]))`},
		{"litellm", "sli: availability, target: 0.999",
			`sum(rate(litellm_proxy_total_requests_metric_total{status_code!~"400|499",m="n"}[5m]))`,
			`sum(rate(litellm_proxy_total_requests_metric_total{status_code!~"400|499",status_code=~"[45]..",m="n"}[5m])) or 0 * sum(slo:events:rate5m{slo="x"})`},
		{"envoy", "sli: latency_ms <= 1800000, target: 0.99",
			`sum(rate(envoy_cluster_upstream_rq_time_count{m="n"}[5m]))`,
			`sum(slo:events:rate5m{slo="x"}) - sum(rate(envoy_cluster_upstream_rq_time_bucket{le=~"1800000|1800000\\.0|1\\.8e\\+06",m="n"}[5m]))`},
		{"nginx", "sli: latency_ms < 0.5s, target: 0.99, errors: bad",
			`sum(rate(nginx_ingress_controller_request_duration_seconds_count{status!~"400|499",m="n"}[5m]))`,
			`sum(slo:events:rate5m{slo="x"}) - (sum(rate(nginx_ingress_controller_request_duration_seconds_bucket{status!~"[45]..",le=~"0\\.5",m="n"}[5m])) or 0 * sum(slo:events:rate5m{slo="x"}))`},
		{"nginx", "sli: ttft_ms < 0.5s, target: 0.99",
			`sum(rate(nginx_ingress_controller_header_duration_seconds_count{status!~"[45]..",m="n"}[5m]))`,
			`sum(slo:events:rate5m{slo="x"}) - sum(rate(nginx_ingress_controller_header_duration_seconds_bucket{status!~"[45]..",le=~"0\\.5",m="n"}[5m]))`},
		{"tgi", "sli: availability, target: 0.99",
			`sum(rate(tgi_request_success{m="n"}[5m])) + sum(rate(tgi_request_failure{err!~"validation|dropped",m="n"}[5m])) or sum(rate(tgi_request_success{m="n"}[5m])) or sum(rate(tgi_request_failure{err!~"validation|dropped",m="n"}[5m]))`,
			`sum(rate(tgi_request_failure{err!~"validation|dropped",m="n"}[5m])) or 0 * sum(slo:events:rate5m{slo="x"})`},
	} {
		f, _, err := export(t, slos(c.slo), Options{Engine: c.engine, Match: `m="n"`})
		if err != nil {
			t.Errorf("%s: %v", c.engine, err)
			continue
		}
		got := exprs(f)
		if got["slo:events:rate5m"] != c.events || got["slo:bad_events:rate5m"] != c.bad {
			t.Errorf("%s %s:\n%s\n%s\nwant\n%s\n%s", c.engine, c.slo, got["slo:events:rate5m"], got["slo:bad_events:rate5m"], c.events, c.bad)
		}
	}
}

// What cannot be had is refused with a reason and a way out.
func TestRefused(t *testing.T) {
	const plain = "sli: availability, target: 0.999"
	for name, c := range map[string]struct {
		slo        string
		opt        Options
		want, hint string
	}{
		"nothing said":    {plain, Options{}, "objective x: nothing says which Prometheus metrics", "vllm, sglang"},
		"unknown engine":  {plain, Options{Engine: "vlm"}, `no engine is called "vlm"`, "vllm"},
		"llama.cpp":       {plain, Options{Engine: "llamacpp"}, "llamacpp has no metric for success_rate", "gateway"},
		"llama.cpp rate":  {"sli: output_tokens_per_second > 5, target: 0.9", Options{Engine: "llamacpp"}, "llamacpp has no metric for tokens_per_second", ""},
		"timeouts":        {"sli: timeout_rate < 0.1%", Options{Engine: "envoy"}, "envoy has no metric for timeout_rate", ""},
		"quality":         {"sli: quality_score > 0.8, target: 0.9", Options{Engine: "vllm"}, "vllm has no metric for quality_score", ""},
		"no bucket":       {"sli: ttft_ms < 800, target: 0.9", Options{Engine: "vllm"}, "its limit of 0.8 s is no bucket of vllm:time_to_first_token_seconds", "--round-to-bucket takes 0.75 s"},
		"below buckets":   {"sli: latency_ms < 100, target: 0.9", Options{Engine: "vllm", RoundToBucket: true}, "its limit of 0.1 s is no bucket", "0.3, 0.5"},
		"mixed":           {"sli: latency_ms < 500, target: 0.9, errors: bad", Options{Engine: "envoy"}, "counts failed requests by their time", "errors: bad"},
		"no first token":  {"sli: ttft_ms < 500, target: 0.9", Options{Engine: "envoy"}, "envoy has no metric for ttft_ms", "--latency-histogram"},
		"mean":            {"sli: mean_latency_ms < 500", Options{Engine: "vllm"}, "a mean has no error budget", "percentile"},
		"target 1":        {"sli: availability, target: 1", Options{Engine: "vllm"}, "target 1 leaves no error budget", "0.999"},
		"slow alert":      {plain + ", alerts: [{severity: page, long: 1h, short: 5m, threshold: 0.9}]", Options{Engine: "vllm"}, "a burn rate of 0.9 is no more than the even pace", ""},
		"unreachable":     {"sli: availability, target: 0.9, alerts: [{severity: page, long: 1h, short: 5m, threshold: 14.4}]", Options{Engine: "vllm"}, "with target 0.9 the burn rate is never above 10", ""},
		"just so":         {"sli: availability, target: 0.9, alerts: [{severity: page, long: 1h, short: 5m, threshold: 10}]", Options{Engine: "vllm"}, "with target 0.9 the burn rate is never above 10", ""},
		"short window":    {plain + ", window: 1h", Options{Engine: "vllm"}, "none of the defaults can fire with target 0.999 and window 1h", "severity"},
		"long slice":      {plain + ", method: timeslices, slice_target: 0.9, slice: 10m, alerts: [{severity: page, long: 1h, short: 5m, threshold: 2}]", Options{Engine: "vllm"}, "holds no whole slice of 10m", ""},
		"good alone":      {plain, Options{Good: "x"}, "cannot be counted", "total"},
		"all three":       {plain, Options{Good: "x", Bad: "y", Total: "z"}, "cannot be counted", ""},
		"no range":        {plain, Options{Bad: "sum(x)", Total: "y"}, "has no range", "{{.window}}"},
		"counted rate":    {"sli: output_tokens_per_second > 5, target: 0.9", Options{Bad: "x", Total: "y"}, "no events that could be good or bad", "--engine"},
		"matchers":        {plain, Options{Engine: "vllm", Match: `{a="b"}`}, "are no label matchers", "without braces"},
		"half a matcher":  {plain, Options{Engine: "vllm", Match: `job=`}, "are no label matchers", "without braces"},
		"no quotes":       {plain, Options{Engine: "vllm", Match: `job=vllm`}, "are no label matchers", "without braces"},
		"a way out":       {plain, Options{Engine: "vllm", Match: `job="vllm"} or vector(1) or x{a="b"`}, "are no label matchers", "without braces"},
		"matchers of no":  {plain, Options{Bad: "x", Total: "y", Match: `a="b"`}, "--match is for the metrics of --engine", "queries"},
		"two counts":      {plain, Options{Bad: "x", Total: "y", Histogram: "z_seconds"}, "both count events", ""},
		"tiny window":     {plain + ", method: timeslices, slice_target: 0.9, slice: 10m, window: 5m, alerts: [{severity: page, long: 1h, short: 10m, threshold: 2}]", Options{Engine: "vllm"}, "its window of 5m holds no whole slice of 10m", ""},
		"histogram unit":  {"sli: latency_ms < 500, target: 0.9", Options{Histogram: "took"}, "the name of took does not say its unit", "--latency-unit"},
		"histogram bad":   {"sli: latency_ms < 500, target: 0.9, errors: bad", Options{Histogram: "took_seconds"}, "a histogram alone does not count", ""},
		"histogram query": {"sli: latency_ms < 500, target: 0.9", Options{Histogram: "rate(x[5m])"}, "is no name of a histogram", ""},
		"only":            {plain, Options{Only: []string{"y"}}, `no objective is called "y"`, "there are x"},
		"min_events": {plain + ", method: timeslices, slice_target: 0.9, min_events: 5", Options{Bad: "sum_over_time(x[{{.window}}])", Total: "y"},
			"min_events needs to know", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := export(t, slos(c.slo), c.opt)
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("%v, %+v", err, e)
			}
		})
	}
}

// An alert that can never fire says nothing: the others stand, and a warning says why.
func TestUnreachableAlertIsLeftOut(t *testing.T) {
	for op, want := range map[string]string{
		"threshold: 14.4}":              "x: the alert over 1h is left out: it can never fire, as with target 0.9 the burn rate is never above 10",
		"threshold: 10}":                "x: the alert over 1h is left out: it can never fire, as with target 0.9 the burn rate is never above 10",
		"threshold: 9.999999999999999}": "",
	} {
		f, warnings, err := export(t, slos("sli: availability, target: 0.9, alerts: [{severity: page, long: 1h, short: 5m, "+op+", {severity: ticket, long: 6h, short: 30m, threshold: 2}]"),
			Options{Engine: "vllm"})
		if err != nil {
			t.Fatal(err)
		}
		alerts := 0
		for _, r := range f.Groups[0].Rules {
			if r.Alert == budgetBurn {
				alerts++
			}
		}
		if said := slices.Contains(warnings, want); want != "" && (!said || alerts != 1) || want == "" && alerts != 2 {
			t.Errorf("%s: %d alerts, %q", op, alerts, warnings)
		}
	}
}

func TestSeveralObjectives(t *testing.T) {
	two := "slos:\n  - {name: a, sli: availability, target: 0.99}\n  - {name: b, sli: ttft_ms < 500, target: 0.99}\n"
	for name, c := range map[string]struct {
		text string
		opt  Options
		want string // "": fine
	}{
		"one of two":   {two, Options{Only: []string{"a"}, Bad: "x", Total: "y"}, ""},
		"both by one":  {two, Options{Bad: "x", Total: "y"}, "count the events of one objective, and there are 2"},
		"two sources":  {two, Options{Engine: "vllm", Histogram: "x_seconds"}, ""},
		"two times":    {two + "  - {sli: latency_ms < 500, target: 0.9}\n", Options{Engine: "vllm", Histogram: "x_seconds"}, "objectives on latency_ms and ttft_ms"},
		"stays strict": {two, Options{Engine: "llamacpp"}, "objective a: llamacpp"},
	} {
		f, _, err := export(t, c.text, c.opt)
		if c.want == "" && (err != nil || len(f.Groups) == 0) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The windows of the defaults scale with that of the budget: the share that is
// spent when one fires is that of the Workbook, 2, 5 and 10 %.
func TestDefaultBurns(t *testing.T) {
	for _, c := range []struct {
		window, target string
		want           string // long/short of each
		warnings       int
	}{
		{"30d", "0.999", "1h/5m 6h/30m 3d/6h", 0},
		{"28d", "0.999", "56m/5m 5h36m/28m 2d19h12m/5h36m", 0},
		{"7d", "0.999", "14m/2m 1h24m/7m 16h48m/1h24m", 0},
		{"90d", "0.95", "3h/15m 18h/1h30m 9d/18h", 0},
		{"1d", "0.99", "12m/2m 2h24m/12m", 1},
		{"30d", "0.9", "6h/30m 3d/6h", 1},
		{"30d", "0.8", "3d/6h", 2},
	} {
		file, err := slo.Load("f", strings.NewReader(slos("sli: availability, target: "+c.target+", window: "+c.window)))
		if err != nil {
			t.Fatal(err)
		}
		alerts, warnings, err := burns(file.Objectives[0])
		var got []string
		for _, a := range alerts {
			got = append(got, prom(a.Long)+"/"+prom(a.Short))
			spent, _ := spentBy(file.Objectives[0], a).Float64()
			share := map[string]float64{"14.4": 0.02, "6": 0.05, "1": 0.1}[a.Threshold.Text]
			// Long windows are whole minutes.
			if off := spent/share - 1; off > 0.5/a.Long.Minutes()+1e-12 || -off > 0.5/a.Long.Minutes()+1e-12 {
				t.Errorf("%s: %s times over %s spends %g", c.window, a.Threshold.Text, prom(a.Long), spent)
			}
		}
		if err != nil || strings.Join(got, " ") != c.want || len(warnings) != c.warnings {
			t.Errorf("%s %s: %v, %q, %v", c.window, c.target, got, warnings, err)
		}
	}
}

// Limits are exact decimals: in floating point 14.4 * (1 - 0.999) is more than
// 0.0144.
func TestExactLimits(t *testing.T) {
	f, _, err := export(t, slos("sli: availability, target: 99.95%"), Options{Engine: "vllm"})
	if err != nil {
		t.Fatal(err)
	}
	var limits []string
	for _, r := range f.Groups[0].Rules {
		if r.Alert == budgetBurn {
			_, limit, _ := strings.Cut(strings.SplitAfter(r.Expr, "\n")[0], "> ")
			limits = append(limits, strings.TrimSpace(limit))
		}
	}
	if got := strings.Join(limits, " "); got != "0.0072 0.003 0.0005" {
		t.Error(got)
	}
	if got := exprs(f)["slo:error_budget_remaining:ratio"]; got != `1 - slo:bad_events_per_events:ratio_rate30d{slo="x"} / 0.0005` {
		t.Error(got)
	}
	if got := exprs(f)["slo:objective:ratio"]; got != "vector(0.9995)" {
		t.Error(got)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		slo, want string
		opt       Options
	}{
		"rounded":       {"sli: ttft_ms < 800, target: 0.9", "LIMIT CHANGED: vllm:time_to_first_token_seconds has no bucket at 0.8 s; the rules use 0.75 s", Options{Engine: "vllm", RoundToBucket: true}},
		"too late":      {"sli: availability, target: 0.9, window: 1d, alerts: [{severity: page, long: 12h, short: 5m, threshold: 3}]", "fires when 150% of the budget of 1d is spent already", Options{Engine: "vllm"}},
		"mixed":         {"sli: latency_ms < 500, target: 0.9", "counts failed requests too", Options{Engine: "envoy"}},
		"own histogram": {"sli: latency_ms < 500, target: 0.9", `took_seconds must have a bucket le="0.5"`, Options{Histogram: "took_seconds_bucket"}},
		"milliseconds":  {"sli: latency_ms < 500, target: 0.9", `took must have a bucket le="500"`, Options{Histogram: "took", Unit: "ms"}},
	} {
		_, warnings, err := export(t, slos(c.slo), c.opt)
		if err != nil || !strings.Contains(strings.Join(warnings, "\n"), c.want) {
			t.Errorf("%s: %q, %v", name, warnings, err)
		}
	}
}

func TestRoundingIsStricter(t *testing.T) {
	h := seconds("h", "0.1 0.5 1")
	for _, c := range []struct {
		limit  time.Duration
		upper  bool
		bucket string
		exact  bool
	}{
		{500 * time.Millisecond, true, "0.5", true}, {700 * time.Millisecond, true, "0.5", false}, {700 * time.Millisecond, false, "1", false},
		{50 * time.Millisecond, true, "", false}, {2 * time.Second, false, "", false}, {2 * time.Second, true, "1", false},
	} {
		d, err := slo.ParseDecimal(strings.TrimSuffix(c.limit.String(), "ms"))
		if err != nil {
			d, _ = slo.ParseDecimal("2000")
		}
		got, exact := h.bucket(h.limit(slo.Objective{Threshold: d}), c.upper)
		if got != c.bucket || exact != c.exact {
			t.Errorf("%v: %q, %v", c, got, exact)
		}
	}
}
