package nvml_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/gpu/nvml"
	"llmops/probes/gpu/nvml/nvmltest"
	"llmops/probes/snapshot"
)

func read(t *testing.T, l *nvmltest.Library, window time.Duration) nvml.Reading {
	t.Helper()
	r := nvml.NewCollector(l).Read(t.Context(), window)
	if _, err := json.Marshal(r.GPUs); err != nil { // NaN and Inf cannot be written
		t.Errorf("JSON: %v", err)
	}
	return r
}

func readOne(t *testing.T, change func(*nvmltest.Device)) snapshot.GPU {
	t.Helper()
	d := nvmltest.H100(0)
	change(d)
	return read(t, &nvmltest.Library{GPUs: []*nvmltest.Device{d}}, 0).GPUs[0]
}

// Units and signs: what the driver says in mW, ns, KiB and percent stands in
// W, s, bytes and ratios.
func TestHealthy(t *testing.T) {
	r := read(t, nvmltest.Eight(nvmltest.Costs{}), 0)
	if r.Driver != "550.54.15" || r.CUDA != "12.4" || len(r.GPUs) != 8 || len(r.Errors) != 0 {
		t.Fatalf("driver %q, CUDA %q, %d GPUs, errors %v", r.Driver, r.CUDA, len(r.GPUs), r.Errors)
	}
	g := r.GPUs[3]
	const gib = 1 << 30
	want := snapshot.GPU{Index: 3, UUID: "GPU-00000000-0000-0000-0000-000000000003", Name: "NVIDIA H100 80GB HBM3", Vendor: "nvidia", Source: "nvml",
		State: "ok", PCI: "00000000:4B:00.0", Serial: "0", VBIOS: "96.00.74.00.01", GSPFirmware: "550.54.15", Architecture: "Hopper",
		ComputeCapability: "9.0", ComputeMode: "default", Virtualization: "none", Persistence: new(true), PState: new(0),
		Utilization: new(0.97), MemoryCtrlUtilization: new(0.41), EncoderUtilization: new(0.0), DecoderUtilization: new(0.0),
		JPEGUtilization: new(0.0), OFAUtilization: new(0.0),
		Memory: &snapshot.GPUMemory{TotalBytes: new(uint64(80 * gib)), UsedBytes: new(uint64(72 * gib)), FreeBytes: new(uint64(7 * gib)),
			ReservedBytes: new(uint64(gib)), Utilization: new(0.9)},
		BAR1: &snapshot.GPUMemory{TotalBytes: new(uint64(128 * gib)), UsedBytes: new(uint64(4 << 20)), FreeBytes: new(uint64(128*gib - 4<<20)),
			Utilization: new(4.0 / (128 << 10))},
		Temperature: &snapshot.GPUTemperature{GPUC: new(64.0), MemoryC: new(71.0), MarginC: new(23.0), SlowdownTLimitC: new(-2.0),
			ShutdownTLimitC: new(-8.0), GPUMaxTLimitC: new(0.0), MemoryMaxTLimitC: new(0.0)},
		Power: &snapshot.GPUPower{DrawW: new(612.345), AverageW: new(610.0), InstantW: new(615.5), LimitW: new(700.0), RequestedLimitW: new(700.0),
			DefaultLimitW: new(700.0), MinLimitW: new(200.0), MaxLimitW: new(700.0), EnergyJ: new(9e6)},
		Clocks: &snapshot.GPUClocks{SMMHz: new(1755.0), MemoryMHz: new(2619.0), GraphicsMHz: new(1755.0), VideoMHz: new(1530.0),
			MaxSMMHz: new(1980.0), MaxMemoryMHz: new(2619.0), MaxGraphicsMHz: new(1980.0), MaxVideoMHz: new(1830.0)},
		Throttle: &snapshot.GPUThrottle{Active: &[]string{}, SecondsTotal: map[string]float64{"sw_power_cap": 5, "sync_boost": 0, "board_limit": 0,
			"reliability": 0, "sw_thermal": 0.25, "hw_thermal": 0, "hw_power_brake": 0}},
		ECC: &snapshot.GPUECC{Enabled: new(true), PendingEnabled: new(true), VolatileCorrected: new(uint64(0)), VolatileUncorrected: new(uint64(0)),
			AggregateCorrected: new(uint64(12)), AggregateUncorrected: new(uint64(0)), SRAMThresholdExceeded: new(false)},
		RowRemap: &snapshot.GPURowRemap{Correctable: new(uint64(1)), Uncorrectable: new(uint64(0)), Pending: new(false), Failed: new(false),
			Banks: map[string]uint64{"max": 3072, "high": 0, "partial": 0, "low": 0, "none": 0}},
		PCIe: &snapshot.GPUPCIe{Generation: new(5), MaxGeneration: new(5), Width: new(16), MaxWidth: new(16), Replays: new(uint64(3)),
			Errors: map[string]uint64{"correctable": 0, "nak_received": 0, "receiver": 0, "bad_tlp": 0, "nak_sent": 0, "bad_dllp": 0,
				"non_fatal": 0, "fatal": 0, "unsupported_request": 0, "lcrc": 0, "lane": 0},
			TxBytes: new(uint64(4e9)), RxBytes: new(uint64(5e9))},
		NVLink: &snapshot.GPUNVLink{Links: new(18), Active: new(18), LinkBytesPerS: new(26_562e6), TxBytes: new(uint64(1 << 40)), RxBytes: new(uint64(2 << 40)),
			Errors: map[string]uint64{"replay": 0, "recovery": 0, "crc": 0}},
		Fabric:         &snapshot.GPUFabric{State: "completed", Status: "ok", Health: "healthy", CliqueID: new(uint32(0))},
		RecoveryAction: "none",
		MIG:            &snapshot.GPUMIG{Enabled: new(false), PendingEnabled: new(false)},
		Processes:      []snapshot.GPUProcess{{PID: 4242, Type: "compute", MemoryBytes: new(uint64(71 * gib))}},
		NotRead:        map[string]snapshot.Status{"fan_ratio": "unsupported", "temperature_limits": "unsupported"},
	}
	if diff := cmp.Diff(want, g, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) })); diff != "" {
		t.Error(diff)
	}
}

