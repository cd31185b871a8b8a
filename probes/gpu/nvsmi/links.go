package nvsmi

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

func links(n *node, g *snapshot.GPU) {
	p, info := n.at("pci"), n.at("pci", "pci_gpu_link_info")
	g.PCIe = present(&snapshot.GPUPCIe{Generation: info.at("pcie_gen", "current_link_gen").integer(), MaxGeneration: info.at("pcie_gen", "max_link_gen").integer(),
		Width: info.at("link_widths", "current_link_width").integer(), MaxWidth: info.at("link_widths", "max_link_width").integer(),
		Replays: p.at("replay_counter").count(), TxBytesPerS: p.at("tx_util").number(), RxBytesPerS: p.at("rx_util").number()})

	f := n.at("fabric")
	fabric := &snapshot.GPUFabric{State: snake(f.at("state").word()), Health: snake(f.at("health", "summary").word()), Cluster: f.first("clusterUuid", "cluster_uuid").word()}
	if s := f.at("status").word(); s != "" {
		fabric.Status = s
		if strings.EqualFold(s, "success") {
			fabric.Status = "ok"
		}
	}
	if v := f.first("cliqueId", "clique_id").count(); v != nil {
		fabric.CliqueID = new(uint32(*v))
	}
	if f.at("health", "bandwidth").word() == "Degraded" {
		fabric.Problems = append(fabric.Problems, "degraded_bandwidth")
	}
	for element, what := range map[string]string{"route_recovery_in_progress": "route_recovery", "route_unhealthy": "route_unhealthy", "access_timeout_recovery": "access_timeout_recovery"} {
		if v := f.at("health", element).yes(); v != nil && *v {
			fabric.Problems = append(fabric.Problems, what)
		}
	}
	slices.Sort(fabric.Problems)
	g.Fabric = present(fabric)
}

func partitions(n *node, g *snapshot.GPU) {
	m := &snapshot.GPUMIG{Enabled: n.at("mig_mode", "current_mig").yes(), PendingEnabled: n.at("mig_mode", "pending_mig").yes()}
	for _, d := range n.at("mig_devices").each("mig_device") {
		index := d.at("index").integer()
		if index == nil {
			continue
		}
		m.Instances = append(m.Instances, snapshot.GPUInstance{Index: *index,
			GPUInstanceID: d.at("gpu_instance_id").integer(), ComputeInstanceID: d.at("compute_instance_id").integer(),
			SMs: d.at("device_attributes", "shared", "multiprocessor_count").integer(), Memory: memory(d.at("fb_memory_usage"))})
	}
	g.MIG = present(m)
}

func processes(n *node, g *snapshot.GPU) {
	for _, p := range n.at("processes").each("process_info") {
		pid := p.at("pid").integer()
		if pid == nil {
			continue
		}
		kind := map[string]string{"C": "compute", "G": "graphics", "C+G": "compute+graphics", "M": "mps", "M+C": "compute+mps"}[p.at("type").word()]
		g.Processes = append(g.Processes, snapshot.GPUProcess{PID: *pid, Type: cmp.Or(kind, strings.ToLower(p.at("type").word())),
			MemoryBytes: p.at("used_memory").count(), Name: p.at("process_name").word(), GPUInstance: p.at("gpu_instance_id").integer()})
	}
	slices.SortFunc(g.Processes, func(a, b snapshot.GPUProcess) int {
		return cmp.Or(-cmp.Compare(used(a), used(b)), cmp.Compare(a.PID, b.PID))
	})
}

func used(p snapshot.GPUProcess) uint64 {
	if p.MemoryBytes == nil {
		return 0
	}
	return *p.MemoryBytes
}

// present is nil for a part of which nothing was read.
func present[T any](part *T) *T {
	if reflect.ValueOf(*part).IsZero() {
		return nil
	}
	return part
}
