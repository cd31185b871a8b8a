package gpu

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"llmops/probes/gpu/nvml"
	"llmops/probes/gpu/nvml/nvmltest"
	"llmops/probes/snapshot"
)

// root makes a root folder of these files.
func root(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// nothing is a machine without any GPU software.
func nothing(t testing.TB) Config {
	return Config{Root: root(t, nil),
		Open:      func() (nvml.Library, nvml.Status) { return nil, nvml.NoLibrary },
		Run:       func(context.Context, string, ...string) ([]byte, int, error) { return nil, 0, exec.ErrNotFound },
		KernelLog: func(context.Context, string) ([]byte, error) { return nil, nil },
		Now:       func() time.Time { return time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) }}
}

func ids(f []snapshot.Finding) []string {
	var out []string
	for _, x := range f {
		out = append(out, x.ID)
	}
	return out
}

// From the driver to the findings, with /proc, /sys and the kernel log of a
// host: what each knows ends up at the right GPU.
func TestHost(t *testing.T) {
	lib := nvmltest.Eight(nvmltest.Costs{})
	lib.GPUs[2].Opens = nvml.Lost
	lib.GPUs[3].Values[nvml.PCIeNow] = nvml.Values{5, 8}
	cfg := nothing(t)
	cfg.Open = lib.Open
	cfg.Root = root(t, map[string]string{
		"proc/4242/comm": "vllm\n", "proc/4242/cmdline": "vllm\x00serve\x00--api-key\x00hunter2\x00", "proc/4242/status": "Name:\tvllm\nUid:\t1000\t1000\t1000\t1000\n",
		"proc/4242/cgroup": "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd-" + strings.Repeat("ab", 32) + ".scope\n",
		"proc/stat":        "cpu 1 2 3\nbtime 1767603600\n", "etc/passwd": "root:x:0:0::/root:/bin/sh\nserving:x:1000:1000::/home:/bin/sh\n",
		"sys/bus/pci/devices/0000:1b:00.0/numa_node": "1\n", "sys/bus/pci/devices/0000:4b:00.0/numa_node": "-1\n",
	})
	os.MkdirAll(filepath.Join(cfg.Root, "proc/self/ns"), 0o755)
	os.Symlink(initialPIDs, filepath.Join(cfg.Root, "proc/self/ns/pid"))
	cfg.KernelLog = func(context.Context, string) ([]byte, error) {
		return []byte("3,1,60000000,-;NVRM: Xid (PCI:0000:1b:00): 31, pid=4242, name=vllm, MMU Fault\n3,1,61000000,-;NVRM: Xid (PCI:0000:ff:00): 79, GPU has fallen off the bus.\n"), nil
	}
	r := Read(t.Context(), cfg)
	if len(r.GPUs) != 8 || !lib.Closed {
		t.Fatalf("%d GPUs, closed %v", len(r.GPUs), lib.Closed)
	}
	g := r.GPUs[0]
	if *g.NUMANode != 1 || r.GPUs[3].NUMANode != nil || g.Driver != "550.54.15" || g.CUDA != "12.4" {
		t.Errorf("NUMA %v, %v; driver %q", g.NUMANode, r.GPUs[3].NUMANode, g.Driver)
	}
	p := g.Processes[0]
	if !p.Resolved || p.Name != "vllm" || p.Command != "vllm serve --api-key ***" || p.User != "serving" || p.Container != strings.Repeat("ab", 32) || p.Pod != "11111111-2222-3333-4444-555555555555" {
		t.Errorf("process %+v", p)
	}
	if len(g.XIDs) != 1 || g.XIDs[0].Code != 31 || g.XIDs[0].At.Format(time.RFC3339) != "2026-01-05T09:01:00Z" || len(r.GPUs[1].XIDs) != 0 {
		t.Errorf("Xids %+v", g.XIDs)
	}
	want := []string{"gpu_xid", "gpu_lost", "gpu_xid", "gpu_pcie_width"}
	if got := ids(r.Findings); !slices.Equal(got, want) {
		t.Errorf("findings %v, want %v", got, want)
	}
	if f := r.Findings[0]; f.Entity != "pci=0000:ff:00" || f.Severity != snapshot.Critical {
		t.Errorf("Xid of a GPU that is not there: %+v", f)
	}
	for _, k := range []string{"nvml_open", "nvml", "amdgpu", "gpu_processes", "kernel_log"} {
		if _, ok := r.TimingsMS[k]; !ok {
			t.Errorf("no timing of %s in %v", k, r.TimingsMS)
		}
	}
	text, err := json.Marshal(r.GPUs)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("%v; secret in the output: %v", err, strings.Contains(string(text), "hunter2"))
	}
}

