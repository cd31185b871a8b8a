package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"llmops/probes/snapshot"
	"llmops/rules/defaults"
)

func eightGPUs(full int) snapshot.Snapshot {
	s := snapshot.Snapshot{Schema: snapshot.Schema, TakenAt: time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.UTC)}
	for i := range 8 {
		used := 0.5
		if i == full {
			used = 0.97
		}
		s.GPUs = append(s.GPUs, snapshot.GPU{Index: i, UUID: fmt.Sprintf("GPU-%d", i), State: snapshot.GPUOK, Memory: &snapshot.GPUMemory{Utilization: &used}})
	}
	return s
}

func judge(t *testing.T, s snapshot.Snapshot, expressions ...string) []Result {
	t.Helper()
	var gates []Gate
	for _, e := range expressions {
		g, err := Parse(e)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, g)
	}
	results, err := Judge(t.Context(), gates, s)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestJudge(t *testing.T) {
	s := eightGPUs(3)
	for _, c := range []struct {
		expression string
		want       Verdict
		rows       int
		missing    string
	}{
		{"gpu_memory_utilization > 0.95", Fail, 1, ""},
		{"gpu_memory_utilization > 0.99", Pass, 0, ""},
		{"gpu_memory_utilization > 0.4", Fail, 8, ""},
		{`gpu_memory_utilization{gpu="9"} > 0`, NoData, 0, `gpu_memory_utilization{gpu="9"}`},
		{"no_such_series > 1", NoData, 0, "no_such_series"},
		{"absent(no_such_series)", Fail, 1, ""},
		{"absent(gpu_up)", Pass, 0, ""},
		{"count(gpu_up) < 8", Pass, 0, ""},
		{"count(gpu_up == 1) < 9", Fail, 1, ""},
		{"gpu_memory_utilization > 0.99 or no_such_series > 1", NoData, 0, "no_such_series"},
		{"gpu_memory_utilization > 0.95 or no_such_series > 1", Fail, 1, ""},
		{"gpu_memory_utilization / 0 > 1", Fail, 8, ""},
		{"vector(1) > 0", Fail, 1, ""},
		{"sum(gpu_memory_utilization > bool 0.95) > 1", Pass, 0, ""},
		{"(gpu_memory_utilization > bool 0.95) == 1", Fail, 1, ""},
	} {
		r := judge(t, s, c.expression)[0]
		if r.Verdict != c.want || len(r.Rows) != c.rows || strings.Join(r.Missing, " ") != c.missing {
			t.Errorf("%s: %s, %d rows, missing %v; want %s, %d, %s", c.expression, r.Verdict, len(r.Rows), r.Missing, c.want, c.rows, c.missing)
		}
	}
	r := judge(t, s, "gpu_memory_utilization > 0.95")[0].Rows[0]
	if r.Entity() != `gpu="3", uuid="GPU-3"` || r.Value == nil || *r.Value != 0.97 {
		t.Errorf("the row does not name the GPU: %+v", r)
	}
	if r := judge(t, s, "gpu_memory_utilization / 0 > 1")[0].Rows[0]; r.Value != nil {
		t.Errorf("infinity became a value: %v", *r.Value)
	}
}

func TestParseRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		"":                             "empty",
		"gpu_up >":                     "expression",
		"1 > bool 0":                   "gives a scalar",
		"3":                            "gives a scalar",
		`"text"`:                       "gives a string",
		"gpu_up > bool 0":              "leave out bool",
		"((gpu_up > bool 0))":          "leave out bool",
		"-(gpu_up > bool 0)":           "leave out bool",
		"sum(gpu_up > bool 0)":         "leave out bool",
		"gpu_up > 1 or (x > bool 0)":   "leave out bool",
		"gpu_up offset 1m > 0":         "leave out offset",
		"gpu_up offset -1m > 0":        "leave out offset",
		"gpu_up @ 0 > 0":               "leave out offset",
		"1 < sum(gpu_up @ start())":    "leave out offset",
		"gpu_up > 0 and x @ end() > 0": "leave out offset",
		"rate(gpu_energy_j_total[1m])": "range of time",
		"gpu_up[5m]":                   "gives a matrix",
		"max_over_time(gpu_up[5m:1m])": "range of time",
	} {
		if _, err := Parse(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
}

func health(t *testing.T) []Gate {
	t.Helper()
	f, err := defaults.Rules.Open("health" + defaults.Extension)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gates, err := ReadPack("@defaults/health", f)
	if err != nil {
		t.Fatal(err)
	}
	return gates
}

// sick has every fault that the shipped pack knows.
func sick() snapshot.Snapshot {
	s := eightGPUs(3)
	g := &s.GPUs[2]
	g.State, g.RecoveryAction = snapshot.GPUResetRequired, "gpu_reset"
	g.XIDs = []snapshot.GPUXID{{Code: 79, Count: 1, Severity: snapshot.Critical}}
	g.RowRemap = &snapshot.GPURowRemap{Failed: new(true), Pending: new(true)}
	g.ECC = &snapshot.GPUECC{VolatileUncorrected: new(uint64(2)), SRAMThresholdExceeded: new(true)}
	g.Fabric = &snapshot.GPUFabric{Health: "unhealthy"}
	g.Throttle = &snapshot.GPUThrottle{Active: &[]string{"hw_thermal", "sw_thermal"}}
	g.PCIe = &snapshot.GPUPCIe{Width: new(8), MaxWidth: new(16)}
	g.NVLink = &snapshot.GPUNVLink{Links: new(18), Active: new(17)}
	full := &snapshot.Stalls{Full: &snapshot.Stall{Avg60: new(0.5)}}
	s.Host = &snapshot.Host{
		CPU:         &snapshot.CPU{Steal: new(0.2)},
		Memory:      &snapshot.Memory{Utilization: new(0.96)},
		Filesystems: []snapshot.Filesystem{{Mountpoint: "/data", ForcedReadOnly: new(true), Utilization: new(0.98)}},
		Interfaces:  []snapshot.Interface{{Device: "eth0", PacketLossRate: new(0.02)}},
		TCP:         &snapshot.TCP{RetransmitRate: new(0.1)},
		Pressure:    &snapshot.Pressure{Memory: full, IO: full},
		Cgroup:      &snapshot.Cgroup{ThrottledRate: new(0.5)},
		Files:       &snapshot.Files{Utilization: new(0.95)},
	}
	s.Servers = []snapshot.Server{
		{URL: "http://a", Up: false},
		{URL: "http://b", Up: true, Basis: snapshot.OverWindow, ErrorRate: new(0.5), KVCacheUtilization: new(0.99)},
	}
	s.Errors = []snapshot.Problem{{Source: "nvml", Status: snapshot.Timeout}}
	s.GPUsOnBus = map[string]int{"amd": 2, "nvidia": 8} // of which GPUs has no AMD
	for i := range s.GPUs {
		s.GPUs[i].Vendor = "nvidia"
	}
	return s
}

// Each rule of the pack finds what it is for, under the names that snapshots have, and
// none finds anything in a healthy machine.
func TestHealthPack(t *testing.T) {
	gates := health(t)
	results, err := Judge(t.Context(), gates, sick())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Verdict != Fail {
			t.Errorf("%s: %s, missing %v", r.Name, r.Verdict, r.Missing)
			continue
		}
		if s := r.Rows[0].Summary; s == "" || strings.Contains(s, "{{") || strings.Contains(s, "no value") {
			t.Errorf("%s: summary %q", r.Name, s)
		}
		if r.Severity != "critical" && r.Severity != "warning" {
			t.Errorf("%s: severity %q", r.Name, gates[i].Severity)
		}
	}
	healthy, err := Judge(t.Context(), gates, eightGPUs(3))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range healthy {
		if r.Verdict == Fail {
			t.Errorf("%s fires for a healthy machine: %+v", r.Name, r.Rows)
		}
	}
	if got := Worst(healthy); got != Pass {
		t.Errorf("a healthy machine: %s", got)
	}
	if got := Worst(results); got != Fail {
		t.Errorf("a sick machine: %s", got)
	}
}

