package snapshot

import "time"

// Host is the machine as this process sees it: inside a container most of it
// is still the machine's, and Cgroup is the container's own share.
//
// Counters count since boot. Every field named "…_per_second" and every share
// of a time (utilization, iowait, …) needs two readings and is absent without
// a window, except those of Pressure, which the kernel averages by itself.
type Host struct {
	Name      string     `json:"name,omitempty"`
	OS        string     `json:"os"`                  // linux, darwin, windows
	Kernel    string     `json:"kernel,omitempty"`    // as uname -r says it
	Arch      string     `json:"arch,omitempty"`      // as Go names it
	Container string     `json:"container,omitempty"` // docker, podman, kubernetes, lxc, …; absent outside of one
	BootTime  *time.Time `json:"boot_time,omitempty"`
	UptimeS   *float64   `json:"uptime_s,omitempty"`

	CPU         *CPU         `json:"cpu,omitempty"`
	Load        *Load        `json:"load,omitempty"`
	Memory      *Memory      `json:"memory,omitempty"`
	Swap        *Swap        `json:"swap,omitempty"`
	Filesystems []Filesystem `json:"filesystems,omitempty"`
	Disks       []Disk       `json:"disks,omitempty"`
	Interfaces  []Interface  `json:"interfaces,omitempty"`
	RDMA        []RDMAPort   `json:"rdma,omitempty"`
	TCP         *TCP         `json:"tcp,omitempty"`
	Pressure    *Pressure    `json:"pressure,omitempty"`
	Cgroup      *Cgroup      `json:"cgroup,omitempty"`
	NUMA        []NUMANode   `json:"numa,omitempty"`
	Files       *Files       `json:"files,omitempty"`
	OOMKills    *uint64      `json:"oom_kills_total,omitempty"` // processes that the kernel killed for memory
}

// CPU is all of the host's cores together. Each ratio is a share of the time
// of all cores over the window; busy is everything but idle and iowait.
type CPU struct {
	Logical       *int     `json:"logical,omitempty"` // CPUs that are online, hyperthreads counted
	Utilization   *float64 `json:"utilization,omitempty"`
	User          *float64 `json:"user,omitempty"` // with nice and virtual guests
	System        *float64 `json:"system,omitempty"`
	IOWait        *float64 `json:"iowait,omitempty"`
	Steal         *float64 `json:"steal,omitempty"` // the hypervisor ran something else
	IRQ           *float64 `json:"irq,omitempty"`   // hard and soft interrupts
	BusiestCore   *float64 `json:"busiest_core,omitempty"`
	BusySeconds   *float64 `json:"busy_seconds_total,omitempty"` // since boot, all cores
	IdleSeconds   *float64 `json:"idle_seconds_total,omitempty"`
	IOWaitSeconds *float64 `json:"iowait_seconds_total,omitempty"`
	StealSeconds  *float64 `json:"steal_seconds_total,omitempty"`
}

// Load is the mean number of tasks that ran, waited for a CPU or slept
// uninterruptibly.
type Load struct {
	One     *float64 `json:"load1,omitempty"`
	Five    *float64 `json:"load5,omitempty"`
	Fifteen *float64 `json:"load15,omitempty"`
	Running *int     `json:"tasks_running,omitempty"`
	Blocked *int     `json:"tasks_blocked,omitempty"` // in uninterruptible sleep, mostly I/O
	Tasks   *int     `json:"tasks,omitempty"`
}

// Memory is the host's RAM. Used = total - available, and Utilization =
// used / total: what the kernel can give away at once is not "used".
type Memory struct {
	TotalBytes     *uint64  `json:"total_bytes,omitempty"`
	UsedBytes      *uint64  `json:"used_bytes,omitempty"`
	AvailableBytes *uint64  `json:"available_bytes,omitempty"`
	FreeBytes      *uint64  `json:"free_bytes,omitempty"`
	CachedBytes    *uint64  `json:"cached_bytes,omitempty"`
	ShmemBytes     *uint64  `json:"shmem_bytes,omitempty"` // /dev/shm: what NCCL and tensor-parallel workers share
	DirtyBytes     *uint64  `json:"dirty_bytes,omitempty"`
	LockedBytes    *uint64  `json:"locked_bytes,omitempty"`
	Utilization    *float64 `json:"utilization,omitempty"`
	MajorFaults    *uint64  `json:"major_faults_total,omitempty"`
	HugePages      *uint64  `json:"huge_pages,omitempty"`
	HugePagesFree  *uint64  `json:"huge_pages_free,omitempty"`
}

// Swap is absent on a host without any. In and out are bytes moved.
type Swap struct {
	TotalBytes  *uint64  `json:"total_bytes,omitempty"`
	UsedBytes   *uint64  `json:"used_bytes,omitempty"`
	Utilization *float64 `json:"utilization,omitempty"`
	InBytes     *uint64  `json:"in_bytes_total,omitempty"`
	OutBytes    *uint64  `json:"out_bytes_total,omitempty"`
	InPerS      *float64 `json:"in_bytes_per_second,omitempty"`
	OutPerS     *float64 `json:"out_bytes_per_second,omitempty"`
}

