package snapshot

import "strconv"

// hostSamples yields the numbers of the host. They carry no label of the host
// itself: whoever stores series of several hosts adds one.
func hostSamples(w *samples, h *Host) {
	if h == nil {
		return
	}
	info(w, "host_info", "name", h.Name, "os", h.OS, "kernel", h.Kernel, "arch", h.Arch, "container", h.Container)
	if h.BootTime != nil {
		gauge(w, "host_boot_time_seconds", new(float64(h.BootTime.UnixMilli())/1e3))
	}
	gauge(w, "host_uptime_seconds", h.UptimeS)
	cpuSamples(w, h.CPU)
	loadSamples(w, h.Load)
	memorySamples(w, h.Memory)
	swapSamples(w, h.Swap)
	for _, f := range h.Filesystems {
		filesystemSamples(w, f)
	}
	for _, d := range h.Disks {
		diskSamples(w, d)
	}
	for _, i := range h.Interfaces {
		interfaceSamples(w, i)
	}
	for _, p := range h.RDMA {
		rdmaSamples(w, p)
	}
	tcpSamples(w, h.TCP)
	pressureSamples(w, "pressure", h.Pressure)
	cgroupSamples(w, h.Cgroup)
	for _, n := range h.NUMA {
		numaSamples(w, n)
	}
	if f := h.Files; f != nil {
		gauge(w, "open_files", f.Open)
		gauge(w, "open_files_max", f.Max)
		gauge(w, "open_files_utilization", f.Utilization)
	}
	counter(w, "oom_kills_total", h.OOMKills)
}

func cpuSamples(w *samples, c *CPU) {
	if c == nil {
		return
	}
	gauge(w, "cpu_count", c.Logical)
	gauge(w, "cpu_utilization", c.Utilization)
	gauge(w, "cpu_user", c.User)
	gauge(w, "cpu_system", c.System)
	gauge(w, "io_wait", c.IOWait)
	gauge(w, "cpu_steal", c.Steal)
	gauge(w, "cpu_irq", c.IRQ)
	gauge(w, "cpu_busiest_core", c.BusiestCore)
	counter(w, "cpu_busy_seconds_total", c.BusySeconds)
	counter(w, "cpu_idle_seconds_total", c.IdleSeconds)
	counter(w, "cpu_iowait_seconds_total", c.IOWaitSeconds)
	counter(w, "cpu_steal_seconds_total", c.StealSeconds)
}

func loadSamples(w *samples, l *Load) {
	if l == nil {
		return
	}
	gauge(w, "load1", l.One)
	gauge(w, "load5", l.Five)
	gauge(w, "load15", l.Fifteen)
	gauge(w, "tasks_running", l.Running)
	gauge(w, "tasks_blocked", l.Blocked)
	gauge(w, "tasks", l.Tasks)
}

func memorySamples(w *samples, m *Memory) {
	if m == nil {
		return
	}
	gauge(w, "memory_total_bytes", m.TotalBytes)
	gauge(w, "memory_used_bytes", m.UsedBytes)
	gauge(w, "memory_available_bytes", m.AvailableBytes)
	gauge(w, "memory_free_bytes", m.FreeBytes)
	gauge(w, "memory_cached_bytes", m.CachedBytes)
	gauge(w, "memory_shmem_bytes", m.ShmemBytes)
	gauge(w, "memory_dirty_bytes", m.DirtyBytes)
	gauge(w, "memory_locked_bytes", m.LockedBytes)
	gauge(w, "memory_utilization", m.Utilization)
	counter(w, "memory_major_faults_total", m.MajorFaults)
	gauge(w, "memory_huge_pages", m.HugePages)
	gauge(w, "memory_huge_pages_free", m.HugePagesFree)
}

func swapSamples(w *samples, s *Swap) {
	if s == nil {
		return
	}
	gauge(w, "swap_total_bytes", s.TotalBytes)
	gauge(w, "swap_used_bytes", s.UsedBytes)
	gauge(w, "swap_utilization", s.Utilization)
	counter(w, "swap_in_bytes_total", s.InBytes)
	counter(w, "swap_out_bytes_total", s.OutBytes)
	gauge(w, "swap_in_bytes_per_second", s.InPerS)
	gauge(w, "swap_out_bytes_per_second", s.OutPerS)
}

