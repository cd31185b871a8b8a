package results

import (
	"encoding/json"
	"fmt"
	"strconv"

	"llmops/analysis/compare"
)

// vllmResult is what "vllm bench serve" and sglang's bench_serving save, --append-result
// as one line a run. Times of single requests are in seconds.
type vllmResult struct {
	Backend        string          `json:"backend"`
	EndpointType   string          `json:"endpoint_type"`
	Model          string          `json:"model_id"`
	NumPrompts     *int64          `json:"num_prompts"`
	Rate           json.RawMessage `json:"request_rate"` // a number, or "inf"
	MaxConcurrency *float64        `json:"max_concurrency"`
	Burstiness     *float64        `json:"burstiness"`
	Completed      *float64        `json:"completed"`
	Failed         *float64        `json:"failed"`
	Requests       *float64        `json:"request_throughput"`
	Goodput        *float64        `json:"request_goodput"`
	Tokens         *float64        `json:"output_throughput"`

	OutputLens []float64   `json:"output_lens"` // of --save-detailed from here on
	TTFTs      []float64   `json:"ttfts"`
	ITLs       [][]float64 `json:"itls"`
	Starts     []float64   `json:"start_times"`
	Errors     []string    `json:"errors"`
	Latencies  []float64   `json:"latencies"`
}

func isVLLM(keys map[string]json.RawMessage) bool {
	return has(keys, "request_throughput", "output_throughput", "completed", "model_id")
}

func readVLLM(f File) ([]compare.Run, error) { return readBench(f, "e2el") }

func isSGLang(keys map[string]json.RawMessage) bool {
	return has(keys, "request_throughput", "output_throughput", "completed", "mean_e2e_latency_ms")
}

func readSGLang(f File) ([]compare.Run, error) { return readBench(f, "e2e_latency") }

// readBench reads either; latency is what a file calls the whole time of a request.
func readBench(f File, latency string) (runs []compare.Run, err error) {
	err = documents(f.Text, func(text *json.RawMessage) error {
		var r vllmResult
		if err := json.Unmarshal(*text, &r); err != nil {
			return err
		}
		var flat map[string]any
		if err := json.Unmarshal(*text, &flat); err != nil {
			return err
		}
		fig := figures{}
		for ours, theirs := range map[string]string{"ttft_ms": "ttft", "tpot_ms": "tpot", "chunk_gap_ms": "itl", "latency_ms": latency} {
			for stat, name := range map[string]string{"mean": "mean", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99"} {
				v, ok := flat[name+"_"+theirs+"_ms"].(float64)
				if !ok && stat == "p50" {
					v, ok = flat["median_"+theirs+"_ms"].(float64)
				}
				if ok {
					fig[stat+"_"+ours] = v
				}
			}
		}
		fig.set("requests_per_second", r.Requests, 1)
		fig.set("tokens_per_second", r.Tokens, 1)
		fig.set("goodput", r.Goodput, 1)
		total, failed := 0.0, 0.0
		if r.Failed != nil {
			failed = *r.Failed
		} else if r.NumPrompts != nil && r.Completed != nil {
			failed = max(float64(*r.NumPrompts)-*r.Completed, 0)
		}
		if r.Completed != nil {
			total = *r.Completed + failed
		}
		run := r.run()
		if run.Total == 0 && total > 0 {
			fig["error_rate"] = failed / total
		}
		run.Name, run.Figures = f.Name, fig
		run.About = compare.About{Model: r.Model, API: r.EndpointType, Load: r.load()}
		if r.rate() != "inf" {
			run.Open, run.Capped = r.MaxConcurrency == nil, r.MaxConcurrency != nil
		}
		runs = append(runs, run)
		return nil
	})
	if len(runs) > 1 {
		for i := range runs {
			runs[i].Name = fmt.Sprintf("%s#%d", f.Name, i+1)
		}
	}
	return runs, err
}

func (r *vllmResult) rate() string {
	var text *string
	if json.Unmarshal(r.Rate, &text) == nil && text != nil {
		return *text
	}
	var rate float64
	if json.Unmarshal(r.Rate, &rate) == nil && rate > 0 {
		return strconv.FormatFloat(rate, 'g', -1, 64)
	}
	return "inf"
}

func (r *vllmResult) load() string {
	rate := r.rate()
	switch {
	case rate == "inf" && r.MaxConcurrency != nil:
		return fmt.Sprintf("closed loop, concurrency %v", *r.MaxConcurrency)
	case rate == "inf":
		return compare.AtOnce
	case rate == "trace": // of sglang
		return "open loop, a trace"
	case r.MaxConcurrency != nil:
		return fmt.Sprintf("open loop, %s req/s, at most %v at once", rate, *r.MaxConcurrency)
	}
	return "open loop, " + rate + " req/s"
}

// run is that of the single requests, if they are there. Those that failed have an
// error text, or, in files without texts, no output.
func (r *vllmResult) run() compare.Run {
	n := len(r.TTFTs)
	if n == 0 || len(r.OutputLens) != n {
		return compare.Run{}
	}
	var b compare.Builder
	for i := range n {
		x := compare.Request{Place: int64(i), Tokens: r.OutputLens[i], Values: map[string]float64{}}
		if r.TTFTs[i] > 0 { // 0: an answer that did not come in parts
			x.Values["ttft_ms"] = r.TTFTs[i] * 1000
		}
		x.Failed = len(r.Errors) == n && r.Errors[i] != "" || len(r.Errors) != n && r.OutputLens[i] == 0
		latency := 0.0
		if len(r.ITLs) == n {
			latency = r.TTFTs[i]
			for _, gap := range r.ITLs[i] {
				x.Gaps = append(x.Gaps, gap*1000)
				latency += gap
			}
		}
		if len(r.Latencies) == n {
			latency = r.Latencies[i]
		}
		if latency > 0 {
			x.Values["latency_ms"] = latency * 1000
			if x.Tokens > 1 && r.TTFTs[i] > 0 {
				x.Values["tpot_ms"] = (latency - r.TTFTs[i]) / (x.Tokens - 1) * 1000
			}
			if len(r.Starts) == n {
				x.Start, x.End = r.Starts[i], r.Starts[i]+latency
			}
		}
		b.Add(x)
	}
	return b.Run("")
}
