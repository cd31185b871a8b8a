package snapshotcmd

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/gate"
	"llmops/cmd/internal/cli"
	"llmops/probes/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// busy is a host with eight GPUs, one of them lost, one cut into instances, two servers.
func busy() document {
	s := snapshot.Snapshot{Schema: snapshot.Schema, TakenAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), WindowS: new(5.0)}
	const gib = 1 << 30
	for i := range 8 {
		g := snapshot.GPU{
			Index: i, UUID: fmt.Sprintf("GPU-%d", i), Name: "NVIDIA H100 80GB HBM3", Vendor: "nvidia", Source: "nvml", State: snapshot.GPUOK,
			Utilization: new(0.97), Memory: &snapshot.GPUMemory{TotalBytes: new(uint64(80 * gib)), UsedBytes: new(uint64((70 + i) * gib)), Utilization: new(float64(70+i) / 80)},
			Temperature: &snapshot.GPUTemperature{GPUC: new(64.0)}, Power: &snapshot.GPUPower{DrawW: new(612.4), LimitW: new(700.0)},
			Clocks: &snapshot.GPUClocks{SMMHz: new(1755.0)}, Throttle: &snapshot.GPUThrottle{Active: &[]string{}},
			Processes: []snapshot.GPUProcess{{PID: 4000 + i, Type: "compute", MemoryBytes: new(uint64(70 * gib)), Resolved: true, Name: "python3", User: "serve",
				Command: "python3 -m vllm.entrypoints.openai.api_server --tensor-parallel-size 8"}},
		}
		s.GPUs = append(s.GPUs, g)
	}
	s.GPUs[2].Throttle.Active = &[]string{"hw_power_brake"}
	s.GPUs[3] = snapshot.GPU{Index: 3, UUID: "GPU-3", Name: "NVIDIA H100 80GB HBM3", Source: "nvml", State: snapshot.GPULost}
	s.GPUs[6].MIG = &snapshot.GPUMIG{Enabled: new(true), Instances: []snapshot.GPUInstance{
		{Index: 0, UUID: "MIG-a", Name: "1g.10gb", SMs: new(16), Memory: &snapshot.GPUMemory{TotalBytes: new(uint64(10 * gib)), UsedBytes: new(uint64(gib)), Utilization: new(0.1)}},
		{Index: 2, UUID: "MIG-b", Name: "2g.20gb"},
	}}
	s.GPUs[6].Processes[0] = snapshot.GPUProcess{PID: 77, Type: "compute"}
	s.Host = &snapshot.Host{
		Name: "gpu-node-1", OS: "linux", Kernel: "6.8.0-45-generic", Arch: "amd64", Container: "kubernetes", UptimeS: new(1.05e6),
		CPU:         &snapshot.CPU{Logical: new(192), Utilization: new(0.31), User: new(0.29), System: new(0.02), IOWait: new(0.0004), Steal: new(0.0), BusiestCore: new(1.0)},
		Load:        &snapshot.Load{One: new(61.2), Five: new(58.0), Fifteen: new(40.1), Running: new(64), Blocked: new(0)},
		Memory:      &snapshot.Memory{TotalBytes: new(uint64(2048 * gib)), UsedBytes: new(uint64(812 * gib)), AvailableBytes: new(uint64(1236 * gib)), Utilization: new(812.0 / 2048)},
		Cgroup:      &snapshot.Cgroup{Version: 2, CPULimit: new(96.0), CPUCores: new(59.5), ThrottledRate: new(0.12), MemoryWorkingSet: new(uint64(700 * gib)), MemoryLimitBytes: new(uint64(1024 * gib)), MemoryUtilization: new(700.0 / 1024)},
		Filesystems: []snapshot.Filesystem{{Mountpoint: "/", Device: "/dev/nvme0n1p2", Type: "ext4", UsedBytes: new(uint64(300 * gib)), TotalBytes: new(uint64(400 * gib)), Utilization: new(0.79), InodesUtilization: new(0.05)}, {Mountpoint: "/models", Device: "nas:/models", Type: "nfs4"}},
		Disks:       []snapshot.Disk{{Device: "nvme0n1", Utilization: new(0.2), ReadBytesPerS: new(1.5e9), WriteBytesPerS: new(2e6), ReadsPerS: new(12_000.0), WritesPerS: new(31.0), AwaitMs: new(0.31), QueueDepth: new(3.7)}},
		Interfaces:  []snapshot.Interface{{Device: "eth0", Up: new(true), InBytesPerS: new(1.2e8), OutBytesPerS: new(9e6), PacketLossRate: new(0.0), Utilization: new(0.01)}},
	}
	s.Servers = []snapshot.Server{
		{URL: "http://10.0.0.12:8000", Up: true, Engine: "vllm", Basis: snapshot.OverWindow, Running: new(256.0), Waiting: new(41.0), KVCacheUtilization: new(0.987), PrefixCacheHitRate: new(0.31),
			RequestsPerSecond: new(22.4), TokensPerSecond: new(18_400.0), TTFT: &snapshot.Distribution{P95: new(812.0)}, Latency: &snapshot.Distribution{P95: new(21_300.0)}, ErrorRate: new(0.004),
			Speculation: &snapshot.Speculation{AcceptanceRate: new(0.62), AcceptanceLength: new(2.86)},
			LoRA:        &snapshot.LoRA{Slots: new(4.0), RunningCount: new(4.0), Waiting: []string{"de-legal", "fr-legal"}, WaitingCount: new(2.0)}},
		{URL: "http://10.0.0.13:8000", Up: false},
	}
	s.Findings = []snapshot.Finding{
		{ID: "gpu_slow", Severity: snapshot.Warning, Entity: "gpu=2", Summary: "GPU 2: slowed down by its power brake", Why: "40% of the last 5 s", Action: "look at the power supply"},
		{ID: "gpu_lost", Severity: snapshot.Critical, Entity: "gpu=3", Summary: "GPU 3: fell off the bus", Why: "the driver says so, and so does Xid 79 at 2026-01-02 03:01:12Z in the kernel log", Action: "drain the node, reboot it, and replace the GPU if it happens again"},
	}
	s.Errors = []snapshot.Problem{
		{Source: "host", What: "filesystem /models", Status: snapshot.Timeout, Detail: "no answer within 500ms", Hint: "the server or device behind this mount may be gone"},
		{Source: "nvml", What: "gpu 0 nvlink", Status: snapshot.Unsupported},
	}
	d := document{Snapshot: s, Verdict: gate.Fail}
	d.Gates = []gate.Result{{Expression: "gpu_memory_utilization > 0.95", Verdict: gate.Fail, Rows: []gate.Row{{Labels: map[string]string{"gpu": "7", "uuid": "GPU-7"}, Value: new(77.0 / 80)}}}}
	return d
}

