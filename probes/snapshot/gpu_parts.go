package snapshot

import "time"

// GPUMIG is a GPU cut into instances.
type GPUMIG struct {
	Enabled        *bool         `json:"enabled,omitempty"`
	PendingEnabled *bool         `json:"pending_enabled,omitempty"`
	Instances      []GPUInstance `json:"instances,omitempty"`
}

// GPUInstance is one MIG device. Index may skip numbers.
type GPUInstance struct {
	Index             int        `json:"index"`
	UUID              string     `json:"uuid,omitempty"`
	Name              string     `json:"name,omitempty"`
	GPUInstanceID     *int       `json:"gpu_instance_id,omitempty"`
	ComputeInstanceID *int       `json:"compute_instance_id,omitempty"`
	SMs               *int       `json:"multiprocessors,omitempty"`
	Memory            *GPUMemory `json:"memory,omitempty"`
}

// GPUProcess is a process with memory on a GPU. PID counts in the host's
// numbers: inside a container it names nobody, and Resolved is false.
type GPUProcess struct {
	PID         int     `json:"pid"`
	Type        string  `json:"type"` // compute, graphics, mps; joined by "+"
	MemoryBytes *uint64 `json:"memory_bytes,omitempty"`
	Resolved    bool    `json:"resolved"`
	Name        string  `json:"name,omitempty"`
	Command     string  `json:"command,omitempty"` // with secrets in its arguments struck out
	User        string  `json:"user,omitempty"`
	Container   string  `json:"container,omitempty"` // id
	Pod         string  `json:"pod_uid,omitempty"`   // Kubernetes
	GPUInstance *int    `json:"gpu_instance_id,omitempty"`
}

// GPUXID is an error that the driver wrote to the kernel log.
type GPUXID struct {
	Code     int       `json:"code"`
	At       time.Time `json:"at,omitzero"`
	Count    int       `json:"count"` // the same code again and again is one entry; At is the last one's
	PID      int       `json:"pid,omitempty"`
	Process  string    `json:"process,omitempty"`
	Severity Severity  `json:"severity"`
	Meaning  string    `json:"meaning"`
	Action   string    `json:"action,omitempty"`
	Message  string    `json:"message,omitempty"` // as logged
}

// GPUWindow is what two readings tell.
type GPUWindow struct {
	Seconds float64 `json:"seconds"`
	// PowerW is the mean draw: energy by time.
	PowerW *float64 `json:"power_w,omitempty"`
	// Throttled is the share of the window spent below full clocks, by reason.
	Throttled         map[string]float64 `json:"throttled,omitempty"`
	PCIeTxBytesPerS   *float64           `json:"pcie_tx_bytes_per_second,omitempty"`
	PCIeRxBytesPerS   *float64           `json:"pcie_rx_bytes_per_second,omitempty"`
	PCIeReplays       *uint64            `json:"pcie_replays,omitempty"`
	NVLinkTxBytesPerS *float64           `json:"nvlink_tx_bytes_per_second,omitempty"`
	NVLinkRxBytesPerS *float64           `json:"nvlink_rx_bytes_per_second,omitempty"`
	NVLinkErrors      *uint64            `json:"nvlink_errors,omitempty"` // of all kinds
	ECCCorrected      *uint64            `json:"ecc_corrected,omitempty"`
	ECCUncorrected    *uint64            `json:"ecc_uncorrected,omitempty"`

	// Ratios of the window from the GPU's own counters (Hopper and later).
	SMActive     *float64 `json:"sm_active,omitempty"`     // at least one warp on a multiprocessor
	SMOccupancy  *float64 `json:"sm_occupancy,omitempty"`  // warps by the most possible
	TensorActive *float64 `json:"tensor_active,omitempty"` // tensor cores busy
	DRAMActive   *float64 `json:"dram_active,omitempty"`   // memory bandwidth by the most possible
}
