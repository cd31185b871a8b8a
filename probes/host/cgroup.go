package host

import (
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// group is where the files of one controller are for this process: in its own
// folder, and in those above it up to the top that can be seen.
type group struct {
	dir, top string
	version  int
	path     string // as /proc/self/cgroup says it
}

// findGroup looks a controller up: in the version 1 hierarchy that has it,
// else in version 2. Where a control-group name space hides the upper part of
// the path, the mount's top is the process's own group.
func findGroup(mounts []mount, membership, controller string) (group, bool) {
	var g group
	for line := range strings.Lines(membership) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" && f[1] == "" && g.version == 0 {
			g.version, g.path = 2, f[2]
		}
		if slices.Contains(strings.Split(f[1], ","), controller) {
			g.version, g.path = 1, f[2]
		}
	}
	for _, m := range mounts {
		fits := g.version == 2 && m.fsType == "cgroup2" ||
			g.version == 1 && m.fsType == "cgroup" && slices.Contains(m.superBlock, controller)
		if !fits {
			continue
		}
		g.top, g.dir = m.point, m.point
		if rest, ok := within(g.path, m.root); ok {
			g.dir = path.Join(m.point, rest)
		}
		return g, true
	}
	return group{}, false
}

// within is the part of p below root.
func within(p, root string) (string, bool) {
	if root == "/" {
		return p, !strings.HasPrefix(p, "/..")
	}
	rest, ok := strings.CutPrefix(p, root)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// up visits g's folder and those above it, up to the top of the mount.
func (g group) up(visit func(dir string)) {
	for dir := g.dir; ; dir = path.Dir(dir) {
		visit(dir)
		if dir == g.top || len(dir) <= len(g.top) {
			return
		}
	}
}

// cgroupOf reads the limits and the use of this process's control group.
func cgroupOf(t tree, mounts []mount) (*snapshot.Cgroup, error) {
	membership, err := t.read("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	c := &snapshot.Cgroup{}
	for _, part := range []struct {
		controller string
		v1, v2     func(tree, group, *snapshot.Cgroup)
	}{
		{"memory", memoryV1, memoryV2},
		{"cpu", cpuV1, cpuV2},
		{"cpuacct", cpuacctV1, func(tree, group, *snapshot.Cgroup) {}},
		{"pids", pids, pids},
	} {
		g, ok := findGroup(mounts, membership, part.controller)
		if !ok {
			continue
		}
		if c.Version == 0 { // the memory controller's speaks for all
			c.Version, c.Path = g.version, g.path
		}
		if g.version == 1 {
			part.v1(t, g, c)
		} else {
			part.v2(t, g, c)
		}
	}
	if c.Version == 0 {
		return nil, errors.New("no control group file system is mounted")
	}
	if c.MemoryWorkingSet != nil && c.MemoryLimitBytes != nil && *c.MemoryLimitBytes > 0 {
		c.MemoryUtilization = new(float64(*c.MemoryWorkingSet) / float64(*c.MemoryLimitBytes))
	}
	return c, nil
}

// lowest keeps the lower of two limits; nil is none.
func lowest[N uint64 | float64](a, b *N) *N {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// limit reads a file that holds a number, "max", or a number that means none.
func (t tree) limit(name string) *uint64 {
	if n := t.number(name); n != nil && *n < unlimited {
		return n
	}
	return nil
}

// workingSet is what cannot be dropped at once: use without inactive file pages.
func workingSet(used, inactive *uint64) *uint64 {
	if used == nil || inactive == nil {
		return nil
	}
	return new(*used - min(*used, *inactive))
}

func memoryV2(t tree, g group, c *snapshot.Cgroup) {
	g.up(func(dir string) { c.MemoryLimitBytes = lowest(c.MemoryLimitBytes, t.limit(dir+"/memory.max")) })
	c.MemoryUsedBytes = t.number(g.dir + "/memory.current")
	c.MemoryWorkingSet = workingSet(c.MemoryUsedBytes, parseTable(t.word(g.dir+"/memory.stat")).get("inactive_file"))
	events := parseTable(t.word(g.dir + "/memory.events"))
	c.OOMKills, c.MemoryLimitHits = events.get("oom_kill"), events.get("max")
	c.Pressure, _ = pressureOf(t, g.dir, ".pressure") // absent with CONFIG_PSI off, which the host's own reading tells
}

func memoryV1(t tree, g group, c *snapshot.Cgroup) {
	g.up(func(dir string) {
		c.MemoryLimitBytes = lowest(c.MemoryLimitBytes, t.limit(dir+"/memory.limit_in_bytes"))
	})
	c.MemoryUsedBytes = t.number(g.dir + "/memory.usage_in_bytes")
	c.MemoryWorkingSet = workingSet(c.MemoryUsedBytes, parseTable(t.word(g.dir+"/memory.stat")).get("total_inactive_file"))
	c.OOMKills = parseTable(t.word(g.dir + "/memory.oom_control")).get("oom_kill")
	c.MemoryLimitHits = t.number(g.dir + "/memory.failcnt")
}

func cpuV2(t tree, g group, c *snapshot.Cgroup) {
	g.up(func(dir string) {
		quota, period, _ := strings.Cut(t.word(dir+"/cpu.max"), " ")
		c.CPULimit = lowest(c.CPULimit, cores(parseFloat(quota), parseFloat(period)))
	})
	stat := parseTable(t.word(g.dir + "/cpu.stat"))
	c.CPUUsedSeconds = seconds(stat.get("usage_usec"), 1e6)
	c.Periods, c.ThrottledPeriods = stat.get("nr_periods"), stat.get("nr_throttled")
	c.ThrottledSeconds = seconds(stat.get("throttled_usec"), 1e6)
}

func cpuV1(t tree, g group, c *snapshot.Cgroup) {
	g.up(func(dir string) {
		quota := parseFloat(t.word(dir + "/cpu.cfs_quota_us")) // -1 is none
		c.CPULimit = lowest(c.CPULimit, cores(quota, parseFloat(t.word(dir+"/cpu.cfs_period_us"))))
	})
	stat := parseTable(t.word(g.dir + "/cpu.stat"))
	c.Periods, c.ThrottledPeriods = stat.get("nr_periods"), stat.get("nr_throttled")
	c.ThrottledSeconds = seconds(stat.get("throttled_time"), 1e9)
}

func cpuacctV1(t tree, g group, c *snapshot.Cgroup) {
	c.CPUUsedSeconds = seconds(t.number(g.dir+"/cpuacct.usage"), 1e9)
}

func pids(t tree, g group, c *snapshot.Cgroup) {
	c.PIDs = t.number(g.dir + "/pids.current")
	g.up(func(dir string) { c.PIDsLimit = lowest(c.PIDsLimit, t.limit(dir+"/pids.max")) })
}

// cores is a quota of CPU time over the period it is for.
func cores(quota, period *float64) *float64 {
	if quota == nil || period == nil || *period <= 0 {
		return nil
	}
	return new(*quota / *period)
}

func seconds(n *uint64, perSecond float64) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n) / perSecond)
}

// cgroupRates fills the rates of now from two readings that are d apart.
func cgroupRates(now, before *snapshot.Cgroup, d time.Duration) {
	if a, b := now.CPUUsedSeconds, before.CPUUsedSeconds; a != nil && b != nil && *a >= *b {
		now.CPUCores = new((*a - *b) / d.Seconds())
		if now.CPULimit != nil && *now.CPULimit > 0 {
			now.CPUUtilization = new(*now.CPUCores / *now.CPULimit)
		}
	}
	now.ThrottledRate = share(now.ThrottledPeriods, before.ThrottledPeriods, now.Periods, before.Periods)
}