// A lost GPU costs itself; it is asked no more after it said so.
func TestLost(t *testing.T) {
	l := nvmltest.Eight(nvmltest.Costs{})
	l.GPUs[2].Opens = nvml.Lost
	l.GPUs[5].Statuses = map[nvml.Query]nvml.Status{nvml.Utilization: nvml.Lost}
	r := read(t, l, 0)
	for i, g := range r.GPUs {
		want := snapshot.GPUOK
		if i == 2 || i == 5 {
			want = snapshot.GPULost
		}
		if g.State != want || g.Index != i {
			t.Errorf("GPU %d: index %d, state %q, want %q", i, g.Index, g.State, want)
		}
	}
	if g := r.GPUs[5]; g.Memory != nil || g.Name == "" || l.GPUs[5].Calls >= l.GPUs[4].Calls/2 {
		t.Errorf("lost GPU: memory %v, name %q, %d calls (healthy: %d)", g.Memory, g.Name, l.GPUs[5].Calls, l.GPUs[4].Calls)
	}
	if r.GPUs[7].Memory == nil {
		t.Error("the GPU after the lost one was not read")
	}
}

// Each status has its own word, and costs its field.
func TestStatuses(t *testing.T) {
	for status, want := range map[nvml.Status]snapshot.Status{nvml.NotSupported: "unsupported", nvml.NoFunction: "unsupported", nvml.NoData: "unsupported",
		nvml.NoPermission: "forbidden", nvml.TimedOut: "timeout", nvml.Unknown: "error", nvml.NotReady: "error", nvml.Status(4711): "error"} {
		d := nvmltest.H100(0)
		d.Statuses = map[nvml.Query]nvml.Status{nvml.BAR1: status}
		r := read(t, &nvmltest.Library{GPUs: []*nvmltest.Device{d}}, 0)
		g := r.GPUs[0]
		if g.NotRead["bar1"] != want || g.BAR1 != nil || g.State != snapshot.GPUOK || g.Memory == nil {
			t.Errorf("status %d: not read %q, want %q; state %s", status, g.NotRead["bar1"], want, g.State)
		}
		if told := len(r.Errors) == 1; told != (want != "unsupported") {
			t.Errorf("status %d: errors %v", status, r.Errors)
		}
	}
	reset := readOne(t, func(d *nvmltest.Device) { d.Statuses = map[nvml.Query]nvml.Status{nvml.Memory: nvml.ResetRequired} })
	if reset.State != snapshot.GPUResetRequired || reset.Temperature == nil {
		t.Errorf("reset required: state %s, temperature %v", reset.State, reset.Temperature)
	}
}

