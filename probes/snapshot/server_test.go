package snapshot

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func lines(s Snapshot) []string {
	var out []string
	for x := range s.Samples {
		var labels []string
		for _, l := range x.Labels {
			labels = append(labels, fmt.Sprintf("%s=%q", l.Name, l.Value))
		}
		if !strings.HasPrefix(x.Name, "findings") {
			out = append(out, fmt.Sprintf("%s %s{%s} %v", x.Kind, x.Name, strings.Join(labels, ","), x.Value))
		}
	}
	return out
}

func TestServerSamples(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_500)
	s := Server{URL: "http://a:8000", Up: true, Engine: "vllm", Models: []string{"m"}, Version: "1.2", StartedAt: &start,
		Basis: OverWindow, WindowS: new(2.0), Running: new(5.0), Waiting: new(0.0), KVCacheUtilization: new(0.5),
		ErrorsTotal: map[string]float64{"http_503": 2, "abort": 1}, TokensPerSecond: new(100.0), ErrorRate: new(math.NaN()),
		PrefixCacheHitRate: new(0.25), TTFT: &Distribution{Count: 3, P95: new(120.0)},
		Speculation: &Speculation{DraftsTotal: new(10.0), DraftTokensTotal: new(40.0), AcceptedTokensTotal: new(30.0), AcceptanceRate: new(0.75), AcceptanceLength: new(4.0)},
		LoRA:        &LoRA{Slots: new(4.0), Running: []string{"a"}, RunningCount: new(1.0), WaitingCount: new(0.0)}}
	at := `engine="vllm",model="m",server="http://a:8000"`
	want := []string{
		`gauge server_up{server="http://a:8000"} 1`,
		`gauge server_info{` + at + `,version="1.2"} 1`,
		`gauge server_start_time_seconds{` + at + `} 1.7000000005e+09`,
		`gauge concurrent_requests{` + at + `} 5`,
		`gauge queue_length{` + at + `} 0`,
		`gauge kv_cache_utilization{` + at + `} 0.5`,
		`counter spec_decode_drafts_total{` + at + `} 10`,
		`counter spec_decode_draft_tokens_total{` + at + `} 40`,
		`counter spec_decode_accepted_tokens_total{` + at + `} 30`,
		`gauge lora_slots{` + at + `} 4`,
		`gauge lora_adapters_running{` + at + `} 1`,
		`gauge lora_adapters_waiting{` + at + `} 0`,
		`counter errors_total{class="abort",` + at + `} 1`,
		`counter errors_total{class="http_503",` + at + `} 2`,
		`gauge cache_hit_rate{cache="prefix",` + at + `} 0.25`,
		`gauge tokens_per_second{` + at + `} 100`,
		`gauge spec_decode_acceptance_rate{` + at + `} 0.75`,
		`gauge spec_decode_acceptance_length{` + at + `} 4`,
		`gauge p95_ttft_ms{` + at + `} 120`,
	}
	if diff := cmp.Diff(want, lines(Snapshot{Servers: []Server{s}})); diff != "" {
		t.Error(diff)
	}

	// Of what happened since the start there is no series, only of what stands now.
	s.Basis, s.Version, s.StartedAt, s.ErrorsTotal = SinceStart, "", nil, nil
	s.LoRA, s.Speculation = nil, &Speculation{AcceptanceRate: new(0.75)}
	// With parts, only they have series of what they share out.
	s.Models, s.Parts = []string{"m", "n"}, []Part{{Model: "m", Rank: "0", Running: new(2.0)}, {Model: "n", Rank: "1", Running: new(3.0), KVCacheUtilization: new(0.5)}}
	want = []string{
		`gauge server_up{server="http://a:8000"} 1`,
		`gauge concurrent_requests{engine="vllm",model="m",rank="0",server="http://a:8000"} 2`,
		`gauge concurrent_requests{engine="vllm",model="n",rank="1",server="http://a:8000"} 3`,
		`gauge kv_cache_utilization{engine="vllm",model="n",rank="1",server="http://a:8000"} 0.5`,
	}
	if diff := cmp.Diff(want, lines(Snapshot{Servers: []Server{s}})); diff != "" {
		t.Error(diff)
	}

	// A server that is gone has one number, and no other.
	want = []string{`gauge server_up{server="http://b"} 0`}
	if diff := cmp.Diff(want, lines(Snapshot{Servers: []Server{{URL: "http://b"}}})); diff != "" {
		t.Error(diff)
	}
}
