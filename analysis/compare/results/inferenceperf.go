package results

import (
	"encoding/json"
	"fmt"

	"llmops/analysis/compare"
)

func isInferencePerf(keys map[string]json.RawMessage) bool {
	return has(keys, "load_summary", "successes", "failures")
}

// inferencePerfDistribution is in seconds, with null where nothing was measured.
type inferencePerfDistribution map[string]*float64

// readInferencePerf reads summary_lifecycle_metrics.json, or that of a stage. Its
// inter_token_latency are gaps between chunks.
func readInferencePerf(f File) ([]compare.Run, error) {
	var doc struct {
		Load struct {
			Rate        *float64 `json:"requested_rate"`
			Concurrency *float64 `json:"concurrency"`
		} `json:"load_summary"`
		Successes struct {
			Count   float64 `json:"count"`
			Latency struct {
				Request inferencePerfDistribution `json:"request_latency"`
				TPOT    inferencePerfDistribution `json:"time_per_output_token"`
				TTFT    inferencePerfDistribution `json:"time_to_first_token"`
				ITL     inferencePerfDistribution `json:"inter_token_latency"`
			} `json:"latency"`
			Throughput struct {
				Requests *float64 `json:"requests_per_sec"`
				Tokens   *float64 `json:"output_tokens_per_sec"`
			} `json:"throughput"`
		} `json:"successes"`
		Failures struct {
			Count float64 `json:"count"`
		} `json:"failures"`
	}
	if err := json.Unmarshal(f.Text, &doc); err != nil {
		return nil, err
	}
	fig := figures{}
	for metric, d := range map[string]inferencePerfDistribution{"latency_ms": doc.Successes.Latency.Request, "tpot_ms": doc.Successes.Latency.TPOT, "ttft_ms": doc.Successes.Latency.TTFT, "chunk_gap_ms": doc.Successes.Latency.ITL} {
		for ours, theirs := range map[string]string{"mean": "mean", "p50": "median", "p90": "p90", "p95": "p95", "p99": "p99"} {
			fig.set(ours+"_"+metric, d[theirs], 1000)
		}
	}
	fig.set("requests_per_second", doc.Successes.Throughput.Requests, 1)
	fig.set("tokens_per_second", doc.Successes.Throughput.Tokens, 1)
	if total := doc.Successes.Count + doc.Failures.Count; total > 0 {
		fig["error_rate"] = doc.Failures.Count / total
	}
	run := compare.Run{Name: f.Name, Figures: fig}
	if doc.Load.Concurrency != nil {
		run.About.Load = fmt.Sprintf("closed loop, concurrency %v", *doc.Load.Concurrency)
	} else if doc.Load.Rate != nil {
		run.Open, run.About.Load = true, fmt.Sprintf("open loop, %v req/s", *doc.Load.Rate)
	}
	return []compare.Run{run}, nil
}