// Filesystem is one mounted file system that holds data. Utilization is what
// df prints: used / (used + available to users), so that 1 is full for users.
type Filesystem struct {
	Mountpoint string `json:"mountpoint"`
	Device     string `json:"device"`
	Type       string `json:"type"`
	ReadOnly   *bool  `json:"read_only,omitempty"`
	// ForcedReadOnly: mounted for writing, and the kernel took that back,
	// which it does after errors on the device. Not known of a bind mount.
	ForcedReadOnly    *bool    `json:"forced_read_only,omitempty"`
	TotalBytes        *uint64  `json:"total_bytes,omitempty"`
	UsedBytes         *uint64  `json:"used_bytes,omitempty"`
	AvailableBytes    *uint64  `json:"available_bytes,omitempty"` // to users without privileges
	Utilization       *float64 `json:"utilization,omitempty"`
	Inodes            *uint64  `json:"inodes,omitempty"` // absent where the file system has no fixed number
	InodesFree        *uint64  `json:"inodes_free,omitempty"`
	InodesUtilization *float64 `json:"inodes_utilization,omitempty"`
}

// Disk is one whole block device; partitions are left out, as their device
// counts the same I/O.
type Disk struct {
	Device         string   `json:"device"`
	Reads          *uint64  `json:"reads_total,omitempty"`
	Writes         *uint64  `json:"writes_total,omitempty"`
	ReadBytes      *uint64  `json:"read_bytes_total,omitempty"`
	WriteBytes     *uint64  `json:"write_bytes_total,omitempty"`
	BusyMs         *uint64  `json:"busy_ms_total,omitempty"` // time with at least one request in flight
	InFlight       *uint64  `json:"in_flight,omitempty"`
	ReadsPerS      *float64 `json:"reads_per_second,omitempty"`
	WritesPerS     *float64 `json:"writes_per_second,omitempty"`
	ReadBytesPerS  *float64 `json:"read_bytes_per_second,omitempty"`
	WriteBytesPerS *float64 `json:"write_bytes_per_second,omitempty"`
	Utilization    *float64 `json:"utilization,omitempty"` // share of the window with a request in flight
	AwaitMs        *float64 `json:"await_ms,omitempty"`    // mean time of the requests that ended in the window
	QueueDepth     *float64 `json:"queue_depth,omitempty"` // mean requests in flight over the window
}

// Interface is one network interface, loopback left out.
type Interface struct {
	Device       string   `json:"device"`
	Up           *bool    `json:"up,omitempty"`
	SpeedBits    *uint64  `json:"speed_bits_per_second,omitempty"`
	InBytes      *uint64  `json:"in_bytes_total,omitempty"`
	OutBytes     *uint64  `json:"out_bytes_total,omitempty"`
	InPackets    *uint64  `json:"in_packets_total,omitempty"`
	OutPackets   *uint64  `json:"out_packets_total,omitempty"`
	InErrors     *uint64  `json:"in_errors_total,omitempty"`
	OutErrors    *uint64  `json:"out_errors_total,omitempty"`
	InDrops      *uint64  `json:"in_drops_total,omitempty"`
	OutDrops     *uint64  `json:"out_drops_total,omitempty"`
	InBytesPerS  *float64 `json:"in_bytes_per_second,omitempty"`
	OutBytesPerS *float64 `json:"out_bytes_per_second,omitempty"`
	// PacketLossRate is (errors + drops) / (packets + errors + drops) in both
	// directions over the window.
	PacketLossRate *float64 `json:"packet_loss_rate,omitempty"`
	// Utilization is the busier direction's bits a second over SpeedBits.
	Utilization *float64 `json:"utilization,omitempty"`
}

// RDMAPort is one port of an InfiniBand or RoCE adapter.
type RDMAPort struct {
	Device       string   `json:"device"`
	Port         string   `json:"port"`
	State        string   `json:"state,omitempty"`      // ACTIVE, INIT, DOWN, …
	PhysState    string   `json:"phys_state,omitempty"` // LinkUp, Polling, Disabled, …
	Active       *bool    `json:"active,omitempty"`
	RateBits     *uint64  `json:"rate_bits_per_second,omitempty"`
	InBytes      *uint64  `json:"in_bytes_total,omitempty"`
	OutBytes     *uint64  `json:"out_bytes_total,omitempty"`
	Errors       *uint64  `json:"errors_total,omitempty"`   // symbol, receive and integrity errors
	Discards     *uint64  `json:"discards_total,omitempty"` // packets that were not sent
	LinkDowned   *uint64  `json:"link_downed_total,omitempty"`
	InBytesPerS  *float64 `json:"in_bytes_per_second,omitempty"`
	OutBytesPerS *float64 `json:"out_bytes_per_second,omitempty"`
}

