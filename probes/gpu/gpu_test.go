package gpu

import (
	"context"
	"encoding/json"
	"io/fs"
	"maps"
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
		errors string // how each error begins, between bars: source, status, detail
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
		{"no GPU, log forbidden", func(c *Config) {
			c.KernelLog = func(context.Context, string) ([]byte, error) { return nil, &fs.PathError{Err: fs.ErrPermission} }
		}, 0, "gpu unavailable no NVIDIA or AMD GPU on this machine|kernel log forbidden"},
		{"nvidia-smi has a reason", func(c *Config) {
			c.Run = func(context.Context, string, ...string) ([]byte, int, error) {
				return []byte("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"), 9, nil
			}
		}, 0, "nvidia-smi unavailable NVIDIA-SMI has failed because"},
		{"nvidia-smi has a reason, GPU on the bus", func(c *Config) {
			c.Root = root(t, bus)
			c.Run = func(context.Context, string, ...string) ([]byte, int, error) {
				return []byte("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"), 9, nil
			}
		}, 0, "nvidia-smi unavailable NVIDIA-SMI has failed because|gpu unavailable 1 NVIDIA GPU on the PCI bus and no driver"},
		{"one vendor's driver is gone", func(c *Config) {
			both := maps.Clone(bus)
			both["sys/class/drm/card0/device/vendor"] = "0x1002\n"
			c.Root = root(t, both)
		}, 1, "gpu unavailable 1 NVIDIA GPU on the PCI bus and no driver"},
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
				if e.Hint == "" && len(r.GPUs) == 0 && !strings.HasPrefix(e.Detail, "no NVIDIA or AMD") {
					t.Errorf("no hint: %+v", e)
				}
			}
			want := strings.FieldsFunc(tt.errors, func(r rune) bool { return r == '|' })
			if !slices.EqualFunc(got, want, strings.HasPrefix) {
				t.Errorf("errors %q, want %q", got, want)
			}
			// GPUs that are there and that no driver reads are worth an alarm.
			unseen := slices.ContainsFunc(r.Findings, func(f snapshot.Finding) bool {
				return f.ID == "gpus_not_seen" && f.Severity == snapshot.Critical && f.Entity == "vendor=nvidia" && f.Action != ""
			})
			if unseen != strings.Contains(tt.errors, "no driver") {
				t.Errorf("findings %+v", r.Findings)
			}
		})
	}
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

// An nvidia-smi that cannot be killed costs itself: AMD's GPUs, the kernel log and the
// timings are there, in time for a probe that may take 15 s.
func TestSMIHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, window := range []time.Duration{0, 5 * time.Second} {
			cfg := nothing(t)
			cfg.Window = window
			cfg.Root = root(t, map[string]string{"sys/class/drm/card0/device/vendor": "0x1002\n"})
			cfg.Run = func(ctx context.Context, _ string, _ ...string) ([]byte, int, error) {
				if ctx.Err() == nil {
					<-ctx.Done()
					time.Sleep(2 * time.Second)
				}
				return nil, 0, ctx.Err()
			}
			cfg.KernelLog = func(context.Context, string) ([]byte, error) {
				return []byte("6,1,60000000,-;Out of memory: Killed process 77 (vllm) total-vm:1kB\n"), nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second+window)
			began := time.Now()
			r := Read(ctx, cfg)
			if took := time.Since(began); took >= 15*time.Second+window || ctx.Err() != nil {
				t.Errorf("window %v: took %v", window, took)
			}
			cancel()
			if len(r.GPUs) != 1 || r.GPUs[0].Vendor != "amd" || !slices.Contains(ids(r.Findings), "oom_kill") || r.TimingsMS["nvidia_smi"] < 10_000 || r.TimingsMS["kernel_log"] != 0 {
				t.Errorf("window %v: %d GPUs, findings %v, timings %v", window, len(r.GPUs), ids(r.Findings), r.TimingsMS)
			}
			if len(r.Errors) != 1 || r.Errors[0].Source != "nvidia-smi" || r.Errors[0].Status != snapshot.Timeout {
				t.Errorf("window %v: errors %+v", window, r.Errors)
			}
		}
	})
}

