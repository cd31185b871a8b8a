package alert

import (
	"slices"
	"strconv"
	"strings"

	"llmops/rules/slo"
)

// statuses is a counter of requests by HTTP status.
type statuses struct {
	name     string
	label    string
	matchers []string
	classes  bool // the label has classes, 5xx, of which none can be split
}

// counter is one of requests.
type counter struct {
	name     string
	matchers []string
}

// refusal is a part of the failures that is not the engine's.
type refusal struct {
	role    Role
	matcher string
}

// engine is what an engine, or a gateway, shows of requests under /metrics.
type engine struct {
	name     string
	statuses *statuses
	// failed and succeeded count instead, where nothing has a status.
	failed, succeeded counter
	refused           []refusal
	histograms        map[string]histogram // by metric of ours
	tokens            string               // counter of output tokens
	remark            string               // what its counts leave out
	missing           string               // why a metric is not there, for the hint
}

// Engines are the names that Options.Engine may have.
func Engines() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

func seconds(name, bounds string) histogram {
	return histogram{name: name, bounds: strings.Fields(bounds)}
}

// engines are the names and buckets of their sources and documentation.
var engines = []engine{
	{
		name: "vllm",
		statuses: &statuses{name: "http_requests_total", label: "status", classes: true,
			matchers: []string{`handler=~"/v1/.+"`, `method="POST"`}},
		histograms: map[string]histogram{
			"latency_ms": seconds("vllm:e2e_request_latency_seconds", "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680"),
			"ttft_ms":    seconds("vllm:time_to_first_token_seconds", "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560"),
			"tpot_ms":    seconds("vllm:request_time_per_output_token_seconds", "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80"),
			"itl_ms":     seconds("vllm:inter_token_latency_seconds", "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80"),
		},
		tokens: "vllm:generation_tokens_total",
		remark: "http_requests_total of vllm counts a stream that broke after status 200 as good, and no status of 4xx as an event, 429 among them",
	},
	{
		name: "sglang",
		statuses: &statuses{name: "sglang:http_responses_total", label: "status_code",
			matchers: []string{`endpoint=~"/v1/.+|/generate"`, `method="POST"`}},
		histograms: map[string]histogram{
			"latency_ms": seconds("sglang:e2e_request_latency_seconds", "0.1 0.2 0.4 0.6 0.8 1 2 4 6 8 10 20 40 60 80 100 200 400 600 1200 1800 2400"),
			"ttft_ms":    seconds("sglang:time_to_first_token_seconds", "0.1 0.2 0.4 0.6 0.8 1 2 4 6 8 10 20 40 60 80 100 200 400"),
			"itl_ms":     seconds("sglang:inter_token_latency_seconds", "0.002 0.004 0.006 0.008 0.01 0.015 0.02 0.025 0.03 0.035 0.04 0.06 0.08 0.1 0.2 0.4 0.6 0.8 1 2 4 6 8"),
		},
		tokens:  "sglang:generation_tokens_total",
		remark:  "http_responses_total of sglang counts a stream that broke after status 200 as good",
		missing: "it has the histograms only with --enable-metrics",
	},
	{
		name:      "tgi",
		failed:    counter{"tgi_request_failure", []string{`err!~"validation|dropped"`}},
		succeeded: counter{name: "tgi_request_success"},
		refused:   []refusal{{ClientError, `err="validation"`}, {Cancelled, `err="dropped"`}},
		histograms: map[string]histogram{
			"latency_ms": {name: "tgi_request_duration", bounds: geometric(0.0001, 1.5, 35)},
		},
		missing: "tgi has no histogram of first tokens, and its time per token has the prefill in it",
	},
	{name: "llamacpp", missing: "llama.cpp counts tokens, and neither requests nor failures nor times of requests: measure at a gateway before it"},
	{
		name:     "litellm",
		statuses: &statuses{name: "litellm_proxy_total_requests_metric_total", label: "status_code"},
		histograms: map[string]histogram{
			"latency_ms": seconds("litellm_request_total_latency_metric", litellmBounds),
			"ttft_ms":    seconds("litellm_llm_api_time_to_first_token_metric", litellmBounds),
		},
		tokens: "litellm_output_tokens_metric_total",
	},
	{
		name:     "envoy",
		statuses: &statuses{name: "envoy_cluster_upstream_rq", label: "envoy_response_code"},
		histograms: map[string]histogram{
			"latency_ms": {name: "envoy_cluster_upstream_rq_time", ms: true, failures: failuresMixed,
				bounds: strings.Fields("0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 600000 1800000 3600000")},
		},
		remark:  `envoy counts by upstream cluster, that of its own configuration among them: choose with --match 'envoy_cluster_name="..."'; a stream that broke after status 200 is good there`,
		missing: "envoy has no histogram of first tokens; Envoy AI Gateway has gen_ai_server_time_to_first_token_seconds: name it with --latency-histogram",
	},
	{
		name:     "nginx",
		statuses: &statuses{name: "nginx_ingress_controller_requests", label: "status"},
		histograms: map[string]histogram{
			"latency_ms": {name: "nginx_ingress_controller_request_duration_seconds", bounds: strings.Fields(nginxBounds), failures: failuresByStatus},
			"ttft_ms":    {name: "nginx_ingress_controller_header_duration_seconds", bounds: strings.Fields(nginxBounds), failures: failuresByStatus},
		},
		remark: "the names are those of the ingress-nginx controller, which counts a stream that broke after status 200 as good; the exporter of plain nginx counts no statuses",
	},
}

