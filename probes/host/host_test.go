package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"llmops/probes/snapshot"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// unpack lays the tree of fixtures/host/name.txtar out in a folder.
func unpack(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("names of PCI devices have colons in them")
	}
	a, err := txtar.ParseFile("../../fixtures/host/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := txtar.Write(a, root); err != nil {
		t.Fatal(err)
	}
	return root
}

// prober reads the tree at root, on a machine with pages of 4 KiB whose file
// systems are half full.
func prober(root string) *Prober {
	p := New(Config{Root: root, Timeout: time.Minute}) // a busy machine takes its time
	p.tree.pageSize = 4096
	p.statfs = func(context.Context, string) (space, error) {
		return space{total: 1000, used: 450, available: 450, inodes: 200, inodesFree: 150}, nil
	}
	return p
}

// twoReadings reads before and after with two seconds between them.
func twoReadings(t *testing.T, before, after string) (host *snapshot.Host, window time.Duration, problems []snapshot.Problem) {
	t.Helper()
	from, to := prober(unpack(t, before)), prober(unpack(t, after))
	synctest.Test(t, func(t *testing.T) {
		a := from.Scan(t.Context())
		time.Sleep(2 * time.Second)
		b := to.Scan(t.Context())
		host, window = Between(a, b)
		problems = b.Problems
	})
	host.Arch = "amd64" // that of the machine that runs the test
	return host, window, problems
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"cgroup1", "pod"} {
		t.Run(name, func(t *testing.T) {
			host, window, problems := twoReadings(t, name+"-before", name+"-after")
			if window != 2*time.Second || len(problems) > 0 {
				t.Errorf("window %v, problems %v", window, problems)
			}
			got, err := json.MarshalIndent(host, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error(cmp.Diff(string(want), string(got)))
			}
		})
	}
}

// The fixture's two readings were written so that every rate can be worked out
// in the head.
func TestRatesOfPod(t *testing.T) {
	h, _, _ := twoReadings(t, "pod-before", "pod-after")
	disk, eth, port := h.Disks[0], h.Interfaces[0], h.RDMA[0]
	for _, c := range []struct {
		name string
		got  *float64
		want float64
	}{
		{"cpu busy: 440 of 800 ticks", h.CPU.Utilization, 0.55},
		{"user: 340 of 800", h.CPU.User, 0.425},
		{"system: 60 of 800", h.CPU.System, 0.075},
		{"iowait: 40 of 800", h.CPU.IOWait, 0.05},
		{"irq: 20 of 800", h.CPU.IRQ, 0.025},
		{"steal: 20 of 800", h.CPU.Steal, 0.025},
		{"cpu0 was never idle", h.CPU.BusiestCore, 1},
		{"300 reads in 2 s", disk.ReadsPerS, 150},
		{"100 writes in 2 s", disk.WritesPerS, 50},
		{"4096 sectors", disk.ReadBytesPerS, 1 << 20},
		{"81920 sectors", disk.WriteBytesPerS, 20 << 20},
		{"busy 1500 of 2000 ms, across the wrap", disk.Utilization, 0.75},
		{"1200 ms for 400 requests, across the wrap", disk.AwaitMs, 3},
		{"9000 ms in 2000 ms, across the wrap", disk.QueueDepth, 4.5},
		{"625 MB in 2 s", eth.InBytesPerS, 312.5e6},
		{"2.5 of 10 Gbit/s", eth.Utilization, 0.25},
		{"100 of 2000 packets", eth.PacketLossRate, 0.05},
		{"250 M words in 2 s", port.InBytesPerS, 500e6},
		{"50 of 2000 segments", h.TCP.RetransmitRate, 0.025},
		{"100 pages in 2 s", h.Swap.InPerS, 204800},
		{"3 CPU seconds in 2 s", h.Cgroup.CPUCores, 1.5},
		{"of 2 cores", h.Cgroup.CPUUtilization, 0.75},
		{"15 of 20 periods", h.Cgroup.ThrottledRate, 0.75},
		{"256 of 512 MiB", h.Cgroup.MemoryUtilization, 0.5},
		{"three quarters of memory", h.Memory.Utilization, 0.75},
		{"a quarter of swap", h.Swap.Utilization, 0.25},
		{"12.34 %", h.Pressure.CPU.Some.Avg10, 0.1234},
	} {
		if c.got == nil || !near(*c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, show(c.got), c.want)
		}
	}
	var mounts []string
	for _, f := range h.Filesystems {
		mounts = append(mounts, f.Mountpoint)
		if forced, bind := f.Mountpoint == "/scratch", f.Mountpoint == "/models"; *f.ReadOnly != forced ||
			bind != (f.ForcedReadOnly == nil) || !bind && *f.ForcedReadOnly != forced {
			t.Errorf("%s: read only %v, forced %v", f.Mountpoint, *f.ReadOnly, show(f.ForcedReadOnly))
		}
	}
	// The disk of /models is also mounted at /etc/hosts, the longer path.
	if want := []string{"/", "/dev/shm", "/mnt/my data", "/models", "/scratch"}; !slices.Equal(mounts, want) {
		t.Errorf("file systems %q, want %q", mounts, want)
	}
	if len(h.Disks) != 1 || len(h.Interfaces) != 2 {
		t.Errorf("%d disks and %d interfaces, want the disk that does something and the two cards", len(h.Disks), len(h.Interfaces))
	}
	if idle := h.Interfaces[1]; idle.Device != "eth1" || *idle.Up || idle.SpeedBits != nil || idle.PacketLossRate != nil {
		t.Errorf("the card without a link: %+v", idle)
	}
	if got := []string{h.NUMA[0].PCIGPUs[0], h.NUMA[1].PCIGPUs[0]}; !slices.Equal(got, []string{"0000:1b:00.0", "0000:9b:00.0"}) {
		t.Errorf("GPUs of the nodes: %q", got)
	}
	if h.Container != "kubernetes" || h.Files.Max != nil || h.Cgroup.PIDsLimit != nil {
		t.Errorf("container %q, file limit %v, pids limit %v", h.Container, show(h.Files.Max), show(h.Cgroup.PIDsLimit))
	}
}

