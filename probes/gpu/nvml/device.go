package nvml

import "math"

// Library is an opened driver. Any call may hang on a sick GPU.
type Library interface {
	Text(LibraryText) (string, Status)
	Count() (int, Status)
	Device(index int) (Device, Status)
	Close()
}

// Device is one GPU or MIG device, as narrow as the driver allows: what can
// be asked is data (Query, DeviceText, Field), so that a stand-in is a map.
type Device interface {
	Text(DeviceText) (string, Status)
	// Get asks for a group of numbers. arg is the sensor, clock or link where
	// the query has several. Absent numbers are NotAvailable.
	Get(q Query, arg int) (Values, Status)
	// Fields fills in values and statuses of all fields with one call.
	Fields([]Field) Status
	Processes(ProcessType) ([]Process, Status)
	// MIG is the MIG device of that index; NotFound marks a hole.
	MIG(index int) (Device, Status)
	// Activity reads the GPU's own activity counters, waits, and reads them
	// again. It does not wait when the GPU has none.
	Activity(wait func()) (Activity, Status)
}

// Values are the numbers of a query, in the order that its constant tells.
type Values [5]uint64

// NotAvailable stands for a number that the driver does not have. NVML fills
// 32 or 64 bits with ones; here it is always 64.
const NotAvailable = math.MaxUint64

// LibraryText is a text about the driver.
type LibraryText int

// What can be asked of the driver.
const (
	DriverVersion LibraryText = iota
	CUDAVersion               // "12.4"
)

// DeviceText is a text about a device.
type DeviceText int

// What can be asked of a device in words.
const (
	Name DeviceText = iota
	UUID
	PCIBusID
	Serial
	VBIOS
	GSPFirmware
	ClusterUUID // of the NVSwitch fabric
	texts       // their number
)

// Query is a group of numbers that NVML gives with one call. Units are NVML's.
type Query int

// The queries, and what stands in their values.
const (
	Capability   Query = iota // major, minor
	Architecture              // NVML's number
	ComputeMode               // NVML's number
	Persistence               // 0, 1
	Virtual                   // NVML's number
	PState                    // 0..15
	Utilization               // gpu %, memory controller %
	Encoder                   // %
	Decoder                   // %
	JPEG                      // %
	OFA                       // %
	Memory                    // bytes: total, used, free, reserved
	BAR1                      // bytes: total, used, free
	Temperature               // °C
	Threshold                 // °C; arg: one of the Threshold… numbers
	Margin                    // °C, signed
	Fan                       // %
	PowerUsage                // mW
	PowerLimit                // mW, enforced
	PowerSet                  // mW, requested
	PowerDefault              // mW
	PowerRange                // mW: min, max
	Energy                    // mJ since the driver was loaded
	Clock                     // MHz; arg: one of the Clock… numbers
	MaxClock                  // MHz; arg: one of the Clock… numbers
	EventReasons              // bit mask
	ECCMode                   // now, pending
	ECCErrors                 // volatile corrected, volatile uncorrected, aggregate corrected, aggregate uncorrected
	SRAMErrors                // threshold exceeded
	Remapped                  // correctable, uncorrectable, pending, failed
	RemapBanks                // banks by spare rows left: max, high, partial, low, none
	PCIeNow                   // generation, width
	PCIeMax                   // generation, width
	PCIeReplays               // count
	NVLink                    // 1 active; arg: link
	Fabric                    // state, status, clique, health mask, health summary
	MIGMode                   // now, pending
	MIGMax                    // highest number of MIG devices
	MIGIDs                    // GPU instance, compute instance
	MIGShape                  // multiprocessors, memory in MiB
	queries                   // their number
)

// NVML's numbers of clocks and thresholds.
const (
	ClockGraphics = 0
	ClockSM       = 1
	ClockMemory   = 2
	ClockVideo    = 3

	ThresholdShutdown  = 0
	ThresholdSlowdown  = 1
	ThresholdMemoryMax = 2
	ThresholdGPUMax    = 3
)

// Field is one number of the batch call. ID and Scope are asked; the rest is
// the answer.
type Field struct {
	ID     FieldID
	Scope  uint32 // a link; AllLinks sums
	Status Status
	Value  uint64 // two's complement where the field has a sign
}

// AllLinks is the scope that sums over the NVLinks.
const AllLinks = math.MaxUint32

// Process is a row of a GPU's process list. PID counts in the host's numbers.
type Process struct {
	PID         uint32
	MemoryBytes uint64
	GPUInstance uint32 // noInstance outside of MIG
}

const noInstance = math.MaxUint32

// ProcessType is one of the driver's process lists.
type ProcessType int

// The process lists.
const (
	Compute ProcessType = iota
	Graphics
	MPS
)

// String is the word in a snapshot.
func (t ProcessType) String() string { return [...]string{"compute", "graphics", "mps"}[t] }

// Activity is the GPU's own accounting between two readings, in percent; NaN
// is what it does not have.
type Activity struct{ SM, Occupancy, Tensor, DRAM float64 }