// GPUs on the bus that no driver shows fail the pack; a host without GPUs, one whose
// GPUs are read and one that was not looked at for them do not.
func TestGPUsNotSeen(t *testing.T) {
	read := []snapshot.GPU{{Vendor: "nvidia", State: snapshot.GPUOK}}
	for _, c := range []struct {
		name  string
		onBus map[string]int
		gpus  []snapshot.GPU
		want  Verdict
	}{
		{"no driver", map[string]int{"nvidia": 8}, nil, Fail},
		{"no driver for one vendor", map[string]int{"nvidia": 1, "amd": 1}, read, Fail},
		{"read", map[string]int{"nvidia": 1, "amd": 0}, read, Pass},
		{"none", map[string]int{"nvidia": 0, "amd": 0}, nil, Pass},
		{"not known", nil, nil, Pass},
	} {
		s := snapshot.Snapshot{TakenAt: time.Unix(1, 0), Host: &snapshot.Host{CPU: &snapshot.CPU{Steal: new(0.0)}}, GPUsOnBus: c.onBus, GPUs: c.gpus}
		results, err := Judge(t.Context(), health(t), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Verdict == Fail && r.Name != "GPUsNotSeen" {
				t.Errorf("%s: %s fires", c.name, r.Name)
			}
		}
		if got := Worst(results); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A pack is silent about hardware that is not there, but not when nothing is.
func TestWorst(t *testing.T) {
	nothing, err := Judge(t.Context(), health(t), snapshot.Snapshot{TakenAt: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := Worst(nothing); got != NoData {
		t.Errorf("nothing measured: %s", got)
	}
	own := Result{Verdict: NoData}
	for _, c := range []struct {
		results []Result
		want    Verdict
	}{
		{nil, Pass},
		{[]Result{{Verdict: Pass}, own}, NoData},
		{[]Result{own, {Verdict: Fail}}, Fail},
		{[]Result{{Pack: "a", Verdict: NoData}, {Pack: "a", Verdict: Pass}}, Pass},
		{[]Result{{Pack: "a", Verdict: Pass}, {Pack: "b", Verdict: NoData}}, NoData},
	} {
		if got := Worst(c.results); got != c.want {
			t.Errorf("%+v: %s, want %s", c.results, got, c.want)
		}
	}
}

func TestReadPackRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"groups: []": "no alert",
		"groups:\n  - name: a\n    rules:\n      - alert: X\n        exprs: up":               "exprs",
		"groups:\n  - name: a\n    rules:\n      - {alert: X, expr: 'rate(x_total[5m]) > 1'}": "range of time",
		"": "no alert",
	} {
		if _, err := ReadPack("own.yaml", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "own.yaml") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func BenchmarkHealthPack(b *testing.B) {
	f, _ := defaults.Rules.Open("health" + defaults.Extension)
	gates, err := ReadPack("health", f)
	if err != nil {
		b.Fatal(err)
	}
	s := sick()
	for b.Loop() {
		if _, err := Judge(b.Context(), gates, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadPack(b *testing.B) {
	text, err := defaults.Rules.ReadFile("health" + defaults.Extension)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ReadPack("health", strings.NewReader(string(text))); err != nil {
			b.Fatal(err)
		}
	}
}