// Without GPUs the kernel log still tells whom the kernel killed, and of no Xids.
func TestNone(t *testing.T) {
	cfg := nothing(t)
	cfg.Source = None
	cfg.Root = root(t, map[string]string{"sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n", "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n"})
	cfg.Run = func(context.Context, string, ...string) ([]byte, int, error) {
		t.Error("nvidia-smi was asked")
		return nil, 0, exec.ErrNotFound
	}
	cfg.KernelLog = func(context.Context, string) ([]byte, error) {
		return []byte("6,1,60000000,-;Out of memory: Killed process 77 (vllm) total-vm:1kB\n3,1,61000000,-;NVRM: Xid (PCI:0000:ff:00): 79, GPU has fallen off the bus.\n"), nil
	}
	r := Read(t.Context(), cfg)
	if got := ids(r.Findings); !slices.Equal(got, []string{"oom_kill"}) || len(r.Errors) != 0 || r.GPUs != nil || r.OnBus != nil {
		t.Errorf("findings %v, errors %+v, GPUs %v, bus %v", got, r.Errors, r.GPUs, r.OnBus)
	}
	cfg.KernelLog = func(context.Context, string) ([]byte, error) { return nil, &fs.PathError{Err: fs.ErrPermission} }
	if r := Read(t.Context(), cfg); len(r.Errors) != 1 || r.Errors[0].Status != snapshot.Forbidden {
		t.Errorf("errors %+v", r.Errors)
	}
}

// What the bus tells, and of whom it is known.
func TestOnBus(t *testing.T) {
	files := map[string]string{"sys/class/drm/x": ""}
	for device, text := range map[string]string{
		"01:00.0": "0x10de 0x030200", "02:00.0": "0x10de 0x030000", "02:00.1": "0x10de 0x040300", "03:00.0": "0x10de 0x068000", // GPU, GPU, its sound, NVSwitch
		"04:00.0": "0x1002 0x120000", "05:00.0": "0x1002 0x038000", "06:00.0": "0x1002 0x030000", "07:00.0": "0x1002 0x030000", // Instincts, board's VGA, Radeon
		"08:00.0": "0x1a03 0x030000", "09:00.0": "0x10de 0x030200", "09:00.1": "0x10de 0x030200", // BMC, a guest's, virtual function
	} {
		id, class, _ := strings.Cut(text, " ")
		files["sys/bus/pci/devices/0000:"+device+"/vendor"], files["sys/bus/pci/devices/0000:"+device+"/class"] = id+"\n", class+"\n"
	}
	host := root(t, files)
	link := func(to, from string) {
		if err := os.Symlink(to, filepath.Join(host, "sys/bus/pci/devices", from)); err != nil {
			t.Fatal(err)
		}
	}
	link("../../../bus/pci/drivers/amdgpu", "0000:07:00.0/driver")
	link("../../../bus/pci/drivers/vfio-pci", "0000:09:00.0/driver")
	link("../0000:01:00.0", "0000:09:00.1/physfn")
	cfg := nothing(t)
	check := func(name, base string, source Source, want map[string]int) {
		t.Helper()
		cfg.Root, cfg.Source = base, source
		if got := Read(t.Context(), cfg).OnBus; !maps.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	check("host", host, Auto, map[string]int{"nvidia": 2, "amd": 3})
	check("NVIDIA only", host, NvidiaSMI, map[string]int{"nvidia": 2})
	check("AMD only", host, AMDGPU, map[string]int{"amd": 3})
	check("no bus", root(t, nil), Auto, nil)
	check("empty bus", root(t, map[string]string{"sys/bus/pci/devices/x": ""}), Auto, map[string]int{"nvidia": 0, "amd": 0})
	os.WriteFile(filepath.Join(host, ".dockerenv"), nil, 0o644)
	check("container", host, Auto, nil)
	os.MkdirAll(filepath.Join(host, "dev"), 0o755)
	os.WriteFile(filepath.Join(host, "dev/nvidiactl"), nil, 0o644)
	check("container with the driver alone", host, Auto, nil)
	os.WriteFile(filepath.Join(host, "dev/nvidia3"), nil, 0o644)
	check("container with GPU", host, Auto, map[string]int{"nvidia": 2})
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

// What is there when the time is over counts, however late this process comes to see it.
func TestAnswersThatAreThere(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // the end of the time is as ready as the answers are
		log, amd := make(chan logged, 1), make(chan amdRead, 1)
		log <- logged{}
		amd <- amdRead{}
		c := &collection{cfg: New(Config{}).cfg, out: Result{TimingsMS: map[string]float64{}}}
		c.waitLog(over, log, func(logged) {})
		if c.addAMD(over, amd); len(c.out.Errors) > 0 {
			t.Fatalf("%+v", c.out.Errors)
		}
	}
}
