package host

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"llmops/probes/snapshot"
)

// numaOf reads the memory nodes, and which GPUs hang on which.
func numaOf(t tree) []snapshot.NUMANode {
	const dir = "/sys/devices/system/node"
	var nodes []snapshot.NUMANode
	for _, name := range t.names(dir) {
		id, ok := strings.CutPrefix(name, "node")
		n, err := strconv.Atoi(id)
		if !ok || err != nil {
			continue
		}
		var lines strings.Builder // "Node 0 MemTotal: 1 kB" without its first two words
		for line := range strings.Lines(t.word(dir + "/" + name + "/meminfo")) {
			if f := strings.SplitN(strings.TrimSpace(line), " ", 3); len(f) == 3 {
				lines.WriteString(f[2] + "\n")
			}
		}
		mem := parseTable(lines.String())
		nodes = append(nodes, snapshot.NUMANode{
			Node: n, CPUs: t.word(dir + "/" + name + "/cpulist"),
			TotalBytes: mem.get("MemTotal"), FreeBytes: mem.get("MemFree"),
			Misses: parseTable(t.word(dir + "/" + name + "/numastat")).get("numa_miss"),
		})
	}
	slices.SortFunc(nodes, func(a, b snapshot.NUMANode) int { return cmp.Compare(a.Node, b.Node) })
	for _, addr := range t.names("/sys/bus/pci/devices") {
		dev := "/sys/bus/pci/devices/" + addr
		// 0x0300: VGA, 0x0302: 3D controller, 0x1200: processing accelerator
		class := t.word(dev + "/class")
		if !strings.HasPrefix(class, "0x0300") && !strings.HasPrefix(class, "0x0302") && !strings.HasPrefix(class, "0x1200") {
			continue
		}
		node := parseInt(t.word(dev + "/numa_node")) // -1, where the firmware does not say, is none
		for i := range nodes {
			if node != nil && nodes[i].Node == *node {
				nodes[i].PCIGPUs = append(nodes[i].PCIGPUs, addr)
			}
		}
	}
	return nodes
}

// rdmaOf reads the ports of InfiniBand and RoCE adapters.
func rdmaOf(t tree) []snapshot.RDMAPort {
	const class = "/sys/class/infiniband"
	var ports []snapshot.RDMAPort
	for _, dev := range t.names(class) {
		for _, port := range t.names(class + "/" + dev + "/ports") {
			dir := class + "/" + dev + "/ports/" + port
			count := func(name string) *uint64 { return t.number(dir + "/counters/" + name) }
			p := snapshot.RDMAPort{
				Device: dev, Port: port,
				State: afterColon(t.word(dir + "/state")), PhysState: afterColon(t.word(dir + "/phys_state")),
				InBytes: words(count("port_rcv_data")), OutBytes: words(count("port_xmit_data")),
				Errors:   sum(count("symbol_error"), count("port_rcv_errors"), count("local_link_integrity_errors")),
				Discards: count("port_xmit_discards"), LinkDowned: count("link_downed"),
			}
			if p.State != "" {
				p.Active = new(p.State == "ACTIVE")
			}
			// "400 Gb/sec (4X NDR)"
			if gbit, _, ok := strings.Cut(t.word(dir+"/rate"), " Gb/sec"); ok {
				if v := parseFloat(gbit); v != nil && *v > 0 && *v < 1e6 {
					p.RateBits = new(uint64(*v * 1e9))
				}
			}
			ports = append(ports, p)
		}
	}
	return ports
}

// afterColon is the name in "4: ACTIVE", "" in anything else.
func afterColon(s string) string {
	id, name, _ := strings.Cut(s, ": ")
	if parseInt(id) == nil || len(strings.Fields(name)) != 1 {
		return ""
	}
	return name
}

// words turns InfiniBand's data counters, in units of four octets, into bytes.
func words(n *uint64) *uint64 {
	if n == nil || *n > 1<<61 {
		return nil
	}
	return new(*n * 4)
}

// sum adds what was read; nil when nothing was.
func sum(parts ...*uint64) *uint64 {
	var total *uint64
	for _, p := range parts {
		if p == nil {
			continue
		}
		if total == nil {
			total = new(uint64)
		}
		*total += *p
	}
	return total
}
