package nvsmi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/gpu/nvml"
	"llmops/probes/snapshot"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../fixtures/gpu", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t *testing.T, name string) nvml.Reading {
	t.Helper()
	r, err := Parse(bytes.NewReader(fixture(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const mib = 1 << 20

func TestV10(t *testing.T) {
	r := parse(t, "nvidia-smi-v10.xml")
	want := snapshot.GPU{Vendor: "nvidia", Source: "nvidia-smi", State: "ok", Name: "Tesla V100-SXM2-16GB", UUID: "GPU-00000000-0000-0000-0000-00000000000a",
		PCI: "00000000:3B:00.0", Serial: "0", VBIOS: "88.00.4F.00.09", Virtualization: "pass_through", Persistence: new(false), PState: new(0),
		ComputeMode: "exclusive_process", Utilization: new(0.07), MemoryCtrlUtilization: new(0.03), EncoderUtilization: new(0.0), DecoderUtilization: new(0.0),
		Memory:      &snapshot.GPUMemory{TotalBytes: new(uint64(16130 * mib)), UsedBytes: new(uint64(8065 * mib)), FreeBytes: new(uint64(8065 * mib)), Utilization: new(0.5)},
		BAR1:        &snapshot.GPUMemory{TotalBytes: new(uint64(16384 * mib)), UsedBytes: new(uint64(4 * mib)), FreeBytes: new(uint64(16380 * mib)), Utilization: new(4.0 / 16384)},
		Temperature: &snapshot.GPUTemperature{GPUC: new(88.0), MemoryC: new(85.0), SlowdownC: new(87.0), ShutdownC: new(90.0), GPUMaxC: new(83.0), MemoryMaxC: new(85.0)},
		Power: &snapshot.GPUPower{DrawW: new(299.5), LimitW: new(300.0), RequestedLimitW: new(300.0), DefaultLimitW: new(300.0),
			MinLimitW: new(150.0), MaxLimitW: new(300.0)},
		Clocks: &snapshot.GPUClocks{SMMHz: new(765.0), MemoryMHz: new(877.0), GraphicsMHz: new(765.0), VideoMHz: new(690.0),
			MaxSMMHz: new(1530.0), MaxMemoryMHz: new(877.0), MaxGraphicsMHz: new(1530.0), MaxVideoMHz: new(1372.0)},
		Throttle: &snapshot.GPUThrottle{Active: &[]string{"sw_power_cap", "hw_slowdown", "hw_thermal"}},
		ECC: &snapshot.GPUECC{Enabled: new(true), PendingEnabled: new(false), VolatileCorrected: new(uint64(3)), VolatileUncorrected: new(uint64(0)),
			AggregateCorrected: new(uint64(40)), AggregateUncorrected: new(uint64(1))},
		RetiredPages: &snapshot.GPURetired{SingleBit: new(uint64(2)), DoubleBit: new(uint64(1)), Pending: new(true)},
		PCIe: &snapshot.GPUPCIe{Generation: new(3), MaxGeneration: new(3), Width: new(8), MaxWidth: new(16), Replays: new(uint64(12)),
			TxBytesPerS: new(4e6)},
		Processes: []snapshot.GPUProcess{{PID: 2002, Type: "compute", Name: "python3", MemoryBytes: new(uint64(7000 * mib))}, {PID: 2003, Type: "compute+graphics"}},
		NotRead:   map[string]snapshot.Status{"mig": "unsupported"},
	}
	if diff := cmp.Diff([]snapshot.GPU{want}, r.GPUs); diff != "" {
		t.Error(diff)
	}
	if r.Driver != "418.226.00" || r.CUDA != "10.1" {
		t.Errorf("driver %q, CUDA %q", r.Driver, r.CUDA)
	}
}

func TestMIGAndPermission(t *testing.T) {
	r := parse(t, "nvidia-smi-v12-mig.xml")
	g := r.GPUs[0]
	want := &snapshot.GPUMIG{Enabled: new(true), PendingEnabled: new(true), Instances: []snapshot.GPUInstance{
		{Index: 0, GPUInstanceID: new(3), ComputeInstanceID: new(0), SMs: new(14), Memory: &snapshot.GPUMemory{TotalBytes: new(uint64(20000 * mib)),
			UsedBytes: new(uint64(5000 * mib)), FreeBytes: new(uint64(15000 * mib)), ReservedBytes: new(uint64(0)), Utilization: new(0.25)}},
		{Index: 2, GPUInstanceID: new(5), ComputeInstanceID: new(1)}}}
	if diff := cmp.Diff(want, g.MIG); diff != "" {
		t.Error(diff)
	}
	// counters of on-chip and of device memory are summed; one that is missing is not zero, it is left out
	if e := g.ECC; *e.VolatileCorrected != 11 || *e.VolatileUncorrected != 22 || *e.AggregateCorrected != 0 {
		t.Errorf("ECC %+v", e)
	}
	if m := g.RowRemap; *m.Correctable != 4 || !*m.Pending || *m.Failed || m.Banks["high"] != 4 {
		t.Errorf("row remap %+v", m)
	}
	if g.RecoveryAction != "drain_and_reset" || g.Fabric.State != "completed" || g.Fabric.Status != "ok" || g.NotRead["utilization"] != "unsupported" || *g.Processes[0].GPUInstance != 3 {
		t.Errorf("recovery %q, fabric %+v, not read %v", g.RecoveryAction, g.Fabric, g.NotRead)
	}
	h := r.GPUs[1]
	if h.NotRead["utilization"] != "forbidden" || h.NotRead["temperature"] != "error" || h.NotRead["power"] != "error" || h.NotRead["processes"] != "" || h.State != "ok" {
		t.Errorf("not read %v, state %q", h.NotRead, h.State)
	}
}

func TestV13(t *testing.T) {
	g := parse(t, "nvidia-smi-v13.xml").GPUs[0]
	if diff := cmp.Diff(&snapshot.GPUTemperature{GPUC: new(24.0), MarginC: new(68.0), ShutdownTLimitC: new(-5.0), SlowdownTLimitC: new(-2.0), GPUMaxTLimitC: new(0.0)}, g.Temperature); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"sw_power_cap": 25483.012608, "sync_boost": 0, "sw_thermal": 1.5, "hw_thermal": 0, "hw_power_brake": 0}, g.Throttle.SecondsTotal); diff != "" {
		t.Error(diff)
	}
	if *g.Power.DrawW != 141.97 || *g.Power.InstantW != 142.99 || *g.ECC.VolatileUncorrected != 3 || !*g.ECC.SRAMThresholdExceeded || *g.Memory.Utilization != 0 {
		t.Errorf("power %+v, ECC %+v", g.Power, g.ECC)
	}
	if diff := cmp.Diff(&snapshot.GPUFabric{State: "completed", Status: "ok", Health: "limited_capacity", Problems: []string{"degraded_bandwidth", "route_unhealthy"},
		CliqueID: new(uint32(3)), Cluster: "00000000-0000-0000-0000-000000000001"}, g.Fabric); diff != "" {
		t.Error(diff)
	}
	if g.RecoveryAction != "gpu_reset" || g.MIG != nil || *g.Fan != 0.3 || *g.PState != 8 {
		t.Errorf("recovery %q, MIG %v, fan %v", g.RecoveryAction, g.MIG, g.Fan)
	}
}

func TestLost(t *testing.T) {
	var states []string
	for _, g := range parse(t, "nvidia-smi-lost.xml").GPUs {
		states = append(states, g.State)
	}
	if diff := cmp.Diff([]string{"lost", "reset_required", "ok"}, states); diff != "" {
		t.Error(diff)
	}
}

// nvidia-smi exits with NVML's codes, some of them with good output.
func TestRead(t *testing.T) {
	good := fixture(t, "nvidia-smi-v13.xml")
	for _, tt := range []struct {
		name   string
		out    string
		code   int
		err    error
		gpus   int
		status snapshot.Status // "" is no error
	}{
		{"good", string(good), 0, nil, 1, ""},
		{"infoROM corrupt, output good", string(good), 14, nil, 1, snapshot.Failed},
		{"not loaded", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9, nil, 0, snapshot.Unavailable},
		{"no permission", "", 4, nil, 0, snapshot.Forbidden},
		{"lost", "Unable to determine the device handle for GPU 0000:03:00.0: GPU is lost.", 15, nil, 0, snapshot.Unavailable},
		{"old option", "Invalid combination of input arguments.", 2, nil, 0, snapshot.Failed},
		{"not there", "", 0, exec.ErrNotFound, 0, snapshot.Unavailable},
		{"hangs", "", 0, context.DeadlineExceeded, 0, snapshot.Timeout},
		{"cannot start", "", 0, errors.New("exec format error"), 0, snapshot.Failed},
		{"no XML", "hello", 0, nil, 0, snapshot.Failed},
		{"cut off", string(good[:len(good)/2]), 0, nil, 0, snapshot.Failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Read(t.Context(), func(_ context.Context, name string, args ...string) ([]byte, int, error) {
				if name != "nvidia-smi" || strings.Join(args, " ") != "-q -x" {
					t.Errorf("ran %s %v", name, args)
				}
				return []byte(tt.out), tt.code, tt.err
			})
			if len(r.GPUs) != tt.gpus {
				t.Errorf("%d GPUs, want %d", len(r.GPUs), tt.gpus)
			}
			var status snapshot.Status
			if len(r.Errors) > 0 {
				status = r.Errors[0].Status
			}
			if status != tt.status || len(r.Errors) > 1 {
				t.Errorf("errors %+v, want status %q", r.Errors, tt.status)
			}
		})
	}
}