// All ones are no numbers, whatever the field; nor is a value no sensor has.
func TestSentinels(t *testing.T) {
	g := readOne(t, func(d *nvmltest.Device) {
		for q := range d.Values {
			if q != nvml.MIGMode && q != nvml.Architecture {
				d.Values[q] = nvml.Values{nvml.NotAvailable, nvml.NotAvailable, nvml.NotAvailable, nvml.NotAvailable, nvml.NotAvailable}
			}
		}
		for a := range d.Args {
			d.Args[a] = nvml.Values{nvml.NotAvailable}
		}
		for id := range d.Numbers {
			d.Numbers[id] = nvml.NotAvailable
		}
		d.Lists[nvml.Compute][0].MemoryBytes = nvml.NotAvailable
	})
	s := snapshot.Snapshot{GPUs: []snapshot.GPU{g}}
	for x := range s.Samples {
		if strings.HasPrefix(x.Name, "gpu_") && (x.Value < -1 || x.Value > 100) {
			t.Errorf("%s %v = %v", x.Name, x.Labels, x.Value)
		}
	}
	if g.Memory != nil && g.Memory.TotalBytes != nil || g.Utilization != nil || g.Power != nil || g.NVLink != nil || g.Processes[0].MemoryBytes != nil {
		t.Errorf("numbers from sentinels: %+v", g)
	}
}

// MIG devices have holes in their indices, and the GPU has no utilization.
func TestMIG(t *testing.T) {
	part := func(gi uint64) *nvmltest.Device {
		return &nvmltest.Device{Texts: map[nvml.DeviceText]string{nvml.UUID: "MIG-1", nvml.Name: "NVIDIA H100 MIG 3g.40gb"},
			Values: map[nvml.Query]nvml.Values{nvml.MIGIDs: {gi, 0}, nvml.MIGShape: {60, 40448}, nvml.Memory: {40 << 30, 10 << 30, 30 << 30, 0}},
			Lists:  map[nvml.ProcessType][]nvml.Process{nvml.Compute: {{PID: uint32(100 + gi), MemoryBytes: 10 << 30, GPUInstance: 0xFFFFFFFF}}}}
	}
	mig := func(d *nvmltest.Device) {
		d.Values[nvml.MIGMode], d.Values[nvml.MIGMax] = nvml.Values{1, 1}, nvml.Values{7}
		delete(d.Values, nvml.Utilization)
		d.Instances = map[int]*nvmltest.Device{1: part(2), 4: part(5)}
		d.Lists[nvml.Compute] = []nvml.Process{{PID: 102, MemoryBytes: 1 << 30, GPUInstance: 2}}
	}
	g := readOne(t, mig)
	var indices []int
	for _, in := range g.MIG.Instances {
		indices = append(indices, in.Index)
	}
	if diff := cmp.Diff([]int{1, 4}, indices); diff != "" || g.Utilization != nil || g.NotRead["utilization"] != "unsupported" {
		t.Errorf("indices %v, utilization %v (%s)", indices, g.Utilization, g.NotRead["utilization"])
	}
	if in := g.MIG.Instances[1]; *in.GPUInstanceID != 5 || *in.SMs != 60 || *in.Memory.Utilization != 0.25 {
		t.Errorf("instance %+v", in)
	}
	if p := g.Processes[0]; p.PID != 102 || *p.GPUInstance != 2 {
		t.Errorf("process %+v", p)
	}
	inside := readOne(t, func(d *nvmltest.Device) { mig(d); d.ListFails = nvml.NoPermission })
	if len(inside.Processes) != 2 || *inside.Processes[1].GPUInstance != 5 {
		t.Errorf("processes from the instances: %+v", inside.Processes)
	}
}

