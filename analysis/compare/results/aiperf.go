package results

import (
	"encoding/json"
	"fmt"
	"strings"

	"llmops/analysis/compare"
)

func isAIPerf(keys map[string]json.RawMessage) bool {
	return has(keys, "aiperf_version") || has(keys, "schema_version", "request_latency", "input_config")
}

// aiperfMetric is a metric with its unit.
type aiperfMetric map[string]any

func (m aiperfMetric) factor() float64 {
	unit, _ := m["unit"].(string)
	return toMilliseconds(unit)
}

// readAIPerf reads profile_export_aiperf.json and, if it lies beside, the single
// requests of profile_export.jsonl. Its inter_token_latency is our tpot_ms, its
// inter_chunk_latency our chunk_gap_ms.
func readAIPerf(f File) ([]compare.Run, error) {
	var doc struct {
		Cancelled bool `json:"was_cancelled"`
		Config    struct {
			Models struct {
				Items []struct{ Name string }
			}
			Endpoint struct {
				URLs []string
				Type string
			}
			Phases []struct {
				Kind, Type        string
				Concurrency, Rate *float64
			}
		} `json:"input_config"`
	}
	if err := json.Unmarshal(f.Text, &doc); err != nil {
		return nil, err
	}
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(f.Text, &flat); err != nil {
		return nil, err
	}
	metric := func(tag string) (m aiperfMetric) {
		if json.Unmarshal(flat[tag], &m) != nil {
			return nil
		}
		return m
	}
	avg := func(tag string) *float64 {
		if v, ok := metric(tag)["avg"].(float64); ok {
			return &v
		}
		return nil
	}
	fig := figures{}
	for ours, tag := range map[string]string{"ttft_ms": "time_to_first_token", "tpot_ms": "inter_token_latency", "latency_ms": "request_latency", "chunk_gap_ms": "inter_chunk_latency"} {
		m := metric(tag)
		for stat, theirs := range map[string]string{"mean": "avg", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99"} {
			if v, ok := m[theirs].(float64); ok && m.factor() > 0 {
				fig[stat+"_"+ours] = v * m.factor()
			}
		}
	}
	fig.set("requests_per_second", avg("request_throughput"), 1)
	fig.set("tokens_per_second", avg("output_token_throughput"), 1)
	fig.set("goodput", avg("goodput"), 1)
	run := compare.Run{}
	if f.Beside != nil {
		if text, err := f.Beside("profile_export.jsonl"); err == nil {
			if run, err = aiperfRequests(text); err != nil {
				return nil, fmt.Errorf("profile_export.jsonl beside it: %w", placed(text, err))
			}
		}
	}
	if n, bad := avg("request_count"), avg("error_request_count"); run.Total == 0 && n != nil {
		failed := 0.0
		if bad != nil {
			failed = *bad
		}
		if total := *n + failed; total > 0 {
			fig["error_rate"] = failed / total
		}
	}
	run.Name, run.Figures = f.Name, fig
	about := compare.About{API: doc.Config.Endpoint.Type, Target: strings.Join(doc.Config.Endpoint.URLs, ", ")}
	for _, m := range doc.Config.Models.Items {
		about.Model = strings.TrimPrefix(about.Model+", "+m.Name, ", ")
	}
	for _, p := range doc.Config.Phases {
		if p.Kind != "profiling" {
			continue
		}
		about.Load = p.Type
		run.Open, run.Capped = p.Rate != nil && p.Concurrency == nil, p.Rate != nil && p.Concurrency != nil
		if p.Concurrency != nil {
			about.Load += fmt.Sprintf(" %v", *p.Concurrency)
		}
		if p.Rate != nil {
			about.Load += fmt.Sprintf(", %v req/s", *p.Rate)
		}
	}
	if doc.Cancelled {
		about.Stopped = "the run was cancelled"
	}
	run.About = about
	return []compare.Run{run}, nil
}

func aiperfRequests(text []byte) (compare.Run, error) {
	type value struct {
		Value json.RawMessage `json:"value"`
		Unit  string          `json:"unit"`
	}
	type record struct {
		Metadata struct {
			Start     int64  `json:"request_start_ns"`
			End       int64  `json:"request_end_ns"`
			Phase     string `json:"benchmark_phase"`
			Cancelled bool   `json:"was_cancelled"`
		} `json:"metadata"`
		Metrics map[string]value `json:"metrics"`
		Error   json.RawMessage  `json:"error"`
	}
	var b compare.Builder
	var base int64
	err := documents(text, func(r *record) error {
		if r.Metadata.Phase != "profiling" && r.Metadata.Phase != "" || r.Metadata.Cancelled {
			return nil
		}
		if base == 0 {
			base = r.Metadata.Start
		}
		x := compare.Request{Place: r.Metadata.Start, Failed: len(r.Error) > 0 && string(r.Error) != "null", Values: map[string]float64{}}
		x.Start, x.End = float64(r.Metadata.Start-base)/1e9, float64(r.Metadata.End-base)/1e9
		for ours, tag := range map[string]string{"ttft_ms": "time_to_first_token", "tpot_ms": "inter_token_latency", "latency_ms": "request_latency"} {
			var v float64
			if m, ok := r.Metrics[tag]; ok && toMilliseconds(m.Unit) > 0 && json.Unmarshal(m.Value, &v) == nil {
				x.Values[ours] = v * toMilliseconds(m.Unit)
			}
		}
		if m, ok := r.Metrics["inter_chunk_latency"]; ok && toMilliseconds(m.Unit) > 0 && json.Unmarshal(m.Value, &x.Gaps) == nil {
			for i := range x.Gaps {
				x.Gaps[i] *= toMilliseconds(m.Unit)
			}
		}
		if m, ok := r.Metrics["output_sequence_length"]; ok {
			_ = json.Unmarshal(m.Value, &x.Tokens) // no number: not known
		}
		b.Add(x)
		return nil
	})
	return b.Run(""), err
}
