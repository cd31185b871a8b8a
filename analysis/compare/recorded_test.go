package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

// sampled are n values about a level, each like the one before by rho.
func sampled(rng *rand.Rand, n int, level, sd, rho float64) []float64 {
	z, out := rng.NormFloat64(), make([]float64, n)
	for i := range out {
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		out[i] = level + sd*z
	}
	return out
}

func TestRecorded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	c := Recorded([]Recording{
		{Name: "same", Metric: "gpu_utilization", Before: sampled(rng, 200, 0.5, 0.01, 0), After: sampled(rng, 200, 0.5, 0.01, 0)},
		{Name: "worse", Metric: "p95_latency_ms", Before: sampled(rng, 200, 100, 5, 0), After: sampled(rng, 200, 120, 5, 0)},
		{Name: "better", Metric: "tokens_per_second", Before: sampled(rng, 200, 100, 5, 0), After: sampled(rng, 200, 120, 5, 0)},
		{Name: "changed", Metric: "gpu_temperature_c", Before: sampled(rng, 200, 60, 1, 0), After: sampled(rng, 200, 70, 1, 0)},
		{Name: "few", Metric: "p95_latency_ms", Before: []float64{1, 2}, After: []float64{3, 4}},
		{Name: "constant", Metric: "error_rate", Before: make([]float64, 20), After: make([]float64, 20)},
	}, Options{})
	want := map[string]Verdict{"same": Same, "worse": Worse, "better": Better, "changed": Changed, "few": Undetermined, "constant": Same}
	for _, m := range c.Metrics {
		if m.Verdict != want[m.Name] {
			t.Errorf("%s: %s (%+v)", m.Name, m.Verdict, m)
		}
	}
	if c.Verdict != Fail || c.Metrics[0].Name != "worse" || c.Metrics[1].Name != "changed" {
		t.Errorf("%s, first %s, %s", c.Verdict, c.Metrics[0].Name, c.Metrics[1].Name)
	}
}

// Welch's own example has no p-value to compare with; these are of R's t.test.
// t.test(1:10, c(7:20)): t = -5.4349, df = 21.982, p = 1.855e-05, interval -11.05 to -4.95.
func TestWelch(t *testing.T) {
	count := func(from, to int) (list []float64) {
		for v := from; v <= to; v++ {
			list = append(list, float64(v))
		}
		return list
	}
	// The order must not resemble itself, for the correlation of neighbours counts.
	shuffle := func(v []float64) []float64 {
		rng := rand.New(rand.NewPCG(5, 5))
		for {
			rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
			if s := sampleOf(v); s.effective == float64(len(v)) {
				return v
			}
		}
	}
	var m Metric
	m.welch(shuffle(count(1, 10)), shuffle(count(7, 20)))
	if math.Abs(*m.P/1.855e-05-1) > 0.001 {
		t.Errorf("p %v, want 1.855e-05", *m.P)
	}
	if math.Abs(*m.Low*5.5-4.947) > 0.01 || math.Abs(*m.High*5.5-11.053) > 0.01 {
		t.Errorf("interval %v to %v", *m.Low*5.5, *m.High*5.5)
	}
}

// Samples that resemble each other must not make changes of noise.
func TestCorrelatedSamples(t *testing.T) {
	for _, rho := range []float64{0, 0.5, 0.9} {
		alarms := 0
		for i := range 400 {
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			c := Recorded([]Recording{{Name: "x", Metric: "x", Before: sampled(rng, 120, 100, 20, rho), After: sampled(rng, 120, 100, 20, rho)}}, Options{})
			if c.Metrics[0].Verdict == Changed {
				alarms++
			}
		}
		t.Logf("correlation %v: %d alarms of 400", rho, alarms)
		if alarms > 4 {
			t.Errorf("correlation %v: %d alarms of 400", rho, alarms)
		}
	}
}