// In another PID namespace a number is not the host's: the row stays, unnamed.
func TestContainerPIDs(t *testing.T) {
	lib := &nvmltest.Library{GPUs: []*nvmltest.Device{nvmltest.H100(0)}}
	cfg := nothing(t)
	cfg.Open = lib.Open
	cfg.Root = root(t, map[string]string{"proc/4242/comm": "bash\n", "proc/4242/cmdline": "bash\x00"})
	r := Read(t.Context(), cfg)
	if p := r.GPUs[0].Processes[0]; p.Resolved || p.Name != "" || p.Command != "" || p.PID != 4242 {
		t.Errorf("another process of that number: %+v", p)
	}
	if got := ids(r.Findings); !slices.Equal(got, []string{"gpu_processes_unresolved"}) {
		t.Errorf("findings %v", got)
	}
	os.MkdirAll(filepath.Join(cfg.Root, "proc/4242/fd"), 0o755)
	os.Symlink("/dev/nvidia0", filepath.Join(cfg.Root, "proc/4242/fd/9"))
	if p := Read(t.Context(), cfg).GPUs[0].Processes[0]; !p.Resolved || p.Name != "bash" {
		t.Errorf("a process with the GPU open: %+v", p)
	}
}

// Who is asked, and what is said when there is nothing.
func TestSources(t *testing.T) {
	xml, err := os.ReadFile("../../fixtures/gpu/nvidia-smi-v13.xml")
	if err != nil {
		t.Fatal(err)
	}
	smi := func(context.Context, string, ...string) ([]byte, int, error) { return xml, 0, nil }
	bus := map[string]string{"sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n", "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
		"sys/bus/pci/devices/0000:02:00.0/vendor": "0x10de\n", "sys/bus/pci/devices/0000:02:00.0/class": "0x040300\n"}
	boxed := map[string]string{".dockerenv": ""}
	for k, v := range bus {
		boxed[k] = v
	}
	opens := func(s nvml.Status) func() (nvml.Library, nvml.Status) {
		return func() (nvml.Library, nvml.Status) { return nil, s }
	}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		gpus   int
		errors string // how the only error begins: source, status, detail
	}{
		{"none", func(c *Config) { c.Source = None; c.Open = nil }, 0, ""},
		{"no GPU at all", func(*Config) {}, 0, "gpu unavailable no NVIDIA or AMD GPU on this machine"},
		{"nvml only", func(c *Config) { c.Source = NVML }, 0, "nvml unavailable no NVIDIA driver library"},
		{"nvidia-smi only", func(c *Config) { c.Source = NvidiaSMI }, 0, "nvidia-smi unavailable no nvidia-smi"},
		{"amdgpu only", func(c *Config) { c.Source = AMDGPU }, 0, "amdgpu unavailable no AMD GPU"},
		{"no NVML, nvidia-smi", func(c *Config) { c.Run = smi }, 1, ""},
		{"no permission, nvidia-smi", func(c *Config) { c.Open = opens(nvml.NoPermission); c.Run = smi }, 1, "nvml forbidden no permission"},
		{"not loaded", func(c *Config) { c.Open = opens(nvml.NotLoaded); c.Run = smi }, 0, "nvml unavailable the NVIDIA kernel driver is not loaded"},
		{"no driver for a GPU", func(c *Config) { c.Root = root(t, bus) }, 0, "gpu unavailable 1 NVIDIA GPU on the PCI bus and no driver"},
		{"GPU not in the container", func(c *Config) { c.Root = root(t, boxed) }, 0, "gpu unavailable 1 NVIDIA GPU of the host, none of them passed into this container"},
		{"log forbidden", func(c *Config) {
			c.Run = smi
			c.KernelLog = func(context.Context, string) ([]byte, error) { return nil, &fs.PathError{Err: fs.ErrPermission} }
		}, 1, "kernel log forbidden the kernel log may not be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := nothing(t)
			tt.change(&cfg)
			r := Read(t.Context(), cfg)
			if len(r.GPUs) != tt.gpus {
				t.Errorf("%d GPUs, want %d", len(r.GPUs), tt.gpus)
			}
			var got []string
			for _, e := range r.Errors {
				got = append(got, e.Source+" "+string(e.Status)+" "+e.Detail)
				if e.Hint == "" && len(r.GPUs) == 0 && tt.name != "no GPU at all" {
					t.Errorf("no hint: %+v", e)
				}
			}
			if len(got) != boolInt(tt.errors != "") || len(got) > 0 && !strings.HasPrefix(got[0], tt.errors) {
				t.Errorf("errors %q, want %q", got, tt.errors)
			}
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A driver that hangs while it opens costs the deadline; the next reading asks
// the same call again, and AMD's GPUs are there all the same.
func TestOpenHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, opened := make(chan struct{}), 0
		lib := &nvmltest.Library{GPUs: []*nvmltest.Device{nvmltest.H100(0)}}
		cfg := nothing(t)
		cfg.Root = root(t, map[string]string{"sys/class/drm/card0/device/vendor": "0x1002\n"})
		cfg.Open = func() (nvml.Library, nvml.Status) { opened++; <-release; return lib, nvml.OK }
		p := New(cfg)
		defer p.Close()
		read := func() Result {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			r := p.Read(ctx)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			return r
		}
		for range 2 {
			r := read()
			if len(r.GPUs) != 1 || r.GPUs[0].Vendor != "amd" || len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Timeout {
				t.Errorf("%d GPUs, errors %+v", len(r.GPUs), r.Errors)
			}
		}
		close(release)
		synctest.Wait()
		if r := read(); len(r.GPUs) != 2 || r.GPUs[0].Vendor != "nvidia" || r.GPUs[1].Index != 1 || opened != 1 {
			t.Errorf("after it came back: %d GPUs, opened %d times", len(r.GPUs), opened)
		}
	})
}

