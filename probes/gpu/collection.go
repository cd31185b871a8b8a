package gpu

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"llmops/probes/gpu/amdgpu"
	"llmops/probes/gpu/nvml"
	"llmops/probes/gpu/nvsmi"
	"llmops/probes/gpu/xid"
	"llmops/probes/snapshot"
)

// collection is a result in the making.
type collection struct {
	cfg      Config
	out      Result
	wantsSMI bool
	nvmlSaid nvml.Status
}

func (c *collection) fail(p snapshot.Problem) { c.out.Errors = append(c.out.Errors, p) }

func (c *collection) timed(name string, do func()) {
	began := time.Now()
	do()
	c.out.TimingsMS[name] = float64(time.Since(began).Microseconds()) / 1000
}

func (c *collection) add(r nvml.Reading) {
	for _, g := range r.GPUs {
		g.Driver, g.CUDA = r.Driver, r.CUDA
		c.out.GPUs = append(c.out.GPUs, g)
	}
	c.out.Errors = append(c.out.Errors, r.Errors...)
}

func (c *collection) readSMI(ctx context.Context) {
	before := first(ctx, c.cfg.Window, func() []snapshot.GPU { return nvsmi.Read(ctx, c.cfg.Run).GPUs })
	r := nvsmi.Read(ctx, c.cfg.Run)
	before.into(r.GPUs)
	if c.cfg.Source == Auto && len(r.GPUs) == 0 && len(r.Errors) == 1 && r.Errors[0].Status == snapshot.Unavailable {
		return // a host without NVIDIA: said once, with what there is
	}
	c.add(r)
}

type amdRead struct {
	amdgpu.Reading
	ms float64
}

func readAMD(ctx context.Context, cfg Config) amdRead {
	began := time.Now()
	sys := os.DirFS(filepath.Join(cfg.Root, "sys"))
	before := first(ctx, cfg.Window, func() []snapshot.GPU { return amdgpu.Read(sys).GPUs })
	r := amdgpu.Read(sys)
	before.into(r.GPUs)
	return amdRead{r, float64(time.Since(began).Microseconds()) / 1000}
}

// addAMD waits no longer than ctx: a card that resets can hold a reader up.
func (c *collection) addAMD(ctx context.Context, amd <-chan amdRead) {
	select {
	case r := <-amd:
		c.out.TimingsMS["amdgpu"] = r.ms
		if c.cfg.Source == AMDGPU && len(r.GPUs) == 0 {
			c.fail(snapshot.Problem{Source: "amdgpu", Status: snapshot.Unavailable, Detail: "no AMD GPU under /sys/class/drm",
				Hint: "load it with modprobe amdgpu; in a container pass /dev/dri and /dev/kfd in"})
		}
		c.out.GPUs = append(c.out.GPUs, r.GPUs...)
		c.out.Errors = append(c.out.Errors, r.Errors...)
	case <-ctx.Done():
		c.fail(snapshot.Problem{Source: "amdgpu", Status: snapshot.Timeout, Detail: "sysfs did not answer in time"})
	}
}

// earlier is the reading at the begin of a window.
type earlier struct {
	gpus []snapshot.GPU
	at   time.Time
}

// first reads and waits for the window to pass; without a window it does nothing.
func first(ctx context.Context, window time.Duration, read func() []snapshot.GPU) earlier {
	if window <= 0 {
		return earlier{}
	}
	e := earlier{read(), time.Now()}
	if len(e.gpus) == 0 {
		return earlier{}
	}
	t := time.NewTimer(window)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return e
}

func (e earlier) into(now []snapshot.GPU) {
	if len(e.gpus) != len(now) || len(now) == 0 {
		return
	}
	d := time.Since(e.at)
	for i := range now {
		if e.gpus[i].PCI == now[i].PCI {
			now[i].Window = snapshot.Between(e.gpus[i], now[i], d)
		}
	}
}

// resolve adds what the host knows of each GPU: NUMA node and processes.
func (c *collection) resolve(ctx context.Context) {
	var wg sync.WaitGroup
	done := make(chan []snapshot.GPU, 1)
	gpus := slices.Clone(c.out.GPUs)
	wg.Go(func() {
		table := newProcTable(c.cfg.Root)
		for i := range gpus {
			if gpus[i].NUMANode == nil {
				gpus[i].NUMANode = numaNode(c.cfg.Root, gpus[i].PCI)
			}
			gpus[i].Processes = table.all(gpus[i].Processes)
		}
		done <- gpus
	})
	select {
	case c.out.GPUs = <-done:
	case <-ctx.Done():
		if len(gpus) > 0 {
			c.fail(snapshot.Problem{Source: "gpu", What: "processes", Status: snapshot.Timeout, Detail: "/proc did not answer in time"})
		}
	}
}

// explainNone says plainly why there is no GPU in the result.
func (c *collection) explainNone() {
	n := nvidiaOnBus(c.cfg.Root)
	p := snapshot.Problem{Source: "gpu", Status: snapshot.Unavailable, Detail: "no NVIDIA or AMD GPU on this machine"}
	if n > 0 {
		p.Detail = fmt.Sprintf("%d NVIDIA GPU%s on the PCI bus and no driver that answers", n, plural(n))
		p.Hint = cmp.Or(c.nvmlSaid.Hint(), nvml.NoLibrary.Hint())
		if inContainer(c.cfg.Root) {
			p.Detail = fmt.Sprintf("%d NVIDIA GPU%s of the host, none of them passed into this container", n, plural(n))
			p.Hint = "start the container with --gpus all (Kubernetes: a limit on nvidia.com/gpu), NVIDIA_DRIVER_CAPABILITIES=utility,compute"
		}
	} else if inContainer(c.cfg.Root) {
		p.Detail += ", or none passed into this container"
	}
	if c.cfg.Source == Auto && len(c.out.Errors) == 0 || n > 0 {
		c.fail(p)
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// logged is what the kernel log gave.
type logged struct {
	log xid.Log
	err error
	ms  float64
}

func readLog(ctx context.Context, cfg Config) logged {
	began := time.Now()
	text, err := cfg.KernelLog(ctx, cfg.Root)
	log, _ := xid.Read(strings.NewReader(string(text)), bootTime(cfg.Root))
	return logged{log, err, float64(time.Since(began).Microseconds()) / 1000}
}

// addLog hands Xids to their GPUs; what has no GPU becomes a finding at once.
func (c *collection) addLog(l logged) {
	c.out.TimingsMS["kernel_log"] = l.ms
	if l.err != nil {
		c.fail(logProblem(l.err))
	}
	for _, e := range l.log.Events {
		i := slices.IndexFunc(c.out.GPUs, func(g snapshot.GPU) bool { return !e.Switch && xid.SameDevice(e.PCI, g.PCI) })
		if i >= 0 {
			c.out.GPUs[i].XIDs = append(c.out.GPUs[i].XIDs, e.GPUXID)
			continue
		}
		c.out.Findings = append(c.out.Findings, strayXID(e, c.cfg.Now()))
	}
	for _, k := range l.log.Kills {
		c.out.Findings = append(c.out.Findings, killed(k, c.cfg.Now()))
	}
}
