package nvml

import (
	"cmp"
	"fmt"
	"reflect"

	"llmops/probes/snapshot"
)

func (r *reader) identity() {
	g := r.g
	g.Name = r.text("name", Name)
	g.UUID = r.text("uuid", UUID)
	g.PCI = r.text("pci", PCIBusID)
	g.Serial = r.text("serial", Serial)
	g.VBIOS = r.text("vbios", VBIOS)
	g.GSPFirmware = r.text("gsp_firmware", GSPFirmware)
	if v, ok := r.get("compute_capability", Capability, 0); ok {
		g.ComputeCapability = fmt.Sprintf("%d.%d", v[0], v[1])
	}
	if v, ok := r.get("architecture", Architecture, 0); ok && v[0] != NotAvailable {
		g.Architecture = named(v[0], "0", "1", "Kepler", "Maxwell", "Pascal", "Volta", "Turing", "Ampere", "Ada", "Hopper", "Blackwell")
	}
	if v, ok := r.get("compute_mode", ComputeMode, 0); ok && v[0] != NotAvailable {
		g.ComputeMode = named(v[0], "default", "exclusive_thread", "prohibited", "exclusive_process")
	}
	if v, ok := r.get("virtualization", Virtual, 0); ok && v[0] != NotAvailable {
		g.Virtualization = named(v[0], "none", "passthrough", "vgpu", "host_vgpu", "host_vsga")
	}
	if v, ok := r.get("persistence", Persistence, 0); ok {
		g.Persistence = yes(v[0])
	}
	if v, ok := r.get("pstate", PState, 0); ok && v[0] < 16 { // 32 is NVML's "unknown"
		g.PState = number(v[0])
	}
}

func (r *reader) usage() {
	g := r.g
	if v, ok := r.get("utilization", Utilization, 0); ok {
		g.Utilization, g.MemoryCtrlUtilization = percent(v[0]), percent(v[1])
	}
	for _, e := range []struct {
		part string
		q    Query
		to   **float64
	}{
		{"encoder_utilization", Encoder, &g.EncoderUtilization}, {"decoder_utilization", Decoder, &g.DecoderUtilization},
		{"jpeg_utilization", JPEG, &g.JPEGUtilization}, {"ofa_utilization", OFA, &g.OFAUtilization}, {"fan_ratio", Fan, &g.Fan},
	} {
		if v, ok := r.get(e.part, e.q, 0); ok {
			*e.to = percent(v[0])
		}
	}
	if v, ok := r.get("memory", Memory, 0); ok {
		g.Memory = memory(v)
	}
	if v, ok := r.get("bar1", BAR1, 0); ok {
		v[3] = NotAvailable
		g.BAR1 = memory(v)
	}
}

// memory is total, used, free, reserved.
func memory(v Values) *snapshot.GPUMemory {
	m := &snapshot.GPUMemory{TotalBytes: whole(v[0]), UsedBytes: whole(v[1]), FreeBytes: whole(v[2]), ReservedBytes: whole(v[3])}
	if m.TotalBytes != nil && m.UsedBytes != nil && *m.TotalBytes > 0 && *m.UsedBytes <= *m.TotalBytes {
		m.Utilization = new(float64(*m.UsedBytes) / float64(*m.TotalBytes))
	}
	return m
}

func (r *reader) heat() {
	g := r.g
	t := &snapshot.GPUTemperature{MemoryC: r.degrees(fiMemoryTemp),
		SlowdownTLimitC: r.degrees(fiSlowdownTLimit), ShutdownTLimitC: r.degrees(fiShutdownTLimit),
		GPUMaxTLimitC: r.degrees(fiGPUMaxTLimit), MemoryMaxTLimitC: r.degrees(fiMemoryMaxTLimit)}
	if t.MemoryC != nil && *t.MemoryC == 0 {
		t.MemoryC = nil // boards without the sensor answer 0
	}
	if v, ok := r.get("temperature", Temperature, 0); ok {
		t.GPUC = scaled(&v[0], 1)
	}
	for _, l := range []struct {
		arg int
		to  **float64
	}{{ThresholdSlowdown, &t.SlowdownC}, {ThresholdShutdown, &t.ShutdownC}, {ThresholdGPUMax, &t.GPUMaxC}, {ThresholdMemoryMax, &t.MemoryMaxC}} {
		if v, ok := r.get("temperature_limits", Threshold, l.arg); ok {
			*l.to = scaled(&v[0], 1)
		}
	}
	if v, ok := r.get("", Margin, 0); ok {
		t.MarginC = new(float64(int32(v[0])))
	}
	g.Temperature = present(t)

	p := cmp.Or(g.Power, &snapshot.GPUPower{})
	p.AverageW, p.InstantW = scaled(r.field(fiPowerAverage), 1e-3), scaled(r.field(fiPowerInstant), 1e-3)
	p.MinLimitW, p.MaxLimitW = scaled(r.field(fiPowerMin), 1e-3), scaled(r.field(fiPowerMax), 1e-3)
	p.DefaultLimitW = scaled(r.field(fiPowerDefault), 1e-3)
	p.LimitW, p.RequestedLimitW = scaled(r.field(fiPowerCurrent), 1e-3), scaled(r.field(fiPowerRequested), 1e-3)
	if v, ok := r.get("power", PowerUsage, 0); ok {
		p.DrawW = scaled(&v[0], 1e-3)
	}
	r.otherwise(&p.LimitW, "power_limit", PowerLimit, 0, 1e-3)
	r.otherwise(&p.RequestedLimitW, "power_limit", PowerSet, 0, 1e-3)
	r.otherwise(&p.DefaultLimitW, "power_limit", PowerDefault, 0, 1e-3)
	r.otherwise(&p.MinLimitW, "power_limit", PowerRange, 0, 1e-3)
	r.otherwise(&p.MaxLimitW, "power_limit", PowerRange, 1, 1e-3)
	r.otherwise(&p.EnergyJ, "energy", Energy, 0, 1e-3)
	g.Power = present(p)
	r.clocks()
}

