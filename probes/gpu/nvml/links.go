package nvml

import (
	"cmp"
	"maps"
	"strconv"

	"llmops/probes/snapshot"
)

// mostLinks bounds the NVLinks of a GPU that are asked for (NVML_NVLINK_MAX_LINKS is 36 or less).
const mostLinks = 36

// mostInstances bounds the MIG devices of a GPU.
const mostInstances = 64

func (r *reader) links() {
	g := r.g
	p := cmp.Or(g.PCIe, &snapshot.GPUPCIe{})
	if v, ok := r.get("pcie", PCIeNow, 0); ok {
		p.Generation, p.Width = number(v[0]), number(v[1])
	}
	if v, ok := r.get("pcie", PCIeMax, 0); ok {
		p.MaxGeneration, p.MaxWidth = number(v[0]), number(v[1])
	}
	if p.Replays == nil {
		if v, ok := r.get("pcie_replays", PCIeReplays, 0); ok {
			p.Replays = whole(v[0])
		}
	}
	p.Errors = r.errorCounts(map[string]FieldID{"l0_to_recovery": fiPCIeL0Recovery, "correctable": fiPCIeCorrectable,
		"nak_received": fiPCIeNAKRecv, "receiver": fiPCIeReceiver, "bad_tlp": fiPCIeBadTLP, "nak_sent": fiPCIeNAKSent,
		"bad_dllp": fiPCIeBadDLLP, "non_fatal": fiPCIeNonFatal, "fatal": fiPCIeFatal, "unsupported_request": fiPCIeUnsupported,
		"lcrc": fiPCIeLCRC, "lane": fiPCIeLane})
	g.PCIe = p
	r.nvlink()
	r.fabric()
}

// nvlink counts the links that are up. A GPU without NVLink has none of it.
func (r *reader) nvlink() {
	n := r.g.NVLink
	if n == nil || n.Links == nil {
		r.g.NVLink = nil
		r.note("nvlink", NotSupported)
		return
	}
	n.LinkBytesPerS = scaled(r.field(fiLinkSpeed), 1e6)
	known, active := 0, 0
	for link := range *n.Links {
		state, ok := r.linkStates[uint32(link)]
		if !ok { // an older driver has a call for each link
			var v Values
			v, ok = r.get("nvlink_state", NVLink, link)
			state = v[0]
		}
		switch {
		case !ok:
			continue
		case state == 1 || state == 2: // active, or asleep for want of traffic
			active++
		default:
			n.Down = append(n.Down, link)
		}
		known++
	}
	if known == *n.Links {
		n.Active = &active
	}
}

// linkCounters are the links' traffic and errors: sums where the driver has
// them, else added up from counters of each link, of which NVLink 5 has others
// than the boards before it.
func (r *reader) linkCounters() *snapshot.GPUNVLink {
	count := r.field(fiLinkCount)
	if count == nil || *count == 0 || *count > mostLinks {
		return nil
	}
	n := &snapshot.GPUNVLink{Links: number(*count), TxBytes: times(r.field(fiLinkTx), 1024), RxBytes: times(r.field(fiLinkRx), 1024),
		Errors: r.errorCounts(map[string]FieldID{"crc_flit": fiCRCFlit, "crc_data": fiCRCData, "replay": fiReplay, "recovery": fiRecovery})}
	ask := map[FieldID]string{fiLinkState: ""}
	if n.Errors == nil {
		maps.Copy(ask, map[FieldID]string{fiDLReplay: "replay", fiDLRecovery: "recovery", fiDLCRC: "crc"})
	}
	r.linkStates = r.eachLink(n, ask)
	if n.Errors == nil || n.TxBytes == nil {
		r.eachLink(n, map[FieldID]string{fiLink5Tx: "", fiLink5Rx: "", fiLink5Malformed: "malformed", fiLink5Overrun: "overrun", fiLink5Receive: "receive",
			fiLink5Remote: "receive_remote", fiLink5Integrity: "integrity", fiLink5Discard: "discard", fiLink5Failed: "recovery_failed", fiLink5Recovery: "recovery"})
	}
	return n
}

