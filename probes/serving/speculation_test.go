package serving

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

// Drafted tokens and adapters, as engines write them.
func TestSpeculationAndLoRA(t *testing.T) {
	const vllm1 = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 1
# TYPE vllm:spec_decode_num_drafts_total counter
vllm:spec_decode_num_drafts_total{engine="0"} 100
vllm:spec_decode_num_drafts_total{engine="1"} 50
# TYPE vllm:spec_decode_num_draft_tokens_total counter
vllm:spec_decode_num_draft_tokens_total{engine="0"} 400
vllm:spec_decode_num_draft_tokens_total{engine="1"} 200
# TYPE vllm:spec_decode_num_accepted_tokens_total counter
vllm:spec_decode_num_accepted_tokens_total{engine="0"} 300
vllm:spec_decode_num_accepted_tokens_total{engine="1"} 0
# TYPE vllm:spec_decode_num_accepted_tokens_per_pos_total counter
vllm:spec_decode_num_accepted_tokens_per_pos_total{engine="0",position="0"} 300
# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{max_lora="2",running_lora_adapters="b, a,b",waiting_lora_adapters="c"} 1.789828498802105e+09
vllm:lora_requests_info{max_lora="2",running_lora_adapters="old",waiting_lora_adapters=""} 1.789828400e+09
vllm:lora_requests_info{max_lora="2",running_lora_adapters="",waiting_lora_adapters=""} 1.6e+09
`
	const vllm2 = `# TYPE vllm:spec_decode_num_drafts_total counter
vllm:spec_decode_num_drafts_total{engine="0"} 120
vllm:spec_decode_num_drafts_total{engine="1"} 50
# TYPE vllm:spec_decode_num_draft_tokens_total counter
vllm:spec_decode_num_draft_tokens_total{engine="0"} 480
vllm:spec_decode_num_draft_tokens_total{engine="1"} 200
# TYPE vllm:spec_decode_num_accepted_tokens_total counter
vllm:spec_decode_num_accepted_tokens_total{engine="0"} 320
vllm:spec_decode_num_accepted_tokens_total{engine="1"} 0
# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{max_lora="2",running_lora_adapters="",waiting_lora_adapters=""} 1.7899e+09
`
	for name, tt := range map[string]struct {
		pages  []answer
		window time.Duration
		spec   *snapshot.Speculation
		lora   *snapshot.LoRA
	}{
		"vllm": {[]answer{{body: vllm1}}, 0,
			&snapshot.Speculation{DraftsTotal: new(150.0), DraftTokensTotal: new(600.0), AcceptedTokensTotal: new(300.0), AcceptanceRate: new(0.5), AcceptanceLength: new(3.0)},
			&snapshot.LoRA{Slots: new(2.0), Running: []string{"a", "b"}, Waiting: []string{"c"}, RunningCount: new(2.0), WaitingCount: new(1.0)}},
		"vllm over a window": {[]answer{{body: vllm1}, {body: vllm2}}, time.Millisecond,
			&snapshot.Speculation{DraftsTotal: new(170.0), DraftTokensTotal: new(680.0), AcceptedTokensTotal: new(320.0), AcceptanceRate: new(0.25), AcceptanceLength: new(2.0)},
			&snapshot.LoRA{Slots: new(2.0), RunningCount: new(0.0), WaitingCount: new(0.0)}},
		"vllm that drafted nothing yet": {[]answer{{body: "# TYPE vllm:spec_decode_num_drafts_total counter\n# TYPE vllm:spec_decode_num_draft_tokens_total counter\n# TYPE vllm:spec_decode_num_accepted_tokens_total counter\nvllm:num_requests_running 0\n"}}, 0,
			&snapshot.Speculation{DraftsTotal: new(0.0), DraftTokensTotal: new(0.0), AcceptedTokensTotal: new(0.0)}, nil},
		"vllm without either": {[]answer{{body: "vllm:num_requests_running 0\n"}}, 0, nil, nil},
		"sglang": {[]answer{{body: "# TYPE sglang:spec_accept_rate gauge\nsglang:spec_accept_rate{dp_rank=\"0\"} 0.6\nsglang:spec_accept_length{dp_rank=\"0\"} 2.8\nsglang:lora_pool_slots_used{tp_rank=\"0\"} 3\nsglang:lora_pool_slots_total{tp_rank=\"0\"} 8\n"}}, 0,
			&snapshot.Speculation{AcceptanceRate: new(0.6), AcceptanceLength: new(2.8)}, &snapshot.LoRA{Slots: new(8.0), SlotsUsed: new(3.0)}},
		"sglang without drafts": {[]answer{{body: "sglang:spec_accept_rate 0\nsglang:spec_accept_length 0\n"}}, 0, nil, nil},
	} {
		base, _ := serve(t, map[string][]answer{"/metrics": tt.pages})
		s, problems := read(t, Config{}, base, tt.window)
		if diff := cmp.Diff(tt.spec, s.Speculation, near); diff != "" {
			t.Errorf("%s: %v\n%s", name, problems, diff)
		}
		if diff := cmp.Diff(tt.lora, s.LoRA, near); diff != "" {
			t.Errorf("%s: %v\n%s", name, problems, diff)
		}
	}
}
