//go:build !linux

package host

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"

	"llmops/probes/snapshot"
)

// parts asks gopsutil for what it knows of a system without /proc. A root that
// was named holds a Linux host's tree, and is read as one.
func (p *Prober) parts() []part {
	if p.cfg.Root != "" {
		return p.treeParts()
	}
	simple := func(name string, rates bool, read func(ctx context.Context) (func(*Reading), error)) part {
		return part{name, rates, func(ctx context.Context) (func(*Reading), error) {
			return ask(ctx, p, name, func() (func(*Reading), error) { return read(ctx) })
		}}
	}
	parts := []part{
		simple("system", false, gopsSystem),
		simple("cpu", true, gopsCPU),
		simple("memory", true, gopsMemory),
		{"filesystems", false, p.gopsFilesystems},
		simple("disks", true, gopsDisks),
		simple("network", true, gopsNetwork),
	}
	// On Windows the library's load is made by itself, from samples that only
	// begin when it is asked, and reads 0 until then.
	if runtime.GOOS != "windows" {
		parts = append(parts, simple("load", false, gopsLoad))
	}
	return parts
}

func gopsSystem(ctx context.Context) (func(*Reading), error) {
	h := snapshot.Host{OS: runtime.GOOS, Arch: runtime.GOARCH}
	h.Name, _ = os.Hostname()
	h.Kernel, _ = host.KernelVersionWithContext(ctx)
	if boot, err := host.BootTimeWithContext(ctx); err == nil && boot > 0 && boot < 1<<40 {
		at := time.Unix(int64(boot), 0).UTC()
		h.BootTime, h.UptimeS = &at, new(time.Since(at).Seconds())
	}
	return func(r *Reading) { r.host = h }, nil
}

func gopsCPU(ctx context.Context) (func(*Reading), error) {
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("the system names no CPU times")
	}
	toTicks := func(t cpu.TimesStat) ticks {
		n := func(s float64) uint64 { return uint64(max(s, 0) * userHz) }
		return ticks{n(t.User), n(t.Nice), n(t.System), n(t.Idle), n(t.Iowait), n(t.Irq), n(t.Softirq), n(t.Steal)}
	}
	times := cpuTimes{all: toTicks(all[0]), core: map[int]ticks{}}
	if cores, err := cpu.TimesWithContext(ctx, true); err == nil {
		for i, c := range cores {
			times.core[i] = toTicks(c)
		}
	}
	return func(r *Reading) {
		c := times.counters()
		if len(times.core) == 0 {
			c.Logical = new(runtime.NumCPU())
		}
		c.IOWaitSeconds, c.StealSeconds = nil, nil // not told apart from idle here
		r.cpu, r.host.CPU = times, c
	}, nil
}

func gopsLoad(ctx context.Context) (func(*Reading), error) {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return func(r *Reading) { r.host.Load = &snapshot.Load{One: &l.Load1, Five: &l.Load5, Fifteen: &l.Load15} }, nil
}

func gopsMemory(ctx context.Context) (func(*Reading), error) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil, err
	}
	if m.Total == 0 || m.Available > m.Total {
		return nil, errors.New("the system names no size of its memory")
	}
	used := m.Total - m.Available
	out := &snapshot.Memory{
		TotalBytes: &m.Total, AvailableBytes: &m.Available, UsedBytes: &used,
		Utilization: new(float64(used) / float64(m.Total)),
	}
	var swap *snapshot.Swap
	if s, err := mem.SwapMemoryWithContext(ctx); err == nil && s.Total > 0 {
		swap = &snapshot.Swap{TotalBytes: &s.Total, UsedBytes: &s.Used, Utilization: new(float64(s.Used) / float64(s.Total))}
	}
	return func(r *Reading) { r.host.Memory, r.host.Swap = out, swap }, nil
}

func (p *Prober) gopsFilesystems(ctx context.Context) (func(*Reading), error) {
	found, err := ask(ctx, p, "mounts", func() ([]disk.PartitionStat, error) { return disk.PartitionsWithContext(ctx, false) })
	if err != nil {
		return nil, err
	}
	var list []snapshot.Filesystem
	for _, m := range found {
		list = append(list, snapshot.Filesystem{
			Mountpoint: m.Mountpoint, Device: m.Device, Type: m.Fstype, ReadOnly: new(slices.Contains(m.Opts, "ro")),
		})
	}
	slices.SortFunc(list, func(a, b snapshot.Filesystem) int { return cmp.Compare(a.Mountpoint, b.Mountpoint) })
	err = p.askSpace(ctx, list)
	return func(r *Reading) { r.host.Filesystems = list }, err
}

// gopsDisks has no time with I/O in flight: the library gives the sum of the
// requests' times under that name.
func gopsDisks(ctx context.Context) (func(*Reading), error) {
	found, err := disk.IOCountersWithContext(ctx)
	if err != nil {
		return nil, err
	}
	disks, times := []snapshot.Disk{}, map[string]diskTimes{}
	for name, d := range found {
		disks = append(disks, snapshot.Disk{
			Device: name, Reads: new(d.ReadCount), Writes: new(d.WriteCount), ReadBytes: new(d.ReadBytes), WriteBytes: new(d.WriteBytes),
		})
		times[name] = diskTimes{reading: d.ReadTime, writing: d.WriteTime}
	}
	slices.SortFunc(disks, func(a, b snapshot.Disk) int { return cmp.Compare(a.Device, b.Device) })
	return func(r *Reading) { r.host.Disks, r.disks = disks, times }, nil
}

func gopsNetwork(ctx context.Context) (func(*Reading), error) {
	found, err := net.IOCountersWithContext(ctx, true)
	if err != nil {
		return nil, err
	}
	var list []snapshot.Interface
	for _, n := range found {
		if n.PacketsRecv+n.PacketsSent == 0 || n.Name == "lo0" {
			continue
		}
		list = append(list, snapshot.Interface{
			Device: n.Name, InBytes: new(n.BytesRecv), OutBytes: new(n.BytesSent), InPackets: new(n.PacketsRecv), OutPackets: new(n.PacketsSent),
			InErrors: new(n.Errin), OutErrors: new(n.Errout), InDrops: new(n.Dropin), OutDrops: new(n.Dropout),
		})
	}
	slices.SortFunc(list, func(a, b snapshot.Interface) int { return cmp.Compare(a.Device, b.Device) })
	return func(r *Reading) { r.host.Interfaces = list }, nil
}
