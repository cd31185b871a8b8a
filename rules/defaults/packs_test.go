package defaults_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/alerting"
	"llmops/analysis/alerting/unittest"
	"llmops/analysis/series"
	"llmops/rules/alert"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
)

// unitTests are the files of unit tests of the packs.
const unitTests = "../../fixtures/rules"

// packs reads all files of rules, by name.
func packs(t *testing.T) []alert.File {
	t.Helper()
	entries, err := defaults.Rules.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []alert.File
	for _, e := range entries {
		f, err := defaults.Rules.Open(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		file, err := alert.Read(e.Name(), f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// Whoever is woken by an alert learns how bad it is, what it is, and what to do; and
// no two rules say the same thing.
func TestPacksAreComplete(t *testing.T) {
	page, err := os.ReadFile("../../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(page), -1) {
		if anchor := strings.ToLower(m[1]); sections[anchor] {
			t.Errorf("two sections %s", m[1])
		} else {
			sections[anchor] = true
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#(.+?)\)`).FindAllStringSubmatch(string(page), -1) {
		if !sections[m[1]] {
			t.Errorf("a link to #%s, which is no section", m[1])
		}
	}
	names, groups, expressions := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, f := range packs(t) {
		for _, g := range f.Groups {
			if groups[g.Name] {
				t.Errorf("%s: two groups %s", f.Name, g.Name)
			}
			groups[g.Name] = true
			for _, r := range g.Rules {
				if other := expressions[r.Expr]; other != "" {
					t.Errorf("%s: %s asks what %s asks: %s", f.Name, r.Name(), other, r.Expr)
				}
				expressions[r.Expr] = r.Name()
				if r.Alert == "" {
					continue
				}
				if names[r.Alert] {
					t.Errorf("%s: two alerts %s", f.Name, r.Alert)
				}
				names[r.Alert] = true
				if !slices.Contains([]string{"critical", "warning", "info"}, r.Severity()) {
					t.Errorf("%s: severity %q", r.Alert, r.Severity())
				}
				for _, a := range []string{"summary", "description"} {
					if r.Annotations[a] == "" {
						t.Errorf("%s has no %s", r.Alert, a)
					}
				}
				anchor := strings.ToLower(r.Alert)
				if got := r.Annotations["runbook"]; got != "docs/runbooks.md#"+anchor || !sections[anchor] {
					t.Errorf("%s: runbook %q", r.Alert, got)
				}
				delete(sections, anchor)
			}
		}
	}
	for anchor := range sections {
		t.Errorf("a section %s about no alert", anchor)
	}
}

// The rules look at what the catalogue of metrics has, or a rule of the same group
// before them records.
func TestPacksAskForKnownMetrics(t *testing.T) {
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	engine := series.NewEngine(series.Limits{})
	for _, f := range packs(t) {
		for _, g := range f.Groups {
			recorded := []string{"up"}
			for _, r := range g.Rules {
				needs, err := engine.Needs(r.Expr)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range needs.Selectors {
					if m, ok := known.Lookup(s.Name); !ok && !slices.Contains(recorded, s.Name) {
						t.Errorf("%s: nothing gives %s", r.Name(), s.Text)
					} else if m.SameAs != "" {
						t.Errorf("%s: %s is called %s", r.Name(), s.Name, m.SameAs)
					}
				}
				if r.Record != "" {
					recorded = append(recorded, r.Record)
				}
			}
		}
	}
}

// The sketch of the eight alerts: their severities and durations.
func TestServicePack(t *testing.T) {
	want := []string{
		"service_down critical 2m", "high_latency critical 5m", "gpu_memory_exhaustion critical 1m",
		"moderate_latency warning 10m", "high_error_rate warning 5m", "resource_usage_high warning 15m",
		"deployment_started info 0s", "scaling_event info 0s",
	}
	for _, f := range packs(t) {
		if f.Name != "service.yaml" {
			continue
		}
		var got []string
		for _, r := range f.Groups[0].Rules {
			got = append(got, fmt.Sprint(r.Alert, " ", r.Severity(), " ", r.For))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		return
	}
	t.Error("no service.yaml")
}

// Each alert fires where it should and not where it should not, and every one has
// such a case.
func TestPacksUnitTests(t *testing.T) {
	for _, pack := range packs(t) {
		t.Run(pack.Name, func(t *testing.T) {
			t.Parallel()
			fires := map[string]bool{}
			for _, path := range testsOf(t, pack) {
				for alert := range runTests(t, path, pack) {
					fires[alert] = true
				}
			}
			for _, g := range pack.Groups {
				for _, r := range g.Rules {
					if r.Alert != "" && !fires[r.Alert] {
						t.Errorf("no case in which %s fires", r.Alert)
					}
				}
			}
		})
	}
}

// testsOf are the files of a pack's unit tests.
func testsOf(t *testing.T, pack alert.File) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(unitTests, strings.TrimSuffix(pack.Name, ".yaml")+"*_test.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no unit tests of %s: %v", pack.Name, err)
	}
	return paths
}

// runTests runs a file of unit tests, and gives the alerts that fire in one.
func runTests(t *testing.T, path string, pack alert.File) map[string]bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := unittest.Read(path, f, unittest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fires := map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.Alerts {
			if len(c.Firing) > 0 {
				fires[c.Alert] = true
			}
		}
		outcome, err := file.Run(t.Context(), test, pack.Groups, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, failure := range outcome.Failures {
			t.Errorf("%s: %s: expected %v, got %v %s", failure.Position, failure.Name, failure.Expected, failure.Got, failure.Message)
		}
	}
	return fires
}

// Prometheus's own tool accepts the rules and agrees on the tests.
func TestPacksWithPromtool(t *testing.T) {
	if testing.Short() {
		t.Skip("promtool takes a third of a second for each alert")
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: apt-get install prometheus)")
	}
	for _, pack := range packs(t) {
		t.Run(pack.Name, func(t *testing.T) {
			t.Parallel()
			if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", pack.Name).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, path := range testsOf(t, pack) {
				test := exec.CommandContext(t.Context(), promtool, "test", "rules", filepath.Base(path))
				test.Dir = unitTests // that of the rule files in it
				if out, err := test.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			}
		})
	}
}

// A fleet that is well wakes nobody, with all that is normal: a daily wave, noise, a
// full KV cache without preemptions, a scrape that failed, a log that is rotated, a
// model that was loaded, an application's XID, an idle PCIe link. Every selector finds
// something, so no rule is silent for want of data.
func TestPacksAreQuietWhenAllIsWell(t *testing.T) {
	var groups []alert.Group
	for _, f := range packs(t) {
		groups = append(groups, f.Groups...)
	}
	for seed := range uint64(2) {
		result, err := alerting.Replay(t.Context(), healthy(seed), groups, alerting.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range result.Alerts {
			if a.FiredAt != 0 {
				t.Errorf("seed %d: %s %v fired after %d min: %s", seed, a.Name, a.Labels, (a.FiredAt-result.Start)/60_000, a.Annotations["summary"])
			}
		}
		for _, r := range result.Rules {
			if r.Failures > 0 {
				t.Errorf("%s: %s", r.Rule.Name(), r.FirstError.Message)
			}
			if len(r.Missing) > 0 {
				t.Errorf("%s had nothing to look at: %v", r.Rule.Name(), r.Missing)
			}
		}
	}
}

// healthy is nine hours of three replicas with two GPUs each, a sample a minute.
func healthy(seed uint64) *series.Store {
	const minutes = 9 * 60
	rng := rand.New(rand.NewPCG(seed, 1))
	b := series.NewBuilder()
	wave := func(i int) float64 { return 1 + 0.3*math.Sin(2*math.Pi*float64(i)/(24*60)) }
	noise := func(x float64) float64 { return x * (1 + 0.05*rng.NormFloat64()) }
	gauge := func(name string, f func(i int) float64, of ...string) {
		ls := labels.FromStrings(append([]string{"__name__", name}, of...)...)
		missed := rng.IntN(minutes)
		for i := range minutes {
			if v := f(i); i != missed && !math.IsNaN(v) {
				b.Add(ls, series.Gauge, int64(i)*60_000, v)
			}
		}
	}
	counter := func(name string, perMinute float64, of ...string) {
		ls := labels.FromStrings(append([]string{"__name__", name}, of...)...)
		total := 1000 * rng.Float64()
		for i := range minutes {
			b.Add(ls, series.Counter, int64(i)*60_000, total)
			total += max(0, noise(perMinute*wave(i)))
		}
	}
	flat := func(x float64) func(int) float64 { return func(int) float64 { return x } }
	noisy := func(x float64) func(int) float64 { return func(int) float64 { return noise(x) } }
	daily := func(x float64) func(int) float64 { return func(i int) float64 { return noise(x * wave(i)) } }

	gauge("instance_count", flat(3), "job", "vllm")
	gauge("instance_count_change", flat(0), "job", "vllm")
	gauge("deployment_event", flat(0), "job", "vllm")
	for n := range 3 {
		at := []string{"instance", fmt.Sprintf("10.0.0.%d", n)}
		engine := append([]string{"job", "vllm", "model", "m", "server", fmt.Sprintf("http://10.0.0.%d:8000", n)}, at...)
		with := func(of []string, more ...string) []string { return slices.Concat(of, more) }
		down := rng.IntN(minutes)
		gauge("up", func(i int) float64 {
			if i == down {
				return 0
			}
			return 1
		}, engine...)
		share := make([]float64, minutes) // of failures; what succeeded is the rest
		for i := range share {
			share[i] = 0.0003 * rng.Float64()
		}
		gauge("error_rate", func(i int) float64 { return share[i] }, engine...)
		gauge("success_rate", func(i int) float64 { return 1 - share[i] }, engine...)
		gauge("availability", func(i int) float64 { return 1 - share[i] }, engine...)
		gauge("requests_per_second", daily(4), engine...)
		for name, x := range map[string]float64{
			"p95_latency_ms": 350, "p95_ttft_ms": 180, "p95_tpot_ms": 25, "p95_itl_ms": 25, "p95_queue_ms": 20,
			"concurrent_requests": 12, "cache_hit_rate": 0.5,
		} {
			gauge(name, daily(x), engine...)
		}
		gauge("queue_length", func(int) float64 { return float64(max(0, rng.IntN(12)-8)) }, engine...)
		gauge("request_slots", flat(64), engine...)
		gauge("kv_cache_utilization", func(int) float64 { return 0.85 + 0.1*rng.Float64() }, engine...)
		gauge("server_up", flat(1), engine...)
		gauge("server_start_time_seconds", flat(1.7e9), engine...)
		counter("preemptions_total", 0, engine...)
		counter("generation_tokens_total", 60_000, engine...)
		for reason, x := range map[string]float64{"stop": 190, "length": 45, "abort": 3, "error": 0.1} {
			counter("requests_finished_total", x, with(engine, "reason", reason)...)
		}

		host := with(at, "job", "node")
		gauge("cpu_utilization", daily(0.4), host...)
		gauge("memory_utilization", func(i int) float64 {
			if i < minutes/2 { // a second model was loaded
				return noise(0.4)
			}
			return noise(0.6)
		}, host...)
		for name, x := range map[string]float64{
			"io_wait": 0.02, "cpu_steal": 0.001, "open_files": 5e4, "open_files_utilization": 0.05, "packet_loss_rate": 1e-5, "tcp_retransmit_rate": 0.002,
			"cgroup_cpu_throttled_rate": 0.01, "cgroup_memory_utilization": 0.5, "cgroup_memory_working_set_bytes": 5e10, "cgroup_pids": 400,
		} {
			gauge(name, noisy(x), host...)
		}
		for name, x := range map[string]float64{
			"open_files_max": 1e6, "host_boot_time_seconds": 1.69e9, "cgroup_memory_limit_bytes": 1e11, "cgroup_pids_limit": 4096,
		} {
			gauge(name, flat(x), host...)
		}
		for name, x := range map[string]float64{
			"oom_kills_total": 0, "cgroup_oom_kills_total": 0, "memory_major_faults_total": 100, "tcp_listen_overflows_total": 0,
		} {
			counter(name, x, host...)
		}
		for _, resource := range []string{"cpu", "memory", "io"} {
			for _, share := range []string{"some", "full"} {
				of := with(host, "resource", resource, "share", share)
				counter("pressure_seconds_total", 1, of...)
				gauge("pressure_avg60", noisy(0.02), of...)
			}
		}
		disk := with(host, "mountpoint", "/", "device", "/dev/nvme0n1", "fstype", "ext4")
		used := func(i int) float64 { return 0.7 + 0.1*float64(i%90)/90 } // logs, rotated
		gauge("disk_utilization", used, disk...)
		gauge("disk_available_bytes", func(i int) float64 { return 1e12 * (1 - used(i)) }, disk...)
		gauge("disk_total_bytes", flat(1e12), disk...)
		gauge("disk_inodes_utilization", flat(0.1), disk...)
		gauge("disk_forced_read_only", flat(0), disk...)
		nic := with(host, "device", "eth0")
		gauge("network_up", flat(1), nic...)
		counter("network_in_packets_total", 6e5, nic...)
		counter("network_out_packets_total", 6e5, nic...)
		counter("network_in_errors_total", 1, nic...)
		counter("network_out_errors_total", 0, nic...)
		gauge("rdma_active", flat(1), with(host, "device", "mlx5_0", "port", "1", "state", "ACTIVE")...)
		gauge("rdma_active", flat(0), with(host, "device", "mlx5_1", "port", "1", "state", "DOWN")...)
		counter("rdma_link_downed_total", 0, with(host, "device", "mlx5_0", "port", "1")...)
		gauge("probe_errors", flat(1), with(host, "source", "perf", "status", "unsupported")...)
		gauge("probe_errors", flat(0), with(host, "source", "nvml", "status", "timeout")...)
		gauge("gpu_on_bus", flat(2), with(host, "vendor", "nvidia")...)

		for g := range 2 {
			gpu := with(at, "job", "dcgm", "gpu", fmt.Sprint(g))
			gauge("gpu_info", flat(1), with(gpu, "vendor", "nvidia")...)
			gauge("gpu_up", flat(1), gpu...)
			for name, x := range map[string]float64{
				"gpu_temperature_margin_c": 25, "gpu_memory_temperature_c": 75, "gpu_power_w": 500, "gpu_sm_clock_mhz": 1900,
			} {
				gauge(name, noisy(x), gpu...)
			}
			gauge("gpu_utilization", func(int) float64 { return 1 - 0.1*rng.Float64() }, gpu...)
			gauge("gpu_temperature_c", noisy(62), gpu...)
			gauge("gpu_memory_utilization", func(i int) float64 {
				if i < 200 { // the engine starts and reserves its share
					return 0.01
				}
				return 0.92
			}, gpu...)
			for name, x := range map[string]float64{
				"gpu_memory_temperature_max_c": 95, "gpu_temperature_slowdown_c": 90, "gpu_power_limit_w": 700, "gpu_power_limit_default_w": 700,
				"gpu_power_limit_requested_w": 700, "gpu_pcie_generation": 5, "gpu_pcie_generation_max": 5, "gpu_pcie_width": 16, "gpu_pcie_width_max": 16,
				"gpu_nvlink_links": 18, "gpu_nvlink_links_active": 18, "gpu_ecc_sram_threshold_exceeded": 0, "gpu_retired_pages_pending": 0,
				"gpu_row_remap_pending": 0, "gpu_row_remap_failed": 0,
			} {
				gauge(name, flat(x), gpu...)
			}
			gauge("gpu_recovery_needed", flat(0), with(gpu, "action", "none")...)
			gauge("gpu_fabric_healthy", flat(1), with(gpu, "health", "healthy")...)
			gauge("gpu_last_xid", func(i int) float64 {
				if i < 300 {
					return 0
				}
				return 31
			}, gpu...)
			gauge("gpu_xid_events", flat(1), with(gpu, "xid", "31", "severity", "warning")...)
			gauge("gpu_xid_events", flat(0), with(gpu, "xid", "79", "severity", "critical")...)
			gauge("gpu_xid_events", flat(0), with(gpu, "xid", "79")...)
			for _, reason := range []string{"idle", "sw_power_cap"} {
				gauge("gpu_throttle_active", func(int) float64 { return float64(rng.IntN(2)) }, with(gpu, "reason", reason)...)
				counter("gpu_throttle_seconds_total", 20, with(gpu, "reason", reason)...)
			}
			for _, reason := range []string{"hw_slowdown", "hw_thermal", "hw_power_brake", "sw_thermal"} {
				gauge("gpu_throttle_active", flat(0), with(gpu, "reason", reason)...)
				counter("gpu_throttle_seconds_total", 0.1, with(gpu, "reason", reason)...)
			}
			counter("gpu_ecc_errors_total", 0.01, with(gpu, "period", "volatile", "kind", "corrected")...)
			gauge("gpu_ecc_errors_total", flat(0), with(gpu, "period", "volatile", "kind", "uncorrected")...)
			gauge("gpu_remapped_rows", flat(1), with(gpu, "cause", "uncorrectable")...)
			gauge("gpu_row_remap_banks", flat(640), with(gpu, "spares", "max")...)
			gauge("gpu_row_remap_banks", flat(0), with(gpu, "spares", "low")...)
			gauge("gpu_retired_pages", flat(2), with(gpu, "cause", "single_bit")...)
			counter("gpu_pcie_replays_total", 0.5, gpu...)
			counter("gpu_nvlink_errors_total", 0, with(gpu, "kind", "replay")...)
			counter("gpu_nvlink_errors_total", 2, with(gpu, "kind", "crc_flit")...)
		}
	}
	return b.Store(nil)
}
