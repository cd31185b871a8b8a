package host

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"llmops/probes/snapshot"
)

func TestGrown32(t *testing.T) {
	for _, c := range []struct {
		name        string
		now, before uint64
		want        uint64
		ok          bool
	}{
		{"grew", 10, 4, 6, true},
		{"stood still", 7, 7, 0, true},
		{"wrapped", 5, 1<<32 - 5, 10, true},
		{"reset from a low value", 5, 1000, 0, false},
		{"reset from just under half", 0, 1 << 31, 0, false},
		{"a counter of 64 bits, reset", 5, 1 << 40, 0, false},
		{"a counter of 64 bits, grown", 1<<40 + 3, 1 << 40, 3, true},
	} {
		if got, ok := grown32(c.now, c.before); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

// A counter of 32 bits that gains less than half of its range is followed,
// wherever it stands.
func TestGrown32FollowsEveryStart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		before, gain := uint64(r.Uint32()), uint64(r.Uint32N(1<<31))
		if got, ok := grown32((before+gain)%(1<<32), before); !ok || got != gain {
			t.Fatalf("from %d by %d: %d, %v", before, gain, got, ok)
		}
	}
}

func TestPerSecond(t *testing.T) {
	for _, c := range []struct {
		name        string
		now, before *uint64
		d           time.Duration
		want        *float64
	}{
		{"30 in 2 s", new(uint64(50)), new(uint64(20)), 2 * time.Second, new(15.0)},
		{"none in 2 s", new(uint64(20)), new(uint64(20)), 2 * time.Second, new(0.0)},
		{"reset", new(uint64(5)), new(uint64(20)), 2 * time.Second, nil},
		{"no time between", new(uint64(50)), new(uint64(20)), 0, nil},
		{"not measured before", new(uint64(50)), nil, time.Second, nil},
		{"not measured now", nil, new(uint64(50)), time.Second, nil},
	} {
		if got := perSecond(c.now, c.before, c.d); (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: %v, want %v", c.name, show(got), show(c.want))
		}
	}
}

// Whatever two readings say, shares lie in 0..1, are finite, and add up: user,
// system, irq and steal to busy, and with iowait to no more than 1.
func TestSharesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	column := func() uint64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return math.MaxUint64 - r.Uint64N(3)
		default:
			return r.Uint64N(1000)
		}
	}
	some := func() cpuTimes {
		one := func() ticks {
			return ticks{column(), column(), column(), column(), column(), column(), column(), column()}
		}
		return cpuTimes{all: one(), core: map[int]ticks{0: one(), 1: one()}}
	}
	measured := 0
	for range 20000 {
		before, after := some(), some()
		var c snapshot.CPU
		c.IOWaitSeconds = new(0.0)
		after.shares(before, &c)
		if c.Utilization == nil {
			continue
		}
		measured++
		for _, v := range []*float64{c.Utilization, c.User, c.System, c.IRQ, c.Steal, c.IOWait} {
			if !(*v >= 0 && *v <= 1+1e-9) {
				t.Fatalf("a share of %v between %+v and %+v", *v, before.all, after.all)
			}
		}
		parts := *c.User + *c.System + *c.IRQ + *c.Steal
		if !near(parts, *c.Utilization) || parts+*c.IOWait > 1+1e-9 {
			t.Fatalf("parts %v of %v, iowait %v", parts, *c.Utilization, *c.IOWait)
		}
		if c.BusiestCore != nil && !(*c.BusiestCore >= 0 && *c.BusiestCore <= 1) {
			t.Fatalf("busiest core %v", *c.BusiestCore)
		}
	}
	if measured < 10000 {
		t.Errorf("only %d of 20000 pairs gave shares", measured)
	}
}

// A CPU that goes off line takes its idle time with it: the line of all CPUs
// goes back in one column and on in another.
func TestColumnThatWentBack(t *testing.T) {
	before := cpuTimes{all: ticks{user: 100, idle: 10000, iowait: 50}}
	after := cpuTimes{all: ticks{user: 150, idle: 4000, iowait: 100}}
	var c snapshot.CPU
	after.shares(before, &c)
	if c.Utilization == nil || *c.Utilization != 0.5 || c.IOWait != nil {
		t.Errorf("utilization %v, iowait %v; want 0.5, and no iowait where it is not told apart", show(c.Utilization), show(c.IOWait))
	}
	c = snapshot.CPU{}
	before.shares(before, &c)
	if c != (snapshot.CPU{}) {
		t.Errorf("no tick passed, and got %+v", c)
	}
}

func TestDeviceThatCameOrWasReset(t *testing.T) {
	disk := func(name string, reads uint64) snapshot.Disk {
		return snapshot.Disk{Device: name, Reads: &reads, Writes: new(uint64(0)), ReadBytes: &reads, WriteBytes: new(uint64(0)), BusyMs: new(uint64(1))}
	}
	reading := func(at time.Time, disks ...snapshot.Disk) Reading {
		return Reading{host: snapshot.Host{Disks: disks}, at: map[string]time.Time{"disks": at}, disks: map[string]diskTimes{}}
	}
	now := time.Unix(100, 0)
	a := reading(now, disk("sda", 1000), disk("sdb", 10))
	b := reading(now.Add(time.Second), disk("sda", 3), disk("sdb", 30), disk("sdc", 5))
	h, _ := Between(a, b)
	if d := h.Disks[0]; d.ReadsPerS != nil || d.AwaitMs != nil || d.WritesPerS == nil {
		t.Errorf("reset: %+v", d)
	}
	if d := h.Disks[1]; d.ReadsPerS == nil || *d.ReadsPerS != 20 {
		t.Errorf("grown: %+v", d)
	}
	if d := h.Disks[2]; d.ReadsPerS != nil {
		t.Errorf("new: %+v", d)
	}
	if b.host.Disks[1].ReadsPerS != nil {
		t.Error("Between changed its reading")
	}
}
