// Package nvmltest is a driver that does not exist: GPUs as maps, with the
// faults of real ones. Tests of what stands on NVML use it, with cgo or without.
// It must not be part of a program.
package nvmltest

import (
	"fmt"
	"sync"
	"time"

	"llmops/probes/gpu/nvml"
)

// Library is a driver with these GPUs.
type Library struct {
	GPUs   []*Device
	Closed bool
	Hang   chan struct{} // counting GPUs waits until it is closed
}

// Open is what a prober opens.
func (l *Library) Open() (nvml.Library, nvml.Status) { return l, nvml.OK }

// Text names a driver.
func (l *Library) Text(t nvml.LibraryText) (string, nvml.Status) {
	if t == nvml.CUDAVersion {
		return "12.4", nvml.OK
	}
	return "550.54.15", nvml.OK
}

// Count counts the GPUs.
func (l *Library) Count() (int, nvml.Status) {
	if l.Hang != nil {
		<-l.Hang
	}
	return len(l.GPUs), nvml.OK
}

// Device opens one.
func (l *Library) Device(i int) (nvml.Device, nvml.Status) {
	d := l.GPUs[i]
	return d, d.Opens
}

// Close notes that it was called.
func (l *Library) Close() { l.Closed = true }

// Costs are what calls take. OneByOne, with room for one, makes calls wait for
// each other, as calls into one driver do at worst.
type Costs struct {
	Text, Get, Fields, Processes time.Duration
	OneByOne                     chan struct{}
}

// Arg is a query with its argument.
type Arg struct {
	Query nvml.Query
	Arg   int
}

// Device is one GPU or MIG device. A query that is in no map is not supported.
type Device struct {
	Opens     nvml.Status // what opening it gives
	Texts     map[nvml.DeviceText]string
	Values    map[nvml.Query]nvml.Values
	Args      map[Arg]nvml.Values // goes before Values
	Statuses  map[nvml.Query]nvml.Status
	Numbers   map[nvml.FieldID]uint64
	Links     map[uint32]map[nvml.FieldID]uint64 // fields of one link; goes before Numbers
	Lists     map[nvml.ProcessType][]nvml.Process
	ListFails nvml.Status
	Instances map[int]*Device
	Busy      *nvml.Activity
	OnWait    func() // at the end of a window, to move counters
	Costs     Costs
	Hang      chan struct{} // every number waits until it is closed

	mu    sync.Mutex
	Calls int
}

func (d *Device) pay(cost time.Duration) {
	d.mu.Lock()
	d.Calls++
	d.mu.Unlock()
	if one := d.Costs.OneByOne; one != nil {
		one <- struct{}{}
		defer func() { <-one }()
	}
	if cost > 0 {
		time.Sleep(cost)
	}
}

// Text gives a text of the map.
func (d *Device) Text(t nvml.DeviceText) (string, nvml.Status) {
	d.pay(d.Costs.Text)
	v, ok := d.Texts[t]
	if !ok {
		return "", nvml.NotSupported
	}
	return v, nvml.OK
}

// Get gives the values of the maps.
func (d *Device) Get(q nvml.Query, arg int) (nvml.Values, nvml.Status) {
	if d.Hang != nil {
		<-d.Hang
	}
	d.pay(d.Costs.Get)
	if s, ok := d.Statuses[q]; ok {
		return nvml.Values{}, s
	}
	if v, ok := d.Args[Arg{q, arg}]; ok {
		return v, nvml.OK
	}
	if v, ok := d.Values[q]; ok {
		return v, nvml.OK
	}
	return nvml.Values{}, nvml.NotSupported
}

// Fields gives the numbers of the map.
func (d *Device) Fields(fields []nvml.Field) nvml.Status {
	d.pay(d.Costs.Fields)
	for i, f := range fields {
		v, ok := d.Links[f.Scope][f.ID]
		if !ok {
			v, ok = d.Numbers[f.ID]
		}
		fields[i].Value = v
		if !ok {
			fields[i].Status = nvml.NotSupported
		}
	}
	return nvml.OK
}

// Processes gives a list of the map.
func (d *Device) Processes(t nvml.ProcessType) ([]nvml.Process, nvml.Status) {
	d.pay(d.Costs.Processes)
	return d.Lists[t], d.ListFails
}

// MIG gives an instance; the rest are holes.
func (d *Device) MIG(i int) (nvml.Device, nvml.Status) {
	if in, ok := d.Instances[i]; ok {
		return in, nvml.OK
	}
	return nil, nvml.NotFound
}

