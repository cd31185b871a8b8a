package host

import (
	"cmp"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

// mount is one line of /proc/self/mountinfo.
type mount struct {
	device     string // major:minor, the same for every mount of one file system
	root       string // the part of the file system that is mounted
	point      string
	options    []string // of this mount
	fsType     string
	source     string
	superBlock []string // options of the file system itself
}

// parseMounts reads /proc/self/mountinfo:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// with any number of fields before the hyphen. Lines of another shape are
// passed over.
func parseMounts(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 2 {
			continue
		}
		m := mount{
			device: l[2], root: unescape(l[3]), point: unescape(l[4]), options: strings.Split(l[5], ","),
			fsType: r[0], source: unescape(r[1]),
		}
		if len(r) > 2 {
			m.superBlock = strings.Split(r[2], ",")
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescape undoes the kernel's \ooo for blanks, tabs, newlines and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return '0' <= c && c <= '7' }

// noData are the file systems that hold no user data, that are always full, or
// that start a mount when asked.
var noData = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devfs", "devpts", "devtmpfs", "efivarfs",
	"fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fusectl", "hugetlbfs", "iso9660", "mqueue", "none", "nsfs", "overlay",
	"proc", "pstore", "ramfs", "resctrl", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tmpfs", "tracefs", "udf",
}

// dataMounts picks the mounts worth asking for space, each file system once:
// a bind mount or a container's view shares the space of the first. Of several
// the writable one with the shortest path stands for all. The root is kept
// whatever it is, and /dev/shm, which tensor-parallel workers fill.
func dataMounts(all []mount) []mount {
	best := map[string]mount{}
	for _, m := range all {
		if slices.Contains(noData, m.fsType) && m.point != "/" && !(m.point == "/dev/shm" && m.fsType == "tmpfs") {
			continue
		}
		key := m.device
		if m.point == "/" || m.point == "/dev/shm" {
			key = m.point // mounted over one another, the last one counts
			best[key] = m
			continue
		}
		if old, ok := best[key]; !ok || preferred(m, old) {
			best[key] = m
		}
	}
	if root, ok := best["/"]; ok {
		delete(best, root.device)
	}
	picked := make([]mount, 0, len(best))
	for _, m := range best {
		picked = append(picked, m)
	}
	slices.SortFunc(picked, func(a, b mount) int { return cmp.Compare(a.point, b.point) })
	return picked
}

// preferred tells whether a says more about its file system than b does.
func preferred(a, b mount) bool {
	if w := slices.Contains(a.options, "rw"); w != slices.Contains(b.options, "rw") {
		return w
	}
	return cmp.Or(cmp.Compare(len(a.point), len(b.point)), cmp.Compare(a.point, b.point)) < 0
}

// filesystem is what the mount table tells of m.
func (m mount) filesystem() snapshot.Filesystem {
	superRO := slices.Contains(m.superBlock, "ro")
	mountRO := slices.Contains(m.options, "ro")
	f := snapshot.Filesystem{Mountpoint: m.point, Device: m.source, Type: m.fsType, ReadOnly: new(superRO || mountRO)}
	// mount -o ro sets both flags; the kernel, giving up after errors, only the
	// file system's own. A bind mount has a flag of its own and tells nothing.
	if m.root == "/" {
		f.ForcedReadOnly = new(superRO && !mountRO)
	}
	return f
}

// space is what a file system answers for: in bytes, and in inodes where it
// has a fixed number of them.
type space struct {
	total, used, available uint64
	inodes, inodesFree     uint64
}

// fill puts s into f. Sizes of 0 are those of a file system that has none.
func (s space) fill(f *snapshot.Filesystem) {
	if s.total > 0 && s.used <= s.total {
		f.TotalBytes, f.UsedBytes, f.AvailableBytes = &s.total, &s.used, &s.available
		if usable := float64(s.used) + float64(s.available); usable > 0 {
			f.Utilization = new(float64(s.used) / usable)
		}
	}
	if s.inodes > 0 && s.inodesFree <= s.inodes {
		f.Inodes, f.InodesFree = &s.inodes, &s.inodesFree
		f.InodesUtilization = new(float64(s.inodes-s.inodesFree) / float64(s.inodes))
	}
}
