//go:build linux && cgo

package nvml

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

var nan = math.NaN()

// getter is one NVML function behind a query, with the symbol it needs.
type getter struct {
	symbol string
	call   func(d nvml.Device, arg int) (Values, nvml.Return)
}

// texter is the same for a text.
type texter struct {
	symbol string
	call   func(d nvml.Device) (string, nvml.Return)
}

// one puts a call that gives one 32-bit number in the form of a getter.
func one[N ~uint32 | ~int | ~int32](symbol string, call func(nvml.Device) (N, nvml.Return)) []getter {
	return []getter{{symbol, func(d nvml.Device, _ int) (Values, nvml.Return) {
		v, ret := call(d)
		return Values{wide(v)}, ret
	}}}
}

// two is one for a call that gives two.
func two[N ~uint32 | ~int | ~int32](symbol string, call func(nvml.Device) (N, N, nvml.Return)) []getter {
	return []getter{{symbol, func(d nvml.Device, _ int) (Values, nvml.Return) {
		v, w, ret := call(d)
		return Values{wide(v), wide(w)}, ret
	}}}
}

// with is one for a call that has an argument.
func with[A ~int | ~int32 | ~uint32, N ~uint32 | ~int | ~int32](symbol string, call func(nvml.Device, A) (N, nvml.Return)) []getter {
	return []getter{{symbol, func(d nvml.Device, arg int) (Values, nvml.Return) {
		v, ret := call(d, A(arg))
		return Values{wide(v)}, ret
	}}}
}

// percentOf drops the sampling period that comes with an engine's use.
func percentOf(symbol string, call func(nvml.Device) (uint32, uint32, nvml.Return)) []getter {
	return one(symbol, func(d nvml.Device) (uint32, nvml.Return) {
		v, _, ret := call(d)
		return v, ret
	})
}

