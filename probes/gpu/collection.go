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
	foreign  []vendorCount // on the bus, and not known to be for this container
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
	if c.cfg.Source == Auto && nvsmi.Missing(r) {
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
	r, ok := await(ctx, amd)
	if !ok {
		c.fail(snapshot.Problem{Source: "amdgpu", Status: snapshot.Timeout, Detail: "sysfs did not answer in time"})
		return
	}
	c.out.TimingsMS["amdgpu"] = r.ms
	if c.cfg.Source == AMDGPU && len(r.GPUs) == 0 {
		c.fail(snapshot.Problem{Source: "amdgpu", Status: snapshot.Unavailable, Detail: "no AMD GPU under /sys/class/drm",
			Hint: "load it with modprobe amdgpu; in a container pass /dev/dri and /dev/kfd in"})
	}
	c.out.GPUs = append(c.out.GPUs, r.GPUs...)
	c.out.Errors = append(c.out.Errors, r.Errors...)
}

// await gives the answer, unless there is none when ctx ends: a process that was held
// up does not blame others for it.
func await[T any](ctx context.Context, answer <-chan T) (a T, ok bool) {
	select {
	case a = <-answer:
		return a, true
	case <-ctx.Done():
	}
	select {
	case a = <-answer:
		return a, true
	default:
		return a, false
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
	if resolved, ok := await(ctx, done); ok {
		c.out.GPUs = resolved
	} else if len(gpus) > 0 {
		c.fail(snapshot.Problem{Source: "gpu", What: "processes", Status: snapshot.Timeout, Detail: "/proc did not answer in time"})
	}
}

// count looks at the bus for the vendors that are asked for.
func (c *collection) count() {
	bus := onBus(c.cfg.Root)
	for _, v := range vendors() {
		n, listed := bus[v.name]
		if !listed || c.cfg.Source == None || c.cfg.Source != Auto && (c.cfg.Source == AMDGPU) != (v.name == amd) {
			continue
		}
		if inContainer(c.cfg.Root) && !v.passedIn(c.cfg.Root) {
			c.foreign = append(c.foreign, vendorCount{v, n})
			continue
		}
		if c.out.OnBus == nil {
			c.out.OnBus = map[string]int{}
		}
		c.out.OnBus[v.name] = n
	}
}

// explainNone says plainly why there is no GPU in the result, or none of a vendor's.
func (c *collection) explainNone(ctx context.Context) {
	none, before := len(c.out.GPUs) == 0, len(c.out.Errors)
	for _, v := range vendors() {
		n := c.out.OnBus[v.name]
		if n == 0 || slices.ContainsFunc(c.out.GPUs, func(g snapshot.GPU) bool { return g.Vendor == v.name }) {
			continue
		}
		p := snapshot.Problem{Source: "gpu", Status: snapshot.Unavailable, Hint: v.hint,
			Detail: fmt.Sprintf("%d %s GPU%s on the PCI bus and no driver that answers", n, v.title, plural(n))}
		if v.name == nvidia {
			p.Hint = cmp.Or(c.nvmlSaid.Hint(), p.Hint)
		}
		c.fail(p)
		if ctx.Err() != context.Canceled { // else nobody waited for the driver
			c.out.Findings = append(c.out.Findings, snapshot.Finding{ID: "gpus_not_seen", Severity: snapshot.Critical, Entity: "vendor=" + v.name,
				Summary: p.Detail, Action: p.Hint})
		}
	}
	for _, f := range c.foreign {
		if none && f.n > 0 {
			c.fail(snapshot.Problem{Source: "gpu", Status: snapshot.Unavailable, Hint: f.passIn,
				Detail: fmt.Sprintf("%d %s GPU%s of the host, none of them passed into this container", f.n, f.title, plural(f.n))})
		}
	}
	if !none || before > 0 || len(c.out.Errors) > before || c.cfg.Source != Auto {
		return
	}
	p := snapshot.Problem{Source: "gpu", Status: snapshot.Unavailable, Detail: "no NVIDIA or AMD GPU on this machine"}
	if inContainer(c.cfg.Root) {
		p.Detail += ", or none passed into this container"
	}
	c.fail(p)
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

// waitLog gives what was read of the log to add.
func (c *collection) waitLog(ctx context.Context, log <-chan logged, add func(logged)) {
	if l, ok := await(ctx, log); ok {
		add(l)
	} else {
		c.fail(snapshot.Problem{Source: "kernel log", What: "xids and OOM kills", Status: snapshot.Timeout, Detail: "the log could not be read in time"})
	}
}

// addLog hands Xids to their GPUs; what has no GPU becomes a finding at once.
func (c *collection) addLog(l logged) {
	c.addKills(l)
	for _, e := range l.log.Events {
		i := slices.IndexFunc(c.out.GPUs, func(g snapshot.GPU) bool { return !e.Switch && xid.SameDevice(e.PCI, g.PCI) })
		if i >= 0 {
			c.out.GPUs[i].XIDs = append(c.out.GPUs[i].XIDs, e.GPUXID)
			continue
		}
		c.out.Findings = append(c.out.Findings, strayXID(e, c.cfg.Now()))
	}
}

// addKills takes what the log says about the host, and why it could not be read.
func (c *collection) addKills(l logged) {
	c.out.TimingsMS["kernel_log"] = l.ms
	if l.err != nil {
		c.fail(logProblem(l.err))
	}
	for _, k := range l.log.Kills {
		c.out.Findings = append(c.out.Findings, killed(k, c.cfg.Now()))
	}
}