// otherwise asks for what the batch did not have.
func (r *reader) otherwise(to **float64, part string, q Query, i int, by float64) {
	if *to == nil {
		if v, ok := r.get(part, q, 0); ok {
			*to = scaled(&v[i], by)
		}
	}
}

func (r *reader) clocks() {
	c := &snapshot.GPUClocks{}
	for _, k := range []struct {
		arg     int
		now, up **float64
	}{
		{ClockSM, &c.SMMHz, &c.MaxSMMHz}, {ClockMemory, &c.MemoryMHz, &c.MaxMemoryMHz},
		{ClockGraphics, &c.GraphicsMHz, &c.MaxGraphicsMHz}, {ClockVideo, &c.VideoMHz, &c.MaxVideoMHz},
	} {
		if v, ok := r.get("clocks", Clock, k.arg); ok {
			*k.now = scaled(&v[0], 1)
		}
		if v, ok := r.get("clocks", MaxClock, k.arg); ok {
			*k.up = scaled(&v[0], 1)
		}
	}
	r.g.Clocks = present(c)
	t := cmp.Or(r.g.Throttle, &snapshot.GPUThrottle{})
	if v, ok := r.get("throttle", EventReasons, 0); ok && v[0] != NotAvailable {
		active := []string{}
		for bit, name := range snapshot.ThrottleReasons() {
			if v[0]&(1<<bit) != 0 {
				active = append(active, name)
			}
		}
		t.Active = &active
	}
	r.g.Throttle = t
	if t.Active == nil && t.SecondsTotal == nil {
		r.g.Throttle = nil
	}
}

func (r *reader) health() {
	g := r.g
	e := cmp.Or(g.ECC, &snapshot.GPUECC{})
	e.AggregateCorrected, e.AggregateUncorrected = r.field(fiECCAggCorrected), r.field(fiECCAggUncorr)
	if v, ok := r.get("ecc", ECCMode, 0); ok {
		e.Enabled, e.PendingEnabled = yes(v[0]), yes(v[1])
	}
	if e.Enabled == nil || *e.Enabled {
		if e.VolatileUncorrected == nil || e.AggregateUncorrected == nil {
			if v, ok := r.get("ecc", ECCErrors, 0); ok {
				e.VolatileCorrected, e.VolatileUncorrected = cmp.Or(e.VolatileCorrected, whole(v[0])), cmp.Or(e.VolatileUncorrected, whole(v[1]))
				e.AggregateCorrected, e.AggregateUncorrected = cmp.Or(e.AggregateCorrected, whole(v[2])), cmp.Or(e.AggregateUncorrected, whole(v[3]))
			}
		}
		if v, ok := r.get("ecc_sram", SRAMErrors, 0); ok {
			e.SRAMThresholdExceeded = yes(v[0])
		}
	} else { // counters of a switched-off ECC say nothing
		*e = snapshot.GPUECC{Enabled: e.Enabled, PendingEnabled: e.PendingEnabled}
	}
	g.ECC = present(e)

	retired := &snapshot.GPURetired{SingleBit: r.field(fiRetiredSBE), DoubleBit: r.field(fiRetiredDBE), Pending: r.bit(fiRetiredPending)}
	g.RetiredPages = present(retired)

	remap := &snapshot.GPURowRemap{Correctable: r.field(fiRemapCorrectable), Uncorrectable: r.field(fiRemapUncorr),
		Pending: r.bit(fiRemapPending), Failed: r.bit(fiRemapFailed)}
	if remap.Pending == nil || remap.Failed == nil {
		if v, ok := r.get("row_remap", Remapped, 0); ok {
			*remap = snapshot.GPURowRemap{Correctable: whole(v[0]), Uncorrectable: whole(v[1]), Pending: yes(v[2]), Failed: yes(v[3])}
		}
	}
	g.RowRemap = present(remap)
	if g.RowRemap == nil && g.RetiredPages == nil {
		r.note("retired_pages", NotSupported)
	}
	if v, ok := r.get("row_remap_banks", RemapBanks, 0); ok && g.RowRemap != nil {
		g.RowRemap.Banks = map[string]uint64{"max": v[0], "high": v[1], "partial": v[2], "low": v[3], "none": v[4]}
	}
	if v := r.field(fiRecoveryAction); v != nil {
		g.RecoveryAction = named(*v, "none", "gpu_reset", "node_reboot", "drain_p2p", "drain_and_reset",
			"recover_imex_domain", "bus_reset", "system_reboot")
	}
}

func (r *reader) bit(id FieldID) *bool {
	if v := r.field(id); v != nil {
		return yes(*v)
	}
	return nil
}

// present is nil for a part of which nothing was read.
func present[T any](part *T) *T {
	if part == nil || reflect.ValueOf(*part).IsZero() {
		return nil
	}
	return part
}
