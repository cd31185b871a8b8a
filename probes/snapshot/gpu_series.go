package snapshot

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// busSamples yields how many GPUs there are, driver or not.
func busSamples(w *samples, onBus map[string]int) {
	for _, vendor := range slices.Sorted(maps.Keys(onBus)) {
		gauge(w, "gpu_on_bus", new(onBus[vendor]), "vendor", vendor)
	}
}

// gpuSamples yields the numbers of each GPU, labelled gpu (its index) and uuid. Those of
// its state have the index alone: a GPU that is lost does not tell who it is, and its
// series must go on.
func gpuSamples(w *samples, gpus []GPU) {
	for _, g := range gpus {
		if w.stopped {
			return
		}
		s := gpuSeries{w, []string{"gpu", strconv.Itoa(g.Index), "uuid", g.UUID}}
		s.state(g)
		s.usage(g)
		s.power(g)
		s.health(g)
		s.links(g)
		s.processes(g)
		s.window(g.Window)
	}
}

// gpuSeries adds the labels of one GPU to each of its numbers.
type gpuSeries struct {
	w  *samples
	of []string
}

func (s gpuSeries) with(labels ...string) []string { return slices.Concat(s.of, labels) }

func (s gpuSeries) gauge(name string, v *float64) { gauge(s.w, name, v, s.of...) }

func (s gpuSeries) state(g GPU) {
	info(s.w, "gpu_info", s.with("name", g.Name, "vendor", g.Vendor, "source", g.Source, "pci", g.PCI)...)
	gpu := []string{"gpu", strconv.Itoa(g.Index)}
	flag(s.w, "gpu_up", new(g.State == GPUOK), gpu...)
	for _, state := range GPUStates() { // every state is a series, so that its end shows as 0
		flag(s.w, "gpu_state", new(g.State == state), append(gpu, "state", state)...)
	}
	flag(s.w, "gpu_persistence", g.Persistence, s.of...)
	gauge(s.w, "gpu_pstate", g.PState, s.of...)
}

func (s gpuSeries) usage(g GPU) {
	s.gauge("gpu_utilization", g.Utilization)
	s.gauge("gpu_memory_ctrl_utilization", g.MemoryCtrlUtilization)
	s.gauge("gpu_encoder_utilization", g.EncoderUtilization)
	s.gauge("gpu_decoder_utilization", g.DecoderUtilization)
	s.gauge("gpu_jpeg_utilization", g.JPEGUtilization)
	s.gauge("gpu_ofa_utilization", g.OFAUtilization)
	s.memory("gpu_memory", g.Memory)
	s.memory("gpu_bar1", g.BAR1)
	s.memory("gpu_gtt", g.GTT)
}

func (s gpuSeries) memory(prefix string, m *GPUMemory, labels ...string) {
	if m == nil {
		return
	}
	of := s.with(labels...)
	gauge(s.w, prefix+"_total_bytes", m.TotalBytes, of...)
	gauge(s.w, prefix+"_used_bytes", m.UsedBytes, of...)
	gauge(s.w, prefix+"_free_bytes", m.FreeBytes, of...)
	gauge(s.w, prefix+"_reserved_bytes", m.ReservedBytes, of...)
	gauge(s.w, prefix+"_utilization", m.Utilization, of...)
}

