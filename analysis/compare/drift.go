package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

// Configuration compares what two snapshots say of identity and configuration, never
// of load: host, limits, GPUs, drivers, engines. What one of them does not know is
// shown only if the other does.
func Configuration(before, after snapshot.Snapshot) Comparison {
	c := Comparison{Schema: Schema, Kind: Snapshots, Metrics: []Metric{}, Verdict: Pass}
	a, b := identity(before), identity(after)
	c.settings(a, b, servers(before), servers(after))
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if a[key] != b[key] {
			c.Drift = append(c.Drift, Drift{key, a[key], b[key]})
		}
	}
	for _, side := range []struct {
		name string
		s    snapshot.Snapshot
	}{{"before", before}, {"after", after}} {
		for _, p := range side.s.Errors {
			c.warn("%s: %s", side.name, strings.Join(strings.Fields(strings.Join([]string{p.Source, p.What, "could not be read:", string(p.Status)}, " ")), " "))
		}
	}
	return c
}

// facts are keys with their values; what is not known is absent.
type facts map[string]string

func (f facts) text(key, value string) {
	if value != "" {
		f[key] = value
	}
}

func put[T any](f facts, key string, v *T) {
	if v != nil {
		f[key] = fmt.Sprint(*v)
	}
}

func identity(s snapshot.Snapshot) facts {
	f := facts{}
	if s.Host != nil {
		f.host(s.Host)
	}
	if s.GPUs != nil {
		f["gpus"] = fmt.Sprint(len(s.GPUs))
	}
	for vendor, n := range s.GPUsOnBus {
		f["gpus on the bus, "+vendor] = fmt.Sprint(n)
	}
	for i := range s.GPUs {
		f.gpu(&s.GPUs[i])
	}
	for key, server := range servers(s) {
		if len(s.Servers) == 1 {
			f[key+" url"] = server.URL
		}
		f.server(key, server)
	}
	return f
}

// servers are those of a snapshot by the beginning of their keys.
func servers(s snapshot.Snapshot) map[string]*snapshot.Server {
	if len(s.Servers) == 1 { // it may be the same one at another address
		return map[string]*snapshot.Server{"server": &s.Servers[0]}
	}
	out := map[string]*snapshot.Server{}
	for i := range s.Servers {
		out["server "+s.Servers[i].URL] = &s.Servers[i]
	}
	return out
}

// settings adds the settings of engines that tell them on both sides: hundreds of
// settings that only one side knows, as it was another engine or an older snapshot, are
// no change.
func (c *Comparison) settings(a, b facts, before, after map[string]*snapshot.Server) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		x, y := before[key], after[key]
		switch {
		case y == nil, len(x.Config) == 0 && len(y.Config) == 0:
		case x.Engine == y.Engine && len(x.Config) > 0 && len(y.Config) > 0:
			a.config(key, x.Config)
			b.config(key, y.Config)
		case x.Engine != y.Engine && x.Engine != "" && y.Engine != "":
			c.warn("%s: settings of %s and %s are not compared", key, x.Engine, y.Engine)
		default:
			side := "after"
			if len(x.Config) == 0 {
				side = "before"
			}
			c.warn("%s: its settings are not known %s, and not compared", key, side)
		}
	}
}

func (f facts) config(key string, config map[string]string) {
	for name, value := range config {
		f.text(key+" config "+name, value)
	}
}

func (f facts) host(h *snapshot.Host) {
	for key, v := range map[string]string{"name": h.Name, "os": h.OS, "kernel": h.Kernel, "arch": h.Arch, "container": h.Container} {
		f.text("host "+key, v)
	}
	if h.CPU != nil {
		put(f, "host cpus", h.CPU.Logical)
	}
	if h.Memory != nil {
		put(f, "host memory bytes", h.Memory.TotalBytes)
	}
	if h.Swap != nil {
		put(f, "host swap bytes", h.Swap.TotalBytes)
	}
	if c := h.Cgroup; c != nil {
		f["host cgroup version"] = fmt.Sprint(c.Version)
		put(f, "host cgroup cpu limit", c.CPULimit)
		put(f, "host cgroup memory limit bytes", c.MemoryLimitBytes)
		put(f, "host cgroup pids limit", c.PIDsLimit)
	}
	if h.Files != nil {
		put(f, "host open files limit", h.Files.Max)
	}
	if len(h.NUMA) > 0 {
		f["host numa nodes"] = fmt.Sprint(len(h.NUMA))
	}
	for _, fs := range h.Filesystems {
		key := "filesystem " + fs.Mountpoint
		f.text(key+" device", fs.Device)
		f.text(key+" type", fs.Type)
		put(f, key+" bytes", fs.TotalBytes)
		put(f, key+" read only", fs.ReadOnly)
	}
}

func (f facts) gpu(g *snapshot.GPU) {
	key := fmt.Sprintf("gpu %d ", g.Index)
	for name, v := range map[string]string{
		"uuid": g.UUID, "name": g.Name, "vendor": g.Vendor, "state": g.State, "pci": g.PCI, "serial": g.Serial, "vbios": g.VBIOS, "gsp firmware": g.GSPFirmware,
		"driver": g.Driver, "cuda": g.CUDA, "compute capability": g.ComputeCapability, "compute mode": g.ComputeMode, "virtualization": g.Virtualization,
	} {
		f.text(key+name, v)
	}
	put(f, key+"persistence", g.Persistence)
	put(f, key+"numa node", g.NUMANode)
	if g.Memory != nil {
		put(f, key+"memory bytes", g.Memory.TotalBytes)
	}
	if g.Power != nil {
		put(f, key+"power limit w", g.Power.LimitW)
	}
	if g.Clocks != nil {
		put(f, key+"max sm mhz", g.Clocks.MaxSMMHz)
		put(f, key+"max memory mhz", g.Clocks.MaxMemoryMHz)
	}
	if g.ECC != nil {
		put(f, key+"ecc", g.ECC.Enabled)
	}
	if g.PCIe != nil { // the generation falls while a GPU idles
		put(f, key+"pcie width", g.PCIe.Width)
		put(f, key+"pcie max generation", g.PCIe.MaxGeneration)
	}
	if g.NVLink != nil {
		put(f, key+"nvlinks", g.NVLink.Links)
		put(f, key+"nvlinks active", g.NVLink.Active)
	}
	if g.MIG != nil {
		put(f, key+"mig", g.MIG.Enabled)
		var names []string
		for _, i := range g.MIG.Instances {
			names = append(names, cmp.Or(i.Name, "instance"))
		}
		slices.Sort(names)
		f.text(key+"mig instances", strings.Join(names, ", "))
	}
}

func (f facts) server(key string, s *snapshot.Server) {
	f[key+" up"] = fmt.Sprint(s.Up)
	f.text(key+" engine", s.Engine)
	f.text(key+" version", s.Version)
	models := slices.Clone(s.Models)
	slices.Sort(models)
	f.text(key+" models", strings.Join(models, ", "))
	put(f, key+" slots", s.Slots)
	if len(s.Parts) > 0 {
		f[key+" parts"] = fmt.Sprint(len(s.Parts))
	}
	if s.LoRA != nil {
		f[key+" lora"] = "yes"
	}
	if s.Speculation != nil {
		f[key+" speculation"] = "yes"
	}
}
