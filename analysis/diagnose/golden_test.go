package diagnose

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// service is a small synthetic fleet: three replicas of vLLM with two GPUs each, their
// hosts, a gateway and the application, scraped every 30 s for an hour. Each series is a
// constant with a little noise, a counter grows by one; a test changes some of them from
// minute 35 to minute 50.
type service struct {
	changes []change
	without []string // parts of names that nobody exports
	frozen  []string // parts of the text of series that stand still
	resets  []int    // steps at which counters of resetOf start again
	resetOf string
	size    int // replicas; 0: three
	gpus    int // of each; 0: two
}

// change is what happens to series: those whose text has all the words.
type change struct {
	words string // separated by blanks, all in the text of the series
	set   func(v, progress float64) float64
	stays bool // for the rest of the record
}

func set(words string, v float64) change {
	return change{words: words, set: func(float64, float64) float64 { return v }}
}

func times(words string, k float64) change {
	return change{words: words, set: func(v, _ float64) float64 { return v * k }}
}

func grow(words string, by float64) change {
	return change{words: words, set: func(v, p float64) float64 { return v + by*p }}
}

// gone takes away samples.
func gone(words string) change { return set(words, math.NaN()) }

// value of a series each step: gauges as they are, counters what they grow by a second.
type source struct {
	text    string
	counter bool
	v       float64
	exact   bool // no noise
}

func (s service) sources() []source {
	var all []source
	add := func(counter bool, v float64, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		all = append(all, source{text, counter, v, v == math.Trunc(v) && v < 5 || strings.Contains(text, "start_time")})
	}
	for r := range cmp.Or(s.size, 3) {
		pod := fmt.Sprintf(`instance="10.0.0.%d:8000",pod="llm-%d",node="node-%d"`, r, r, r)
		gauge := func(name string, v float64) { add(false, v, "%s{%s}", name, pod) }
		count := func(name string, v float64) { add(true, v, "%s{%s}", name, pod) }
		gauge("up", 1)
		gauge("vllm:num_requests_running", 20)
		gauge("vllm:num_requests_waiting", 0)
		add(false, 0, `vllm:num_requests_waiting_by_reason{%s,reason="deferred"}`, pod)
		gauge("vllm:kv_cache_usage_perc", 0.3)
		count("vllm:num_preemptions_total", 0)
		for name, mean := range map[string]float64{"time_to_first_token_seconds": 0.4, "inter_token_latency_seconds": 0.03, "e2e_request_latency_seconds": 8, "request_queue_time_seconds": 0.02, "request_prefill_time_seconds": 0.1, "request_decode_time_seconds": 7, "request_prompt_tokens": 500, "request_generation_tokens": 250} {
			rate := 2.5
			if name == "inter_token_latency_seconds" {
				rate = 600
			}
			count("vllm:"+name+"_sum", rate*mean)
			count("vllm:"+name+"_count", rate)
		}
		count("vllm:generation_tokens_total", 625)
		count("vllm:prompt_tokens_total", 1250)
		for reason, v := range map[string]float64{"stop": 2.4, "length": 0.1, "abort": 0, "error": 0} {
			add(true, v, `vllm:request_success_total{%s,finished_reason=%q}`, pod, reason)
		}
		count("vllm:prefix_cache_queries_total", 1250)
		count("vllm:prefix_cache_hits_total", 700)
		count("vllm:admission_rejections_total", 0)
		count("vllm:corrupted_requests_total", 0)
		count("vllm:spec_decode_num_draft_tokens_total", 400)
		count("vllm:spec_decode_num_accepted_tokens_total", 260)
		add(false, 1, `vllm:lora_requests_info{%s,max_lora="4",running_lora_adapters="a,b",waiting_lora_adapters=""}`, pod)
		add(false, math.NaN(), `vllm:lora_requests_info{%s,max_lora="4",running_lora_adapters="a,b,c,d",waiting_lora_adapters="e,f"}`, pod)
		count("process_cpu_seconds_total", 0.4)
		gauge("process_resident_memory_bytes", 2e10)
		add(false, 1e6, "process_start_time_seconds{%s}", pod)
		for g := range cmp.Or(s.gpus, 2) {
			gpu := fmt.Sprintf(`instance="10.1.0.%d:9400",Hostname="node-%d",pod="llm-%d",gpu="%d"`, r, r, r, g)
			for name, v := range map[string]float64{"GPU_UTIL": 80, "SM_CLOCK": 1980, "GPU_TEMP": 62, "POWER_USAGE": 400, "POWER_MGMT_LIMIT": 700, "FB_USED": 60000, "FB_FREE": 20000} {
				add(false, v, "DCGM_FI_DEV_%s{%s}", name, gpu)
			}
			for name, v := range map[string]float64{"XID_ERRORS": 0, "ROW_REMAP_FAILURE": 0, "UNCORRECTABLE_REMAPPED_ROWS": 0, "PCIE_LINK_WIDTH": 4} {
				add(false, v, "DCGM_FI_DEV_%s{%s}", name, gpu)
			}
			for _, name := range []string{"PCIE_REPLAY_COUNTER", "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "NVLINK_REPLAY_ERROR_COUNT_TOTAL", "THERMAL_VIOLATION", "POWER_VIOLATION"} {
				add(true, 0, "DCGM_FI_DEV_%s{%s}", name, gpu)
			}
		}
		host := fmt.Sprintf(`instance="10.1.0.%d:9100",node="node-%d"`, r, r)
		add(true, 14, `node_cpu_seconds_total{%s,mode="idle"}`, host)
		add(true, 2.2, `node_cpu_seconds_total{%s,mode="user"}`, host)
		add(false, 4e11, "node_memory_MemTotal_bytes{%s}", host)
		add(false, 3e11, "node_memory_MemAvailable_bytes{%s}", host)
		add(false, 5e11, "node_filesystem_avail_bytes{%s}", host)
		add(false, 1e12, "node_filesystem_size_bytes{%s}", host)
		add(true, 1e5, "node_disk_read_bytes_total{%s}", host)
		add(true, 300, "node_netstat_Tcp_OutSegs{%s}", host)
		add(true, 0.1, "node_netstat_Tcp_RetransSegs{%s}", host)
		add(true, 0, "node_network_receive_drop_total{%s}", host)
	}
	gateway := `instance="gateway:9901",job="gateway"`
	for code, v := range map[string]float64{"200": 7.5, "400": 0, "401": 0, "429": 0, "503": 0, "504": 0} {
		add(true, v, `http_requests_total{%s,code=%q,upstream="local"}`, gateway, code)
	}
	add(true, 1.5, `http_requests_total{%s,code="200",upstream="openai"}`, gateway)
	add(true, 0, `http_requests_total{%s,code="429",upstream="openai"}`, gateway)
	add(true, 3.2, "gateway_time_to_first_token_seconds_sum{%s}", gateway)
	add(true, 7.5, "gateway_time_to_first_token_seconds_count{%s}", gateway)
	add(true, 62, "http_request_duration_seconds_sum{%s}", gateway)
	add(true, 7.5, "http_request_duration_seconds_count{%s}", gateway)
	add(false, 0.85, `quality_score{job="app"}`)
	add(false, 4.3, `user_satisfaction_score{job="app"}`)
	return all
}