func printed(t *testing.T, d document, width int, change func(*watch)) string {
	t.Helper()
	w := &watch{options: &options{gpu: "auto"}, app: &cli.App{}}
	w.output.Format = "table"
	if change != nil {
		change(w)
	}
	var out bytes.Buffer
	if err := w.print(&out, d, width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What stands on a terminal of 80 columns: the worst finding first, no line too long.
func TestTable(t *testing.T) {
	got := printed(t, busy(), 80, nil)
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	golden := filepath.Join("testdata", "busy.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// Machines without a GPU are told why, in every way there is none.
func TestNoGPU(t *testing.T) {
	d := document{Snapshot: snapshot.Snapshot{TakenAt: time.Unix(0, 0), Errors: []snapshot.Problem{
		{Source: "nvml", Status: snapshot.Unavailable, Detail: "the NVIDIA driver is not loaded", Hint: "modprobe nvidia"},
	}}}
	if got := printed(t, d, 80, nil); !strings.Contains(got, "gpus\nnvml: unavailable: the NVIDIA driver is not loaded\n  → modprobe nvidia\n") || strings.Contains(got, "not read") {
		t.Error(got)
	}
	if got := printed(t, document{}, 80, func(w *watch) { w.gpu = "none" }); !strings.Contains(got, "not looked for") {
		t.Error(got)
	}
	if got := printed(t, document{}, 80, nil); !strings.Contains(got, "gpus\nnone\n") {
		t.Error(got)
	}
}

// Text of drivers, processes and servers commands no terminal.
func TestHostileText(t *testing.T) {
	const evil = "a\x1b[2Jb\r\nc\x07"
	d := busy()
	d.Host.Name, d.GPUs[0].Name, d.GPUs[0].Processes[0].Command, d.GPUs[0].Processes[0].User = evil, evil, evil, evil
	d.Servers[0].Engine, d.Servers[0].URL = evil, evil
	d.Findings[0].Summary, d.Findings[0].Why, d.Findings[0].Action, d.Errors[0].Detail, d.Errors[0].Hint = evil, evil, evil, evil, evil
	d.Host.Filesystems[0].Mountpoint, d.Host.Interfaces[0].Device = evil, evil
	d.Gates[0].Rows[0].Labels["gpu"] = evil
	for _, format := range []string{"table", "markdown", "csv", "prom"} {
		got := printed(t, d, 80, func(w *watch) { w.output.Format = format })
		if i := strings.IndexAny(got, "\x07\r"); i >= 0 || format != "prom" && strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", format, got[max(0, i-20):])
		}
	}
}

// Each format holds the numbers; the text format is one that Prometheus takes.
func TestTextfile(t *testing.T) {
	got := printed(t, busy(), 0, func(w *watch) { w.output.Format = "prom" })
	line := regexp.MustCompile(`^(# HELP [a-z_0-9]+ [^\n]+|# TYPE [a-z_0-9]+ (gauge|counter)|[a-z_0-9]+(\{[a-z_0-9]+="([^"\\]|\\.)*"(,[a-z_0-9]+="([^"\\]|\\.)*")*\})? -?[0-9.e+-]+)\n$`)
	names, explained := map[string]bool{}, map[string]bool{}
	for l := range strings.Lines(got) {
		if text, ok := strings.CutPrefix(l, "# HELP "); ok {
			name, _, _ := strings.Cut(text, " ")
			explained[name] = true
		}
		if !line.MatchString(l) {
			t.Errorf("%q", l)
		}
		if name, ok := strings.CutPrefix(l, "# TYPE "); ok {
			if names[name] {
				t.Errorf("%q twice", name)
			}
			names[name] = true
			if name, _, _ := strings.Cut(name, " "); !explained[name] {
				t.Errorf("%s has no help text", name)
			}
		}
	}
	if !strings.Contains(got, `gpu_memory_utilization{gpu="7",uuid="GPU-7"} 0.9625`) || len(names) < 40 {
		t.Error(got)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"100": 100, "1B": 1, "1k": 1000, "100MB": 100e6, "1.5GiB": 3 << 29, "2 GB": 2e9, "1TiB": 1 << 40} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MB", "-1MB", "0", "1XB", "1e30GB", "NaN", "1.MBB", "0.1B"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