// getters are all queries; several rows are versions, newest first.
func getters() map[Query][]getter {
	return map[Query][]getter{
		Capability:   two("nvmlDeviceGetCudaComputeCapability", nvml.Device.GetCudaComputeCapability),
		Architecture: one("nvmlDeviceGetArchitecture", nvml.Device.GetArchitecture),
		ComputeMode:  one("nvmlDeviceGetComputeMode", nvml.Device.GetComputeMode),
		Persistence:  one("nvmlDeviceGetPersistenceMode", nvml.Device.GetPersistenceMode),
		Virtual:      one("nvmlDeviceGetVirtualizationMode", nvml.Device.GetVirtualizationMode),
		PState:       one("nvmlDeviceGetPerformanceState", nvml.Device.GetPerformanceState),
		Utilization: two("nvmlDeviceGetUtilizationRates", func(d nvml.Device) (uint32, uint32, nvml.Return) {
			u, ret := d.GetUtilizationRates()
			return u.Gpu, u.Memory, ret
		}),
		Encoder: percentOf("nvmlDeviceGetEncoderUtilization", nvml.Device.GetEncoderUtilization),
		Decoder: percentOf("nvmlDeviceGetDecoderUtilization", nvml.Device.GetDecoderUtilization),
		JPEG:    percentOf("nvmlDeviceGetJpgUtilization", nvml.Device.GetJpgUtilization),
		OFA:     percentOf("nvmlDeviceGetOfaUtilization", nvml.Device.GetOfaUtilization),
		Memory: {
			{"nvmlDeviceGetMemoryInfo_v2", func(d nvml.Device, _ int) (Values, nvml.Return) {
				m, ret := d.GetMemoryInfo_v2()
				return Values{m.Total, m.Used, m.Free, m.Reserved}, ret
			}},
			{"nvmlDeviceGetMemoryInfo", func(d nvml.Device, _ int) (Values, nvml.Return) {
				m, ret := d.GetMemoryInfo() // here "used" has what the driver reserves in it
				return Values{m.Total, m.Used, m.Free, NotAvailable}, ret
			}},
		},
		BAR1: {{"nvmlDeviceGetBAR1MemoryInfo", func(d nvml.Device, _ int) (Values, nvml.Return) {
			m, ret := d.GetBAR1MemoryInfo()
			return Values{m.Bar1Total, m.Bar1Used, m.Bar1Free}, ret
		}}},
		Temperature: slices.Concat(one("nvmlDeviceGetTemperature", func(d nvml.Device) (uint32, nvml.Return) {
			return d.GetTemperature(nvml.TEMPERATURE_GPU)
		}), one("nvmlDeviceGetTemperatureV", func(d nvml.Device) (int32, nvml.Return) { // its successor
			t, ret := d.GetTemperatureV().V1()
			return t.Temperature, ret
		})),
		Threshold: with("nvmlDeviceGetTemperatureThreshold", nvml.Device.GetTemperatureThreshold),
		Margin: {{"nvmlDeviceGetMarginTemperature", func(d nvml.Device, _ int) (Values, nvml.Return) {
			m, ret := d.GetMarginTemperature()
			return Values{uint64(int64(m.MarginTemperature))}, ret
		}}},
		Fan:          one("nvmlDeviceGetFanSpeed", nvml.Device.GetFanSpeed),
		PowerUsage:   one("nvmlDeviceGetPowerUsage", nvml.Device.GetPowerUsage),
		PowerLimit:   one("nvmlDeviceGetEnforcedPowerLimit", nvml.Device.GetEnforcedPowerLimit),
		PowerSet:     one("nvmlDeviceGetPowerManagementLimit", nvml.Device.GetPowerManagementLimit),
		PowerDefault: one("nvmlDeviceGetPowerManagementDefaultLimit", nvml.Device.GetPowerManagementDefaultLimit),
		PowerRange:   two("nvmlDeviceGetPowerManagementLimitConstraints", nvml.Device.GetPowerManagementLimitConstraints),
		Energy: {{"nvmlDeviceGetTotalEnergyConsumption", func(d nvml.Device, _ int) (Values, nvml.Return) {
			v, ret := d.GetTotalEnergyConsumption()
			return Values{v}, ret
		}}},
		Clock:    with("nvmlDeviceGetClockInfo", nvml.Device.GetClockInfo),
		MaxClock: with("nvmlDeviceGetMaxClockInfo", nvml.Device.GetMaxClockInfo),
		EventReasons: {
			{"nvmlDeviceGetCurrentClocksEventReasons", func(d nvml.Device, _ int) (Values, nvml.Return) {
				v, ret := d.GetCurrentClocksEventReasons()
				return Values{v}, ret
			}},
			{"nvmlDeviceGetCurrentClocksThrottleReasons", func(d nvml.Device, _ int) (Values, nvml.Return) {
				v, ret := d.GetCurrentClocksThrottleReasons()
				return Values{v}, ret
			}},
		},
		ECCMode:    two("nvmlDeviceGetEccMode", nvml.Device.GetEccMode),
		ECCErrors:  {{"nvmlDeviceGetTotalEccErrors", eccErrors}},
		SRAMErrors: {{"nvmlDeviceGetSramEccErrorStatus", sramErrors}},
		Remapped: {{"nvmlDeviceGetRemappedRows", func(d nvml.Device, _ int) (Values, nvml.Return) {
			cor, unc, pending, failed, ret := d.GetRemappedRows()
			return Values{wide(cor), wide(unc), bit(pending), bit(failed)}, ret
		}}},
		RemapBanks: {{"nvmlDeviceGetRowRemapperHistogram", func(d nvml.Device, _ int) (Values, nvml.Return) {
			h, ret := d.GetRowRemapperHistogram()
			return Values{wide(h.Max), wide(h.High), wide(h.Partial), wide(h.Low), wide(h.None)}, ret
		}}},
		PCIeNow:     {{"nvmlDeviceGetCurrPcieLinkWidth", link(nvml.Device.GetCurrPcieLinkGeneration, nvml.Device.GetCurrPcieLinkWidth)}},
		PCIeMax:     {{"nvmlDeviceGetMaxPcieLinkWidth", link(nvml.Device.GetMaxPcieLinkGeneration, nvml.Device.GetMaxPcieLinkWidth)}},
		PCIeReplays: one("nvmlDeviceGetPcieReplayCounter", nvml.Device.GetPcieReplayCounter),
		NVLink:      with("nvmlDeviceGetNvLinkState", nvml.Device.GetNvLinkState),
		Fabric:      {{"nvmlDeviceGetGpuFabricInfoV", fabric3}, {"nvmlDeviceGetGpuFabricInfoV", fabric2}, {"nvmlDeviceGetGpuFabricInfo", fabric1}},
		MIGMode:     two("nvmlDeviceGetMigMode", nvml.Device.GetMigMode),
		MIGMax:      one("nvmlDeviceGetMaxMigDeviceCount", nvml.Device.GetMaxMigDeviceCount),
		MIGIDs: {{"nvmlDeviceGetComputeInstanceId", func(d nvml.Device, _ int) (Values, nvml.Return) {
			gpu, ret := d.GetGpuInstanceId()
			if ret != nvml.SUCCESS {
				return Values{}, ret
			}
			compute, ret := d.GetComputeInstanceId()
			return Values{wide(gpu), wide(compute)}, ret
		}}},
		MIGShape: {{"nvmlDeviceGetAttributes_v2", func(d nvml.Device, _ int) (Values, nvml.Return) {
			a, ret := d.GetAttributes()
			return Values{wide(a.MultiprocessorCount), a.MemorySizeMB}, ret
		}}},
	}
}

