//go:build linux && cgo

package nvml

import (
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Open loads the driver's library and starts it. That can take seconds where
// persistence is off, and can hang.
func Open() (Library, Status) { return open(nvml.New()) }

func open(lib nvml.Interface) (Library, Status) {
	if s := Status(lib.Init()); s != OK {
		return nil, s
	}
	l := &library{lib: lib, gets: getters(), texts: texters()}
	l.has = l.symbols()
	return l, OK
}

// library guards every call: a function that the installed driver lacks is
// bound when it is called, and then ends the process, with nothing to recover.
type library struct {
	lib   nvml.Interface
	gets  map[Query][]getter
	texts map[DeviceText]texter
	has   map[string]bool
}

// symbols looks up, once, every function that the tables name.
func (l *library) symbols() map[string]bool {
	names := []string{symFields, symCount, symDevice, symMIG, symDriver, symCUDA, symGPM}
	for _, s := range processSymbols {
		names = append(names, s...)
	}
	for _, calls := range l.gets {
		for _, c := range calls {
			names = append(names, c.symbol)
		}
	}
	for _, c := range l.texts {
		names = append(names, c.symbol)
	}
	has := make(map[string]bool, len(names))
	for _, name := range names {
		has[name] = l.lib.Extensions().LookupSymbol(name) == nil
	}
	return has
}

const (
	symFields = "nvmlDeviceGetFieldValues"
	symCount  = "nvmlDeviceGetCount_v2"
	symDevice = "nvmlDeviceGetHandleByIndex_v2"
	symMIG    = "nvmlDeviceGetMigDeviceHandleByIndex"
	symDriver = "nvmlSystemGetDriverVersion"
	symCUDA   = "nvmlSystemGetCudaDriverVersion"
	symGPM    = "nvmlGpmMetricsGet" // its sample functions came with it
)

// processSymbols are versions of one list each; go-nvml takes the newest there is.
var processSymbols = [...][]string{
	Compute:  {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses"},
	Graphics: {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2", "nvmlDeviceGetGraphicsRunningProcesses"},
	MPS:      {"nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2", "nvmlDeviceGetMPSComputeRunningProcesses"},
}

func (l *library) Text(t LibraryText) (string, Status) {
	switch {
	case t == DriverVersion && l.has[symDriver]:
		v, ret := l.lib.SystemGetDriverVersion()
		return v, Status(ret)
	case t == CUDAVersion && l.has[symCUDA]:
		v, ret := l.lib.SystemGetCudaDriverVersion()
		return fmt.Sprintf("%d.%d", v/1000, v%1000/10), Status(ret)
	}
	return "", NoFunction
}

func (l *library) Count() (int, Status) {
	if !l.has[symCount] {
		return 0, NoFunction
	}
	n, ret := l.lib.DeviceGetCount()
	return n, Status(ret)
}

func (l *library) Device(i int) (Device, Status) {
	if !l.has[symDevice] {
		return nil, NoFunction
	}
	d, ret := l.lib.DeviceGetHandleByIndex(i)
	if s := Status(ret); s != OK {
		return nil, s
	}
	return device{l, d}, OK
}

func (l *library) Close() { _ = l.lib.Shutdown() }

type device struct {
	lib *library
	dev nvml.Device
}

func (d device) Text(t DeviceText) (string, Status) {
	c, ok := d.lib.texts[t]
	if !ok || !d.lib.has[c.symbol] {
		return "", NoFunction
	}
	v, ret := c.call(d.dev)
	return v, Status(ret)
}

// Get tries the versions of a call, newest first.
func (d device) Get(q Query, arg int) (Values, Status) {
	status := NoFunction
	for _, c := range d.lib.gets[q] {
		if !d.lib.has[c.symbol] {
			continue
		}
		v, ret := c.call(d.dev, arg)
		switch status = Status(ret); status {
		case NotSupported, NoFunction, OldVersion, Deprecated, InvalidArgument:
			continue
		}
		return v, status
	}
	return Values{}, status
}

func (d device) Fields(fields []Field) Status {
	if !d.lib.has[symFields] {
		return NoFunction
	}
	ask := make([]nvml.FieldValue, len(fields))
	for i, f := range fields {
		ask[i] = nvml.FieldValue{FieldId: uint32(f.ID), ScopeId: f.Scope}
	}
	if s := Status(d.dev.GetFieldValues(ask)); s != OK {
		return s
	}
	for i, a := range ask {
		fields[i].Status, fields[i].Value = Status(a.NvmlReturn), decode(a.ValueType, a.Value)
	}
	return OK
}

func (d device) Processes(t ProcessType) ([]Process, Status) {
	var list []nvml.ProcessInfo
	var ret nvml.Return
	switch {
	case !slices.ContainsFunc(processSymbols[t], func(s string) bool { return d.lib.has[s] }):
		return nil, NoFunction
	case t == Compute:
		list, ret = d.dev.GetComputeRunningProcesses()
	case t == Graphics:
		list, ret = d.dev.GetGraphicsRunningProcesses()
	default:
		list, ret = d.dev.GetMPSComputeRunningProcesses()
	}
	out := make([]Process, len(list))
	for i, p := range list {
		out[i] = Process{PID: p.Pid, MemoryBytes: p.UsedGpuMemory, GPUInstance: p.GpuInstanceId}
	}
	return out, Status(ret)
}

func (d device) MIG(i int) (Device, Status) {
	if !d.lib.has[symMIG] {
		return nil, NoFunction
	}
	dev, ret := d.dev.GetMigDeviceHandleByIndex(i)
	if s := Status(ret); s != OK {
		return nil, s
	}
	return device{d.lib, dev}, OK
}

// gpmMetrics are NVML's numbers of the metrics in the order of Activity.
var gpmMetrics = [...]nvml.GpmMetricId{nvml.GPM_METRIC_SM_UTIL, nvml.GPM_METRIC_SM_OCCUPANCY,
	nvml.GPM_METRIC_ANY_TENSOR_UTIL, nvml.GPM_METRIC_DRAM_BW_UTIL}

func (d device) Activity(wait func()) (Activity, Status) {
	if !d.lib.has[symGPM] {
		return Activity{}, NoFunction
	}
	support, ret := d.dev.GpmQueryDeviceSupport()
	if s := Status(ret); s != OK {
		return Activity{}, s
	}
	if support.IsSupportedDevice == 0 {
		return Activity{}, NotSupported
	}
	var samples [2]nvml.GpmSample
	for i := range samples {
		sample, ret := d.lib.lib.GpmSampleAlloc()
		if s := Status(ret); s != OK {
			return Activity{}, s
		}
		defer func() { _ = sample.Free() }()
		samples[i] = sample
	}
	if s := Status(d.dev.GpmSampleGet(samples[0])); s != OK {
		return Activity{}, s
	}
	wait()
	if s := Status(d.dev.GpmSampleGet(samples[1])); s != OK {
		return Activity{}, s
	}
	ask := nvml.GpmMetricsGetType{NumMetrics: uint32(len(gpmMetrics)), Sample1: samples[0], Sample2: samples[1]}
	for i, id := range gpmMetrics {
		ask.Metrics[i].MetricId = uint32(id)
	}
	if s := Status(d.lib.lib.GpmMetricsGet(&ask)); s != OK {
		return Activity{}, s
	}
	value := func(i int) float64 {
		if m := ask.Metrics[i]; Status(m.NvmlReturn) == OK {
			return m.Value
		}
		return nan
	}
	return Activity{SM: value(0), Occupancy: value(1), Tensor: value(2), DRAM: value(3)}, OK
}
