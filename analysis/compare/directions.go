package compare

import (
	"slices"
	"strings"
	"unicode"
)

// directionOf is where an improvement of a recorded metric goes; 0: not known, or not the
// same for everybody: utilizations, clocks, sizes of prompts and answers.
func directionOf(metric string) Direction {
	if s, ok := Lookup(metric); ok {
		return s.Better
	}
	has := func(word string) bool { return begins(metric, word) }
	// The parts of a histogram or summary count requests, whatever it is of.
	for _, part := range []string{"_sum", "_count", "_created", "_bucket"} {
		if of, ok := strings.CutSuffix(metric, part); ok && slices.ContainsFunc([]string{"latency", "duration", "seconds", "_ms", "time"}, func(w string) bool { return strings.Contains(of, w) }) {
			return 0
		}
	}
	switch {
	case slices.ContainsFunc(unclear, has):
		return 0
	case metric == "server_up", metric == "gpu_up", slices.ContainsFunc(higher, has):
		return Higher
	case slices.ContainsFunc(lower, has):
		return Lower
	}
	return 0
}

// begins tells whether a word of a name begins like that: unhealthy is not healthy.
func begins(metric, word string) bool {
	for from := 0; ; {
		i := strings.Index(metric[from:], word)
		if i < 0 {
			return false
		}
		if from += i; from == 0 || !unicode.IsLetter(rune(metric[from-1])) {
			return true
		}
		from++
	}
}

// Words of names that tell where an improvement goes, in the order in which they count.
var (
	unclear = []string{"prompt_tokens", "probe_", "timeout_seconds", "timeout_ms"}
	higher  = []string{
		"goodput", "availability", "success_rate", "quality_score", "tokens_per_second", "generation_tokens", "hit_rate", "acceptance",
		"remaining_budget", "budget_remaining", "healthy", "retention", "conversion", "satisfaction", "efficiency",
	}
	lower = []string{
		"latency", "ttft", "tpot", "itl_", "time_to_first_token", "time_per_output_token", "inter_token", "chunk_gap_ms", "prefill_ms", "decode_ms", "transfer_ms", "load_time", "await",
		"queue", "waiting", "preemption", "throttle",
		"error", "fail", "timeout", "rejected", "corrupted", "retries", "retransmit", "replays", "restarts", "drops", "discards", "overflows", "resets", "packet_loss", "link_downed",
		"oom_kills", "limit_hits", "pressure_", "retired_pages", "remapped_rows", "remap_pending", "threshold_exceeded", "recovery_needed", "xid_events",
		"budget_consumption", "bounce_rate", "complaint", "cost",
	}
)
