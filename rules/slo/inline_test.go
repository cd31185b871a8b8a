package slo

import (
	"errors"
	"math/big"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text      string
		metric    string
		statistic Statistic
		op        Op
		threshold string // exact, as a fraction or decimal
		target    string // "" for none
	}{
		{"p95_latency_ms < 500", "latency_ms", Quantile, Less, "500", "0.95"},
		{"p50_ttft_ms<=100", "ttft_ms", Quantile, LessEqual, "100", "0.5"},
		{"p99.9_ttft_ms <= 1s", "ttft_ms", Quantile, LessEqual, "1000", "0.999"},
		{"p999_itl_ms < 0.1", "itl_ms", Quantile, Less, "1/10", "0.999"},
		{"p9999_chunk_gap_ms < 250us", "chunk_gap_ms", Quantile, Less, "1/4", "0.9999"},
		{"p97.5_tpot_ms < 20 ms", "tpot_ms", Quantile, Less, "20", "0.975"},
		{"p5_queue_ms > 1", "queue_ms", Quantile, Greater, "1", "0.95"},
		{"p05_queue_ms > 1", "queue_ms", Quantile, Greater, "1", "0.95"},
		{"p10.5_queue_ms > 1", "queue_ms", Quantile, Greater, "1", "0.895"},
		{"p975_tpot_ms < 20", "tpot_ms", Quantile, Less, "20", "0.975"},
		{"p95_queue_ms <= 0", "queue_ms", Quantile, LessEqual, "0", "0.95"},
		{"success_rate > 0", "success_rate", Ratio, Greater, "0", "0"},
		{"success_rate >= 1", "success_rate", Ratio, GreaterEqual, "1", "1"},
		{"error_rate < 1", "error_rate", Ratio, Less, "1", "0"},
		{"p95_latency_ms < 1.5s", "latency_ms", Quantile, Less, "1500", "0.95"},
		{"mean_latency_ms < 300", "latency_ms", Mean, Less, "300", ""},
		{"max_ttft_ms <= 2s", "ttft_ms", Max, LessEqual, "2000", ""},
		{"min_latency_ms >= 1", "latency_ms", Min, GreaterEqual, "1", ""},
		{"error_rate < 0.1%", "error_rate", Ratio, Less, "0.001", "0.999"},
		{"error_rate <= 0", "error_rate", Ratio, LessEqual, "0", "1"},
		{"timeout_rate <= 0.02", "timeout_rate", Ratio, LessEqual, "1/50", "0.98"},
		{"success_rate >= 0.999", "success_rate", Ratio, GreaterEqual, "0.999", "0.999"},
		{" availability >= 99.5 % ", "success_rate", Ratio, GreaterEqual, "0.995", "0.995"},
		{"requests_per_second > 10", "requests_per_second", Rate, Greater, "10", ""},
		{"output_tokens_per_second >= 1000", "tokens_per_second", Rate, GreaterEqual, "1000", ""},
		{"goodput >= 9.5", "goodput", Rate, GreaterEqual, "19/2", ""},
		{"quality_score >= 0.8", "quality_score", Mean, GreaterEqual, "4/5", ""},
		{"cost_per_request < 0.0005", "cost_per_request", Mean, Less, "1/2000", ""},
		{"concurrent_requests <= 64", "concurrent_requests", Mean, LessEqual, "64", ""},
	} {
		o, err := Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		want, _ := new(big.Rat).SetString(c.threshold)
		if o.Metric != c.metric || o.Statistic != c.statistic || o.Op != c.op || o.Threshold.Rat.Cmp(want) != 0 {
			t.Errorf("%q: %s %s %s %s", c.text, o.Statistic, o.Metric, o.Op, o.Threshold.Rat)
		}
		if o.Target.Given() != (c.target != "") || o.Target.Text != c.target {
			t.Errorf("%q: target %q, want %q", c.text, o.Target.Text, c.target)
		}
		if o.Window != DefaultWindow || o.Method != Occurrences || o.Errors != ErrorsExclude {
			t.Errorf("%q: defaults %v %v %v", c.text, o.Window, o.Method, o.Errors)
		}
		if o.String() != strings.TrimSpace(c.text) {
			t.Errorf("%q: written as %q", c.text, o.String())
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		msg    string
		hint   string
	}{
		{"", 1, "empty objective", "p95_latency_ms < 500"},
		{"   ", 1, "empty objective", ""},
		{"p95_latency_ms", 15, "no operator", "p95_latency_ms < 500"},
		{"< 500", 1, "no metric before the operator", ""},
		{"p95_latency_ms <", 17, "no number after the operator", "error_rate < 0.1%'"},
		{"p95_latency_ms = 500", 16, "unknown operator", "use one <"},
		{"p95_latency_ms == 500", 16, "unknown operator", ""},
		{"p95_latency_ms => 500", 16, "unknown operator", ""},
		{"p95_latency_ms < < 5", 16, "unknown operator", ""},
		{"p95_latency_ms ≤ 500", 16, "unknown operator", ""},
		{"latency_ms < 500", 1, "latency_ms needs a statistic", "p95_latency_ms"},
		{"p95_latncy_ms < 500", 1, `unknown metric "p95_latncy_ms"`, "did you mean p95_latency_ms"},
		{"eror_rate < 1%", 1, `unknown metric "eror_rate"`, "did you mean error_rate"},
		{"speed < 1", 1, `unknown metric "speed"`, "known are pNN_latency_ms"},
		{"p95_error_rate < 1", 1, "unknown metric", "error_rate"},
		{"avg_latency_ms < 5", 1, `unknown statistic "avg"`, "mean_latency_ms"},
		{"median_ttft_ms < 5", 1, `unknown statistic "median"`, "p50_ttft_ms"},
		{"p100_latency_ms < 5", 1, "no percentile", "max_"},
		{"p0_latency_ms < 5", 1, "no percentile", "min_"},
		{"p00_latency_ms < 5", 1, "no percentile", "min_"},
		{"p105_latency_ms < 5", 1, "no percentile", "begin with 9"},
		{"p010_latency_ms < 5", 1, "no percentile", "begin with 9"},
		{"p1000_latency_ms < 5", 1, "no percentile", "p999 for 99.9"},
		{"p100.1_latency_ms < 5", 1, "no percentile", "max_"},
		{"p_latency_ms < 5", 1, "no percentile", "p95"},
		{"error_rate < 0", 14, "error_rate < 0 can never hold", "never below 0"},
		{"error_rate <= 100%", 15, "error_rate <= 1 always holds", "never above 1"},
		{"success_rate > 1", 16, "can never hold", "never above 1"},
		{"availability >= 0%", 17, "always holds", "never below 0"},
		{"quality_score < 0", 17, "can never hold", ""},
		{"quality_score <= 1", 18, "always holds", ""},
		{"p95_latency_ms < 0", 18, "can never hold", ""},
		{"max_ttft_ms < 0.0ms", 15, "can never hold", ""},
		{"min_latency_ms >= 0", 19, "always holds", ""},
		{"requests_per_second >= 0", 24, "always holds", ""},
		{"cost_per_request < 0", 20, "can never hold", ""},
		{"p9.9.9_latency_ms < 5", 1, "no percentile", ""},
		{"p95_latency_ms < -5", 18, "not a number an objective can have", "plain decimal"},
		{"p95_latency_ms < 1,000", 18, "not a number", ""},
		{"p95_latency_ms < 1e3", 19, "takes no unit", "ms, s or us"},
		{"p95_latency_ms < 5 min", 20, "takes no unit", ""},
		{"p95_latency_ms < 5%", 19, "takes no unit", ""},
		{"error_rate < 5ms", 15, "takes no unit", "from 0 to 1"},
		{"requests_per_second > 5%", 24, "takes no unit", "per second"},
		{"error_rate < 5", 14, "a ratio from 0 to 1", "5%"},
		{"error_rate > 0.1", 12, "asks for a bad service", "error_rate <"},
		{"success_rate < 0.9", 14, "asks for a bad service", "success_rate >"},
		{"é_latency_ms < 5", 1, "unknown metric", ""},
		{"p95_latency_ms < é", 18, "no number", ""},
		{"p95_latency_ms < 1" + strings.Repeat("0", 40), 18, "not a number", ""},
		{strings.Repeat("p", 300), 1, "one short line", ""},
		{"p95_latency_ms < \xff", 1, "one short line", ""},
	} {
		_, err := Parse(c.text)
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%q: %v is no *Error", c.text, err)
			continue
		}
		if e.Column != c.column || !strings.Contains(e.Msg, c.msg) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: column %d: %s (%s)", c.text, e.Column, e.Msg, e.Hint)
		}
	}
}

