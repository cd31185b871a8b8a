package host

import (
	"fmt"
	"strconv"
	"strings"

	"llmops/probes/snapshot"
)

// userHz is the unit of times in /proc/stat. The kernel converts to it for
// user space, whatever its own tick is: 100 on every architecture Go runs on.
const userHz = 100

// ticks are the columns of one line of /proc/stat. Guest times are in user and
// nice already.
type ticks struct{ user, nice, system, idle, iowait, irq, softirq, steal uint64 }

// cpuTimes are all lines of CPUs in /proc/stat.
type cpuTimes struct {
	all  ticks
	core map[int]ticks
}

// parseStat reads /proc/stat; blocked and running are its procs_ lines.
func parseStat(text string) (times cpuTimes, running, blocked *int, err error) {
	times.core = map[int]ticks{}
	found := false
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		id, isCPU := strings.CutPrefix(f[0], "cpu")
		switch {
		case isCPU:
			t, err := parseTicks(f[1:])
			if err != nil {
				return cpuTimes{}, nil, nil, fmt.Errorf("/proc/stat: %s: %w", f[0], err)
			}
			if id == "" {
				times.all, found = t, true
			} else if n, err := strconv.Atoi(id); err == nil {
				times.core[n] = t
			}
		case f[0] == "procs_running":
			running = parseInt(f[1])
		case f[0] == "procs_blocked":
			blocked = parseInt(f[1])
		}
	}
	if !found {
		return cpuTimes{}, nil, nil, fmt.Errorf("/proc/stat: no line of all CPUs")
	}
	return times, running, blocked, nil
}

func parseTicks(f []string) (ticks, error) {
	var t ticks
	// Kernels before 2.6.11 have fewer columns; the missing ones stay 0 and
	// their shares are those of an old kernel that did not count them.
	for i, p := range []*uint64{&t.user, &t.nice, &t.system, &t.idle, &t.iowait, &t.irq, &t.softirq, &t.steal} {
		if i >= len(f) {
			break
		}
		n := parseUint(f[i])
		if n == nil {
			return ticks{}, fmt.Errorf("%q is no number of ticks", f[i])
		}
		*p = *n
	}
	return t, nil
}

func parseInt(s string) *int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return &n
	}
	return nil
}

// since is what t grew by from before. A column that went back, as iowait and
// idle do when a CPU goes off line, counts as not having moved.
func (t ticks) since(before ticks) ticks {
	d := func(now, then uint64) uint64 { return max(now, then) - then }
	return ticks{
		d(t.user, before.user), d(t.nice, before.nice), d(t.system, before.system), d(t.idle, before.idle),
		d(t.iowait, before.iowait), d(t.irq, before.irq), d(t.softirq, before.softirq), d(t.steal, before.steal),
	}
}

func (t ticks) total() float64 { return t.busy() + float64(t.idle) + float64(t.iowait) }

func (t ticks) busy() float64 {
	return float64(t.user) + float64(t.nice) + float64(t.system) + float64(t.irq) + float64(t.softirq) + float64(t.steal)
}

// counters are the parts of a CPU that one reading gives.
func (c cpuTimes) counters() *snapshot.CPU {
	return &snapshot.CPU{
		Logical:       new(len(c.core)),
		BusySeconds:   new(c.all.busy() / userHz),
		IdleSeconds:   new(float64(c.all.idle) / userHz),
		IOWaitSeconds: new(float64(c.all.iowait) / userHz),
		StealSeconds:  new(float64(c.all.steal) / userHz),
	}
}

// shares fills the ratios of cpu from two readings. Without a tick between
// them nothing was measured.
func (c cpuTimes) shares(before cpuTimes, cpu *snapshot.CPU) {
	d := c.all.since(before.all)
	total := d.total()
	if total == 0 {
		return
	}
	cpu.Utilization = new(d.busy() / total)
	cpu.User = new((float64(d.user) + float64(d.nice)) / total)
	cpu.System = new(float64(d.system) / total)
	if cpu.IOWaitSeconds != nil { // where the system tells these apart
		cpu.IOWait = new(float64(d.iowait) / total)
		cpu.IRQ = new((float64(d.irq) + float64(d.softirq)) / total)
		cpu.Steal = new(float64(d.steal) / total)
	}
	for id, now := range c.core {
		then, ok := before.core[id]
		if !ok {
			continue // came on line in between
		}
		if d := now.since(then); d.total() > 0 {
			busiest := d.busy() / d.total()
			if cpu.BusiestCore != nil {
				busiest = max(busiest, *cpu.BusiestCore)
			}
			cpu.BusiestCore = &busiest
		}
	}
}

// parseLoad reads /proc/loadavg: three means, running/all tasks, last pid.
func parseLoad(text string) (*snapshot.Load, error) {
	f := strings.Fields(text)
	if len(f) < 4 {
		return nil, fmt.Errorf("/proc/loadavg: %d words instead of 5", len(f))
	}
	l := &snapshot.Load{One: parseFloat(f[0]), Five: parseFloat(f[1]), Fifteen: parseFloat(f[2])}
	if l.One == nil {
		return nil, fmt.Errorf("/proc/loadavg: %q is no load", f[0])
	}
	if running, all, ok := strings.Cut(f[3], "/"); ok {
		l.Running, l.Tasks = parseInt(running), parseInt(all)
	}
	return l, nil
}