// eachLink asks for these fields of all links with one call, adds errors and
// bytes to n and gives the states.
func (r *reader) eachLink(n *snapshot.GPUNVLink, ask map[FieldID]string) map[uint32]uint64 {
	var fields []Field
	for link := range *n.Links {
		for id := range ask {
			fields = append(fields, Field{ID: id, Scope: uint32(link)})
		}
	}
	if r.gone || r.d.Fields(fields) != OK {
		return nil
	}
	states := map[uint32]uint64{}
	for _, f := range fields {
		switch {
		case f.Status != OK || f.Value == NotAvailable:
		case f.ID == fiLinkState:
			states[f.Scope] = f.Value
		case f.ID == fiLink5Tx:
			n.TxBytes = new(deref(n.TxBytes) + f.Value)
		case f.ID == fiLink5Rx:
			n.RxBytes = new(deref(n.RxBytes) + f.Value)
		default:
			if n.Errors == nil {
				n.Errors = map[string]uint64{}
			}
			n.Errors[ask[f.ID]] += f.Value
		}
	}
	return states
}

// fabric is the registration with NVSwitch; bits and shifts are those of nvml.h.
func (r *reader) fabric() {
	v, ok := r.get("fabric", Fabric, 0)
	if !ok || v[0] == 0 || v[0] == NotAvailable {
		return
	}
	f := &snapshot.GPUFabric{State: named(v[0], "", "not_started", "in_progress", "completed")}
	if v[0] == 3 {
		f.Status = "ok"
		if s := Status(v[1]); s != OK {
			f.Status = s.Words()
		}
		if v[2] != NotAvailable {
			f.CliqueID = new(uint32(v[2]))
		}
		f.Cluster = r.text("", ClusterUUID)
	}
	if mask := v[3]; mask != NotAvailable {
		for _, h := range []struct {
			shift int
			bad   uint64
			what  string
		}{
			{0, 1, "degraded_bandwidth"}, {2, 1, "route_recovery"}, {4, 1, "route_unhealthy"}, {6, 1, "access_timeout_recovery"},
			{12, 2, "no_partition"}, {14, 2, "fabric_manager_disconnected"},
		} {
			if mask>>h.shift&3 == h.bad {
				f.Problems = append(f.Problems, h.what)
			}
		}
		if wrong := mask >> 8 & 0xf; wrong > 1 {
			f.Problems = append(f.Problems, "wrong_configuration_"+named(wrong, "", "", "system_guid", "chassis_serial",
				"no_partition", "too_few_nvlinks", "gpu_firmware", "location", "gpu_state"))
		}
	}
	switch {
	case v[4] >= 1 && v[4] <= 3:
		f.Health = named(v[4], "", "healthy", "unhealthy", "limited_capacity")
	case v[3] != NotAvailable && v[3] != 0 && len(f.Problems) == 0:
		f.Health = "healthy" // an older driver has the mask and no summary
	case len(f.Problems) > 0:
		f.Health = "unhealthy"
	}
	r.g.Fabric = f
}

// partitions lists the MIG devices. Their indices have holes.
func (r *reader) partitions() {
	v, ok := r.get("mig", MIGMode, 0)
	if !ok {
		return
	}
	m := &snapshot.GPUMIG{Enabled: yes(v[0]), PendingEnabled: yes(v[1])}
	r.g.MIG = m
	if !r.migEnabled() {
		return
	}
	most, ok := r.get("mig", MIGMax, 0)
	if !ok {
		return
	}
	for i := range int(min(most[0], mostInstances)) {
		d, s := r.d.MIG(i)
		if s == NotFound {
			continue
		}
		if s != OK {
			r.note("mig."+strconv.Itoa(i), s)
			continue
		}
		m.Instances = append(m.Instances, instance(d, i))
	}
}

func instance(d Device, index int) snapshot.GPUInstance {
	r := &reader{d: d, g: &snapshot.GPU{}}
	in := snapshot.GPUInstance{Index: index, UUID: r.text("uuid", UUID), Name: r.text("name", Name)}
	if v, ok := r.get("ids", MIGIDs, 0); ok {
		in.GPUInstanceID, in.ComputeInstanceID = number(v[0]), number(v[1])
	}
	if v, ok := r.get("shape", MIGShape, 0); ok {
		in.SMs = number(v[0])
	}
	if v, ok := r.get("memory", Memory, 0); ok {
		in.Memory = memory(v)
	}
	return in
}
