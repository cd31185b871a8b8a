package nvsmi

import (
	"cmp"
	"io"
	"strings"

	"llmops/probes/gpu/nvml"
	"llmops/probes/snapshot"
)

// Parse reads the XML of nvidia-smi -q -x. Indices are positions in it: the
// order is that of nvidia-smi -L.
func Parse(r io.Reader) (nvml.Reading, error) {
	log, err := parseTree(r)
	if err != nil {
		return nvml.Reading{}, err
	}
	out := nvml.Reading{Driver: log.at("driver_version").word(), CUDA: log.at("cuda_version").word()}
	for i, n := range log.each("gpu") {
		g := snapshot.GPU{Index: i, Vendor: "nvidia", Source: "nvidia-smi", State: state(n), PCI: n.id}
		identity(n, &g)
		usage(n, &g)
		heat(n, &g)
		health(n, &g)
		links(n, &g)
		partitions(n, &g)
		processes(n, &g)
		for _, part := range []struct{ name, path string }{
			{"utilization", "utilization/gpu_util"}, {"memory", "fb_memory_usage/total"}, {"temperature", "temperature/gpu_temp"},
			{"processes", "processes"}, {"ecc", "ecc_mode/current_ecc"}, {"mig", "mig_mode/current_mig"},
		} {
			missing(n.first(part.path), part.name, &g)
		}
		if g.Power == nil || g.Power.DrawW == nil {
			missing(n.first("gpu_power_readings/power_draw", "gpu_power_readings/average_power_draw",
				"gpu_power_readings/instant_power_draw", "power_readings/power_draw"), "power", &g)
		}
		out.GPUs = append(out.GPUs, g)
	}
	return out, nil
}

func missing(n *node, part string, g *snapshot.GPU) {
	if part == "processes" && n != nil && n.text == "" {
		return // an empty list is a list
	}
	if why := reason(n); why != "" {
		if g.NotRead == nil {
			g.NotRead = map[string]snapshot.Status{}
		}
		g.NotRead[part] = why
	}
}

// state looks for the words that stand in place of values on a sick GPU.
func state(n *node) string {
	worst := nvml.OK
	var walk func(*node)
	walk = func(n *node) {
		switch s := n.status(); s {
		case nvml.Lost, nvml.ResetRequired:
			if n.name != "process_name" && worst != nvml.Lost {
				worst = s
			}
		}
		for _, k := range n.kids {
			walk(k)
		}
	}
	walk(n)
	return worst.State()
}

func identity(n *node, g *snapshot.GPU) {
	g.Name, g.UUID, g.Serial = n.at("product_name").word(), n.at("uuid").word(), n.at("serial").word()
	g.VBIOS, g.GSPFirmware = n.at("vbios_version").word(), n.at("gsp_firmware_version").word()
	g.PCI = cmp.Or(n.at("pci", "pci_bus_id").word(), g.PCI)
	g.Architecture = n.at("product_architecture").word()
	g.ComputeMode = snake(n.at("compute_mode").word())
	g.Virtualization = snake(n.at("gpu_virtualization_mode", "virtualization_mode").word())
	g.Persistence = n.at("persistence_mode").yes()
	if p := n.at("performance_state").word(); len(p) > 1 && p[0] == 'P' {
		g.PState = (&node{text: p[1:]}).integer()
	}
	g.RecoveryAction = snake(n.at("gpu_recovery_action").word())
	if n.at("gpu_reset_status", "drain_and_reset_recommended").word() == "Yes" {
		g.RecoveryAction = cmp.Or(g.RecoveryAction, "drain_and_reset")
	}
	if n.at("gpu_reset_status", "reset_required").word() == "Yes" {
		g.RecoveryAction = cmp.Or(g.RecoveryAction, "gpu_reset")
	}
}

func usage(n *node, g *snapshot.GPU) {
	g.Utilization, g.MemoryCtrlUtilization = n.at("utilization", "gpu_util").ratio(), n.at("utilization", "memory_util").ratio()
	g.EncoderUtilization, g.DecoderUtilization = n.at("utilization", "encoder_util").ratio(), n.at("utilization", "decoder_util").ratio()
	g.JPEGUtilization, g.OFAUtilization = n.at("utilization", "jpeg_util").ratio(), n.at("utilization", "ofa_util").ratio()
	g.Memory, g.BAR1 = memory(n.at("fb_memory_usage")), memory(n.at("bar1_memory_usage"))
	g.Fan = n.at("fan_speed").ratio()
}

func memory(n *node) *snapshot.GPUMemory {
	m := &snapshot.GPUMemory{TotalBytes: n.at("total").count(), UsedBytes: n.at("used").count(),
		FreeBytes: n.at("free").count(), ReservedBytes: n.at("reserved").count()}
	if m.TotalBytes != nil && m.UsedBytes != nil && *m.TotalBytes > 0 && *m.UsedBytes <= *m.TotalBytes {
		m.Utilization = new(float64(*m.UsedBytes) / float64(*m.TotalBytes))
	}
	return present(m)
}