func texters() map[DeviceText]texter {
	return map[DeviceText]texter{
		Name:        {"nvmlDeviceGetName", nvml.Device.GetName},
		UUID:        {"nvmlDeviceGetUUID", nvml.Device.GetUUID},
		Serial:      {"nvmlDeviceGetSerial", nvml.Device.GetSerial},
		VBIOS:       {"nvmlDeviceGetVbiosVersion", nvml.Device.GetVbiosVersion},
		GSPFirmware: {"nvmlDeviceGetGspFirmwareVersion", nvml.Device.GetGspFirmwareVersion},
		PCIBusID: {"nvmlDeviceGetPciInfo_v3", func(d nvml.Device) (string, nvml.Return) {
			info, ret := d.GetPciInfo()
			return chars(info.BusId[:]), ret
		}},
		ClusterUUID: {"nvmlDeviceGetGpuFabricInfoV", func(d nvml.Device) (string, nvml.Return) {
			info, ret := d.GetGpuFabricInfoV().V2()
			u := info.ClusterUuid
			if u == [16]uint8{} {
				return "", ret
			}
			return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]), ret
		}},
	}
}

// chars reads a C string.
func chars(c []int8) string {
	var b strings.Builder
	for _, x := range c {
		if x == 0 {
			break
		}
		b.WriteByte(byte(x))
	}
	return b.String()
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func link(generation, width func(nvml.Device) (int, nvml.Return)) func(nvml.Device, int) (Values, nvml.Return) {
	return func(d nvml.Device, _ int) (Values, nvml.Return) {
		g, ret := generation(d)
		if ret != nvml.SUCCESS {
			return Values{}, ret
		}
		w, ret := width(d)
		return Values{wide(g), wide(w)}, ret
	}
}

func eccErrors(d nvml.Device, _ int) (Values, nvml.Return) {
	var v Values
	for i, c := range []struct {
		kind    nvml.MemoryErrorType
		counter nvml.EccCounterType
	}{
		{nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.VOLATILE_ECC}, {nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC},
		{nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.AGGREGATE_ECC}, {nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.AGGREGATE_ECC},
	} {
		n, ret := d.GetTotalEccErrors(c.kind, c.counter)
		if ret != nvml.SUCCESS {
			return v, ret
		}
		v[i] = n
	}
	return v, nvml.SUCCESS
}

func sramErrors(d nvml.Device, _ int) (Values, nvml.Return) {
	s, ret := d.GetSramEccErrorStatus()
	return Values{wide(s.BThresholdExceeded)}, ret
}

func fabric3(d nvml.Device, _ int) (Values, nvml.Return) {
	i, ret := d.GetGpuFabricInfoV().V3()
	return Values{uint64(i.State), uint64(i.Status), wide(i.CliqueId), uint64(i.HealthMask), uint64(i.HealthSummary)}, ret
}

func fabric2(d nvml.Device, _ int) (Values, nvml.Return) {
	i, ret := d.GetGpuFabricInfoV().V2()
	return Values{uint64(i.State), uint64(i.Status), wide(i.CliqueId), uint64(i.HealthMask), NotAvailable}, ret
}

func fabric1(d nvml.Device, _ int) (Values, nvml.Return) {
	i, ret := d.GetGpuFabricInfo()
	return Values{uint64(i.State), uint64(i.Status), wide(i.CliqueId), NotAvailable, NotAvailable}, ret
}
