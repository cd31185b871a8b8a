package host

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"

	"llmops/probes/snapshot"
)

// treeParts are the parts that /proc and /sys have, in the order in which
// their problems are told.
func (p *Prober) treeParts() []part {
	t := p.tree
	simple := func(name string, rates bool, read func() (func(*Reading), error)) part {
		return part{name, rates, func(ctx context.Context) (func(*Reading), error) {
			write, err := ask(ctx, p, name, read)
			if err != nil {
				return nil, err // what could not be parsed is not written down
			}
			return write, nil
		}}
	}
	// file is a part that is one file, parsed by parse.
	file := func(name, path string, rates bool, parse func(text string) (func(*Reading), error)) part {
		return simple(name, rates, func() (func(*Reading), error) {
			text, err := t.read(path)
			if err != nil {
				return nil, err
			}
			return parse(text)
		})
	}
	return []part{
		// first, as it starts the record
		simple("system", false, func() (func(*Reading), error) { return system(t), nil }),
		file("cpu", "/proc/stat", true, func(text string) (func(*Reading), error) {
			times, _, blocked, err := parseStat(text)
			return func(r *Reading) {
				r.cpu, r.host.CPU = times, times.counters()
				if blocked != nil { // the load's file does not have it
					loadOf(r).Blocked = blocked
				}
			}, err
		}),
		file("load", "/proc/loadavg", false, func(text string) (func(*Reading), error) {
			l, err := parseLoad(text)
			return func(r *Reading) { l.Blocked, r.host.Load = loadOf(r).Blocked, l }, err
		}),
		file("memory", "/proc/meminfo", true, func(text string) (func(*Reading), error) {
			vm := parseTable(t.word("/proc/vmstat"))
			m, s, err := memoryOf(parseTable(text), vm, t.pageSize)
			return func(r *Reading) { r.host.Memory, r.host.Swap, r.host.OOMKills = m, s, vm.get("oom_kill") }, err
		}),
		{"filesystems", false, p.filesystems},
		file("disks", "/proc/diskstats", true, func(text string) (func(*Reading), error) {
			disks, times, err := disksOf(text, func(device string) bool {
				return !t.exists("/sys/class/block/" + strings.ReplaceAll(device, "/", "!") + "/partition")
			})
			return func(r *Reading) { r.host.Disks, r.disks = disks, times }, err
		}),
		file("network", "/proc/net/dev", true, func(text string) (func(*Reading), error) {
			list, err := interfacesOf(text)
			list = links(t, list)
			return func(r *Reading) { r.host.Interfaces = list }, err
		}),
		simple("rdma", true, func() (func(*Reading), error) {
			ports := rdmaOf(t)
			return func(r *Reading) { r.host.RDMA = ports }, nil
		}),
		file("tcp", "/proc/net/snmp", true, func(text string) (func(*Reading), error) {
			const net = "/proc/net/"
			tcp := tcpOf(text, t.word(net+"netstat"), t.word(net+"sockstat"), t.word(net+"sockstat6"), t.pageSize)
			return func(r *Reading) { r.host.TCP = tcp }, nil
		}),
		simple("pressure", false, func() (func(*Reading), error) {
			pressure, err := pressureOf(t, "/proc/pressure", "")
			return func(r *Reading) { r.host.Pressure = pressure }, first(err)
		}),
		simple("cgroup", true, func() (func(*Reading), error) {
			text, err := t.read("/proc/self/mountinfo")
			if err != nil {
				return nil, err
			}
			c, err := cgroupOf(t, parseMounts(text))
			return func(r *Reading) { r.host.Cgroup = c }, err
		}),
		simple("numa", false, func() (func(*Reading), error) {
			nodes := numaOf(t)
			return func(r *Reading) { r.host.NUMA = nodes }, nil
		}),
		file("files", "/proc/sys/fs/file-nr", false, func(text string) (func(*Reading), error) {
			f, err := filesOf(text)
			return func(r *Reading) { r.host.Files = f }, err
		}),
	}
}

// loadOf is r's load, made if need be.
func loadOf(r *Reading) *snapshot.Load {
	if r.host.Load == nil {
		r.host.Load = &snapshot.Load{}
	}
	return r.host.Load
}

// first is the first of the errors that were joined: three files that are
// missing for one reason are one problem.
func first(err error) error {
	if all := split(err); len(all) > 0 {
		return all[0]
	}
	return nil
}

// system reads what seldom changes.
func system(t tree) func(*Reading) {
	h := snapshot.Host{
		Name: t.word("/proc/sys/kernel/hostname"), OS: "linux",
		Kernel: t.word("/proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, Container: container(t),
	}
	if up, _, _ := strings.Cut(t.word("/proc/uptime"), " "); up != "" {
		h.UptimeS = parseFloat(up)
	}
	for line := range strings.Lines(t.word("/proc/stat")) {
		if s, ok := strings.CutPrefix(line, "btime "); ok {
			if at := parseUint(strings.TrimSpace(s)); at != nil && *at < 1<<40 {
				h.BootTime = new(time.Unix(int64(*at), 0).UTC())
			}
		}
	}
	return func(r *Reading) { r.host = h }
}

// container names what holds this process, by the marks that each leaves; ""
// outside of containers, and in one that leaves none.
func container(t tree) string {
	groups := t.word("/proc/self/cgroup")
	switch {
	case t.exists("/run/secrets/kubernetes.io") || t.exists("/var/run/secrets/kubernetes.io") || strings.Contains(groups, "/kubepods"):
		return "kubernetes"
	case t.exists("/.dockerenv") || strings.Contains(groups, "/docker"):
		return "docker"
	case t.exists("/run/.containerenv"):
		return "podman"
	}
	return t.word("/run/systemd/container") // systemd-nspawn, lxc, …, by its name
}

// filesystems reads the mount table and the space of what holds data.
func (p *Prober) filesystems(ctx context.Context) (func(*Reading), error) {
	text, err := ask(ctx, p, "mounts", func() (string, error) { return p.tree.read("/proc/self/mountinfo") })
	if err != nil {
		return nil, err
	}
	var list []snapshot.Filesystem
	for _, m := range dataMounts(parseMounts(text)) {
		list = append(list, m.filesystem())
	}
	err = p.askSpace(ctx, list)
	return func(r *Reading) { r.host.Filesystems = list }, err
}

// askSpace asks each file system of list, side by side, so that one that hangs
// costs its own numbers and no other's.
func (p *Prober) askSpace(ctx context.Context, list []snapshot.Filesystem) error {
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			at := list[i].Mountpoint
			s, err := ask(ctx, p, "filesystem "+at, func() (space, error) { return p.statfs(ctx, p.tree.path(at)) })
			if err != nil {
				errs[i] = &fsError{at, err}
				return
			}
			s.fill(&list[i])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