// One GPU that never answers costs the deadline and itself; it is not asked
// again until its call comes back.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := nvmltest.Eight(nvmltest.Costs{Get: time.Millisecond})
		l.GPUs[6].Hang = make(chan struct{})
		c := nvml.NewCollector(l)
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			began := time.Now()
			r := c.Read(ctx, 0)
			cancel()
			took := time.Since(began)
			if len(r.GPUs) != 8 || r.GPUs[6].State != snapshot.GPUTimeout || r.GPUs[7].State != snapshot.GPUOK || r.GPUs[7].Memory == nil {
				t.Errorf("%d GPUs, GPU 6 %q, GPU 7 %q", len(r.GPUs), r.GPUs[6].State, r.GPUs[7].State)
			}
			if took > 2*time.Second || !c.Hung() {
				t.Errorf("took %v, hung %v", took, c.Hung())
			}
			if len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Timeout || r.Errors[0].What != "gpu 6" {
				t.Errorf("errors %+v", r.Errors)
			}
		}
		close(l.GPUs[6].Hang)
		time.Sleep(time.Second) // the calls left behind end
		if r := c.Read(t.Context(), 0); r.GPUs[6].State != snapshot.GPUOK {
			t.Errorf("after it came back: %q", r.GPUs[6].State)
		}
		l.Hang = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := c.Read(ctx, 0); len(r.GPUs) != 0 || len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Timeout {
			t.Errorf("driver that hangs: %d GPUs, %+v", len(r.GPUs), r.Errors)
		}
		close(l.Hang)
	})
}

// A window gives rates; a counter that restarted gives none.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := nvmltest.H100(0)
		d.OnWait = func() {
			d.Numbers[83] += 1_200_000       // mJ in 2 s: 600 W
			d.Numbers[74] += 500_000_000     // ns of 2 s: a quarter
			d.Numbers[269] += 90_000_000_000 // more than the window: at most all of it
			d.Numbers[138] += 2048           // KiB in 2 s
			d.Numbers[197] = 5               // went back
			d.Numbers[94] += 4
			d.Numbers[161]++ // on each of 18 links
		}
		r := nvml.NewCollector(&nvmltest.Library{GPUs: []*nvmltest.Device{d}}).Read(t.Context(), 2*time.Second)
		w := r.GPUs[0].Window
		if w == nil {
			t.Fatal("no window")
		}
		want := &snapshot.GPUWindow{Seconds: 2, PowerW: new(600.0), PCIeRxBytesPerS: new(0.0), PCIeReplays: new(uint64(4)),
			Throttled:         map[string]float64{"sw_power_cap": 0.25, "sw_thermal": 1, "sync_boost": 0, "board_limit": 0, "reliability": 0, "hw_thermal": 0, "hw_power_brake": 0},
			NVLinkTxBytesPerS: new(1024.0 * 1024), NVLinkRxBytesPerS: new(0.0), NVLinkErrors: new(uint64(18)), ECCCorrected: new(uint64(0)), ECCUncorrected: new(uint64(0)),
			SMActive: new(0.885), SMOccupancy: new(0.4), TensorActive: new(0.5225), DRAMActive: new(0.61)}
		if diff := cmp.Diff(want, w); diff != "" {
			t.Error(diff)
		}
		d.Busy = nil // a board without activity counters still has the window
		r = nvml.NewCollector(&nvmltest.Library{GPUs: []*nvmltest.Device{d}}).Read(t.Context(), time.Second)
		if w := r.GPUs[0].Window; w == nil || w.Seconds != 1 || w.SMActive != nil || r.GPUs[0].NotRead["activity"] != "unsupported" {
			t.Errorf("without activity counters: %+v", w)
		}
	})
}

