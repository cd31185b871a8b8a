package gpu

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// numaNode is the memory node that a GPU hangs on, nil on a host that has one
// node only or does not tell (-1).
func numaNode(root, pci string) *int {
	if pci == "" {
		return nil
	}
	address := strings.ToLower(pci)
	if domain, rest, ok := strings.Cut(address, ":"); ok && len(domain) > 4 {
		address = domain[len(domain)-4:] + ":" + rest // NVML writes eight digits, the kernel four
	}
	text, err := os.ReadFile(filepath.Join(root, "sys/bus/pci/devices", filepath.Base(address), "numa_node"))
	if err != nil {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// initialPIDs is the inode that the kernel gives the first PID namespace of a
// boot (PROC_PID_INIT_INO).
const initialPIDs = "pid:[4026531836]"

// hostPIDs tells whether process numbers here are the host's.
func hostPIDs(root string) bool {
	ns, err := os.Readlink(filepath.Join(root, "proc/self/ns/pid"))
	return err == nil && ns == initialPIDs
}

// inContainer looks for the marks that container engines leave.
func inContainer(root string) bool {
	for _, mark := range []string{".dockerenv", "run/.containerenv", "var/run/secrets/kubernetes.io"} {
		if _, err := os.Stat(filepath.Join(root, mark)); err == nil {
			return true
		}
	}
	return false
}

// bootTime is when the kernel's counter of the log began, zero where /proc
// does not tell. Time asleep is not in that counter.
func bootTime(root string) time.Time {
	stat, _ := os.ReadFile(filepath.Join(root, "proc/stat"))
	for line := range strings.Lines(string(stat)) {
		if v, ok := strings.CutPrefix(line, "btime "); ok {
			if seconds, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil && seconds > 0 {
				return time.Unix(seconds, 0).UTC()
			}
		}
	}
	return time.Time{}
}

func logProblem(err error) snapshot.Problem {
	p := snapshot.Problem{Source: "kernel log", What: "xids and OOM kills", Status: snapshot.Failed, Detail: err.Error()}
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.Status, p.Detail = snapshot.Forbidden, "the kernel log may not be read by this user"
		p.Hint = "run as root, or allow it with sysctl kernel.dmesg_restrict=0"
	case errors.Is(err, fs.ErrNotExist):
		p.Status, p.Detail = snapshot.Unavailable, "no /dev/kmsg here"
		p.Hint = "in a container Xids are in the host's log only: run there, or pass /dev/kmsg in"
	case errors.Is(err, errors.ErrUnsupported):
		p.Status, p.Detail = snapshot.Unsupported, "the kernel log is read on Linux only"
	}
	return p
}

// procTable tells whose a process is. User names come from the root's own
// passwd file: asking the system's name service can hang.
type procTable struct {
	root  string
	host  bool
	users map[string]string
}

func newProcTable(root string) *procTable {
	return &procTable{root: root, host: hostPIDs(root)}
}

func (t *procTable) all(list []snapshot.GPUProcess) []snapshot.GPUProcess {
	out := slices.Clone(list)
	for i := range out {
		t.fill(&out[i])
	}
	return out
}

// fill adds what /proc knows. In another PID namespace the number may be some
// other process here: it counts only if that one has a GPU open.
func (t *procTable) fill(p *snapshot.GPUProcess) {
	dir := filepath.Join(t.root, "proc", strconv.Itoa(p.PID))
	comm, err := os.ReadFile(filepath.Join(dir, "comm"))
	if err != nil || !t.host && !hasGPUOpen(dir) {
		return
	}
	p.Resolved = true
	p.Name = clean(strings.TrimSpace(string(comm)))
	if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
		p.Command = command(line)
	}
	p.User = t.user(dir)
	if groups, err := os.ReadFile(filepath.Join(dir, "cgroup")); err == nil {
		p.Container, p.Pod = container(string(groups))
	}
}

// hasGPUOpen looks at the files that a process has open.
func hasGPUOpen(dir string) bool {
	fds, _ := os.ReadDir(filepath.Join(dir, "fd"))
	for _, fd := range fds {
		target, _ := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
		if strings.HasPrefix(target, "/dev/nvidia") || strings.HasPrefix(target, "/dev/kfd") || strings.HasPrefix(target, "/dev/dri/") {
			return true
		}
	}
	return false
}

func (t *procTable) user(dir string) string {
	status, _ := os.ReadFile(filepath.Join(dir, "status"))
	for line := range strings.Lines(string(status)) {
		ids, ok := strings.CutPrefix(line, "Uid:")
		if !ok {
			continue
		}
		if f := strings.Fields(ids); len(f) > 0 {
			if name := t.passwd()[f[0]]; name != "" {
				return name
			}
			return f[0]
		}
	}
	return ""
}

func (t *procTable) passwd() map[string]string {
	if t.users == nil {
		t.users = map[string]string{}
		text, _ := os.ReadFile(filepath.Join(t.root, "etc/passwd"))
		for line := range strings.Lines(string(text)) {
			if f := strings.Split(line, ":"); len(f) > 2 && t.users[f[2]] == "" {
				t.users[f[2]] = f[0]
			}
		}
	}
	return t.users
}
