package snapshot

// GPU is one graphics processor as its driver described it. What could not be
// read is absent, and NotRead says why.
type GPU struct {
	Index             int    `json:"index"`
	UUID              string `json:"uuid,omitempty"`
	Name              string `json:"name,omitempty"`
	Vendor            string `json:"vendor,omitempty"` // "nvidia", "amd"
	Source            string `json:"source"`           // who said so: "nvml", "nvidia-smi", "amdgpu"
	State             string `json:"state"`            // see the GPUState constants
	PCI               string `json:"pci,omitempty"`    // 00000000:1B:00.0
	Serial            string `json:"serial,omitempty"` // of the board
	VBIOS             string `json:"vbios,omitempty"`  // version
	GSPFirmware       string `json:"gsp_firmware,omitempty"`
	Driver            string `json:"driver,omitempty"` // version of the driver, such as "550.54.15"
	CUDA              string `json:"cuda,omitempty"`   // highest CUDA version of that driver
	Architecture      string `json:"architecture,omitempty"`
	ComputeCapability string `json:"compute_capability,omitempty"` // "9.0"
	ComputeMode       string `json:"compute_mode,omitempty"`       // default, exclusive_process, prohibited
	Virtualization    string `json:"virtualization,omitempty"`     // none, passthrough, vgpu, host_vgpu, host_vsga
	Persistence       *bool  `json:"persistence,omitempty"`
	NUMANode          *int   `json:"numa_node,omitempty"` // of the CPUs it hangs on
	PState            *int   `json:"pstate,omitempty"`    // 0 is the fastest

	// Ratios of the driver's last sample period (up to a second).
	Utilization           *float64 `json:"utilization,omitempty"`             // time in which any kernel ran
	MemoryCtrlUtilization *float64 `json:"memory_ctrl_utilization,omitempty"` // time in which memory was read or written
	EncoderUtilization    *float64 `json:"encoder_utilization,omitempty"`
	DecoderUtilization    *float64 `json:"decoder_utilization,omitempty"`
	JPEGUtilization       *float64 `json:"jpeg_utilization,omitempty"`
	OFAUtilization        *float64 `json:"ofa_utilization,omitempty"` // optical flow

	Memory         *GPUMemory      `json:"memory,omitempty"`
	BAR1           *GPUMemory      `json:"bar1,omitempty"`
	GTT            *GPUMemory      `json:"gtt,omitempty"` // host memory that an AMD GPU may use
	Temperature    *GPUTemperature `json:"temperature,omitempty"`
	Fan            *float64        `json:"fan_ratio,omitempty"` // of its highest speed
	Power          *GPUPower       `json:"power,omitempty"`
	Clocks         *GPUClocks      `json:"clocks,omitempty"`
	Throttle       *GPUThrottle    `json:"throttle,omitempty"`
	ECC            *GPUECC         `json:"ecc,omitempty"`
	RetiredPages   *GPURetired     `json:"retired_pages,omitempty"`
	RowRemap       *GPURowRemap    `json:"row_remap,omitempty"`
	PCIe           *GPUPCIe        `json:"pcie,omitempty"`
	NVLink         *GPUNVLink      `json:"nvlink,omitempty"`
	Fabric         *GPUFabric      `json:"fabric,omitempty"`
	RecoveryAction string          `json:"recovery_action,omitempty"` // what the driver asks for: none, gpu_reset, node_reboot, …
	MIG            *GPUMIG         `json:"mig,omitempty"`
	Processes      []GPUProcess    `json:"processes,omitempty"`
	XIDs           []GPUXID        `json:"xids,omitempty"` // from the kernel log, oldest first
	Window         *GPUWindow      `json:"window,omitempty"`

	// NotRead maps a part ("ecc", "power.average") to the reason it is missing.
	NotRead map[string]Status `json:"not_read,omitempty"`
}

// The states of a GPU. In any but the first only what was read before it, or
// in spite of it, is there.
const (
	GPUOK            = "ok"
	GPULost          = "lost"           // fell off the bus
	GPUResetRequired = "reset_required" // answers, and works again only after a reset
	GPUForbidden     = "forbidden"      // may not be opened by this user
	GPUTimeout       = "timeout"        // gave no answer in time
	GPUFailed        = "error"          // any other status
)

