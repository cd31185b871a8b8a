package host

import (
	"time"

	"llmops/probes/snapshot"
)

// Host is the reading by itself, without rates.
func (r Reading) Host() *snapshot.Host { return new(r.host) }

// Between is what after saw, with the rates of what happened since before, and
// the time they are over. It does not change its readings.
func Between(before, after Reading) (*snapshot.Host, time.Duration) {
	h := after.host
	elapsed := func(name string) time.Duration {
		a, ok1 := after.at[name]
		b, ok2 := before.at[name]
		if !ok1 || !ok2 {
			return 0
		}
		return a.Sub(b)
	}
	if h.CPU != nil && len(before.cpu.core) > 0 {
		h.CPU = new(*h.CPU)
		after.cpu.shares(before.cpu, h.CPU)
	}
	if d := elapsed("memory"); d > 0 && h.Swap != nil && before.host.Swap != nil {
		h.Swap = new(*h.Swap)
		h.Swap.InPerS = perSecond(h.Swap.InBytes, before.host.Swap.InBytes, d)
		h.Swap.OutPerS = perSecond(h.Swap.OutBytes, before.host.Swap.OutBytes, d)
	}
	if d := elapsed("disks"); d > 0 {
		h.Disks = pair(h.Disks, before.host.Disks, func(x snapshot.Disk) string { return x.Device }, func(now, then *snapshot.Disk) {
			diskRates(now, then, after.disks[now.Device], before.disks[now.Device], d)
		})
	}
	if d := elapsed("network"); d > 0 {
		h.Interfaces = pair(h.Interfaces, before.host.Interfaces, func(x snapshot.Interface) string { return x.Device },
			func(now, then *snapshot.Interface) { interfaceRates(now, then, d) })
	}
	if d := elapsed("rdma"); d > 0 {
		h.RDMA = pair(h.RDMA, before.host.RDMA, func(x snapshot.RDMAPort) string { return x.Device + "/" + x.Port },
			func(now, then *snapshot.RDMAPort) {
				now.InBytesPerS = perSecond(now.InBytes, then.InBytes, d)
				now.OutBytesPerS = perSecond(now.OutBytes, then.OutBytes, d)
			})
	}
	if h.TCP != nil && before.host.TCP != nil {
		h.TCP = new(*h.TCP)
		b := before.host.TCP
		h.TCP.RetransmitRate = share(h.TCP.Retransmitted, b.Retransmitted, h.TCP.SentSegments, b.SentSegments)
	}
	if d := elapsed("cgroup"); d > 0 && h.Cgroup != nil && before.host.Cgroup != nil {
		h.Cgroup = new(*h.Cgroup)
		cgroupRates(h.Cgroup, before.host.Cgroup, d)
	}
	return &h, elapsed("cpu")
}

// pair copies now and hands each of its members to rates together with the one
// of the same name before, where there was one.
func pair[T any](now, before []T, name func(T) string, rates func(now, before *T)) []T {
	was := make(map[string]*T, len(before))
	for i := range before {
		was[name(before[i])] = &before[i]
	}
	out := make([]T, len(now))
	copy(out, now)
	for i := range out {
		if b := was[name(out[i])]; b != nil {
			rates(&out[i], b)
		}
	}
	return out
}

// grown is what a counter gained between two readings. A counter that went
// back was reset, and what it counted in between is not known.
func grown(now, before *uint64) (uint64, bool) {
	if now == nil || before == nil || *now < *before {
		return 0, false
	}
	return *now - *before, true
}

// grown32 is grown for a counter that the kernel keeps in 32 bits: one that
// went back by more than half of its range has wrapped, by less, was reset.
func grown32(now, before uint64) (uint64, bool) {
	const size = 1 << 32
	switch {
	case now >= before:
		return now - before, true
	case before < size && before-now > size/2:
		return now + size - before, true
	default:
		return 0, false
	}
}

// perSecond is the rate of a counter over d; nil when it was not measured
// twice or was reset.
func perSecond(now, before *uint64, d time.Duration) *float64 {
	n, ok := grown(now, before)
	if !ok || d <= 0 {
		return nil
	}
	return new(float64(n) / d.Seconds())
}

// share is what part grew by over what whole grew by; nil without either, or
// when whole did not grow.
func share(part, partBefore, whole, wholeBefore *uint64) *float64 {
	p, ok1 := grown(part, partBefore)
	w, ok2 := grown(whole, wholeBefore)
	if !ok1 || !ok2 || w == 0 {
		return nil
	}
	return new(min(float64(p)/float64(w), 1))
}
