package results

import (
	"encoding/json"
	"fmt"

	"llmops/analysis/compare"
)

// guidellmReport is the benchmarks.json of guidellm, version 2. Its time_per_output_token
// holds the time to the first token and is not ours; its inter_token_latency is our
// tpot_ms.
type guidellmReport struct {
	Benchmarks []struct {
		Config struct {
			Strategy struct {
				Type    string   `json:"type_"`
				Streams *float64 `json:"streams"`
				Rate    *float64 `json:"rate"`
			} `json:"strategy"`
			Backend struct {
				Target string `json:"target"`
				Model  string `json:"model"`
				Format string `json:"request_format"`
			} `json:"backend"`
		} `json:"config"`
		Metrics struct {
			Totals struct {
				Successful, Errored float64
			} `json:"request_totals"`
			Requests guidellmMetric `json:"requests_per_second"`
			Tokens   guidellmMetric `json:"output_tokens_per_second"`
			Goodput  guidellmMetric `json:"request_goodput"`
			Latency  guidellmMetric `json:"request_latency"`
			TTFT     guidellmMetric `json:"time_to_first_token_ms"`
			ITL      guidellmMetric `json:"inter_token_latency_ms"`
		} `json:"metrics"`
		Requests struct {
			Successful []guidellmRequest `json:"successful"`
			Errored    []guidellmRequest `json:"errored"`
		} `json:"requests"`
	} `json:"benchmarks"`
}

type guidellmMetric struct {
	Successful *struct {
		Mean        *float64           `json:"mean"`
		Percentiles map[string]float64 `json:"percentiles"`
	} `json:"successful"`
}

type guidellmRequest struct {
	Start   *float64 `json:"request_start_time"` // s since the epoch
	End     *float64 `json:"request_end_time"`
	Latency *float64 `json:"request_latency"` // s
	Tokens  *float64 `json:"output_tokens"`
	TTFT    *float64 `json:"time_to_first_token_ms"`
	ITL     *float64 `json:"inter_token_latency_ms"`
}

func isGuideLLM(keys map[string]json.RawMessage) bool { return has(keys, "metadata", "benchmarks") }

func readGuideLLM(f File) ([]compare.Run, error) {
	var report guidellmReport
	if err := json.Unmarshal(f.Text, &report); err != nil {
		return nil, err
	}
	var runs []compare.Run
	for i := range report.Benchmarks {
		b := &report.Benchmarks[i]
		fig, total := figures{}, b.Metrics.Totals.Successful+b.Metrics.Totals.Errored
		fig.guidellm("latency_ms", b.Metrics.Latency, 1000)
		fig.guidellm("ttft_ms", b.Metrics.TTFT, 1)
		fig.guidellm("tpot_ms", b.Metrics.ITL, 1)
		for name, m := range map[string]guidellmMetric{"requests_per_second": b.Metrics.Requests, "tokens_per_second": b.Metrics.Tokens, "goodput": b.Metrics.Goodput} {
			if m.Successful != nil {
				fig.set(name, m.Successful.Mean, 1)
			}
		}
		run := compare.Run{}
		// A sample of the requests tells neither how many failed nor how fast they came.
		if kept := float64(len(b.Requests.Successful) + len(b.Requests.Errored)); total > 0 && kept == total {
			run = guidellmRun(b.Requests.Successful, b.Requests.Errored)
		} else if total > 0 {
			fig["error_rate"] = b.Metrics.Totals.Errored / total
		}
		s := b.Config.Strategy
		run.Name, run.Figures, run.Open = f.Name, fig, s.Type == "constant" || s.Type == "poisson"
		run.About = compare.About{Target: b.Config.Backend.Target, Model: b.Config.Backend.Model, API: b.Config.Backend.Format, Load: s.Type}
		if s.Streams != nil {
			run.About.Load += fmt.Sprintf(", %v streams", *s.Streams)
		}
		if s.Rate != nil {
			run.About.Load += fmt.Sprintf(", %v req/s", *s.Rate)
		}
		if len(report.Benchmarks) > 1 {
			run.Name = fmt.Sprintf("%s#%d", f.Name, i+1)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (f figures) guidellm(metric string, m guidellmMetric, factor float64) {
	if m.Successful == nil {
		return
	}
	f.set("mean_"+metric, m.Successful.Mean, factor)
	f.distribution(metric, m.Successful.Percentiles, factor, map[string]string{"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99"})
}

func guidellmRun(succeeded, failed []guidellmRequest) compare.Run {
	var b compare.Builder
	add := func(r *guidellmRequest, failed bool) {
		x := compare.Request{Failed: failed, Values: map[string]float64{}}
		if r.Start != nil {
			x.Place = int64(*r.Start * 1e6)
			if r.End != nil {
				x.Start, x.End = *r.Start, *r.End
			}
		}
		if r.Tokens != nil {
			x.Tokens = *r.Tokens
		}
		if r.Latency != nil {
			x.Values["latency_ms"] = *r.Latency * 1000
		}
		// It writes 0 for times that it has not measured.
		for metric, v := range map[string]*float64{"ttft_ms": r.TTFT, "tpot_ms": r.ITL} {
			if v != nil && *v > 0 {
				x.Values[metric] = *v
			}
		}
		b.Add(x)
	}
	for i := range succeeded {
		add(&succeeded[i], false)
	}
	for i := range failed {
		add(&failed[i], true)
	}
	return b.Run("")
}