// GPUStates lists them, the good one first.
func GPUStates() []string {
	return []string{GPUOK, GPULost, GPUResetRequired, GPUForbidden, GPUTimeout, GPUFailed}
}

// GPUMemory is memory of one kind.
type GPUMemory struct {
	TotalBytes    *uint64 `json:"total_bytes,omitempty"`
	UsedBytes     *uint64 `json:"used_bytes,omitempty"` // without what the driver keeps, where that is known
	FreeBytes     *uint64 `json:"free_bytes,omitempty"`
	ReservedBytes *uint64 `json:"reserved_bytes,omitempty"` // kept by driver and firmware
	// Utilization is used by total, ratio. nvidia-smi prints the same quotient.
	Utilization *float64 `json:"utilization,omitempty"`
}

// GPUTemperature is in degrees Celsius. Limits are absolute; on newer boards
// the driver gives only margins to them.
type GPUTemperature struct {
	GPUC       *float64 `json:"gpu_c,omitempty"`
	MemoryC    *float64 `json:"memory_c,omitempty"`
	HotspotC   *float64 `json:"hotspot_c,omitempty"` // AMD: junction
	SlowdownC  *float64 `json:"slowdown_c,omitempty"`
	ShutdownC  *float64 `json:"shutdown_c,omitempty"`
	GPUMaxC    *float64 `json:"gpu_max_c,omitempty"`    // highest for base clocks
	MemoryMaxC *float64 `json:"memory_max_c,omitempty"` // the same for the memory
	// MarginC is NVIDIA's T.Limit: degrees left until clocks are lowered. The
	// …TLimitC are the margins at which more happens; they may be negative.
	MarginC          *float64 `json:"margin_c,omitempty"`
	SlowdownTLimitC  *float64 `json:"slowdown_tlimit_c,omitempty"`
	ShutdownTLimitC  *float64 `json:"shutdown_tlimit_c,omitempty"`
	GPUMaxTLimitC    *float64 `json:"gpu_max_tlimit_c,omitempty"`
	MemoryMaxTLimitC *float64 `json:"memory_max_tlimit_c,omitempty"`
}

// GPUPower is in watts and joules.
type GPUPower struct {
	DrawW           *float64 `json:"draw_w,omitempty"` // what the driver calls usage: a mean over 1 s on most boards
	AverageW        *float64 `json:"average_w,omitempty"`
	InstantW        *float64 `json:"instant_w,omitempty"`
	LimitW          *float64 `json:"limit_w,omitempty"` // enforced now
	RequestedLimitW *float64 `json:"requested_limit_w,omitempty"`
	DefaultLimitW   *float64 `json:"default_limit_w,omitempty"`
	MinLimitW       *float64 `json:"min_limit_w,omitempty"`
	MaxLimitW       *float64 `json:"max_limit_w,omitempty"`
	EnergyJ         *float64 `json:"energy_j_total,omitempty"` // since the driver was loaded
}

// GPUClocks is in MHz.
type GPUClocks struct {
	SMMHz          *float64 `json:"sm_mhz,omitempty"`
	MemoryMHz      *float64 `json:"memory_mhz,omitempty"`
	GraphicsMHz    *float64 `json:"graphics_mhz,omitempty"`
	VideoMHz       *float64 `json:"video_mhz,omitempty"`
	MaxSMMHz       *float64 `json:"max_sm_mhz,omitempty"`
	MaxMemoryMHz   *float64 `json:"max_memory_mhz,omitempty"`
	MaxGraphicsMHz *float64 `json:"max_graphics_mhz,omitempty"`
	MaxVideoMHz    *float64 `json:"max_video_mhz,omitempty"`
}

// GPUThrottle is why clocks are below their maximum, and for how long they were.
type GPUThrottle struct {
	// Active are the reasons at this moment, see ThrottleReasons; empty means
	// none, absent means not read.
	Active *[]string `json:"active,omitempty"`
	// SecondsTotal is the time spent below for each reason, since the driver was loaded.
	SecondsTotal map[string]float64 `json:"seconds_total,omitempty"`
}