// noise is within two per cent, and the same for the same series and step.
func noise(text string, i int) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, text, i)
	return 1 + 0.02*(float64(h.Sum64()%2001)/1000-1)
}

const (
	goldenSteps = 121
	goldenStep  = 30_000
	goldenFrom  = 70
	goldenTo    = 100
)

func (s service) store(t testing.TB) *series.Store {
	t.Helper()
	b := series.NewBuilder()
	for _, x := range s.sources() {
		if contains(x.text, s.without) {
			continue
		}
		target, err := parseSeries(x.text)
		if err != nil {
			t.Fatal(err)
		}
		kind, sum, last := series.Gauge, 1000.0, 0.0
		if x.counter {
			kind = series.Counter
		}
		for i := range goldenSteps {
			v := x.v
			progress := float64(i-goldenFrom) / float64(goldenTo-goldenFrom)
			for _, c := range s.changes {
				if progress >= 0 && (progress <= 1 || c.stays) && all(x.text, strings.Fields(c.words)) {
					v = c.set(v, min(1, progress))
				}
			}
			if math.IsNaN(v) {
				continue
			}
			if !x.exact {
				v *= noise(x.text, i)
			}
			if x.counter {
				if slices.Contains(s.resets, i) && strings.Contains(x.text, s.resetOf) {
					sum = 0
				}
				sum += v * goldenStep / 1000
				v = sum
			}
			if i > goldenFrom && i <= goldenTo && contains(x.text, s.frozen) {
				v = last
			}
			last = v
			b.Add(target, kind, int64(i)*goldenStep, v)
		}
	}
	return canonical(b.Store(nil))
}