// A metric that is in the catalogue, or that an engine exports.
func TestDirections(t *testing.T) {
	for direction, metrics := range map[Direction]string{
		Lower: `p95_latency_ms p999_chunk_gap_ms max_chunk_gap_ms p50_prefill_ms mean_decode_ms p90_queue_ms queue_length queue_length_by_reason grammar_queue_length error_rate errors_total
			timeout_rate requests_rejected_total corrupted_requests_total retries_per_second budget_consumption budget_consumption_rate container_restarts_total preemptions_total
			kv_transfer_failures_total kv_transfer_ms model_load_time_ms lora_adapters_waiting gpu_throttle_active gpu_throttle_seconds_total gpu_throttled_ratio gpu_ecc_errors_total
			gpu_retired_pages gpu_remapped_rows gpu_xid_events gpu_pcie_replays_total gpu_nvlink_errors_total disk_await_ms packet_loss_rate tcp_listen_overflows_total tcp_retransmit_rate
			tcp_established_resets_total rdma_discards_total rdma_link_downed_total pressure_avg10 cgroup_pressure_seconds_total cgroup_memory_limit_hits_total oom_kills_total
			bounce_rate complaint_rate hourly_cost_usd cost_per_request cost_per_token cost_trend vllm:num_requests_waiting error_count`,
		Higher: `requests_per_second tokens_per_second output_tokens_per_second goodput success_rate availability quality_score cache_hit_rate remaining_budget server_up gpu_up gpu_fabric_healthy
			spec_decode_acceptance_rate spec_decode_acceptance_length user_retention_rate conversion_rate user_satisfaction_score cost_efficiency_score resource_efficiency error_budget_remaining`,
		0: `prompt_tokens_per_second prompt_tokens_total p95_prompt_tokens mean_output_tokens concurrent_requests gpu_utilization gpu_temperature_c gpu_power_w kv_cache_utilization instance_count
			cpu_utilization memory_used_bytes memory_available_bytes active_users session_duration probe_errors probe_duration_ms server_info gpu_last_xid request_timeout_seconds
			vllm:time_to_first_token_seconds_count vllm:e2e_request_latency_seconds_sum vllm:request_queue_time_seconds_count tgi_request_queue_duration_count vllm:e2e_request_latency_seconds_created
			unhealthy_hosts memory_inefficiency dissatisfaction_score service_unavailability dequeue_total`,
	} {
		for metric := range strings.FieldsSeq(metrics) {
			if got := directionOf(metric); got != direction {
				t.Errorf("%s: %d, want %d", metric, got, direction)
			}
		}
	}
}

// What nobody can judge lets nothing pass.
func TestRecordedPassesOnWhatIsJudged(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	noisy := Recording{Name: "p95_latency_ms", Metric: "p95_latency_ms", Before: sampled(rng, 60, 100, 60, 0), After: sampled(rng, 60, 110, 60, 0)}
	still := Recording{Name: "gpu_temperature_c", Metric: "gpu_temperature_c", Before: sampled(rng, 60, 60, 0.1, 0), After: sampled(rng, 60, 60, 0.1, 0)}
	steady := Recording{Name: "p95_ttft_ms", Metric: "p95_ttft_ms", Before: sampled(rng, 60, 60, 0.1, 0), After: sampled(rng, 60, 60, 0.1, 0)}
	hotter := Recording{Name: still.Name, Metric: still.Metric, Before: still.Before, After: sampled(rng, 60, 80, 0.1, 0)}
	asked := Options{Names: []string{"gpu_temperature_c"}}
	for name, x := range map[string]struct {
		list            []Recording
		o               Options
		want            Verdict
		reasons, voided int
	}{
		"the latency is not known":   {[]Recording{noisy, still}, Options{}, Undetermined, 1, 0},
		"nothing is judged":          {[]Recording{still}, Options{}, Undetermined, 0, 1},
		"one is known":               {[]Recording{noisy, steady, still}, Options{}, Pass, 0, 0},
		"the same, and asked for":    {[]Recording{still}, asked, Pass, 0, 0},
		"another, good or bad":       {[]Recording{hotter}, asked, Undetermined, 1, 0},
		"another, and not asked for": {[]Recording{steady, hotter}, Options{}, Pass, 0, 0},
	} {
		if c := Recorded(x.list, x.o); c.Verdict != x.want || len(c.Reasons) != x.reasons || len(c.Invalid) != x.voided {
			t.Errorf("%s: %s, %v, %v", name, c.Verdict, c.Reasons, c.Invalid)
		}
	}
}