// GPUECC counts memory errors: volatile since the driver was loaded,
// aggregate over the life of the board.
type GPUECC struct {
	Enabled               *bool   `json:"enabled,omitempty"`
	PendingEnabled        *bool   `json:"pending_enabled,omitempty"` // after the next reboot
	VolatileCorrected     *uint64 `json:"volatile_corrected_total,omitempty"`
	VolatileUncorrected   *uint64 `json:"volatile_uncorrected_total,omitempty"`
	AggregateCorrected    *uint64 `json:"aggregate_corrected_total,omitempty"`
	AggregateUncorrected  *uint64 `json:"aggregate_uncorrected_total,omitempty"`
	SRAMThresholdExceeded *bool   `json:"sram_threshold_exceeded,omitempty"`
}

// GPURetired counts memory pages taken out of use (before Ampere).
type GPURetired struct {
	SingleBit *uint64 `json:"single_bit,omitempty"`
	DoubleBit *uint64 `json:"double_bit,omitempty"`
	Pending   *bool   `json:"pending,omitempty"`
}

// GPURowRemap counts memory rows replaced by spares (Ampere and later).
type GPURowRemap struct {
	Correctable   *uint64           `json:"correctable,omitempty"`
	Uncorrectable *uint64           `json:"uncorrectable,omitempty"`
	Pending       *bool             `json:"pending,omitempty"`
	Failed        *bool             `json:"failed,omitempty"`
	Banks         map[string]uint64 `json:"banks,omitempty"` // by spare rows left: max, high, partial, low, none
}

// GPUPCIe is the link to the host. Generations drop when a GPU is idle; a
// width below its maximum does not come from that.
type GPUPCIe struct {
	Generation    *int              `json:"generation,omitempty"`
	MaxGeneration *int              `json:"max_generation,omitempty"`
	Width         *int              `json:"width,omitempty"`
	MaxWidth      *int              `json:"max_width,omitempty"`
	Replays       *uint64           `json:"replays_total,omitempty"`
	Errors        map[string]uint64 `json:"errors_total,omitempty"` // by kind: correctable, bad_tlp, fatal, …
	TxBytes       *uint64           `json:"tx_bytes_total,omitempty"`
	RxBytes       *uint64           `json:"rx_bytes_total,omitempty"`
	// TxBytesPerS and RxBytesPerS are rates that the source itself measured.
	TxBytesPerS *float64 `json:"tx_bytes_per_second,omitempty"`
	RxBytesPerS *float64 `json:"rx_bytes_per_second,omitempty"`
}

// GPUNVLink sums over the links of a GPU.
type GPUNVLink struct {
	Links  *int  `json:"links,omitempty"`
	Active *int  `json:"active,omitempty"`
	Down   []int `json:"down,omitempty"` // ids of the links that are not active
	// LinkBytesPerS is the speed of one link in one direction.
	LinkBytesPerS *float64          `json:"link_bytes_per_second,omitempty"`
	TxBytes       *uint64           `json:"tx_bytes_total,omitempty"`
	RxBytes       *uint64           `json:"rx_bytes_total,omitempty"`
	Errors        map[string]uint64 `json:"errors_total,omitempty"` // by kind: crc_flit, crc_data, replay, recovery, …
}

// GPUFabric is the registration with the NVSwitch fabric.
type GPUFabric struct {
	State    string   `json:"state,omitempty"`    // not_started, in_progress, completed
	Status   string   `json:"status,omitempty"`   // ok, or the driver's status once completed
	Health   string   `json:"health,omitempty"`   // healthy, unhealthy, limited_capacity
	Problems []string `json:"problems,omitempty"` // degraded_bandwidth, route_unhealthy, …
	CliqueID *uint32  `json:"clique_id,omitempty"`
	Cluster  string   `json:"cluster_uuid,omitempty"`
}

// ThrottleReasons are the names in GPUThrottle and GPUWindow, in the order
// of the driver's bits.
func ThrottleReasons() []string {
	return []string{"idle", "app_clocks", "sw_power_cap", "hw_slowdown", "sync_boost", "sw_thermal",
		"hw_thermal", "hw_power_brake", "display_clocks", "board_limit", "reliability"}
}
