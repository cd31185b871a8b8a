package serving

import (
	"context"
	"encoding/json"

	"llmops/probes/snapshot"
)

// tgi has no histogram of first tokens, and its mean time of a token has the prefill
// in it, so that neither ttft nor tpot can be told. Tokens are counted when their
// request ends.
func tgi() *engine {
	failed := failure{metric: metric{name: "tgi_request_failure"}, by: "err", class: func(err string) string { return err }}
	return &engine{
		name:     "tgi",
		prefixes: []string{"tgi_"},

		running: named("tgi_batch_current_size"),
		waiting: named("tgi_queue_size"),

		requests:  named("tgi_request_count"),
		prompt:    named("tgi_request_input_length_sum"),
		generated: named("tgi_request_generated_tokens_sum"),
		failed:    []failure{failed},
		ended: func(p page) (all, bad *float64) {
			good, _, ok := p.find(named("tgi_request_success"))
			if !ok {
				return nil, nil
			}
			all, bad = new(0.0), new(0.0)
			for _, s := range good {
				*all += s.value
			}
			found, _, _ := p.find([]metric{failed.metric})
			for _, s := range found {
				// What the caller did wrong, and callers that went away, are no failures.
				if err := s.labels.Get(failed.by); err != "validation" && err != "dropped" {
					*all += s.value
					*bad += s.value
				}
			}
			return all, bad
		},

		latency: seconds("tgi_request_duration"),
		queue:   seconds("tgi_request_queue_duration"),

		steady: true,
		ask: func(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
			var info map[string]json.RawMessage
			if t.json(ctx, "/info", &info) == nil {
				s.Version = t.client.clean(text(info["version"]))
				if model := text(info["model_id"]); model != "" {
					s.Models = []string{t.client.clean(model)}
				}
				t.settings(s, "", info, "version", "model_id")
			}
			return nil
		},
	}
}