// The real runner: output, exit code, a program that is not there, and one
// that does not end.
func TestExec(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	out, code, err := Exec(t.Context(), "sh", "-c", "echo out; echo err >&2; exit 9")
	if string(out) != "out\n" || code != 9 || err != nil {
		t.Errorf("%q, %d, %v", out, code, err)
	}
	out, code, err = Exec(t.Context(), "sh", "-c", "echo err >&2; exit 4")
	if string(out) != "err\n" || code != 4 || err != nil {
		t.Errorf("what it complained: %q, %d, %v", out, code, err)
	}
	if _, _, err = Exec(t.Context(), "no-such-program-here"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, _, err = Exec(ctx, "sleep", "60"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// A program that starts others and one that heeds no signal: both end in time, and
// what they started does not outlive them.
func TestExecKills(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	for _, script := range []string{"sleep 47 & echo $! >$0; wait", `trap "" TERM INT; sleep 47 & echo $! >$0; sleep 47`} {
		var pid []byte
		took := time.Hour
		// Who does not kill all of them waits for a second, each time; a busy machine not.
		for try := 0; try < 5 && took > 900*time.Millisecond; try++ {
			file := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancel(t.Context())
			var began time.Time
			go func() {
				for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
					if b, _ := os.ReadFile(file); bytes.HasSuffix(b, []byte("\n")) {
						break
					}
				}
				began = time.Now()
				cancel()
			}()
			_, _, err := Exec(ctx, "sh", "-c", script, file)
			if <-ctx.Done(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", script, err)
			}
			took = time.Since(began)
			if pid, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		if took > 900*time.Millisecond {
			t.Errorf("%s: after %v", script, took)
		}
		state := func() string {
			b, _ := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "status"))
			_, after, _ := strings.Cut(string(b), "State:")
			return strings.TrimSpace(after)
		}
		for range 1000 {
			if s := state(); s == "" || s[0] == 'Z' || s[0] == 'X' {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if s := state(); s != "" && s[0] != 'Z' && s[0] != 'X' {
			t.Errorf("%s: the child lives on: %.20s", script, s)
		}
	}
}

// Output without end is cut, the program stopped, and the memory stays bounded.
func TestExecEndless(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	for _, script := range []string{`yes "<a>"`, `yes "<a>" >&2`, `trap "" PIPE; while :; do yes "<a>"; done`, `trap "" PIPE; yes "<a>"; exit 0`} {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		out, _, err := Exec(ctx, "sh", "-c", script)
		if err == nil || !strings.Contains(err.Error(), "more than 32 MiB") || ctx.Err() != nil || len(out) > most {
			t.Errorf("%s: %d bytes, %v", script, len(out), err)
		}
		r := Read(t.Context(), func(context.Context, string, ...string) ([]byte, int, error) { return out, 0, err })
		if len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Failed {
			t.Errorf("%s: %+v", script, r.Errors)
		}
	}
}

// Whatever nvidia-smi prints: no panic, and nothing that JSON cannot hold.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"nvidia-smi-v10.xml", "nvidia-smi-v12-mig.xml", "nvidia-smi-v13.xml", "nvidia-smi-lost.xml"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte("<nvidia_smi_log><gpu><utilization><gpu_util>1e999 %</gpu_util></utilization><fan_speed>-1 %</fan_speed></gpu></nvidia_smi_log>"))
	f.Add([]byte("<nvidia_smi_log><gpu><performance_state>P</performance_state><processes><process_info><pid>-5</pid></process_info></processes></gpu>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Parse(bytes.NewReader(in))
		if err != nil {
			return
		}
		if _, err := json.Marshal(r.GPUs); err != nil {
			t.Error(err)
		}
		for x := range (snapshot.Snapshot{GPUs: r.GPUs}).Samples {
			if (strings.HasSuffix(x.Name, "_utilization") || strings.HasSuffix(x.Name, "_ratio")) && (x.Value < 0 || x.Value > 1) {
				t.Errorf("%s = %v", x.Name, x.Value)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := fixture(b, "nvidia-smi-v10.xml")
	for b.Loop() {
		if _, err := Parse(bytes.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
}