func (s gpuSeries) power(g GPU) {
	if t := g.Temperature; t != nil {
		s.gauge("gpu_temperature_c", t.GPUC)
		s.gauge("gpu_memory_temperature_c", t.MemoryC)
		s.gauge("gpu_hotspot_temperature_c", t.HotspotC)
		s.gauge("gpu_temperature_slowdown_c", t.SlowdownC)
		s.gauge("gpu_temperature_shutdown_c", t.ShutdownC)
		s.gauge("gpu_temperature_max_c", t.GPUMaxC)
		s.gauge("gpu_memory_temperature_max_c", t.MemoryMaxC)
		s.gauge("gpu_temperature_margin_c", t.MarginC)
		s.gauge("gpu_temperature_slowdown_tlimit_c", t.SlowdownTLimitC)
		s.gauge("gpu_temperature_shutdown_tlimit_c", t.ShutdownTLimitC)
		s.gauge("gpu_temperature_max_tlimit_c", t.GPUMaxTLimitC)
		s.gauge("gpu_memory_temperature_max_tlimit_c", t.MemoryMaxTLimitC)
	}
	s.gauge("gpu_fan_ratio", g.Fan)
	if p := g.Power; p != nil {
		s.gauge("gpu_power_w", p.DrawW)
		s.gauge("gpu_power_average_w", p.AverageW)
		s.gauge("gpu_power_instant_w", p.InstantW)
		s.gauge("gpu_power_limit_w", p.LimitW)
		s.gauge("gpu_power_limit_requested_w", p.RequestedLimitW)
		s.gauge("gpu_power_limit_default_w", p.DefaultLimitW)
		s.gauge("gpu_power_limit_min_w", p.MinLimitW)
		s.gauge("gpu_power_limit_max_w", p.MaxLimitW)
		counter(s.w, "gpu_energy_j_total", p.EnergyJ, s.of...)
	}
	if c := g.Clocks; c != nil {
		s.gauge("gpu_sm_clock_mhz", c.SMMHz)
		s.gauge("gpu_memory_clock_mhz", c.MemoryMHz)
		s.gauge("gpu_graphics_clock_mhz", c.GraphicsMHz)
		s.gauge("gpu_video_clock_mhz", c.VideoMHz)
		s.gauge("gpu_sm_clock_max_mhz", c.MaxSMMHz)
		s.gauge("gpu_memory_clock_max_mhz", c.MaxMemoryMHz)
		s.gauge("gpu_graphics_clock_max_mhz", c.MaxGraphicsMHz)
		s.gauge("gpu_video_clock_max_mhz", c.MaxVideoMHz)
	}
	if t := g.Throttle; t != nil {
		if t.Active != nil { // every reason is a series, so that its end shows as 0
			for _, reason := range ThrottleReasons() {
				flag(s.w, "gpu_throttle_active", new(slices.Contains(*t.Active, reason)), s.with("reason", reason)...)
			}
		}
		byKey(s, "gpu_throttle_seconds_total", "reason", t.SecondsTotal, counter[float64])
	}
}

func (s gpuSeries) health(g GPU) {
	if e := g.ECC; e != nil {
		flag(s.w, "gpu_ecc_enabled", e.Enabled, s.of...)
		for _, c := range []struct {
			period, kind string
			n            *uint64
		}{
			{"volatile", "corrected", e.VolatileCorrected}, {"volatile", "uncorrected", e.VolatileUncorrected},
			{"aggregate", "corrected", e.AggregateCorrected}, {"aggregate", "uncorrected", e.AggregateUncorrected},
		} {
			counter(s.w, "gpu_ecc_errors_total", c.n, s.with("period", c.period, "kind", c.kind)...)
		}
		flag(s.w, "gpu_ecc_sram_threshold_exceeded", e.SRAMThresholdExceeded, s.of...)
	}
	if r := g.RetiredPages; r != nil {
		gauge(s.w, "gpu_retired_pages", r.SingleBit, s.with("cause", "single_bit")...)
		gauge(s.w, "gpu_retired_pages", r.DoubleBit, s.with("cause", "double_bit")...)
		flag(s.w, "gpu_retired_pages_pending", r.Pending, s.of...)
	}
	if r := g.RowRemap; r != nil {
		gauge(s.w, "gpu_remapped_rows", r.Correctable, s.with("cause", "correctable")...)
		gauge(s.w, "gpu_remapped_rows", r.Uncorrectable, s.with("cause", "uncorrectable")...)
		flag(s.w, "gpu_row_remap_pending", r.Pending, s.of...)
		flag(s.w, "gpu_row_remap_failed", r.Failed, s.of...)
		byKey(s, "gpu_row_remap_banks", "spares", r.Banks, gauge[uint64])
	}
	if g.RecoveryAction != "" {
		flag(s.w, "gpu_recovery_needed", new(g.RecoveryAction != "none"), s.with("action", g.RecoveryAction)...)
	}
	for _, x := range g.XIDs {
		gauge(s.w, "gpu_xid_events", new(x.Count), s.with("xid", strconv.Itoa(x.Code), "severity", string(x.Severity))...)
	}
}

