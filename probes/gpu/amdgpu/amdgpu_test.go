package amdgpu

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"llmops/probes/snapshot"
)

func fixture(t *testing.T) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile("../../../fixtures/gpu/amdgpu.txtar")
	if err != nil {
		t.Fatal(err)
	}
	sys := fstest.MapFS{}
	for _, f := range a.Files {
		sys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return sys
}

func TestRead(t *testing.T) {
	r := Read(fixture(t))
	want := []snapshot.GPU{
		{Index: 0, Vendor: "amd", Source: "amdgpu", State: "ok", Name: "AMD Instinct MI300X", UUID: "00000000000000aa", VBIOS: "113-M3000100-102", PCI: "0000:05:00.0",
			NUMANode: new(1), Utilization: new(0.83), MemoryCtrlUtilization: new(0.42),
			Memory: &snapshot.GPUMemory{TotalBytes: new(uint64(206141652992)), UsedBytes: new(uint64(103070826496)), FreeBytes: new(uint64(103070826496)), Utilization: new(0.5)},
			GTT:    &snapshot.GPUMemory{TotalBytes: new(uint64(1000000)), UsedBytes: new(uint64(0)), FreeBytes: new(uint64(1000000)), Utilization: new(0.0)},
			// no edge sensor: the junction stands in for it
			Temperature: &snapshot.GPUTemperature{GPUC: new(61.0), HotspotC: new(61.0), MemoryC: new(55.5), SlowdownC: new(100.0), ShutdownC: new(105.0)},
			Power:       &snapshot.GPUPower{DrawW: new(412.0), InstantW: new(412.0), LimitW: new(750.0)},
			Clocks:      &snapshot.GPUClocks{SMMHz: new(1200.0), MaxSMMHz: new(2100.0)},
			ECC:         &snapshot.GPUECC{VolatileCorrected: new(uint64(6)), VolatileUncorrected: new(uint64(1))},
			PCIe:        &snapshot.GPUPCIe{Generation: new(5), MaxGeneration: new(5), Width: new(8), MaxWidth: new(16), Replays: new(uint64(7))},
			Processes:   []snapshot.GPUProcess{{PID: 9000, Type: "compute", MemoryBytes: new(uint64(5))}, {PID: 9001, Type: "compute", MemoryBytes: new(uint64(100000000))}}},
		{Index: 1, Vendor: "amd", Source: "amdgpu", State: "ok", Name: "AMD GPU 0x744c", Fan: new(0.2),
			Temperature: &snapshot.GPUTemperature{GPUC: new(-5.0), HotspotC: new(70.0)}, Power: &snapshot.GPUPower{DrawW: new(35.0), AverageW: new(35.0)}},
	}
	if diff := cmp.Diff(want, r.GPUs); diff != "" {
		t.Error(diff)
	}
	if len(r.Errors) != 0 {
		t.Errorf("errors %v", r.Errors)
	}
}

// refusing gives no file of that name away, and another no content.
type refusing struct{ fs.FS }

func (r refusing) Open(name string) (fs.File, error) {
	if name == "class/drm/card1/device/gpu_busy_percent" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return r.FS.Open(name)
}

func TestRefusedAndAbsent(t *testing.T) {
	r := Read(refusing{fixture(t)})
	if len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Forbidden || r.GPUs[0].Utilization != nil || r.GPUs[0].Memory == nil {
		t.Errorf("errors %+v", r.Errors)
	}
	for name, sys := range map[string]fs.FS{"nothing": fstest.MapFS{}, "no AMD": fstest.MapFS{"class/drm/card0/device/vendor": {Data: []byte("0x10de\n")}}} {
		if r := Read(sys); len(r.GPUs) != 0 || len(r.Errors) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