func contains(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func all(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func parseSeries(text string) (labels.Labels, error) {
	name, rest, _ := strings.Cut(text, "{")
	b := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, name))
	for pair := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), `",`) {
		k, v, ok := strings.Cut(pair, `="`)
		if !ok {
			return labels.EmptyLabels(), fmt.Errorf("%s: %q", text, pair)
		}
		b.Set(k, strings.TrimSuffix(v, `"`))
	}
	return b.Labels(), nil
}

// Changes that faults have in common.
func slow(replica string) []change {
	return []change{times("inter_token_latency_seconds_sum "+replica, 1.9), times("e2e_request_latency_seconds_sum "+replica, 1.8), times("decode_time_seconds_sum "+replica, 1.8)}
}

func wait(replica string, n float64) []change {
	return []change{set("num_requests_waiting{ "+replica, n), times("queue_time_seconds_sum "+replica, 100), times("first_token_seconds_sum "+replica, 8)}
}

// restarted makes the process start again at each of so many steps.
func restarted(replica string, starts ...float64) change {
	return change{words: "process_start_time " + replica, stays: true, set: func(v, p float64) float64 {
		for i, at := range starts {
			if p >= at {
				v = 2e6 + float64(i)
			}
		}
		return v
	}}
}

func together(groups ...[]change) []change {
	var all []change
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// golden has for each fault what shows it, what nearly does, and metrics without which it
// cannot be told.
var golden = []struct {
	fault, entity string
	shows, nearly []change
	missing       []string
}{
	{"telemetry_fault", "replica=llm-1", []change{gone("DCGM_ llm-1")}, []change{{words: "DCGM_ llm-1", set: func(v, p float64) float64 {
		if p > 0.5 && p < 0.54 {
			return math.NaN()
		}
		return v
	}}}, []string{"DCGM_"}},
	{"gpu_memory_error", "replica=llm-1,gpu=0", []change{set(`XID llm-1 gpu="0"`, 95), set(`REMAP_FAILURE llm-1 gpu="0"`, 1)}, []change{set(`XID llm-1 gpu="0"`, 43)}, []string{"XID", "REMAP"}},
	{"gpu_lost", "replica=llm-1,gpu=1", []change{set(`XID llm-1 gpu="1"`, 79), gone("vllm: llm-1"), set("up{ llm-1", 0)}, []change{set(`XID llm-1 gpu="1"`, 31)}, []string{"DCGM_"}},
	{"pcie_degradation", "replica=llm-1,gpu=0", together([]change{set(`PCIE_REPLAY llm-1 gpu="0"`, 2)}, slow("llm-1")), []change{set(`PCIE_REPLAY llm-1 gpu="0"`, 0.02)}, []string{"PCIE"}},
	{"nvlink_errors", "replica=llm-1,gpu=0", together([]change{set(`NVLINK_CRC llm-1 gpu="0"`, 200), set(`NVLINK_CRC llm-1 gpu="1"`, 30)}, slow("llm-1")), []change{set(`NVLINK_CRC llm-1 gpu="0"`, 0.01)}, []string{"NVLINK", "XID"}},
	{"thermal_throttling", "replica=llm-1,gpu=0", together([]change{times(`SM_CLOCK llm-1 gpu="0"`, 0.6), set(`GPU_TEMP llm-1 gpu="0"`, 88), times(`POWER_USAGE llm-1 gpu="0"`, 0.7), set(`THERMAL_VIOLATION llm-1 gpu="0"`, 4e5)}, slow("llm-1")), []change{set(`GPU_TEMP llm-1 gpu="0"`, 76)}, []string{"GPU_TEMP", "THERMAL"}},
	{"power_capping", "replica=llm-1", together([]change{times("SM_CLOCK llm-1", 0.6), times("POWER_USAGE llm-1", 0.5), set("POWER_MGMT_LIMIT llm-1", 200), set("POWER_VIOLATION llm-1", 4e5)}, slow("llm-1")), []change{times("POWER_USAGE llm-1", 1.3)}, []string{"SM_CLOCK"}},
	{"gpu_oom", "replica=llm-1", []change{set("FB_USED llm-1", 78800), set("FB_FREE llm-1", 1200), restarted("llm-1", 0.1)}, []change{restarted("llm-1", 0.1)}, []string{"FB_"}},
	{"gpu_memory_leak", "replica=llm-1,gpu=0", []change{grow(`FB_USED llm-1 gpu="0"`, 16000), grow(`FB_FREE llm-1 gpu="0"`, -16000)}, []change{grow(`FB_USED llm-1 gpu="0"`, 400), grow(`FB_FREE llm-1 gpu="0"`, -400)}, []string{"FB_"}},
	{"host_memory_leak", "replica=llm-1", []change{grow("resident llm-1", 2e10)}, []change{times("resident llm-1", 1.1)}, []string{"resident"}},
	{"resource_exhaustion", "replica=llm-1", []change{set(`node_cpu node-1 idle`, 0.3), set(`node_cpu node-1 user`, 16), times("first_token_seconds_sum llm-1", 3)}, []change{set(`node_cpu node-1 idle`, 8), set(`node_cpu node-1 user`, 8)}, []string{"node_"}},
	{"cpu_bottleneck", "replica=llm-1", []change{times("first_token_seconds_sum llm-1", 8), set("process_cpu llm-1", 1), times("GPU_UTIL llm-1", 0.6)}, []change{set("process_cpu llm-1", 0.7)}, []string{"first_token", "process_cpu"}},
	{"collective_hang", "replica=llm-1", together([]change{set("generation_tokens_total llm-1", 0), set("prompt_tokens_total llm-1", 0), set("request_success llm-1", 0), set("GPU_UTIL llm-1", 100), times("POWER_USAGE llm-1", 0.5), {words: "num_requests_waiting{ llm-1", set: func(_, p float64) float64 { return 50 * p }}}, nil), []change{times("generation_tokens_total llm-1", 0.6)}, []string{"num_requests_running", "concurrent"}},
	{"engine_restart_loop", "replica=llm-1", []change{restarted("llm-1", 0.05, 0.2, 0.35, 0.5, 0.65, 0.8)}, []change{restarted("llm-1", 0.3)}, []string{"process_start"}},
	{"cold_start", "replica=llm-1", []change{restarted("llm-1", 0.02), set("generation_tokens_total llm-1", 0), set("prompt_tokens_total llm-1", 0), set("request_success llm-1", 0), set("num_requests_running llm-1", 0), set("FB_USED llm-1", 20000), set("FB_FREE llm-1", 60000), set("GPU_UTIL llm-1", 0), set("disk_read node-1", 3e8)}, []change{restarted("llm-1", 0.3)}, []string{"generation_tokens_total", "request_success"}},
	{"network_congestion", "replica=llm-1", []change{set("RetransSegs node-1", 15), set("receive_drop node-1", 20), times("gateway_time_to_first_token_seconds_sum", 1.6)}, []change{set("RetransSegs node-1", 0.4)}, []string{"netstat", "receive_drop"}},
	{"lora_thrash", "fleet", together([]change{gone(`running_lora_adapters="a,b",`), set(`running_lora_adapters="a,b,c,d"`, 1)}, wait("", 4)), wait("llm-1", 2), []string{"lora"}},
	{"speculative_decoding_collapse", "fleet", []change{times("accepted_tokens", 0.3), times("inter_token_latency_seconds_sum", 1.4)}, []change{times("accepted_tokens", 0.95)}, []string{"spec_decode"}},
	{"structured_output_stall", "fleet", []change{set("num_requests_waiting", 30), times("first_token_seconds_sum", 30), times("GPU_UTIL", 0.7)}, []change{set("num_requests_waiting", 0.4)}, []string{"by_reason"}},
	{"corrupted_output", "replica=llm-1", []change{set("corrupted llm-1", 0.5), times("quality_score", 0.93)}, []change{times("quality_score", 0.995)}, []string{"corrupted", "quality", "satisf"}},
	{"model_degradation", "fleet", []change{times("quality_score", 0.7), times("satisfaction", 0.8)}, []change{times("quality_score", 0.99)}, []string{"quality"}},
	{"long_prompt_shift", "fleet", together([]change{times("request_prompt_tokens_sum", 3), times("prompt_tokens_total", 3), times("prefill_time_seconds_sum", 3)}, wait("", 5)), []change{times("request_prompt_tokens_sum", 1.08)}, []string{"request_prompt_tokens"}},
	{"prefix_cache_collapse", "fleet", []change{times("cache_hits_total", 0.1), times("prefill_time_seconds_sum", 2), times("first_token_seconds_sum", 1.5)}, []change{times("cache_hits_total", 0.93)}, []string{"prefix_cache"}},
	{"runaway_generation", "fleet", []change{times("request_generation_tokens_sum", 2.5), set(`reason="length"`, 1), times("e2e_request_latency_seconds_sum", 2)}, []change{times("request_generation_tokens_sum", 1.08)}, []string{"request_generation_tokens"}},
	{"kv_cache_exhaustion", "fleet", together([]change{set("kv_cache", 0.97), set("preemptions", 0.3), times("generation_tokens_total", 0.7)}, wait("", 60)), []change{set("kv_cache", 0.96)}, []string{"kv_cache", "preemptions"}},
	{"concurrency_cap", "fleet", together([]change{set("num_requests_running", 12)}, wait("", 90)), []change{set("num_requests_running", 12)}, []string{"num_requests_waiting"}},
	{"load_imbalance", "replica=llm-1", together([]change{times("prompt_tokens_total llm-1", 1.8), times("generation_tokens_total llm-1", 1.5), set("num_requests_running llm-1", 45), times("prompt_tokens_total llm-0", 0.6), times("prompt_tokens_total llm-2", 0.6), times("generation_tokens_total llm-0", 0.7), times("generation_tokens_total llm-2", 0.7)}, wait("llm-1", 60)), []change{times("prompt_tokens_total", 1.5)}, []string{"prompt_tokens_total"}},
	{"straggler_replica", "replica=llm-1", together(slow("llm-1"), []change{set("num_requests_running llm-1", 38)}), slow(""), []string{"inter_token", "e2e_request", "generation_tokens_total"}},
	{"admission_rejection", "replica=llm-1", []change{set("admission llm-1", 1), set(`code="503"`, 1)}, []change{set(`code="503"`, 0.005)}, []string{"admission", "reason=\"abort\""}},
	{"upstream_rate_limit", "upstream=openai", []change{set(`code="429" openai`, 0.7)}, []change{set(`code="429" openai`, 0.002)}, []string{"http_requests_total"}},
	{"retry_storm", "fleet", together([]change{set(`code="504"`, 20), times(`code="200" local`, 0.4), set(`reason="abort"`, 6)}, wait("", 30)), []change{set(`code="504"`, 0.03)}, []string{"http_requests_total"}},
	{"demand_overload", "fleet", together([]change{times(`code="200" local`, 1.8), times("request_success", 1.8), set("num_requests_running", 64)}, wait("", 90)), []change{times(`code="200" local`, 1.2), times("request_success", 1.2)}, []string{"num_requests_waiting"}},
}

// TestGolden has each fault answered first where it is shown, and not where it is only
// nearly there or where what shows it is not measured.
func TestGolden(t *testing.T) {
	c := shipped(t)
	if len(golden) != 32 || len(c.Faults) != 32 {
		t.Fatalf("%d tests of %d faults: want 32 of 32", len(golden), len(c.Faults))
	}
	diagnose := func(t *testing.T, s service) Report {
		t.Helper()
		r, err := Run(t.Context(), s.store(t), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	sure := func(r Report, id string) (Diagnosis, bool) {
		for _, in := range r.Incidents {
			for _, d := range in.Diagnoses {
				if d.Fault == id && d.score >= threshold && d.Explained == "" {
					return d, true
				}
			}
		}
		return Diagnosis{}, false
	}
	if r := diagnose(t, service{}); r.Verdict != OK {
		t.Errorf("without any fault: %s, %+v", r.Verdict, r.Incidents)
	}
	for _, g := range golden {
		t.Run(g.fault, func(t *testing.T) {
			if c.Find(g.fault) == nil {
				t.Fatal("not in the catalogue")
			}
			r := diagnose(t, service{changes: g.shows})
			switch {
			case len(r.Incidents) != 1:
				t.Errorf("%d incidents: want 1", len(r.Incidents))
				show(t, g.fault, label{}, r)
			case r.Incidents[0].Diagnoses[0].Fault != g.fault || r.Incidents[0].Diagnoses[0].Entity != g.entity:
				t.Errorf("want %s of %s", g.fault, g.entity)
				show(t, g.fault, label{}, r)
			default:
				d := r.Incidents[0].Diagnoses[0]
				if len(d.Evidence) == 0 || len(d.Actions) < 2 {
					t.Errorf("no evidence, or nothing to do: %+v", d)
				}
				late := r.Incidents[0].Onset.UnixMilli() - goldenFrom*goldenStep
				if slack := int64(13 * 60_000); late < -5*goldenStep || late > slack {
					t.Errorf("onset %d s after the fault", late/1000)
				}
			}
			if d, is := sure(diagnose(t, service{changes: g.nearly}), g.fault); is {
				t.Errorf("a near miss is taken for it: %+v", d)
			}
			if d, is := sure(diagnose(t, service{changes: g.shows, without: g.missing}), g.fault); is {
				t.Errorf("it is named without being measured: %+v", d)
			}
		})
	}
}