// Activity waits and gives Busy.
func (d *Device) Activity(wait func()) (nvml.Activity, nvml.Status) {
	if d.Busy == nil {
		return nvml.Activity{}, nvml.NotSupported
	}
	wait()
	if d.OnWait != nil {
		d.OnWait()
	}
	return *d.Busy, nvml.OK
}

const gib = 1 << 30

// H100 is a healthy board of its kind under load. Field ids are those of nvml.h.
func H100(i int) *Device {
	d := &Device{
		Texts: map[nvml.DeviceText]string{nvml.Name: "NVIDIA H100 80GB HBM3", nvml.UUID: fmt.Sprintf("GPU-00000000-0000-0000-0000-%012d", i),
			nvml.PCIBusID: fmt.Sprintf("00000000:%02X:00.0", 0x1b+i*0x10), nvml.Serial: "0", nvml.VBIOS: "96.00.74.00.01",
			nvml.GSPFirmware: "550.54.15", nvml.ClusterUUID: ""},
		Values: map[nvml.Query]nvml.Values{
			nvml.Capability: {9, 0}, nvml.Architecture: {9}, nvml.ComputeMode: {0}, nvml.Persistence: {1}, nvml.Virtual: {0},
			nvml.PState: {0}, nvml.Utilization: {97, 41}, nvml.Encoder: {0}, nvml.Decoder: {0}, nvml.JPEG: {0}, nvml.OFA: {0},
			nvml.Memory: {80 * gib, 72 * gib, 7 * gib, gib}, nvml.BAR1: {128 * gib, 4 << 20, 128*gib - 4<<20},
			nvml.Temperature: {64}, nvml.Margin: {23}, nvml.PowerUsage: {612_345}, nvml.EventReasons: {0},
			nvml.ECCMode: {1, 1}, nvml.SRAMErrors: {0}, nvml.RemapBanks: {3072, 0, 0, 0, 0},
			nvml.PCIeNow: {5, 16}, nvml.PCIeMax: {5, 16}, nvml.NVLink: {1}, nvml.MIGMode: {0, 0},
			nvml.Fabric: {3, 0, 0, 2<<0 | 2<<2 | 2<<4 | 2<<6 | 1<<8, 1},
		},
		Args: map[Arg]nvml.Values{
			{nvml.Clock, nvml.ClockSM}: {1755}, {nvml.MaxClock, nvml.ClockSM}: {1980},
			{nvml.Clock, nvml.ClockMemory}: {2619}, {nvml.MaxClock, nvml.ClockMemory}: {2619},
			{nvml.Clock, nvml.ClockGraphics}: {1755}, {nvml.MaxClock, nvml.ClockGraphics}: {1980},
			{nvml.Clock, nvml.ClockVideo}: {1530}, {nvml.MaxClock, nvml.ClockVideo}: {1830},
		},
		Numbers: map[nvml.FieldID]uint64{
			3: 0, 4: 0, 5: 12, 6: 0, // ECC
			74: 5_000_000_000, 75: 0, 76: 0, 77: 0, 79: 0, 269: 250_000_000, 270: 0, 271: 0, // ns below full clocks
			82: 71, 83: 9_000_000_000, 90: 26_562, 91: 18, 94: 3, 138: 1 << 30, 139: 2 << 30,
			142: 1, 143: 0, 144: 0, 145: 0, 161: 0, 162: 0, 163: 0, 165: 1,
			173: 0, 174: 0, 175: 0, 176: 0, 177: 0, 178: 0, 179: 0, 180: 0, 181: 0, 182: 0, 183: 0,
			185: 610_000, 186: 615_500, 187: 200_000, 188: 700_000, 189: 700_000, 190: 700_000, 192: 700_000,
			193: minus(8), 194: minus(2), 195: 0, 196: 0, 197: 4_000_000_000, 198: 5_000_000_000, 230: 0,
		},
		Lists: map[nvml.ProcessType][]nvml.Process{nvml.Compute: {{PID: 4242, MemoryBytes: 71 * gib, GPUInstance: 0xFFFFFFFF}}},
		Busy:  &nvml.Activity{SM: 88.5, Occupancy: 40, Tensor: 52.25, DRAM: 61},
	}
	return d
}

// minus is a negative number as a field carries it.
func minus(v int64) uint64 { return uint64(-v) }

// Eight is a host with eight H100 and the given costs of a call.
func Eight(c Costs) *Library {
	l := &Library{}
	for i := range 8 {
		d := H100(i)
		d.Costs = c
		l.GPUs = append(l.GPUs, d)
	}
	return l
}