func heat(n *node, g *snapshot.GPU) {
	t := n.at("temperature")
	g.Temperature = present(&snapshot.GPUTemperature{GPUC: t.at("gpu_temp").number(), MemoryC: t.at("memory_temp").number(),
		ShutdownC: t.at("gpu_temp_max_threshold").number(), SlowdownC: t.at("gpu_temp_slow_threshold").number(),
		GPUMaxC: t.at("gpu_temp_max_gpu_threshold").number(), MemoryMaxC: t.at("gpu_temp_max_mem_threshold").number(),
		MarginC:         t.at("gpu_temp_tlimit").number(),
		ShutdownTLimitC: t.at("gpu_temp_max_tlimit_threshold").number(), SlowdownTLimitC: t.at("gpu_temp_slow_tlimit_threshold").number(),
		GPUMaxTLimitC: t.at("gpu_temp_max_gpu_tlimit_threshold").number(), MemoryMaxTLimitC: t.at("gpu_temp_max_mem_tlimit_threshold").number()})

	p := n.first("gpu_power_readings", "power_readings")
	power := &snapshot.GPUPower{AverageW: p.at("average_power_draw").number(), InstantW: p.at("instant_power_draw").number(),
		LimitW: p.first("current_power_limit", "enforced_power_limit").number(), RequestedLimitW: p.first("requested_power_limit", "power_limit").number(),
		DefaultLimitW: p.at("default_power_limit").number(), MinLimitW: p.at("min_power_limit").number(), MaxLimitW: p.at("max_power_limit").number()}
	power.DrawW = cmp.Or(p.at("power_draw").number(), power.AverageW, power.InstantW)
	g.Power = present(power)

	now, top := n.at("clocks"), n.at("max_clocks")
	g.Clocks = present(&snapshot.GPUClocks{SMMHz: now.at("sm_clock").number(), MemoryMHz: now.at("mem_clock").number(),
		GraphicsMHz: now.at("graphics_clock").number(), VideoMHz: now.at("video_clock").number(),
		MaxSMMHz: top.at("sm_clock").number(), MaxMemoryMHz: top.at("mem_clock").number(),
		MaxGraphicsMHz: top.at("graphics_clock").number(), MaxVideoMHz: top.at("video_clock").number()})
	g.Throttle = throttle(n)
}

// reasons are the ends of the element names, in the order of
// snapshot.ThrottleReasons; the last two have no element.
var reasons = []string{"gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost",
	"sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "display_clocks_setting"}

func throttle(n *node) *snapshot.GPUThrottle {
	t := &snapshot.GPUThrottle{}
	prefix, list := "clocks_event_reason_", n.at("clocks_event_reasons")
	if list == nil {
		prefix, list = "clocks_throttle_reason_", n.at("clocks_throttle_reasons")
	}
	for i, end := range reasons {
		on := list.at(prefix + end).yes()
		if on == nil {
			continue
		}
		if t.Active == nil {
			t.Active = &[]string{}
		}
		if *on {
			*t.Active = append(*t.Active, snapshot.ThrottleReasons()[i])
		}
	}
	for element, reason := range map[string]string{"sw_power_cap": "sw_power_cap", "sync_boost": "sync_boost",
		"sw_therm_slowdown": "sw_thermal", "hw_therm_slowdown": "hw_thermal", "hw_power_brake": "hw_power_brake"} {
		if s := n.at("clocks_event_reasons_counters", "clocks_event_reasons_counters_"+element).number(); s != nil {
			if t.SecondsTotal == nil {
				t.SecondsTotal = map[string]float64{}
			}
			t.SecondsTotal[reason] = *s
		}
	}
	return present(t)
}

func health(n *node, g *snapshot.GPU) {
	e := &snapshot.GPUECC{Enabled: n.at("ecc_mode", "current_ecc").yes(), PendingEnabled: n.at("ecc_mode", "pending_ecc").yes()}
	// before the v11 DTD: single_bit and double_bit, each with a total
	volatile, aggregate := n.at("ecc_errors", "volatile"), n.at("ecc_errors", "aggregate")
	e.VolatileCorrected, e.VolatileUncorrected = sum(volatile, "_correctable", "single_bit"), sum(volatile, "_uncorrectable", "double_bit")
	e.AggregateCorrected, e.AggregateUncorrected = sum(aggregate, "_correctable", "single_bit"), sum(aggregate, "_uncorrectable", "double_bit")
	e.SRAMThresholdExceeded = aggregate.at("sram_threshold_exceeded").yes()
	g.ECC = present(e)

	pages := n.at("retired_pages")
	g.RetiredPages = present(&snapshot.GPURetired{SingleBit: pages.at("multiple_single_bit_retirement", "retired_count").count(),
		DoubleBit: pages.at("double_bit_retirement", "retired_count").count(), Pending: pages.first("pending_retirement", "pending_blacklist").yes()})

	rows := n.at("remapped_rows")
	remap := &snapshot.GPURowRemap{Correctable: rows.at("remapped_row_corr").count(), Uncorrectable: rows.at("remapped_row_unc").count(),
		Pending: rows.at("remapped_row_pending").yes(), Failed: rows.at("remapped_row_failure").yes()}
	for _, k := range []string{"max", "high", "partial", "low", "none"} {
		if v := rows.at("row_remapper_histogram", "row_remapper_histogram_"+k).count(); v != nil {
			if remap.Banks == nil {
				remap.Banks = map[string]uint64{}
			}
			remap.Banks[k] = *v
		}
	}
	g.RowRemap = present(remap)
}

// sum adds up the memory errors of a kind over the parts of the chip. sub is
// part of their names ("dram_correctable", "sram_uncorrectable_parity"); old is
// the element of the early DTDs.
func sum(n *node, sub, old string) *uint64 {
	if total := n.at(old, "total").count(); total != nil {
		return total
	}
	var all *uint64
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if !strings.Contains(k.name, sub) {
			continue
		}
		if v := k.count(); v != nil {
			if all == nil {
				all = new(uint64)
			}
			*all += *v
		}
	}
	return all
}
