package results

import (
	"encoding/json"
	"time"

	"llmops/analysis/compare"
)

// k6 knows whole requests only: its http_req_waiting ends with the first byte of a
// reply, which may be no token.

func isK6(keys map[string]json.RawMessage) bool {
	return has(keys, "http_req_duration", "http_reqs") || has(keys, "metrics") && has(nested(keys["metrics"]), "http_req_duration", "http_reqs")
}

func nested(text json.RawMessage) (keys map[string]json.RawMessage) {
	_ = json.Unmarshal(text, &keys) // no object: no keys
	return keys
}

// readK6 reads --summary-export, and the metrics of handleSummary, whose figures lie one
// level deeper.
func readK6(f File) ([]compare.Run, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(f.Text, &keys); err != nil {
		return nil, err
	}
	if metrics, ok := keys["metrics"]; ok {
		keys = nested(metrics)
	}
	of := func(name string) map[string]float64 {
		var loose map[string]any
		if json.Unmarshal(keys[name], &loose) != nil {
			return nil
		}
		if values, ok := loose["values"].(map[string]any); ok {
			loose = values
		}
		out := map[string]float64{}
		for k, v := range loose {
			if x, ok := v.(float64); ok {
				out[k] = x
			}
		}
		return out
	}
	fig, name := figures{}, "http_req_duration"
	if _, ok := keys["http_req_duration{expected_response:true}"]; ok {
		name += "{expected_response:true}"
	}
	times := of(name)
	fig.distribution("latency_ms", times, 1, map[string]string{"mean": "avg", "p50": "p(50)", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)"})
	fig.distribution("latency_ms", times, 1, map[string]string{"p50": "med"})
	if rate, ok := of("http_reqs")["rate"]; ok {
		fig["requests_per_second"] = rate
	}
	for _, key := range []string{"rate", "value"} {
		if share, ok := of("http_req_failed")[key]; ok {
			fig["error_rate"] = share
		}
	}
	return []compare.Run{{Name: f.Name, Figures: fig}}, nil
}

// k6Point is a line of --out json.
type k6Point struct {
	Type   string `json:"type"`
	Metric string `json:"metric"`
	Data   struct {
		Time  time.Time         `json:"time"`
		Value float64           `json:"value"`
		Tags  map[string]string `json:"tags"`
	} `json:"data"`
}

func isK6Points(keys map[string]json.RawMessage) bool {
	var kind string
	return has(keys, "type", "data", "metric") && json.Unmarshal(keys["type"], &kind) == nil && (kind == "Metric" || kind == "Point")
}

func readK6Points(f File) ([]compare.Run, error) {
	var b compare.Builder
	var base time.Time
	err := documents(f.Text, func(p *k6Point) error {
		if p.Type != "Point" || p.Metric != "http_req_duration" {
			return nil
		}
		if base.IsZero() {
			base = p.Data.Time
		}
		end := p.Data.Time.Sub(base).Seconds()
		b.Add(compare.Request{
			Place: p.Data.Time.UnixNano() - int64(p.Data.Value*1e6), Failed: p.Data.Tags["expected_response"] == "false",
			Start: end - p.Data.Value/1000, End: end, Values: map[string]float64{"latency_ms": p.Data.Value},
		})
		return nil
	})
	return []compare.Run{b.Run(f.Name)}, err
}