func filesystemSamples(w *samples, f Filesystem) {
	at := []string{"mountpoint", f.Mountpoint, "device", f.Device, "fstype", f.Type}
	flag(w, "disk_read_only", f.ReadOnly, at...)
	flag(w, "disk_forced_read_only", f.ForcedReadOnly, at...)
	gauge(w, "disk_total_bytes", f.TotalBytes, at...)
	gauge(w, "disk_used_bytes", f.UsedBytes, at...)
	gauge(w, "disk_available_bytes", f.AvailableBytes, at...)
	gauge(w, "disk_utilization", f.Utilization, at...)
	gauge(w, "disk_inodes", f.Inodes, at...)
	gauge(w, "disk_inodes_free", f.InodesFree, at...)
	gauge(w, "disk_inodes_utilization", f.InodesUtilization, at...)
}

func diskSamples(w *samples, d Disk) {
	at := []string{"device", d.Device}
	counter(w, "disk_reads_total", d.Reads, at...)
	counter(w, "disk_writes_total", d.Writes, at...)
	counter(w, "disk_read_bytes_total", d.ReadBytes, at...)
	counter(w, "disk_write_bytes_total", d.WriteBytes, at...)
	counter(w, "disk_busy_ms_total", d.BusyMs, at...)
	gauge(w, "disk_in_flight", d.InFlight, at...)
	gauge(w, "disk_reads_per_second", d.ReadsPerS, at...)
	gauge(w, "disk_writes_per_second", d.WritesPerS, at...)
	gauge(w, "disk_read_bytes_per_second", d.ReadBytesPerS, at...)
	gauge(w, "disk_write_bytes_per_second", d.WriteBytesPerS, at...)
	gauge(w, "disk_io_utilization", d.Utilization, at...)
	gauge(w, "disk_await_ms", d.AwaitMs, at...)
	gauge(w, "disk_queue_depth", d.QueueDepth, at...)
}

func interfaceSamples(w *samples, i Interface) {
	at := []string{"device", i.Device}
	flag(w, "network_up", i.Up, at...)
	gauge(w, "network_speed_bits_per_second", i.SpeedBits, at...)
	counter(w, "network_in_bytes_total", i.InBytes, at...)
	counter(w, "network_out_bytes_total", i.OutBytes, at...)
	counter(w, "network_in_packets_total", i.InPackets, at...)
	counter(w, "network_out_packets_total", i.OutPackets, at...)
	counter(w, "network_in_errors_total", i.InErrors, at...)
	counter(w, "network_out_errors_total", i.OutErrors, at...)
	counter(w, "network_in_drops_total", i.InDrops, at...)
	counter(w, "network_out_drops_total", i.OutDrops, at...)
	gauge(w, "network_in_bytes_per_second", i.InBytesPerS, at...)
	gauge(w, "network_out_bytes_per_second", i.OutBytesPerS, at...)
	gauge(w, "packet_loss_rate", i.PacketLossRate, at...)
	gauge(w, "network_utilization", i.Utilization, at...)
}

func rdmaSamples(w *samples, p RDMAPort) {
	at := []string{"device", p.Device, "port", p.Port}
	flag(w, "rdma_active", p.Active, append(at[:4:4], "state", p.State, "phys_state", p.PhysState)...)
	gauge(w, "rdma_rate_bits_per_second", p.RateBits, at...)
	counter(w, "rdma_in_bytes_total", p.InBytes, at...)
	counter(w, "rdma_out_bytes_total", p.OutBytes, at...)
	counter(w, "rdma_errors_total", p.Errors, at...)
	counter(w, "rdma_discards_total", p.Discards, at...)
	counter(w, "rdma_link_downed_total", p.LinkDowned, at...)
	gauge(w, "rdma_in_bytes_per_second", p.InBytesPerS, at...)
	gauge(w, "rdma_out_bytes_per_second", p.OutBytesPerS, at...)
}

