package alert

import (
	"strings"
	"testing"
)

func TestRateQuery(t *testing.T) {
	const w = "[{{.window}}]"
	for _, c := range []struct {
		in, want string
		counter  bool
	}{
		{`requests_total`, `sum(rate(requests_total` + w + `))`, true},
		{` vllm:x_total{a="b",c=~"d}"} `, `sum(rate(vllm:x_total{a="b",c=~"d}"}` + w + `))`, true},
		{`{__name__="x"}`, `sum(rate({__name__="x"}` + w + `))`, true},
		{`sum(rate(x[5m]))`, `sum(rate(x` + w + `))`, false},
		{`rate(x[1h30m])`, `sum(rate(x` + w + `))`, false},
		{`sum(increase(x{code!~"5.."}[{{ .window }}]))`, `sum(rate(x{code!~"5.."}` + w + `))`, false},
		{`sum(rate(x[$__rate_interval]))`, `sum(rate(x` + w + `))`, false},
		{`sum(rate(x[${window}]))`, `sum(rate(x` + w + `))`, false},
		{`sum(rate(x[{{.Window}}])) - sum(increase(y[5m]))`, `sum(sum(rate(x` + w + `)) - sum(rate(y` + w + `)))`, false},
		{`sum by (a) (rate(x[5m]))`, `sum(sum by (a) (rate(x` + w + `)))`, false},
		{`sum(rate(x[5m])) by (a)`, `sum(sum(rate(x` + w + `)) by (a))`, false},
		{`sum_over_time(x[{{.window}}])`, `sum(sum_over_time(x` + w + `))`, false},
		{"sum(rate(x[5m])) # a [comment\n", `sum(rate(x` + w + `))`, false},
		{"sum(rate(x{a='[5m] #'}[5m]))", `sum(rate(x{a='[5m] #'}` + w + `))`, false},
		{`rate(sum_rate[5m])`, `sum(rate(sum_rate` + w + `))`, false},
	} {
		if got, _, err := rateQuery(c.in, c.counter); err != nil || got != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.in, got, err, c.want)
		}
		again, _, err := rateQuery(c.want, true)
		if err != nil || again != c.want {
			t.Errorf("%s does not stay as it is: %s, %v", c.want, again, err)
		}
	}
	for in, want := range map[string]string{
		"":                              "a query is empty",
		"# nothing":                     "a query is empty",
		"requests_total":                "nothing says that requests_total is a counter",
		"sum(requests_total)":           "has no range",
		"x offset 5m":                   "has no range",
		"max_over_time(x[5m])":          "the range [5m] of max_over_time cannot",
		"rate(x[1h:5m])":                "the range [1h:5m] is neither",
		"rate(x[$interval])":            "the range [$interval] is neither",
		"irate(x[5m])":                  "the range [5m] of irate cannot",
		"x[5m]":                         "the range [5m] of  cannot",
		`sum(rate(x{a="b}[5m]))`:        "a string is not closed",
		`sum(rate(x[5m])`:               "a bracket is not closed",
		`sum(rate(x[5m)])`:              "the brackets do not match",
		`increase(rate(x[5m])[5m:1m]})`: "the brackets do not match",
	} {
		if got, _, err := rateQuery(in, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// Min_events is a number of events, so that increase and rate must not differ.
func TestPerSecond(t *testing.T) {
	for in, want := range map[string]bool{"rate(x[5m])": true, "increase(x[{{.window}}])": true, "sum_over_time(x[{{.window}}])": false} {
		if _, got, err := rateQuery(in, false); got != want || err != nil {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
}

func FuzzRateQuery(f *testing.F) {
	for _, s := range []string{"sum(rate(x[5m]))", "x{a=\"\\\"\"}", "increase ( x [ {{.window}} ] )", "sum(`)`)", "#[", "sum(x[5m])("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, _, err := rateQuery(in, true)
		if err != nil {
			return
		}
		if !strings.HasPrefix(out, "sum(") || !strings.Contains(out, hole) {
			t.Errorf("%q gives %q", in, out)
		}
		if again, _, err := rateQuery(out, true); err != nil || again != out {
			t.Errorf("%q gives %q, and that %q, %v", in, out, again, err)
		}
	})
}