func TestOneReadingHasNoRates(t *testing.T) {
	root := unpack(t, "pod-after")
	p := prober(root)
	h, window, problems := p.Read(t.Context())
	if window != 0 || len(problems) != 0 {
		t.Fatalf("window %v, problems %v", window, problems)
	}
	for x := range (snapshot.Snapshot{Host: h}).Samples {
		if strings.HasSuffix(x.Name, "_per_second") && x.Name != "network_speed_bits_per_second" && x.Name != "rdma_rate_bits_per_second" {
			t.Errorf("%s was measured with one reading", x.Name)
		}
	}
	if h.CPU.Utilization != nil || h.Disks[0].Utilization != nil || h.TCP.RetransmitRate != nil || h.Cgroup.CPUUtilization != nil {
		t.Error("shares of a time were measured with one reading")
	}
}

// A file system that hangs costs its own numbers, at the deadline, and is not
// asked again while it has not answered.
func TestStuckFileSystem(t *testing.T) {
	root := unpack(t, "pod-after")
	synctest.Test(t, func(t *testing.T) {
		p := prober(root)
		p.cfg.Timeout = DefaultTimeout
		free, asked, good := make(chan struct{}), 0, p.statfs
		p.statfs = func(ctx context.Context, path string) (space, error) {
			if strings.HasSuffix(path, "my data") {
				asked++
				<-free
			}
			return good(ctx, path)
		}
		for i, detail := range []string{"no answer within 500ms", "an earlier read has still not come back"} {
			start := time.Now()
			h, _, problems := p.Read(t.Context())
			if took := time.Since(start); i == 0 && took != DefaultTimeout || i == 1 && took != 0 {
				t.Errorf("reading %d took %v", i, took)
			}
			if len(problems) != 1 || problems[0].What != "filesystem /mnt/my data" || problems[0].Status != snapshot.Timeout ||
				problems[0].Detail != detail || problems[0].Hint == "" {
				t.Errorf("reading %d: problems %+v", i, problems)
			}
			for _, f := range h.Filesystems {
				if stuck := f.Mountpoint == "/mnt/my data"; stuck != (f.Utilization == nil) {
					t.Errorf("reading %d: %s: utilization %v", i, f.Mountpoint, show(f.Utilization))
				}
			}
			if h.CPU == nil || h.Memory == nil || h.Cgroup == nil {
				t.Errorf("reading %d: other parts were lost", i)
			}
		}
		close(free)
		synctest.Wait()
		if _, _, problems := p.Read(t.Context()); len(problems) != 0 || asked != 2 {
			t.Errorf("after it came back: asked %d times, problems %v", asked, problems)
		}
	})
}

