package sim

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"llmops/probes/sim/model"
)

// models lists the one model.
func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"object":"list","data":[{"id":%s,"object":"model","created":%d,"owned_by":"llmops","max_model_len":%d}]}`,
		quote(s.cfg.Model), s.wall.Unix(), s.cfg.MaxModelLen)
}

// metrics shows the model's state under the names of vLLM and of the DCGM
// exporter.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	st := s.State()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeMetrics(w, s.cfg.Model, st)
	writeReplies(w, &s.replies)
}

// escapeLabel is all that the text format escapes in the value of a label.
var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func writeMetrics(w io.Writer, name string, st model.State) {
	p := &promWriter{w: w, prefix: "vllm:", labels: `model_name="` + escapeLabel.Replace(name) + `",engine="0"`}
	p.gauge("num_requests_running", "Sequences that run.", float64(st.Running))
	p.gauge("num_requests_waiting", "Sequences that wait.", float64(st.Waiting))
	p.gauge("kv_cache_usage_perc", "Share of the KV cache in use, 0 to 1.", st.KVUsage())
	p.counter("num_preemptions_total", "Preemptions.", st.Preemptions)
	p.counter("prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", st.PrefixQueries)
	p.counter("prefix_cache_hits_total", "Prompt tokens found in the prefix cache.", st.PrefixHits)
	p.counter("prompt_tokens_total", "Prompt tokens processed.", st.PromptTokens)
	p.counter("generation_tokens_total", "Tokens generated.", st.OutputTokens)
	p.head("request_success_total", "counter", "Finished requests.")
	for _, reason := range []string{"stop", "length", "abort", "error"} {
		p.sample("request_success_total", `,finished_reason="`+reason+`"`, float64(st.Ended[reason]))
	}
	p.histogram("time_to_first_token_seconds", "Arrival to first token.", st.TTFT)
	p.histogram("inter_token_latency_seconds", "Token to next token.", st.ITL)
	p.histogram("request_time_per_output_token_seconds", "Mean token gap of a request.", st.TPOT)
	p.histogram("e2e_request_latency_seconds", "Arrival to end.", st.E2E)
	p.histogram("request_queue_time_seconds", "Arrival to first start.", st.QueueTime)
	p.histogram("request_prefill_time_seconds", "First start to first token.", st.Prefill)
	p.histogram("request_decode_time_seconds", "First token to last token.", st.Decode)
	p.histogram("request_prompt_tokens", "Prompt tokens of a request.", st.PromptLength)
	p.histogram("request_generation_tokens", "Generated tokens of a request.", st.OutputLength)

	d := &promWriter{w: w, labels: `gpu="0",UUID="GPU-sim-0",device="sim0",modelName="simulated"`}
	d.gauge("DCGM_FI_DEV_FB_USED", "GPU memory used, MiB.", st.GPUUsedMiB)
	d.gauge("DCGM_FI_DEV_FB_FREE", "GPU memory free, MiB.", st.GPUFreeMiB)
	d.gauge("DCGM_FI_DEV_GPU_UTIL", "Share of the last full second in which something ran, percent.", 100*st.GPUUtilization)
}

// writeReplies shows what the engine's HTTP layer counts, with the exact status.
func writeReplies(w io.Writer, r *replies) {
	p := &promWriter{w: w}
	p.head("http_requests_total", "counter", "Answered requests by handler, method and status.")
	for a, n := range r.sorted {
		p.sample("http_requests_total", fmt.Sprintf(`handler="%s",method="%s",status="%d"`, a.handler, a.method, a.status), float64(n))
	}
}

// promWriter writes the Prometheus text format.
type promWriter struct {
	w              io.Writer
	prefix, labels string
}

func (p *promWriter) head(name, kind, help string) {
	fmt.Fprintf(p.w, "# HELP %s%s %s\n# TYPE %s%s %s\n", p.prefix, name, help, p.prefix, name, kind)
}

func (p *promWriter) sample(name, extra string, v float64) {
	fmt.Fprintf(p.w, "%s%s{%s%s} %s\n", p.prefix, name, p.labels, extra, strconv.FormatFloat(v, 'g', -1, 64))
}

func (p *promWriter) gauge(name, help string, v float64) {
	p.head(name, "gauge", help)
	p.sample(name, "", v)
}

func (p *promWriter) counter(name, help string, v int64) {
	p.head(name, "counter", help)
	p.sample(name, "", float64(v))
}

func (p *promWriter) histogram(name, help string, h model.Histogram) {
	p.head(name, "histogram", help)
	var below int64
	for i, bound := range h.Bounds {
		below += h.Counts[i]
		p.sample(name+"_bucket", `,le="`+strconv.FormatFloat(bound, 'g', -1, 64)+`"`, float64(below))
	}
	p.sample(name+"_bucket", `,le="+Inf"`, float64(h.Count))
	p.sample(name+"_sum", "", h.Sum)
	p.sample(name+"_count", "", float64(h.Count))
}
