package snapshotcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// hostTable has a line for each part of the host.
func hostTable(h *snapshot.Host) *render.Table {
	t := &render.Table{Columns: render.Columns("PART", "NOW")}
	if h == nil {
		return t
	}
	add := func(part string, facts ...string) {
		if text := join(", ", facts...); text != "" {
			t.Add(part, text)
		}
	}
	if c := h.CPU; c != nil {
		cpus := ""
		if c.Logical != nil {
			cpus = render.Plural(*c.Logical, "CPU")
		}
		add("cpu", cpus, fact("busy", c.Utilization, percent), fact("busiest core", c.BusiestCore, percent), fact("user", c.User, percent), fact("system", c.System, percent),
			fact("iowait", c.IOWait, percent), fact("steal", c.Steal, percent))
	}
	if l := h.Load; l != nil {
		load := ""
		if l.One != nil && l.Five != nil && l.Fifteen != nil {
			load = fmt.Sprintf("%.2f %.2f %.2f (1, 5, 15 min)", *l.One, *l.Five, *l.Fifteen)
		}
		add("load", load, fact("running", l.Running, itoa), fact("blocked", l.Blocked, itoa))
	}
	if m := h.Memory; m != nil {
		add("memory", used(m.UsedBytes, m.TotalBytes, m.Utilization), fact("available", m.AvailableBytes, render.Size), fact("shm", m.ShmemBytes, render.Size))
	}
	if s := h.Swap; s != nil {
		add("swap", used(s.UsedBytes, s.TotalBytes, s.Utilization), fact("in", s.InPerS, perSecond), fact("out", s.OutPerS, perSecond))
	}
	if c := h.Cgroup; c != nil {
		cores := ""
		if c.CPULimit != nil {
			cores = "limit " + render.Short(*c.CPULimit) + " CPUs"
		}
		add("cgroup", cores, fact("used", c.CPUCores, render.Short), fact("throttled", c.ThrottledRate, percent),
			used(c.MemoryWorkingSet, c.MemoryLimitBytes, c.MemoryUtilization), positive("OOM kills", c.OOMKills))
	}
	if p := h.Pressure; p != nil {
		if text := join(", ", stall("cpu", p.CPU), stall("memory", p.Memory), stall("io", p.IO)); text != "" {
			add("stalls", text+" of the last 10 s")
		}
	}
	if c := h.TCP; c != nil {
		add("tcp", fact("established", c.Established, count), fact("time-wait", c.TimeWait, count), fact("retransmitted", c.RetransmitRate, percent),
			positive("listen overflows", c.ListenOverflow))
	}
	add("kernel", positive("OOM kills since boot", h.OOMKills), files(h.Files))
	for _, n := range h.NUMA {
		if len(h.NUMA) > 1 || len(n.PCIGPUs) > 0 {
			gpus := ""
			if len(n.PCIGPUs) > 0 {
				gpus = render.Plural(len(n.PCIGPUs), "GPU")
			}
			add(fmt.Sprintf("numa %d", n.Node), "CPUs "+n.CPUs, fact("free", n.FreeBytes, render.Size), gpus)
		}
	}
	return t
}

func itoa(n int) string { return fmt.Sprint(n) }

// fact is "busy 12%", and nothing for what was not measured.
func fact[N any](name string, v *N, format func(N) string) string {
	if v == nil {
		return ""
	}
	return name + " " + format(*v)
}

// positive is a count that is worth a word only when there is any.
func positive(name string, v *uint64) string {
	if v == nil || *v == 0 {
		return ""
	}
	return name + " " + count(*v)
}

func used(used, total *uint64, ratio *float64) string {
	switch {
	case used == nil:
		return ""
	case total == nil:
		return render.Size(*used) + " used"
	case ratio == nil:
		return render.Size(*used) + " of " + render.Size(*total)
	}
	return render.Size(*used) + " of " + render.Size(*total) + " (" + percent(*ratio) + ")"
}

func stall(name string, s *snapshot.Stalls) string {
	if s == nil || s.Some == nil {
		return ""
	}
	return fact(name, s.Some.Avg10, percent)
}