func TestInterruptedWindow(t *testing.T) {
	root := unpack(t, "pod-after")
	synctest.Test(t, func(t *testing.T) {
		p := prober(root)
		p.cfg.Window = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		h, window, problems := p.Read(ctx)
		if time.Since(start) != time.Second || window != 0 || len(problems) != 0 {
			t.Errorf("came back after %v with a window of %v and %v", time.Since(start), window, problems)
		}
		if h.Memory == nil || h.Filesystems == nil || h.CPU.Utilization != nil {
			t.Errorf("got %+v", h)
		}
	})
}

// Every file is missing, then every file is nonsense: each part says so, and
// nothing is made up.
func TestNothingToRead(t *testing.T) {
	parts := []string{"cgroup", "cpu", "disks", "files", "filesystems", "load", "memory", "network", "pressure", "tcp"}
	empty, _, problems := prober(t.TempDir()).Read(t.Context())
	got := map[string]snapshot.Status{}
	for _, x := range problems {
		got[x.What] = x.Status
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, parts) {
		t.Errorf("problems with %q, want %q", names, parts)
	}
	for name, s := range got {
		if s != snapshot.Unsupported {
			t.Errorf("%s: %s", name, s)
		}
	}
	if diff := cmp.Diff(&snapshot.Host{OS: "linux", Arch: runtime.GOARCH}, empty); diff != "" {
		t.Error(diff)
	}

	root := unpack(t, "pod-after")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.WriteFile(path, []byte("cpu x\nname: y\n-1 -2 -3\n\x00\xff"), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h, _, problems := prober(root).Read(t.Context())
	for x := range (snapshot.Snapshot{Host: h}).Samples {
		if !strings.HasSuffix(x.Name, "_info") && x.Name != "findings" {
			t.Errorf("%v out of nonsense", x)
		}
	}
	if len(problems) < 6 {
		t.Errorf("problems: %v", problems)
	}
	for _, x := range problems {
		if x.Status != snapshot.Failed {
			t.Errorf("%+v, want an error", x)
		}
	}
}

func TestStatus(t *testing.T) {
	p := New(Config{})
	for err, want := range map[error]snapshot.Status{
		fs.ErrPermission:         snapshot.Forbidden,
		fs.ErrNotExist:           snapshot.Unsupported,
		errors.ErrUnsupported:    snapshot.Unsupported,
		context.DeadlineExceeded: snapshot.Timeout,
		stuckError{}:             snapshot.Timeout,
		errors.New("garbage"):    snapshot.Failed,
	} {
		if got := p.problem("pressure", &fs.PathError{Op: "open", Path: "x", Err: err}); got.Status != want || got.Detail == "" {
			t.Errorf("%v: %+v, want %s", err, got, want)
		}
	}
}

func near(a, b float64) bool { return max(a-b, b-a) <= 1e-9*max(a, b, 1) }

func show[T any](v *T) any {
	if v == nil {
		return "nothing"
	}
	return *v
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// The machine that runs the test: what it says must hold together.
func TestThisMachine(t *testing.T) {
	h, window, problems := Read(t.Context(), Config{Window: 50 * time.Millisecond})
	if window < 50*time.Millisecond || h.CPU == nil || h.Memory == nil {
		t.Fatalf("window %v, host %+v, problems %v", window, h, problems)
	}
	if u := h.Memory.Utilization; u == nil || *u <= 0 || *u >= 1 {
		t.Errorf("memory utilization %v", show(u))
	}
	if n := h.CPU.Logical; n == nil || *n < 1 {
		t.Errorf("%v CPUs", show(n))
	}
	for x := range (snapshot.Snapshot{Host: h}).Samples {
		ratio := strings.HasSuffix(x.Name, "_utilization") || strings.HasSuffix(x.Name, "_rate") || strings.Contains(x.Name, "_avg")
		if ratio && x.Name != "cgroup_cpu_utilization" && (x.Value < 0 || x.Value > 1) {
			t.Errorf("%v is no ratio", x)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	p := New(Config{})
	for b.Loop() {
		p.Scan(b.Context())
	}
}

// A read that has answered by the time that this process sees the end of its own is no
// read that hangs.
func TestAnswerAtTheDeadline(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // whoever waits is woken, and runs only after the answer
	p, got := prober(t.TempDir()), 0
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		if n, err := ask(ctx, p, "x", func() (int, error) { cancel(); return 1, nil }); err == nil {
			got += n
		}
	}
	if got == 0 {
		t.Error("20 answers came too late")
	}
}