func tcpSamples(w *samples, c *TCP) {
	if c == nil {
		return
	}
	gauge(w, "connection_count", c.Established)
	gauge(w, "tcp_sockets", c.InUse)
	gauge(w, "tcp_time_wait", c.TimeWait)
	gauge(w, "tcp_orphans", c.Orphan)
	gauge(w, "tcp_memory_bytes", c.MemoryBytes)
	counter(w, "tcp_sent_segments_total", c.SentSegments)
	counter(w, "tcp_retransmitted_segments_total", c.Retransmitted)
	counter(w, "tcp_established_resets_total", c.Resets)
	counter(w, "tcp_failed_connects_total", c.FailedConnects)
	counter(w, "tcp_listen_overflows_total", c.ListenOverflow)
	counter(w, "tcp_listen_drops_total", c.ListenDrops)
	gauge(w, "tcp_retransmit_rate", c.RetransmitRate)
}

// pressureSamples yields prefix_avg10, _avg60, _avg300 and _seconds_total for
// each resource and share.
func pressureSamples(w *samples, prefix string, p *Pressure) {
	if p == nil {
		return
	}
	for _, r := range []struct {
		name string
		of   *Stalls
	}{{"cpu", p.CPU}, {"memory", p.Memory}, {"io", p.IO}} {
		if r.of == nil {
			continue
		}
		for _, s := range []struct {
			name string
			of   *Stall
		}{{"some", r.of.Some}, {"full", r.of.Full}} {
			if s.of == nil {
				continue
			}
			at := []string{"resource", r.name, "share", s.name}
			gauge(w, prefix+"_avg10", s.of.Avg10, at...)
			gauge(w, prefix+"_avg60", s.of.Avg60, at...)
			gauge(w, prefix+"_avg300", s.of.Avg300, at...)
			counter(w, prefix+"_seconds_total", s.of.TotalSeconds, at...)
		}
	}
}

func cgroupSamples(w *samples, c *Cgroup) {
	if c == nil {
		return
	}
	info(w, "cgroup_info", "version", strconv.Itoa(c.Version), "path", c.Path)
	gauge(w, "cgroup_cpu_limit_cores", c.CPULimit)
	counter(w, "cgroup_cpu_used_seconds_total", c.CPUUsedSeconds)
	counter(w, "cgroup_cpu_periods_total", c.Periods)
	counter(w, "cgroup_cpu_throttled_periods_total", c.ThrottledPeriods)
	counter(w, "cgroup_cpu_throttled_seconds_total", c.ThrottledSeconds)
	gauge(w, "cgroup_cpu_used_cores", c.CPUCores)
	gauge(w, "cgroup_cpu_utilization", c.CPUUtilization)
	gauge(w, "cgroup_cpu_throttled_rate", c.ThrottledRate)
	gauge(w, "cgroup_memory_limit_bytes", c.MemoryLimitBytes)
	gauge(w, "cgroup_memory_used_bytes", c.MemoryUsedBytes)
	gauge(w, "cgroup_memory_working_set_bytes", c.MemoryWorkingSet)
	gauge(w, "cgroup_memory_utilization", c.MemoryUtilization)
	counter(w, "cgroup_oom_kills_total", c.OOMKills)
	counter(w, "cgroup_memory_limit_hits_total", c.MemoryLimitHits)
	gauge(w, "cgroup_pids", c.PIDs)
	gauge(w, "cgroup_pids_limit", c.PIDsLimit)
	pressureSamples(w, "cgroup_pressure", c.Pressure)
}

func numaSamples(w *samples, n NUMANode) {
	at := []string{"node", strconv.Itoa(n.Node)}
	gauge(w, "numa_memory_total_bytes", n.TotalBytes, at...)
	gauge(w, "numa_memory_free_bytes", n.FreeBytes, at...)
	counter(w, "numa_misses_total", n.Misses, at...)
	for _, pci := range n.PCIGPUs {
		info(w, "numa_gpu_info", append(at[:2:2], "pci", pci)...)
	}
}
