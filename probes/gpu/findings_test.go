package gpu

import (
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/probes/gpu/xid"
	"llmops/probes/snapshot"
)

func now() time.Time { return time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) }

// Each fact makes its finding, with its severity, and says which GPU.
func TestFindings(t *testing.T) {
	one := uint64(1)
	for id, tt := range map[string]struct {
		g        snapshot.GPU
		severity snapshot.Severity
		words    string // in summary or why
	}{
		"gpu_lost":                  {snapshot.GPU{State: snapshot.GPULost}, "critical", "bus"},
		"gpu_reset_required":        {snapshot.GPU{State: snapshot.GPUResetRequired}, "critical", "reset"},
		"gpu_timeout":               {snapshot.GPU{State: snapshot.GPUTimeout}, "critical", "did not answer"},
		"gpu_forbidden":             {snapshot.GPU{State: snapshot.GPUForbidden}, "warning", "may not"},
		"gpu_error":                 {snapshot.GPU{State: snapshot.GPUFailed}, "warning", "opened"},
		"gpu_recovery_needed":       {snapshot.GPU{RecoveryAction: "drain_and_reset"}, "critical", "drain and reset"},
		"gpu_ecc_uncorrected":       {snapshot.GPU{ECC: &snapshot.GPUECC{VolatileUncorrected: &one}}, "critical", "1 uncorrected memory error since"},
		"gpu_ecc_sram_threshold":    {snapshot.GPU{ECC: &snapshot.GPUECC{SRAMThresholdExceeded: new(true)}}, "critical", "threshold"},
		"gpu_ecc_pending":           {snapshot.GPU{ECC: &snapshot.GPUECC{Enabled: new(true), PendingEnabled: new(false)}}, "info", "next reset"},
		"gpu_ecc_off":               {snapshot.GPU{ECC: &snapshot.GPUECC{Enabled: new(false)}}, "info", "off"},
		"gpu_row_remap_failed":      {snapshot.GPU{RowRemap: &snapshot.GPURowRemap{Failed: new(true)}}, "critical", "row"},
		"gpu_row_remap_pending":     {snapshot.GPU{RowRemap: &snapshot.GPURowRemap{Pending: new(true)}}, "warning", "row"},
		"gpu_retired_pages_pending": {snapshot.GPU{RetiredPages: &snapshot.GPURetired{Pending: new(true)}}, "warning", "pages"},
		"gpu_memory_full":           {snapshot.GPU{Memory: &snapshot.GPUMemory{Utilization: new(0.985)}}, "info", "98.5 %"},
		"gpu_throttled_hw_thermal": {snapshot.GPU{Throttle: &snapshot.GPUThrottle{Active: &[]string{"hw_slowdown", "hw_thermal"}},
			Clocks: &snapshot.GPUClocks{SMMHz: new(765.0), MaxSMMHz: new(1530.0)}, Temperature: &snapshot.GPUTemperature{GPUC: new(86.0)}}, "warning", "clock 765 of 1530 MHz, 86 °C"},
		"gpu_throttled_hw_slowdown": {snapshot.GPU{Throttle: &snapshot.GPUThrottle{Active: &[]string{"hw_slowdown"}}}, "warning", "halves"},
		"gpu_throttled_sw_thermal":  {snapshot.GPU{Window: &snapshot.GPUWindow{Seconds: 2, Throttled: map[string]float64{"sw_thermal": 0.25}}}, "warning", "25 % of 2 s"},
		"gpu_power_capped": {snapshot.GPU{Throttle: &snapshot.GPUThrottle{Active: &[]string{"sw_power_cap"}},
			Power: &snapshot.GPUPower{DrawW: new(699.6), LimitW: new(700.0)}}, "info", "700 of 700 W"},
		"gpu_hot":              {snapshot.GPU{Temperature: &snapshot.GPUTemperature{GPUC: new(90.0), SlowdownC: new(90.0)}}, "critical", "90 °C"},
		"gpu_pcie_width":       {snapshot.GPU{PCIe: &snapshot.GPUPCIe{Width: new(8), MaxWidth: new(16)}}, "warning", "8 lanes wide, 16"},
		"gpu_pcie_fatal":       {snapshot.GPU{PCIe: &snapshot.GPUPCIe{Errors: map[string]uint64{"fatal": 2}}}, "critical", "2 fatal"},
		"gpu_pcie_replays":     {snapshot.GPU{PCIe: &snapshot.GPUPCIe{}, Window: &snapshot.GPUWindow{Seconds: 1, PCIeReplays: new(uint64(5))}}, "warning", "5 PCIe"},
		"gpu_nvlink_down":      {snapshot.GPU{NVLink: &snapshot.GPUNVLink{Links: new(18), Active: new(17), Down: []int{4}}}, "warning", "17 of 18"},
		"gpu_nvlink_errors":    {snapshot.GPU{NVLink: &snapshot.GPUNVLink{}, Window: &snapshot.GPUWindow{Seconds: 1, NVLinkErrors: &one}}, "warning", "1 NVLink"},
		"gpu_fabric_unhealthy": {snapshot.GPU{Fabric: &snapshot.GPUFabric{Health: "unhealthy", Problems: []string{"route_unhealthy"}}}, "critical", "route_unhealthy"},
		"gpu_fabric_degraded":  {snapshot.GPU{Fabric: &snapshot.GPUFabric{Health: "limited_capacity"}}, "warning", "in part"},
		"gpu_fabric_not_ready": {snapshot.GPU{Fabric: &snapshot.GPUFabric{State: "in_progress"}}, "warning", "not registered"},
		"gpu_fabric_error":     {snapshot.GPU{Fabric: &snapshot.GPUFabric{State: "completed", Status: "NVML error 999"}}, "critical", "999"},
		"gpu_xid":              {snapshot.GPU{XIDs: []snapshot.GPUXID{{Code: 79, At: now().Add(-time.Hour), Count: 3, Severity: "critical", Meaning: "gone"}}}, "critical", "3 times"},
		"gpu_persistence_off":  {snapshot.GPU{Persistence: new(false)}, "info", "persistence"},
		"gpu_mig":              {snapshot.GPU{MIG: &snapshot.GPUMIG{Enabled: new(true), Instances: make([]snapshot.GPUInstance, 2)}}, "info", "2 instances"},
	} {
		g := tt.g
		g.Index = 3
		if g.State == "" {
			g.State = snapshot.GPUOK
		}
		got := Findings([]snapshot.GPU{g}, now())
		if len(got) != 1 || got[0].ID != id || got[0].Severity != tt.severity || got[0].Entity != "gpu=3" || !strings.Contains(got[0].Summary, "GPU 3: ") ||
			!strings.Contains(got[0].Summary+" "+got[0].Why, tt.words) {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// A healthy GPU, an idle one with slow clocks and a link at a lower
// generation, and one of which nothing is known: no finding.
func TestNoFindings(t *testing.T) {
	for name, g := range map[string]snapshot.GPU{
		"unknown": {State: snapshot.GPUOK},
		"healthy": {State: snapshot.GPUOK, RecoveryAction: "none", ECC: &snapshot.GPUECC{Enabled: new(true), PendingEnabled: new(true), VolatileUncorrected: new(uint64(0)), AggregateUncorrected: new(uint64(9))},
			RowRemap: &snapshot.GPURowRemap{Pending: new(false), Failed: new(false), Uncorrectable: new(uint64(1))}, Memory: &snapshot.GPUMemory{Utilization: new(0.9)},
			NVLink: &snapshot.GPUNVLink{Links: new(18), Active: new(18)}, Fabric: &snapshot.GPUFabric{State: "completed", Status: "ok", Health: "healthy"},
			Window: &snapshot.GPUWindow{Seconds: 1, Throttled: map[string]float64{"sw_thermal": 0.01, "sw_power_cap": 0.2}, NVLinkErrors: new(uint64(0)), PCIeReplays: new(uint64(0))}},
		"idle": {State: snapshot.GPUOK, Throttle: &snapshot.GPUThrottle{Active: &[]string{"idle", "app_clocks"}}, PCIe: &snapshot.GPUPCIe{Generation: new(1), MaxGeneration: new(5), Width: new(16), MaxWidth: new(16)},
			NVLink: &snapshot.GPUNVLink{Links: new(12), Active: new(0)}},
	} {
		if got := Findings([]snapshot.GPU{g}, now()); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Events of last week are told, but are no alarm; one without a time is.
func TestOldEvents(t *testing.T) {
	for at, want := range map[time.Time]snapshot.Severity{now().Add(-23 * time.Hour): "critical", now().Add(-25 * time.Hour): "info", {}: "critical"} {
		g := snapshot.GPU{State: snapshot.GPUOK, XIDs: []snapshot.GPUXID{{Code: 79, At: at, Count: 1, Severity: "critical", Meaning: "gone"}}}
		if f := Findings([]snapshot.GPU{g}, now()); f[0].Severity != want {
			t.Errorf("Xid at %v: %s, want %s", at, f[0].Severity, want)
		}
		if f := killed(xid.Kill{At: at, Process: "vllm", Cgroup: true, Count: 2}, now()); f.Severity != want || f.Entity != "process=vllm" || !strings.Contains(f.Why, "control group") {
			t.Errorf("kill at %v: %+v", at, f)
		}
	}
	sx := strayXID(xid.Event{PCI: "0000:c1:00", Switch: true, GPUXID: snapshot.GPUXID{Code: 20034, Count: 1, Severity: "critical", Meaning: "fatal"}}, now())
	if sx.ID != "nvswitch_sxid" || sx.Entity != "pci=0000:c1:00" {
		t.Errorf("%+v", sx)
	}
}

func TestSortFindings(t *testing.T) {
	f := []snapshot.Finding{{ID: "a", Severity: "info"}, {ID: "b", Severity: "critical"}, {ID: "c", Severity: "warning"}, {ID: "d", Severity: "critical"}}
	SortFindings(f)
	if got := ids(f); !slices.Equal(got, []string{"b", "d", "c", "a"}) {
		t.Errorf("got %v", got)
	}
}

// Secrets of a command line; names that only look like one stay.
func TestCommand(t *testing.T) {
	for in, want := range map[string]string{
		"vllm\x00serve\x00m\x00--api-key\x00s3cret\x00":          "vllm serve m --api-key ***",
		"x\x00--api-key=s3cret\x00--port\x001\x00":               "x --api-key=*** --port 1",
		"env\x00HF_TOKEN=s3cret\x00python\x00":                   "env HF_TOKEN=*** python",
		"x\x00--max-tokens\x0010\x00--tokenizer\x00t\x00":        "x --max-tokens 10 --tokenizer t",
		"x\x00postgres://u:s3cret@h/db\x00":                      "x postgres://***@h/db",
		"x\x00--url=https://u:s3cret@h/?a=b\x00":                 "x --url=https://***@h/?a=b",
		"x\x00--db.password\x00s3cret\x00":                       "x --db.password ***",
		"x\x00--use-key\x00--verbose\x00":                        "x --use-key --verbose",
		"x\x00https://h/a@b\x00":                                 "x https://h/a@b",
		"x\x1b[2J\x00":                                           "x[2J",
		"":                                                       "",
		strings.Repeat("a", 400) + "\x00":                        strings.Repeat("a", 300) + "…",
		"python\x00-m\x00vllm\x00--served-model-name\x00key\x00": "python -m vllm --served-model-name key",
	} {
		if got := command([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzCommand(f *testing.F) {
	f.Add("x\x00--token\x00", "S3CRET")
	f.Add("\x00=\x00://@", "%zz")
	f.Fuzz(func(t *testing.T, before, secret string) {
		if len(secret) < 4 || strings.HasPrefix(secret, "-") || strings.ContainsAny(secret, "\x00*") || strings.Contains(before, secret) || len(before) > 200 || strings.HasSuffix(before, "-") {
			t.Skip()
		}
		line := command([]byte(before + "\x00--api-key=" + secret + "\x00"))
		if strings.Contains(line, secret) && !strings.Contains("--api-key=***…", secret) {
			t.Errorf("%q shows %q", line, secret)
		}
	})
}

func TestContainer(t *testing.T) {
	id := strings.Repeat("0a", 32)
	for in, want := range map[string][2]string{
		"0::/system.slice/docker-" + id + ".scope\n":                                                     {id, ""},
		"12:cpu:/docker/" + id + "\n11:memory:/docker/" + id + "\n":                                      {id, ""},
		"0::/kubepods/besteffort/pod11111111-2222-3333-4444-555555555555/" + id + "\n":                   {id, "11111111-2222-3333-4444-555555555555"},
		"0::/machine.slice/libpod-" + id + ".scope/container\n":                                          {id, ""},
		"0::/../../kubepods-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd:x:" + id + "\n": {id, "11111111-2222-3333-4444-555555555555"},
		"0::/user.slice/user-1000.slice/session-2.scope\n":                                               {"", ""},
		"0::/\n": {"", ""}, "": {"", ""}, "garbage": {"", ""},
	} {
		if got, pod := container(in); got != want[0] || pod != want[1] {
			t.Errorf("%q: %q, %q", in, got, pod)
		}
	}
}
