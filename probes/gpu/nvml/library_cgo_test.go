//go:build linux && cgo

package nvml

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"llmops/probes/snapshot"
)

// Against a library with a handful of functions: a call without a guard would
// end this process, which no test could report in a better way.
func TestOldDriver(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no C compiler")
	}
	so := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	if out, err := exec.CommandContext(t.Context(), gcc, "-shared", "-fPIC", "-w", "-o", so, "testdata/olddriver.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lib, s := open(nvml.New(nvml.WithLibraryPath(so)))
	if s != OK {
		t.Fatal(s.Words())
	}
	defer lib.Close()
	r := NewCollector(lib).Read(t.Context(), 1)
	if len(r.GPUs) != 1 || len(r.Errors) != 0 || r.Driver != "418.226.00" || r.CUDA != "" {
		t.Fatalf("%d GPUs, errors %v, driver %q, CUDA %q", len(r.GPUs), r.Errors, r.Driver, r.CUDA)
	}
	g := r.GPUs[0]
	if g.Name != "Tesla V100-SXM2-16GB" || *g.Memory.TotalBytes != 16<<30 || *g.Memory.UsedBytes != 4<<30 || g.Memory.ReservedBytes != nil {
		t.Errorf("name %q, memory %+v", g.Name, g.Memory)
	}
	if *g.Temperature.GPUC != 41 || *g.Temperature.MemoryC != 39 || *g.Temperature.SlowdownTLimitC != -2 {
		t.Errorf("temperature %+v", g.Temperature)
	}
	if *g.Power.EnergyJ != 123.456 || g.Power.DrawW != nil || g.PCIe.Replays != nil {
		t.Errorf("power %+v, replays %v: sentinels are no numbers", g.Power, g.PCIe.Replays)
	}
	if g.ECC != nil {
		t.Errorf("a NaN became %+v", g.ECC)
	}
	if a := *g.Throttle.Active; len(a) != 1 || a[0] != "sw_thermal" {
		t.Errorf("throttle reasons by their older name: %v", a)
	}
	for _, part := range []string{"serial", "bar1", "fabric", "mig", "utilization", "uuid", "activity"} {
		if g.NotRead[part] != snapshot.Unsupported {
			t.Errorf("%s: %q, want unsupported", part, g.NotRead[part])
		}
	}
	if g.NotRead["processes"] != "" {
		t.Errorf("processes by their older name: %q", g.NotRead["processes"])
	}
}

// A symbol with a typing error would look like an old driver for ever.
func TestSymbolsExist(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		t.Skip("no module folder")
	}
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "pkg/nvml/nvml.h"))
	if err != nil {
		t.Skip(err)
	}
	l := &library{lib: nvml.New(), gets: getters(), texts: texters()}
	for symbol := range l.symbols() {
		if !strings.Contains(string(header), symbol+"(") && !strings.Contains(string(header), symbol+" ") && !strings.Contains(string(header), symbol+"\n") {
			t.Errorf("%s is not in nvml.h", symbol)
		}
	}
	for q := range queries {
		if len(l.gets[q]) == 0 {
			t.Errorf("query %d has no call", q)
		}
	}
	for x := range texts {
		if l.texts[x].call == nil {
			t.Errorf("text %d has no call", x)
		}
	}
}

// Statuses are NVML's own numbers.
func TestStatusNumbers(t *testing.T) {
	for ours, theirs := range map[Status]nvml.Return{OK: nvml.SUCCESS, InvalidArgument: nvml.ERROR_INVALID_ARGUMENT, NotSupported: nvml.ERROR_NOT_SUPPORTED,
		NoPermission: nvml.ERROR_NO_PERMISSION, NotFound: nvml.ERROR_NOT_FOUND, NoPower: nvml.ERROR_INSUFFICIENT_POWER, NotLoaded: nvml.ERROR_DRIVER_NOT_LOADED,
		TimedOut: nvml.ERROR_TIMEOUT, IRQIssue: nvml.ERROR_IRQ_ISSUE, NoLibrary: nvml.ERROR_LIBRARY_NOT_FOUND, NoFunction: nvml.ERROR_FUNCTION_NOT_FOUND,
		CorruptInfoROM: nvml.ERROR_CORRUPTED_INFOROM, Lost: nvml.ERROR_GPU_IS_LOST, ResetRequired: nvml.ERROR_RESET_REQUIRED, OSBlocked: nvml.ERROR_OPERATING_SYSTEM,
		Mismatch: nvml.ERROR_LIB_RM_VERSION_MISMATCH, NoData: nvml.ERROR_NO_DATA, OldVersion: nvml.ERROR_ARGUMENT_VERSION_MISMATCH,
		Deprecated: nvml.ERROR_DEPRECATED, NotReady: nvml.ERROR_NOT_READY, GPUNotFound: nvml.ERROR_GPU_NOT_FOUND, Unknown: nvml.ERROR_UNKNOWN} {
		if int(ours) != int(theirs) {
			t.Errorf("%s: %d, NVML has %d", ours.Words(), ours, theirs)
		}
	}
	for _, f := range []struct {
		ours   FieldID
		theirs int
	}{{fiECCMode, nvml.FI_DEV_ECC_CURRENT}, {fiRecovery, nvml.FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL}, {fiThrottleReliability, nvml.FI_DEV_PERF_POLICY_RELIABILITY},
		{fiLinkRx, nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX}, {fiRemapFailed, nvml.FI_DEV_REMAPPED_FAILURE}, {fiDLCRC, nvml.FI_DEV_NVLINK_ERROR_DL_CRC}, {fiLinkState, nvml.FI_DEV_NVLINK_GET_STATE},
		{fiPCIeLane, nvml.FI_DEV_PCIE_COUNT_LANE_ERROR}, {fiPowerRequested, nvml.FI_DEV_POWER_REQUESTED_LIMIT}, {fiGPUMaxTLimit, nvml.FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT},
		{fiPCIeRx, nvml.FI_DEV_PCIE_COUNT_RX_BYTES}, {fiRecoveryAction, nvml.FI_DEV_GET_GPU_RECOVERY_ACTION}, {fiThrottlePowerBrake, nvml.FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN}} {
		if int(f.ours) != f.theirs {
			t.Errorf("field %d is %d in nvml.h", f.ours, f.theirs)
		}
	}
}