// One GPU that hangs: the others are complete, processes and log included.
func TestDeviceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lib := nvmltest.Eight(nvmltest.Costs{})
		lib.GPUs[7].Hang = make(chan struct{})
		defer close(lib.GPUs[7].Hang)
		cfg := nothing(t)
		cfg.Open = lib.Open
		cfg.KernelLog = func(context.Context, string) ([]byte, error) {
			return []byte("3,1,60000000,-;NVRM: Xid (PCI:0000:1b:00): 31, pid=4242, name=vllm, MMU Fault\n"), nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		p := New(cfg)
		r := p.Read(ctx)
		p.Close()
		if len(r.GPUs) != 8 || r.GPUs[7].State != snapshot.GPUTimeout || len(r.GPUs[0].XIDs) != 1 || r.GPUs[6].Memory == nil {
			t.Errorf("%d GPUs, state %q, Xids %v", len(r.GPUs), r.GPUs[7].State, r.GPUs[0].XIDs)
		}
		if !slices.Contains(ids(r.Findings), "gpu_timeout") || len(r.Errors) != 1 || lib.Closed {
			t.Errorf("findings %v, errors %+v, closed %v", ids(r.Findings), r.Errors, lib.Closed)
		}
	})
}

// The window is the same for every source.
func TestWindowOfSMI(t *testing.T) {
	xml, err := os.ReadFile("../../fixtures/gpu/nvidia-smi-v13.xml")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		cfg := nothing(t)
		cfg.Source, cfg.Window = NvidiaSMI, 2*time.Second
		cfg.Run = func(context.Context, string, ...string) ([]byte, int, error) {
			calls++
			text := string(xml)
			if calls == 2 {
				text = strings.Replace(text, "1500000 us", "2500000 us", 1)
			}
			return []byte(text), 0, nil
		}
		w := Read(t.Context(), cfg).GPUs[0].Window
		if w == nil || w.Seconds != 2 || w.Throttled["sw_thermal"] != 0.5 || w.Throttled["sw_power_cap"] != 0 {
			t.Errorf("window %+v", w)
		}
	})
}

// busy is what calls cost on a host under load: assumed, on the high side.
func busy() nvmltest.Costs {
	return nvmltest.Costs{Text: 20 * time.Microsecond, Get: 100 * time.Microsecond, Fields: 2 * time.Millisecond, Processes: time.Millisecond}
}

// Eight GPUs within the budget of a snapshot, even when the driver works on
// one call at a time. Time is virtual: this counts calls and how they overlap.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		name  string
		one   bool
		limit time.Duration
	}{{"side by side", false, 20 * time.Millisecond}, {"one call at a time", true, 130 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			costs := busy()
			if tt.one {
				costs.OneByOne = make(chan struct{}, 1)
			}
			lib := nvmltest.Eight(costs)
			cfg := nothing(t)
			cfg.Open = lib.Open
			p := New(cfg)
			defer p.Close()
			began := time.Now()
			r := p.Read(t.Context())
			took := time.Since(began)
			t.Logf("%s: %v, %d calls a GPU", tt.name, took, lib.GPUs[0].Calls)
			if len(r.GPUs) != 8 || len(r.Errors) != 0 || took > tt.limit || took == 0 {
				t.Errorf("%s: %d GPUs in %v, errors %v", tt.name, len(r.GPUs), took, r.Errors)
			}
		})
	}
}

// What reading eight GPUs costs us, the driver's own time left out.
func BenchmarkEight(b *testing.B) {
	cfg := nothing(b)
	cfg.Open = nvmltest.Eight(nvmltest.Costs{}).Open
	p := New(cfg)
	defer p.Close()
	for b.Loop() {
		if r := p.Read(b.Context()); len(r.GPUs) != 8 {
			b.Fatal(len(r.GPUs))
		}
	}
}