func (s gpuSeries) links(g GPU) {
	if p := g.PCIe; p != nil {
		gauge(s.w, "gpu_pcie_generation", p.Generation, s.of...)
		gauge(s.w, "gpu_pcie_generation_max", p.MaxGeneration, s.of...)
		gauge(s.w, "gpu_pcie_width", p.Width, s.of...)
		gauge(s.w, "gpu_pcie_width_max", p.MaxWidth, s.of...)
		counter(s.w, "gpu_pcie_replays_total", p.Replays, s.of...)
		byKey(s, "gpu_pcie_errors_total", "kind", p.Errors, counter[uint64])
		counter(s.w, "gpu_pcie_tx_bytes_total", p.TxBytes, s.of...)
		counter(s.w, "gpu_pcie_rx_bytes_total", p.RxBytes, s.of...)
		s.gauge("gpu_pcie_tx_bytes_per_second", p.TxBytesPerS)
		s.gauge("gpu_pcie_rx_bytes_per_second", p.RxBytesPerS)
	}
	if n := g.NVLink; n != nil {
		gauge(s.w, "gpu_nvlink_links", n.Links, s.of...)
		gauge(s.w, "gpu_nvlink_links_active", n.Active, s.of...)
		s.gauge("gpu_nvlink_link_bytes_per_second", n.LinkBytesPerS)
		counter(s.w, "gpu_nvlink_tx_bytes_total", n.TxBytes, s.of...)
		counter(s.w, "gpu_nvlink_rx_bytes_total", n.RxBytes, s.of...)
		byKey(s, "gpu_nvlink_errors_total", "kind", n.Errors, counter[uint64])
	}
	if f := g.Fabric; f != nil {
		if f.Health != "" {
			flag(s.w, "gpu_fabric_healthy", new(f.Health == "healthy"), s.with("health", f.Health)...)
		}
		if f.State != "" {
			flag(s.w, "gpu_fabric_registered", new(f.State == "completed"), s.with("state", f.State)...)
		}
	}
	if m := g.MIG; m != nil {
		flag(s.w, "gpu_mig_enabled", m.Enabled, s.of...)
		for _, i := range m.Instances {
			s.memory("gpu_mig_memory", i.Memory, "mig", strconv.Itoa(i.Index), "mig_uuid", i.UUID)
		}
	}
}

// processes carry no command as label: it would make a new series of every start.
func (s gpuSeries) processes(g GPU) {
	if g.NotRead["processes"] != "" || g.State != GPUOK {
		return
	}
	gauge(s.w, "gpu_processes", new(len(g.Processes)), s.of...)
	for _, p := range g.Processes {
		gauge(s.w, "gpu_process_memory_bytes", p.MemoryBytes,
			s.with("pid", strconv.Itoa(p.PID), "process", p.Name, "container", short(p.Container))...)
	}
}

func (s gpuSeries) window(w *GPUWindow) {
	if w == nil {
		return
	}
	s.gauge("gpu_window_power_w", w.PowerW)
	byKey(s, "gpu_throttled_ratio", "reason", w.Throttled, gauge[float64])
	s.gauge("gpu_pcie_tx_bytes_per_second", w.PCIeTxBytesPerS)
	s.gauge("gpu_pcie_rx_bytes_per_second", w.PCIeRxBytesPerS)
	gauge(s.w, "gpu_window_pcie_replays", w.PCIeReplays, s.of...)
	s.gauge("gpu_nvlink_tx_bytes_per_second", w.NVLinkTxBytesPerS)
	s.gauge("gpu_nvlink_rx_bytes_per_second", w.NVLinkRxBytesPerS)
	gauge(s.w, "gpu_window_nvlink_errors", w.NVLinkErrors, s.of...)
	gauge(s.w, "gpu_window_ecc_errors", w.ECCCorrected, s.with("kind", "corrected")...)
	gauge(s.w, "gpu_window_ecc_errors", w.ECCUncorrected, s.with("kind", "uncorrected")...)
	s.gauge("gpu_sm_active", w.SMActive)
	s.gauge("gpu_sm_occupancy", w.SMOccupancy)
	s.gauge("gpu_tensor_active", w.TensorActive)
	s.gauge("gpu_dram_active", w.DRAMActive)
}

// byKey yields the numbers of a map in the order of its keys.
func byKey[N number](s gpuSeries, name, label string, of map[string]N, put func(*samples, string, *N, ...string)) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		put(s.w, name, new(of[key]), s.with(label, key)...)
	}
}

// short is the length of a container id that tools print.
func short(id string) string { return strings.ToValidUTF8(id[:min(len(id), 12)], "") }