func files(f *snapshot.Files) string {
	if f == nil || f.Open == nil {
		return ""
	}
	if f.Utilization == nil {
		return "open files " + count(*f.Open)
	}
	return "open files " + count(*f.Open) + " (" + percent(*f.Utilization) + ")"
}

// mostRows is how many rows a table of the host has; JSON has all of them.
const mostRows = 6

// filesystemTable has the fullest.
func filesystemTable(h *snapshot.Host) *render.Table {
	t := &render.Table{Columns: render.Columns("MOUNT", ">USED", ">OF", ">FULL", ">INODES", "TYPE", "STATE")}
	if h == nil {
		return t
	}
	full := func(f snapshot.Filesystem) float64 {
		if f.Utilization == nil {
			return -1
		}
		return *f.Utilization
	}
	list := slices.SortedStableFunc(slices.Values(h.Filesystems), func(a, b snapshot.Filesystem) int { return cmp.Compare(full(b), full(a)) })
	for _, f := range list[:min(len(list), mostRows)] {
		state := ""
		switch {
		case f.ForcedReadOnly != nil && *f.ForcedReadOnly:
			state = "made read-only"
		case f.ReadOnly != nil && *f.ReadOnly:
			state = "read-only"
		}
		t.Add(render.Clean(f.Mountpoint), render.Optional(f.UsedBytes, render.Size), render.Optional(f.TotalBytes, render.Size), render.Optional(f.Utilization, percent),
			render.Optional(f.InodesUtilization, percent), render.Clean(f.Type), state)
	}
	if more := len(list) - mostRows; more > 0 {
		t.Add(fmt.Sprintf("and %d more in -o json", more))
	}
	return t
}

// diskTable has the busiest; without a window render.None has rates.
func diskTable(h *snapshot.Host) *render.Table {
	t := &render.Table{Columns: render.Columns("DISK", ">BUSY", ">READ", ">WRITE", ">READS/s", ">WRITES/s", ">AWAIT ms", ">QUEUE")}
	if h == nil {
		return t
	}
	list := slices.DeleteFunc(slices.Clone(h.Disks), func(d snapshot.Disk) bool { return d.Utilization == nil })
	slices.SortStableFunc(list, func(a, b snapshot.Disk) int { return cmp.Compare(*b.Utilization, *a.Utilization) })
	for _, d := range list[:min(len(list), mostRows)] {
		t.Add(render.Clean(d.Device), render.Optional(d.Utilization, percent), render.Optional(d.ReadBytesPerS, perSecond), render.Optional(d.WriteBytesPerS, perSecond),
			render.Optional(d.ReadsPerS, render.Short), render.Optional(d.WritesPerS, render.Short), render.Optional(d.AwaitMs, render.Short), render.Optional(d.QueueDepth, render.Short))
	}
	return t
}

// networkTable has the interfaces with the most traffic; without a window render.None has rates.
func networkTable(h *snapshot.Host) *render.Table {
	t := &render.Table{Columns: render.Columns("NETWORK", ">IN", ">OUT", ">OF LINK", ">LOST", "STATE")}
	if h == nil {
		return t
	}
	traffic := func(i snapshot.Interface) float64 { return *i.InBytesPerS + *i.OutBytesPerS }
	list := slices.DeleteFunc(slices.Clone(h.Interfaces), func(i snapshot.Interface) bool { return i.InBytesPerS == nil || i.OutBytesPerS == nil })
	slices.SortStableFunc(list, func(a, b snapshot.Interface) int { return cmp.Compare(traffic(b), traffic(a)) })
	for _, i := range list[:min(len(list), mostRows)] {
		t.Add(render.Clean(i.Device), render.Optional(i.InBytesPerS, perSecond), render.Optional(i.OutBytesPerS, perSecond), render.Optional(i.Utilization, percent),
			render.Optional(i.PacketLossRate, percent), up(i.Up))
	}
	for _, p := range h.RDMA {
		t.Add(render.Clean(p.Device+"/"+p.Port), render.Optional(p.InBytesPerS, perSecond), render.Optional(p.OutBytesPerS, perSecond), render.None, render.None,
			strings.ToLower(render.Clean(cmp.Or(p.State, p.PhysState))))
	}
	return t
}

func up(v *bool) string {
	switch {
	case v == nil:
		return ""
	case *v:
		return "up"
	}
	return "down"
}