// Old drivers have no newer numbers; direct calls stand in.
func TestFallbacks(t *testing.T) {
	g := readOne(t, func(d *nvmltest.Device) {
		d.Numbers = nil
		for q, v := range map[nvml.Query]nvml.Values{nvml.PowerLimit: {300_000}, nvml.PowerSet: {310_000}, nvml.PowerDefault: {320_000}, nvml.PowerRange: {100_000, 400_000},
			nvml.Energy: {7000}, nvml.ECCErrors: {1, 2, 3, 4}, nvml.PCIeReplays: {9}, nvml.Remapped: {5, 6, 1, 0}} {
			d.Values[q] = v
		}
	})
	p, e, m := g.Power, g.ECC, g.RowRemap
	if *p.LimitW != 300 || *p.RequestedLimitW != 310 || *p.DefaultLimitW != 320 || *p.MinLimitW != 100 || *p.MaxLimitW != 400 || *p.EnergyJ != 7 {
		t.Errorf("power %+v", p)
	}
	if *e.VolatileCorrected != 1 || *e.VolatileUncorrected != 2 || *e.AggregateCorrected != 3 || *e.AggregateUncorrected != 4 || *g.PCIe.Replays != 9 {
		t.Errorf("ECC %+v, replays %v", e, g.PCIe.Replays)
	}
	if *m.Correctable != 5 || *m.Uncorrectable != 6 || !*m.Pending || *m.Failed || g.NVLink != nil {
		t.Errorf("remap %+v, nvlink %v", m, g.NVLink)
	}
}

func TestFabricAndLinks(t *testing.T) {
	g := readOne(t, func(d *nvmltest.Device) {
		d.Values[nvml.Fabric] = nvml.Values{3, 0, 7, 1 | 1<<4 | 4<<8 | 2<<12, nvml.NotAvailable}
		d.Links = map[uint32]map[nvml.FieldID]uint64{3: {165: 2, 161: 5}, 17: {165: 0, 163: 7, 161: 2}}
		d.Numbers[230] = 4
		d.Values[nvml.EventReasons] = nvml.Values{0x4 | 0x40 | 0x8}
	})
	if diff := cmp.Diff([]string{"degraded_bandwidth", "route_unhealthy", "no_partition", "wrong_configuration_no_partition"}, g.Fabric.Problems); diff != "" || g.Fabric.Health != "unhealthy" {
		t.Errorf("%s health %q", diff, g.Fabric.Health)
	}
	if *g.NVLink.Active != 17 || g.NVLink.Down[0] != 17 || g.RecoveryAction != "drain_and_reset" {
		t.Errorf("nvlink %+v, recovery %q", g.NVLink, g.RecoveryAction)
	}
	if diff := cmp.Diff(map[string]uint64{"replay": 7, "recovery": 0, "crc": 7}, g.NVLink.Errors); diff != "" {
		t.Error(diff)
	}
	older := readOne(t, func(d *nvmltest.Device) { // a call for each link, and sums instead of link counters
		delete(d.Numbers, 165)
		d.Numbers[38], d.Numbers[52] = 3, 1
		d.Args[nvmltest.Arg{Query: nvml.NVLink, Arg: 2}] = nvml.Values{0}
	})
	if n := older.NVLink; *n.Active != 17 || n.Down[0] != 2 || n.Errors["crc_flit"] != 3 || n.Errors["replay"] != 1 || len(n.Errors) != 2 {
		t.Errorf("older: %+v", n)
	}
	fifth := readOne(t, func(d *nvmltest.Device) {
		for _, id := range []nvml.FieldID{138, 139, 161, 162, 163} {
			delete(d.Numbers, id)
		}
		d.Numbers[202], d.Numbers[204], d.Numbers[208] = 100, 200, 1
	})
	if n := fifth.NVLink; *n.TxBytes != 1800 || *n.RxBytes != 3600 || n.Errors["receive"] != 18 || len(n.Errors) != 1 {
		t.Errorf("NVLink 5: %+v", n)
	}
	if diff := cmp.Diff([]string{"sw_power_cap", "hw_slowdown", "hw_thermal"}, *g.Throttle.Active); diff != "" {
		t.Error(diff)
	}
	for state, want := range map[uint64]string{1: "not_started", 2: "in_progress"} {
		g := readOne(t, func(d *nvmltest.Device) {
			d.Values[nvml.Fabric] = nvml.Values{state, 0, 0, nvml.NotAvailable, nvml.NotAvailable}
		})
		if g.Fabric.State != want || g.Fabric.Health != "" {
			t.Errorf("state %d: %+v", state, g.Fabric)
		}
	}
}
