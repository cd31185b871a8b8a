package serving

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"llmops/probes/snapshot"
)

// llamaCpp shows metrics only with --metrics, and counts tokens but neither requests
// nor their times. Each page resets what its averages (…_tokens_seconds) are over, so
// that they are not read: counters are. Its share of the KV cache is gone from the
// page; the slots tell it.
func llamaCpp() *engine {
	return &engine{
		name:     "llama.cpp",
		prefixes: []string{"llamacpp:", "llamacpp_"},
		owner:    "llamacpp",

		running: named("llamacpp:requests_processing"),
		waiting: named("llamacpp:requests_deferred"),
		kv:      named("llamacpp:kv_cache_usage_ratio"), // old builds

		prompt:    named("llamacpp:prompt_tokens_total"),
		generated: named("llamacpp:tokens_predicted_total"),
		derive: func(now, counted page, seconds float64, s *snapshot.Server) {
			// Newer builds count what came from the cache apart; other engines do not.
			e := &engine{}
			hit := e.sum(counted, named("llamacpp:prompt_tokens_cached_total"))
			missed := e.sum(counted, named("llamacpp:prompt_tokens_total"))
			if hit == nil || missed == nil {
				return
			}
			all := *hit + *missed
			s.PrefixCacheHitRate = ratio(hit, &all)
			if seconds > 0 {
				s.PromptTokensPerSecond = per(&all, seconds)
			}
			add(&s.PromptTokensTotal, e.sum(now, named("llamacpp:prompt_tokens_cached_total")))
		},
		ask: askLlamaCpp,
		off: "metrics are not enabled", hint: "start llama-server with --metrics",
	}
}

// slot is one of the sequences that can run at once.
type slot struct {
	Context   float64  `json:"n_ctx"`
	Busy      bool     `json:"is_processing"`
	Prompt    *float64 `json:"n_prompt_tokens"`
	Processed *float64 `json:"n_prompt_tokens_processed"`
	Cached    *float64 `json:"n_prompt_tokens_cache"`
	Next      []struct {
		Decoded float64 `json:"n_decoded"`
	} `json:"next_token"`
}

// tokens is how much of its context a busy slot holds; false if it does not say.
func (s slot) tokens() (float64, bool) {
	if s.Processed == nil && s.Prompt == nil {
		return 0, false
	}
	var n float64
	if s.Processed != nil {
		n = *s.Processed
		if s.Cached != nil {
			n += *s.Cached
		}
	} else {
		n = *s.Prompt
	}
	if len(s.Next) > 0 {
		n += s.Next[0].Decoded
	}
	return min(n, s.Context), true
}

func askLlamaCpp(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
	var props map[string]json.RawMessage
	if t.json(ctx, "/props", &props) == nil {
		s.Version = t.client.clean(text(props["build_info"]))
		var slots *float64
		if json.Unmarshal(props["total_slots"], &slots) == nil {
			s.Slots = count(slots)
		}
		propsOf(t, s, props)
	}
	var slots []slot
	if err := t.json(ctx, "/slots", &slots); err != nil {
		if e, ok := errors.AsType[statusError](err); ok && (e == http.StatusNotImplemented || e == http.StatusNotFound) {
			return []snapshot.Problem{{Source: t.shown, What: "kv_cache_utilization", Status: snapshot.Unsupported,
				Detail: "the list of slots is not enabled", Hint: "start llama-server with --slots"}}
		}
		return nil
	}
	busy, used, room, known := 0.0, 0.0, 0.0, true
	for _, x := range slots {
		room += max(x.Context, 0)
		if x.Busy {
			busy++
			n, ok := x.tokens()
			used, known = used+max(n, 0), known && ok
		}
	}
	if len(slots) == 0 {
		return nil
	}
	if s.Slots == nil {
		s.Slots = new(float64(len(slots)))
	}
	s.Running = &busy
	if known && room > 0 {
		s.KVCacheUtilization = share(new(used / room))
	}
	return nil
}

// propsOf reads the settings in /props. What requests are given by default stands there
// beside the state and the prompt of a slot, which are nobody's settings.
func propsOf(t *Target, s *snapshot.Server, props map[string]json.RawMessage) {
	t.settings(s, "", props, "build_info", "total_slots", "is_sleeping")
	var modalities map[string]json.RawMessage
	if json.Unmarshal(props["modalities"], &modalities) == nil {
		t.settings(s, "modalities.", modalities)
	}
	var slot struct {
		Context json.RawMessage            `json:"n_ctx"`
		Params  map[string]json.RawMessage `json:"params"`
	}
	if json.Unmarshal(props["default_generation_settings"], &slot) == nil {
		t.setting(s, "n_ctx", text(slot.Context))
		t.settings(s, "default.", slot.Params)
	}
}