const (
	litellmBounds = "0.005 0.00625 0.0125 0.025 0.05 0.1 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5 10 15 20 25 30 60 120 180 240 300"
	nginxBounds   = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10"
)

// geometric are n bounds as a server computes them, in floating point.
func geometric(start, factor float64, n int) []string {
	var out []string
	for range n {
		start *= factor
		out = append(out, strconv.FormatFloat(start, 'f', -1, 64))
	}
	return out
}

// engine counts by the metrics of the engine.
func (opt Options) engine(o slo.Objective) (counts, error) {
	at := slices.IndexFunc(engines, func(e engine) bool { return e.name == opt.Engine })
	if at < 0 {
		return counts{}, failf("known are "+strings.Join(Engines(), ", "), "no engine is called %q", opt.Engine)
	}
	e := engines[at]
	switch {
	case o.Statistic == slo.Quantile:
		return e.times(opt, o)
	case o.Metric != "success_rate" && o.Metric != "error_rate" && o.Statistic != slo.Rate:
		return counts{}, e.lacks(o)
	}
	events, failed, ok := e.requests(opt)
	if !ok {
		return counts{}, e.lacks(o)
	}
	c := counts{events: events, bad: failed, late: true, perSecond: true}
	switch {
	case o.Metric == "tokens_per_second" && e.tokens != "":
		c.amount, c.bad, c.late = rateOf(e.tokens, nil, opt.Match), "", false
		c.warnings = append(c.warnings, e.tokens+" counts the tokens of failed requests too")
	case o.Statistic == slo.Rate && o.Metric != "requests_per_second":
		return counts{}, e.lacks(o)
	case e.remark != "":
		c.warnings = append(c.warnings, e.remark)
	}
	return c, nil
}

func (e engine) lacks(o slo.Objective) error {
	hint := "give two of --good, --bad and --total, or choose other objectives with --only"
	if e.missing != "" {
		hint = e.missing + "; or " + hint
	}
	return failf(hint, "%s has no metric for %s", e.name, o.Metric)
}

// requests are the rates of all events, and of those that failed; false: the
// engine does not count them.
func (e engine) requests(opt Options) (events []string, failed string, ok bool) {
	switch {
	case e.statuses != nil:
		all, bad := e.statuses.matching(opt.ExcludeStatus)
		return []string{rateOf(e.statuses.name, all, opt.Match)}, rateOf(e.statuses.name, bad, opt.Match), true
	case e.failed.name != "":
		failed, succeeded := rateOf(e.failed.name, e.failed.matchers, opt.Match), rateOf(e.succeeded.name, e.succeeded.matchers, opt.Match)
		return []string{succeeded, failed}, failed, true
	}
	return nil, "", false
}

// matching are the matchers of all events, and of bad ones: a status from 400 on
// that is not excluded. A client that left (499) is never an event.
func (s statuses) matching(exclude []int) (all, bad []string) {
	if s.classes {
		all = append(slices.Clone(s.matchers), s.label+`!~"4.."`)
		return all, append(slices.Clone(s.matchers), s.label+`=~"5.."`)
	}
	all = append(slices.Clone(s.matchers), s.label+`!~"`+excluded(exclude)+`"`)
	return all, append(slices.Clone(all), s.label+`=~"[45].."`)
}

func excluded(exclude []int) string {
	list := append(slices.Clone(exclude), 499)
	slices.Sort(list)
	var texts []string
	for _, s := range slices.Compact(list) {
		texts = append(texts, strconv.Itoa(s))
	}
	return strings.Join(texts, "|")
}

// times counts those that took less than the limit.
func (e engine) times(opt Options, o slo.Objective) (counts, error) {
	h, ok := e.histograms[o.Metric]
	if !ok {
		return counts{}, e.lacks(o)
	}
	bad := o.Errors == slo.ErrorsBad
	var matchers []string
	if h.failures == failuresByStatus {
		matchers = []string{e.statuses.label + `!~"[45].."`}
	}
	c, err := opt.within(o, h, matchers)
	switch {
	case err != nil:
		return c, err
	case h.failures == failuresMixed && bad:
		return c, failf("remove errors: bad and add an objective on availability", "%s counts failed requests by their time, so they cannot be bad events by themselves", h.name)
	case h.failures == failuresMixed:
		c.warnings = append(c.warnings, h.name+" counts failed requests too, by their time")
	case h.failures == failuresByStatus && bad:
		all, _ := e.statuses.matching(opt.ExcludeStatus)
		c.events, c.late = []string{rateOf(h.name+"_count", all, opt.Match)}, true
	case bad:
		_, failed, ok := e.requests(opt)
		if !ok {
			return c, e.lacks(o)
		}
		c.events = append(c.events, failed)
	}
	return c, nil
}
