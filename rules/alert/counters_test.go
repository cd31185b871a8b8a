package alert

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/slo"
)

func TestCounterOf(t *testing.T) {
	for query, want := range map[string]string{
		`sum(rate(x[{{.window}}]))`:                                "x",
		`sum(rate(x_total{a="}[5m])", b=~"1|2"}[{{.window}}]))`:    `x_total{a="}[5m])", b=~"1|2"}`,
		` sum( sum by (engine) (rate( x {a="1"} [{{.window}}]))) `: `x {a="1"}`,
		`sum(sum(rate(x[{{.window}}])) by (pod))`:                  "x",
		`sum(sum without(pod)(rate({__name__="x"}[{{.window}}])))`: `{__name__="x"}`,
		`(rate(x[{{.window}}]))`:                                   "x",
		`sum(rate(x[{{.window}}])) + sum(rate(y[{{.window}}]))`:    "",
		`sum(rate(x[{{.window}}])) * 2`:                            "",
		`sum(rate(x[{{.window}}] offset 1h))`:                      "",
		`sum(rate(x[{{.window}}:1m]))`:                             "",
		`max(rate(x[{{.window}}]))`:                                "",
		`sum(irate(x[{{.window}}]))`:                               "",
		`sum(rate(x))`:                                             "",
		`sum(rate(x[{{.window}}])`:                                 "",
		`sum by (a`:                                                "",
		`sum`:                                                      "",
		``:                                                         "",
		`rate(sum(x)[{{.window}}])`:                                "",
		`topk(2, rate(x[{{.window}}]))`:                            "",
		`sum(rate("x[{{.window}}]))`:                               "",
	} {
		if got, ok := counterOf(query); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t; want %q", query, got, ok, want)
		}
	}
}

func TestCountersOf(t *testing.T) {
	const post = `handler=~"/v1/.+",method="POST",status`
	for _, c := range []struct {
		slo    string
		opt    Options
		parts  []Part
		bucket string
	}{
		{"sli: availability, target: 0.99", Options{Engine: "vllm", Match: `m="n"`}, []Part{
			{Events, `http_requests_total{` + post + `!~"4..",m="n"}`}, {Bad, `http_requests_total{` + post + `=~"5..",m="n"}`},
			{ClientError, `http_requests_total{` + post + `=~"4..",m="n"}`}}, ""},
		{"sli: ttft_ms <= 1000, target: 0.9, errors: bad", Options{Engine: "vllm"}, []Part{
			{Events, "vllm:time_to_first_token_seconds_count"}, {Events, `http_requests_total{` + post + `=~"5.."}`}, {Good, `vllm:time_to_first_token_seconds_bucket{le=~"1|1\\.0"}`},
			{ClientError, `http_requests_total{` + post + `=~"4.."}`}}, "1"},
		{"sli: latency_ms <= 500, target: 0.9", Options{Engine: "litellm", ExcludeStatus: []int{499, 404, 400}}, []Part{
			{Events, "litellm_request_total_latency_metric_count"}, {Good, `litellm_request_total_latency_metric_bucket{le=~"0\\.5"}`},
			{ClientError, `litellm_proxy_total_requests_metric_total{status_code=~"400|404"}`}, {Cancelled, `litellm_proxy_total_requests_metric_total{status_code="499"}`},
			{Failed, `litellm_proxy_total_requests_metric_total{status_code!~"400|404|499",status_code=~"[45].."}`}}, "0.5"},
		{"sli: availability, target: 0.99", Options{Engine: "tgi"}, []Part{
			{Events, "tgi_request_success"}, {Events, `tgi_request_failure{err!~"validation|dropped"}`}, {Bad, `tgi_request_failure{err!~"validation|dropped"}`},
			{ClientError, `tgi_request_failure{err="validation"}`}, {Cancelled, `tgi_request_failure{err="dropped"}`}}, ""},
		{"sli: output_tokens_per_second >= 5, target: 0.9", Options{Engine: "sglang"}, []Part{
			{Events, `sglang:http_responses_total{endpoint=~"/v1/.+|/generate",method="POST",status_code!~"499"}`}, {Amount, "sglang:generation_tokens_total"},
			{Cancelled, `sglang:http_responses_total{endpoint=~"/v1/.+|/generate",method="POST",status_code="499"}`}}, ""},
		{"sli: availability, target: 0.99", Options{Good: "good", Total: "sum(increase(all{a='b'}[5m]))"}, []Part{{Events, "all{a='b'}"}, {Good, "good"}}, ""},
		{"sli: availability, target: 0.99", Options{Good: "good", Bad: "bad"}, []Part{{Events, "good"}, {Events, "bad"}, {Bad, "bad"}}, ""},
		{"sli: latency_ms > 1500, target: 0.9", Options{Histogram: "took_seconds"}, []Part{{Events, "took_seconds_count"}, {Bad, `took_seconds_bucket{le=~"1\\.5"}`}}, "1.5"},
	} {
		file, err := slo.Load("f", strings.NewReader("slos: [{name: x, "+c.slo+"}]"))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := CountersOf(file.Objectives, c.opt)
		if err != nil {
			t.Errorf("%s: %v", c.slo, err)
			continue
		}
		if diff := cmp.Diff(c.parts, got[0].Parts); diff != "" || got[0].Limit != c.bucket || (got[0].Buckets != "") != (c.bucket != "") {
			t.Errorf("%s %+v: %s\n%q %q", c.slo, c.opt, diff, got[0].Buckets, got[0].Limit)
		}
	}
}

func TestCountersOfErrors(t *testing.T) {
	const slos = "slos: [{name: x, sli: availability, target: 0.99}, {name: y, sli: availability, target: 0.9, method: ratio_timeslices}]"
	file, err := slo.Load("f", strings.NewReader(slos))
	if err != nil {
		t.Fatal(err)
	}
	file.Objectives[1].Source = &slo.Source{Raw: slo.Query{Type: "Prometheus", Text: "a / b"}}
	for name, c := range map[string]struct {
		opt  Options
		want string
	}{
		"a mixture":  {Options{Only: []string{"x"}, Bad: "sum(rate(a[5m])) - sum(rate(b[5m]))", Total: "c"}, "objective x: the query sum(sum(rate(a[5m])) - sum(rate(b[5m]))) is not the rate of one counter"},
		"raw":        {Options{Only: []string{"y"}}, "objective y: its query gives a value and no events"},
		"nothing":    {Options{}, "objective x: nothing says which Prometheus metrics"},
		"no metrics": {Options{Engine: "llamacpp"}, "objective x: llamacpp has no metric for success_rate"},
		"only":       {Options{Only: []string{"z"}, Engine: "vllm"}, `no objective is called "z"`},
	} {
		if _, _, err := CountersOf(file.Objectives, c.opt); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