// TCP counts this network namespace, IPv4 and IPv6 together where the kernel
// does (the counters), and by sum where it does not (the states).
type TCP struct {
	Established    *uint64  `json:"established,omitempty"` // with CLOSE_WAIT, as the kernel counts CurrEstab
	InUse          *uint64  `json:"in_use,omitempty"`      // sockets in any state but TIME_WAIT
	TimeWait       *uint64  `json:"time_wait,omitempty"`
	Orphan         *uint64  `json:"orphan,omitempty"` // closed by their process, not by the peer
	MemoryBytes    *uint64  `json:"memory_bytes,omitempty"`
	SentSegments   *uint64  `json:"sent_segments_total,omitempty"`
	Retransmitted  *uint64  `json:"retransmitted_segments_total,omitempty"`
	Resets         *uint64  `json:"established_resets_total,omitempty"`
	FailedConnects *uint64  `json:"failed_connects_total,omitempty"`
	ListenOverflow *uint64  `json:"listen_overflows_total,omitempty"` // connections refused to a full accept queue
	ListenDrops    *uint64  `json:"listen_drops_total,omitempty"`
	RetransmitRate *float64 `json:"retransmit_rate,omitempty"` // retransmitted / sent segments, over the window
}

// Pressure is the kernel's pressure stall information.
type Pressure struct {
	CPU    *Stalls `json:"cpu,omitempty"`
	Memory *Stalls `json:"memory,omitempty"`
	IO     *Stalls `json:"io,omitempty"`
}

// Stalls tells for how much of the time tasks waited for a resource: Some, at
// least one of them; Full, all that were not idle.
type Stalls struct {
	Some *Stall `json:"some,omitempty"`
	Full *Stall `json:"full,omitempty"`
}

// Stall is a share of the time, averaged by the kernel over the last 10, 60
// and 300 seconds, and the time since boot.
type Stall struct {
	Avg10        *float64 `json:"avg10,omitempty"`
	Avg60        *float64 `json:"avg60,omitempty"`
	Avg300       *float64 `json:"avg300,omitempty"`
	TotalSeconds *float64 `json:"seconds_total,omitempty"`
}

// Cgroup is the control group of this process: what the container may use and
// how often it was held back. A limit that is not set is absent; limits of
// groups above are taken when they are lower and can be seen.
type Cgroup struct {
	Version           int       `json:"version"` // 1 or 2
	Path              string    `json:"path"`
	CPULimit          *float64  `json:"cpu_limit_cores,omitempty"`
	CPUUsedSeconds    *float64  `json:"cpu_used_seconds_total,omitempty"`
	Periods           *uint64   `json:"cpu_periods_total,omitempty"`
	ThrottledPeriods  *uint64   `json:"cpu_throttled_periods_total,omitempty"`
	ThrottledSeconds  *float64  `json:"cpu_throttled_seconds_total,omitempty"`
	CPUCores          *float64  `json:"cpu_used_cores,omitempty"`     // over the window
	CPUUtilization    *float64  `json:"cpu_utilization,omitempty"`    // cores used / cores allowed, over the window
	ThrottledRate     *float64  `json:"cpu_throttled_rate,omitempty"` // throttled periods / periods, over the window
	MemoryLimitBytes  *uint64   `json:"memory_limit_bytes,omitempty"`
	MemoryUsedBytes   *uint64   `json:"memory_used_bytes,omitempty"`
	MemoryWorkingSet  *uint64   `json:"memory_working_set_bytes,omitempty"` // used without inactive file pages
	MemoryUtilization *float64  `json:"memory_utilization,omitempty"`       // working set / limit
	OOMKills          *uint64   `json:"oom_kills_total,omitempty"`
	MemoryLimitHits   *uint64   `json:"memory_limit_hits_total,omitempty"` // v2 memory.events max, v1 failcnt
	PIDs              *uint64   `json:"pids,omitempty"`
	PIDsLimit         *uint64   `json:"pids_limit,omitempty"`
	Pressure          *Pressure `json:"pressure,omitempty"` // of this group's tasks alone; v2 only
}

// NUMANode is one memory node, the CPUs on it and the GPUs attached to it.
type NUMANode struct {
	Node       int      `json:"node"`
	CPUs       string   `json:"cpus,omitempty"` // as the kernel lists them: "0-15,32-47"
	TotalBytes *uint64  `json:"total_bytes,omitempty"`
	FreeBytes  *uint64  `json:"free_bytes,omitempty"`
	Misses     *uint64  `json:"numa_misses_total,omitempty"` // pages placed here that wanted another node
	PCIGPUs    []string `json:"pci_gpus,omitempty"`          // PCI addresses of display and 3D controllers
}

// Files are open file descriptors of the whole host.
type Files struct {
	Open        *uint64  `json:"open,omitempty"`
	Max         *uint64  `json:"max,omitempty"` // absent when it is as good as unlimited
	Utilization *float64 `json:"utilization,omitempty"`
}
