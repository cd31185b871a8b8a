package host

import (
	"context"
	"testing"

	"github.com/shirou/gopsutil/v4/common"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
)

// gopsutil reads the same files of a capture, by its own code.
func TestAgreesWithGopsutil(t *testing.T) {
	root := unpack(t, "cgroup1-after")
	h, _, _ := prober(root).Read(t.Context())
	ctx := context.WithValue(t.Context(), common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: root + "/proc", common.HostSysEnvKey: root + "/sys",
	})
	times, err1 := cpu.TimesWithContext(ctx, false)
	memory, err2 := mem.VirtualMemoryWithContext(ctx)
	avg, err3 := load.AvgWithContext(ctx)
	disks, err4 := disk.IOCountersWithContext(ctx, "vda")
	nets, err5 := net.IOCountersWithContext(ctx, true)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	vda, eth := disks["vda"], nets[0]
	for _, n := range nets {
		if n.Name == "eth0" {
			eth = n
		}
	}
	all := times[0]
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"busy seconds", *h.CPU.BusySeconds, all.User + all.Nice + all.System + all.Irq + all.Softirq + all.Steal},
		{"idle seconds", *h.CPU.IdleSeconds, all.Idle},
		{"iowait seconds", *h.CPU.IOWaitSeconds, all.Iowait},
		{"memory", float64(*h.Memory.TotalBytes), float64(memory.Total)},
		{"available", float64(*h.Memory.AvailableBytes), float64(memory.Available)},
		{"shared", float64(*h.Memory.ShmemBytes), float64(memory.Shared)},
		{"load1", *h.Load.One, avg.Load1},
		{"load15", *h.Load.Fifteen, avg.Load15},
		{"reads", float64(*h.Disks[0].Reads), float64(vda.ReadCount)},
		{"read bytes", float64(*h.Disks[0].ReadBytes), float64(vda.ReadBytes)},
		{"write bytes", float64(*h.Disks[0].WriteBytes), float64(vda.WriteBytes)},
		{"busy ms", float64(*h.Disks[0].BusyMs), float64(vda.IoTime)},
		{"in flight", float64(*h.Disks[0].InFlight), float64(vda.IopsInProgress)},
		{"bytes in", float64(*h.Interfaces[0].InBytes), float64(eth.BytesRecv)},
		{"bytes out", float64(*h.Interfaces[0].OutBytes), float64(eth.BytesSent)},
		{"packets out", float64(*h.Interfaces[0].OutPackets), float64(eth.PacketsSent)},
		{"drops in", float64(*h.Interfaces[0].InDrops), float64(eth.Dropin)},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s: %v, gopsutil says %v", c.name, c.got, c.want)
		}
	}
}
