package host

import (
	"strings"
	"testing"

	"llmops/probes/snapshot"

	"github.com/google/go-cmp/cmp"
)

func TestMounts(t *testing.T) {
	text := strings.Join([]string{
		`1 0 8:1 / / rw - ext4 /dev/sda1 rw`,
		`2 1 8:1 /var/log /log rw - ext4 /dev/sda1 rw`, // the root's disk again
		`3 1 8:2 / /data ro shared:1 master:2 - xfs /dev/sdb rw`,
		`4 1 8:2 / /a/longer/path rw - xfs /dev/sdb rw`, // writable, so it speaks for sdb
		`5 1 0:9 / /with\040blank\134 rw - nfs host:/x rw`,
		`6 1 0:5 / /net/auto rw - autofs map rw`,
		`7 1 0:6 / /var/lib/containers/1/merged rw - overlay overlay rw`,
		`8 1 0:7 / /run rw - tmpfs tmpfs rw`,
		`9 1 0:8 / /dev/shm rw - tmpfs tmpfs rw`,
		`10 1 8:3 / /broken rw - ext4`,
		`nonsense`,
		``,
	}, "\n")
	var got []string
	for _, m := range dataMounts(parseMounts(text)) {
		f := m.filesystem()
		got = append(got, f.Mountpoint+" "+f.Device+" "+map[bool]string{true: "ro", false: "rw"}[*f.ReadOnly])
	}
	want := []string{"/ /dev/sda1 rw", "/a/longer/path /dev/sdb rw", "/dev/shm tmpfs rw", `/with blank\ host:/x rw`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSpace(t *testing.T) {
	for _, c := range []struct {
		name string
		in   space
		want snapshot.Filesystem
	}{
		{"root's reserve counts as full for users", space{total: 100, used: 90, available: 0},
			snapshot.Filesystem{TotalBytes: new(uint64(100)), UsedBytes: new(uint64(90)), AvailableBytes: new(uint64(0)), Utilization: new(1.0)}},
		{"no size", space{}, snapshot.Filesystem{}},
		{"more free than there is", space{total: 100, used: 1 << 63, available: 3}, snapshot.Filesystem{}},
	} {
		var got snapshot.Filesystem
		c.in.fill(&got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestFindGroup(t *testing.T) {
	v2 := parseMounts("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n")
	v1 := parseMounts("1 0 0:1 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
		"2 0 0:2 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"3 0 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n")
	for _, c := range []struct {
		name       string
		mounts     []mount
		membership string
		controller string
		want       group
		ok         bool
	}{
		{"v2 on a host", v2, "0::/system.slice/vllm.service\n", "memory",
			group{"/sys/fs/cgroup/system.slice/vllm.service", "/sys/fs/cgroup", 2, "/system.slice/vllm.service"}, true},
		{"v2 in a name space", v2, "0::/\n", "cpu", group{"/sys/fs/cgroup", "/sys/fs/cgroup", 2, "/"}, true},
		{"v2 outside of the name space", v2, "0::/../../other\n", "cpu", group{"/sys/fs/cgroup", "/sys/fs/cgroup", 2, "/../../other"}, true},
		{"v1, the container's folder is the mount", v1, "4:memory:/docker/abc\n0::/\n", "memory",
			group{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory", 1, "/docker/abc"}, true},
		{"v1, below the mount", v1, "4:memory:/docker/abc/sub\n", "memory",
			group{"/sys/fs/cgroup/memory/sub", "/sys/fs/cgroup/memory", 1, "/docker/abc/sub"}, true},
		{"v1, two controllers in one", v1, "3:cpu,cpuacct:/batch\n0::/\n", "cpuacct",
			group{"/sys/fs/cgroup/cpu,cpuacct/batch", "/sys/fs/cgroup/cpu,cpuacct", 1, "/batch"}, true},
		{"hybrid: not in v1, so in v2", v1, "3:cpu,cpuacct:/\n0::/job\n", "pids",
			group{"/sys/fs/cgroup/unified/job", "/sys/fs/cgroup/unified", 2, "/job"}, true},
		{"not mounted", nil, "0::/\n", "memory", group{}, false},
	} {
		got, ok := findGroup(c.mounts, c.membership, c.controller)
		if ok != c.ok || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, ok, c.want)
		}
	}
}

// The lowest limit on the way up is the one that holds.
func TestLimitOfAGroupAbove(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"proc/self/cgroup":                         "0::/a/b\n",
		"sys/fs/cgroup/a/b/memory.max":             "max\n",
		"sys/fs/cgroup/a/memory.max":               "1000\n",
		"sys/fs/cgroup/memory.max":                 "5000\n",
		"sys/fs/cgroup/a/b/memory.current":         "900\n",
		"sys/fs/cgroup/a/b/memory.stat":            "inactive_file 400\n",
		"sys/fs/cgroup/a/b/cpu.max":                "150000 100000\n",
		"sys/fs/cgroup/a/cpu.max":                  "max 100000\n",
		"sys/fs/cgroup/a/b/pids.max":               "30\n",
		"sys/fs/cgroup/a/pids.max":                 "20\n",
		"sys/fs/cgroup/a/b/memory.events":          "oom_kill 0\n",
		"sys/fs/cgroup/a/b/deeper/memory.max":      "1\n",
		"sys/fs/cgroup/a/sibling/memory.max":       "1\n",
		"sys/fs/cgroup/a/sibling/memory.oom.group": "1\n",
	})
	c, err := cgroupOf(tree{root: root}, parseMounts("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &snapshot.Cgroup{
		Version: 2, Path: "/a/b", CPULimit: new(1.5), MemoryLimitBytes: new(uint64(1000)), MemoryUsedBytes: new(uint64(900)),
		MemoryWorkingSet: new(uint64(500)), MemoryUtilization: new(0.5), OOMKills: new(uint64(0)), PIDsLimit: new(uint64(20)),
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestMemoryWithoutAvailable(t *testing.T) {
	m, s, err := memoryOf(parseTable("MemTotal: 100 kB\nMemFree: 50 kB\nSwapTotal: 0 kB\n"), nil, 4096)
	if err != nil || m.Utilization != nil || m.UsedBytes != nil || *m.TotalBytes != 102400 || s != nil || m.MajorFaults != nil {
		t.Errorf("got %+v, %+v, %v", m, s, err)
	}
}

// Nothing that a file can say makes a parser panic or yield a ratio outside of
// 0..1.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{
		"cpu  1 2 3 4 5 6 7 8 9 0\ncpu0 1 2 3\nbtime 5\nprocs_blocked 1\n", "0.1 0.2 0.3 1/2 3\n", "MemTotal: 5 kB\nMemAvailable: 9 kB\n",
		"some avg10=1.00 avg60=NaN avg300=1e999 total=3\n", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		"Tcp: A RetransSegs\nTcp: 1 2 3\n", "TCP: inuse 1 tw\n", "36 35 98:0 / /x\\040 rw - ext3 /dev/x rw\n", "0::/../x\n4:memory:/\n", "1 0 18446744073709551615\n",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var readings [2]Reading
		for i, s := range []string{a, b} {
			r := &readings[i]
			if times, _, _, err := parseStat(s); err == nil {
				r.cpu, r.host.CPU = times, times.counters()
			}
			r.host.Load, _ = parseLoad(s)
			r.host.Memory, r.host.Swap, _ = memoryOf(parseTable(s), parseTable(s), 4096)
			r.host.Pressure = &snapshot.Pressure{CPU: parseStalls(s)}
			r.host.Disks, r.disks, _ = disksOf(s, func(string) bool { return true })
			r.host.Interfaces, _ = interfacesOf(s)
			r.host.TCP = tcpOf(s, s, s, s, 4096)
			r.host.Files, _ = filesOf(s)
			for _, m := range dataMounts(parseMounts(s)) {
				r.host.Filesystems = append(r.host.Filesystems, m.filesystem())
			}
			if g, ok := findGroup(parseMounts(s), s, "memory"); ok {
				steps := 0
				g.up(func(string) { steps++ })
				if steps > len(s)+1 {
					t.Fatalf("%d steps up from %q to %q", steps, g.dir, g.top)
				}
			}
		}
		h, _ := Between(readings[0], readings[1])
		for _, p := range []*float64{
			ratio(h.CPU, func(c *snapshot.CPU) *float64 { return c.Utilization }),
			ratio(h.Memory, func(m *snapshot.Memory) *float64 { return m.Utilization }),
			ratio(h.Swap, func(s *snapshot.Swap) *float64 { return s.Utilization }),
			ratio(h.TCP, func(c *snapshot.TCP) *float64 { return c.RetransmitRate }),
		} {
			if p != nil && !(*p >= 0 && *p <= 1+1e-9) {
				t.Errorf("a ratio of %v", *p)
			}
		}
	})
}

func ratio[T any](of *T, field func(*T) *float64) *float64 {
	if of == nil {
		return nil
	}
	return field(of)
}