func TestConfiguration(t *testing.T) {
	before := snapshot.Snapshot{
		Host:    &snapshot.Host{Kernel: "6.1", CPU: &snapshot.CPU{Logical: new(8), Utilization: new(0.1)}},
		GPUs:    []snapshot.GPU{{Index: 0, Driver: "550.54", CUDA: "12.4", Utilization: new(0.1)}, {Index: 1, Driver: "550.54"}},
		Servers: []snapshot.Server{{URL: "http://a", Up: true, Engine: "vllm", Version: "0.6.0", Running: new(3.0)}},
	}
	after := before
	after.Host = &snapshot.Host{Kernel: "6.2", CPU: &snapshot.CPU{Logical: new(8), Utilization: new(0.9)}}
	after.GPUs = []snapshot.GPU{{Index: 0, Driver: "560.1", CUDA: "12.4", Utilization: new(0.9)}}
	after.Servers = []snapshot.Server{{URL: "http://a", Up: true, Engine: "vllm", Version: "0.7.0", Running: new(9.0)}}
	got := map[string]Drift{}
	for _, d := range Configuration(before, after).Drift {
		got[d.Key] = d
	}
	for _, want := range []Drift{{"host kernel", "6.1", "6.2"}, {"gpu 0 driver", "550.54", "560.1"}, {"gpu 1 driver", "550.54", ""}, {"gpus", "2", "1"}, {"server version", "0.6.0", "0.7.0"}} {
		if got[want.Key] != want {
			t.Errorf("%s: %+v, want %+v", want.Key, got[want.Key], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("load is no configuration: %v", got)
	}
	silent := before
	silent.Errors = []snapshot.Problem{{Source: "gpu", Status: snapshot.Unavailable}, {Source: "host", What: "cgroup", Status: snapshot.Unavailable}}
	if got, want := Configuration(silent, before).Warnings, []string{"before: gpu could not be read: unavailable", "before: host cgroup could not be read: unavailable"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if c := Configuration(before, before); len(c.Drift) > 0 || c.Verdict != Pass {
		t.Errorf("the same: %+v", c)
	}
}

func TestSettings(t *testing.T) {
	with := func(engine string, config map[string]string) snapshot.Snapshot {
		return snapshot.Snapshot{Servers: []snapshot.Server{{URL: "http://a", Up: true, Engine: engine, Config: config}}}
	}
	vllm := with("vllm", map[string]string{"block_size": "16", "cache_dtype": "auto", "max_model_len": "8192"})
	more := with("vllm", map[string]string{"block_size": "32", "cache_dtype": "auto", "swap": "4"})
	two := vllm
	two.Servers = append(slices.Clone(vllm.Servers), snapshot.Server{URL: "http://b", Config: map[string]string{"x": "1"}})
	for name, tt := range map[string]struct {
		before, after snapshot.Snapshot
		want          []Drift
		warning       string
	}{
		"flags":         {vllm, more, []Drift{{"server config block_size", "16", "32"}, {"server config max_model_len", "8192", ""}, {"server config swap", "", "4"}}, ""},
		"the same":      {vllm, vllm, nil, ""},
		"none known":    {with("vllm", nil), with("vllm", nil), nil, ""},
		"older":         {with("vllm", nil), vllm, nil, "server: its settings are not known before, and not compared"},
		"not any more":  {vllm, with("vllm", nil), nil, "server: its settings are not known after, and not compared"},
		"other engine":  {vllm, with("sglang", map[string]string{"tp_size": "1"}), []Drift{{"server engine", "vllm", "sglang"}}, "server: settings of vllm and sglang are not compared"},
		"both, of many": {two, two, nil, ""},
	} {
		c := Configuration(tt.before, tt.after)
		if diff := cmp.Diff(tt.want, c.Drift); diff != "" || strings.Join(c.Warnings, ";") != tt.warning {
			t.Errorf("%s: %v\n%s", name, c.Warnings, diff)
		}
	}
}