func TestEveryNameParses(t *testing.T) {
	for _, name := range Names() {
		name = strings.Replace(name, "pNN_", "p95_", 1)
		op := ">="
		if name == "error_rate" || name == "timeout_rate" {
			op = "<="
		}
		if _, err := Parse(name + " " + op + " 0.5"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"p95_latency_ms < 500", "error_rate < 0.1%", "p99.9_ttft_ms <= 1.5s", "p5_itl_ms >= 0.25us", "x", "<="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Parse(s)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Column < 1 || e.Msg == "" {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		if o.Threshold.Rat == nil || o.Threshold.Rat.Sign() < 0 || o.Target.Given() && !isRatio(o.Target.Rat) {
			t.Fatalf("%q: %+v", s, o)
		}
		again, err := Parse(o.String())
		if err != nil || again.Threshold.Rat.Cmp(o.Threshold.Rat) != 0 || again.Metric != o.Metric {
			t.Fatalf("%q: %+v read again as %+v, %v", s, o, again, err)
		}
		// The canonical form of a percentile is an objective too.
		o.Inline = false
		if again, err = Parse(o.String()); o.Statistic == Quantile && (err != nil || again.Target.Rat.Cmp(o.Target.Rat) != 0) {
			t.Fatalf("%q: %s is read as %+v, %v", s, o, again, err)
		}
	})
}
