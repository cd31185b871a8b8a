// Package gpu reads the GPUs of a host: through NVML, else through nvidia-smi,
// and AMD's through sysfs; and it adds what the host knows of them: whose the
// processes are, NUMA nodes, errors in the kernel log. It must not wait past
// its context for a driver that hangs, and it must not change a GPU.
package gpu

import (
	"cmp"
	"context"
	"time"

	"llmops/probes/gpu/nvml"
	"llmops/probes/gpu/nvsmi"
	"llmops/probes/gpu/xid"
	"llmops/probes/snapshot"
)

// Source is who is asked for GPUs.
type Source string

// The sources. Auto asks NVML, nvidia-smi where there is no NVML, and AMD's sysfs.
// None asks for no GPU: the kernel log is read for programs that the kernel killed.
const (
	Auto      Source = "auto"
	NVML      Source = "nvml"
	NvidiaSMI Source = "nvidia-smi"
	AMDGPU    Source = "amdgpu"
	None      Source = "none"
)

// Sources lists them in the order that a flag shows.
func Sources() []Source { return []Source{Auto, NVML, NvidiaSMI, AMDGPU, None} }

// Config says what to read. The zero value reads this machine by Auto, without
// a window.
type Config struct {
	Source Source
	// Window is the time between two readings for rates; 0 reads once.
	Window time.Duration
	// Root is where /proc, /sys and /dev are; "" is "/".
	Root string

	// What tests put in place of the machine; nil is the machine.
	Open      func() (nvml.Library, nvml.Status)
	Run       nvsmi.Runner
	KernelLog func(ctx context.Context, root string) ([]byte, error)
	Now       func() time.Time
}

// Result is one look at the GPUs. TimingsMS has what each source took.
type Result struct {
	GPUs      []snapshot.GPU
	OnBus     map[string]int // GPUs on the PCI bus by vendor, driver or not; absent where that is not known
	Findings  []snapshot.Finding
	Errors    []snapshot.Problem
	TimingsMS map[string]float64
}

// Prober reads GPUs again and again through one opened driver. It is for one
// goroutine at a time.
type Prober struct {
	cfg     Config
	opening chan opened // while a call that opens the driver has not come back
	nvml    *opened
}

type opened struct {
	lib       nvml.Library
	collector *nvml.Collector
	status    nvml.Status
}

// New makes a prober; it touches nothing yet.
func New(cfg Config) *Prober {
	cfg.Source = cmp.Or(cfg.Source, Auto)
	cfg.Root = cmp.Or(cfg.Root, "/")
	if cfg.Open == nil && nvml.Compiled() {
		cfg.Open = nvml.Open
	}
	if cfg.Run == nil {
		cfg.Run = nvsmi.Exec
	}
	if cfg.KernelLog == nil {
		cfg.KernelLog = xid.Kernel
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Prober{cfg: cfg}
}

// Close gives the driver back. A driver that hangs is left as it is: the call
// would hang too, and the process is about to end.
func (p *Prober) Close() {
	if p.nvml != nil && p.nvml.lib != nil && !p.nvml.collector.Hung() {
		p.nvml.lib.Close()
	}
	p.nvml = nil
}

// Read looks once. It comes back when ctx ends at the latest, with what was
// read until then. What could not be read is in Errors; it is never an error
// of the whole.
func (p *Prober) Read(ctx context.Context) Result {
	c := &collection{cfg: p.cfg, out: Result{TimingsMS: map[string]float64{}}}
	// Some of the time is kept for what comes after the driver: nvidia-smi may need
	// two seconds more when it must be killed.
	drivers := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		drivers, cancel = context.WithDeadline(ctx, end.Add(-min(time.Until(end)/5, 3*time.Second)))
		defer cancel()
	}
	// Side by side: an NVIDIA driver that hangs costs AMD's GPUs nothing.
	log, amd := make(chan logged, 1), make(chan amdRead, 1)
	go func() { log <- readLog(drivers, p.cfg) }()
	if p.cfg.Source == None { // the kernel log is the host's too
		c.waitLog(ctx, log, c.addKills)
		SortFindings(c.out.Findings)
		return c.out
	}
	c.count()
	if p.cfg.Source == AMDGPU || p.cfg.Source == Auto {
		go func() { amd <- readAMD(drivers, p.cfg) }()
	}
	if p.cfg.Source == Auto || p.cfg.Source == NVML {
		p.readNVML(drivers, c)
	}
	if p.cfg.Source == NvidiaSMI || p.cfg.Source == Auto && c.wantsSMI {
		c.timed("nvidia_smi", func() { c.readSMI(drivers) })
	}
	if p.cfg.Source == AMDGPU || p.cfg.Source == Auto {
		c.addAMD(ctx, amd)
	}
	c.timed("gpu_processes", func() { c.resolve(ctx) })
	c.explainNone(ctx)
	c.waitLog(ctx, log, c.addLog)
	for i := range c.out.GPUs {
		c.out.GPUs[i].Index = i
	}
	c.out.Findings = append(c.out.Findings, Findings(c.out.GPUs, p.cfg.Now())...)
	SortFindings(c.out.Findings)
	return c.out
}

// Read is a prober's one reading.
func Read(ctx context.Context, cfg Config) Result {
	p := New(cfg)
	defer p.Close()
	return p.Read(ctx)
}

// readNVML opens the driver on the first call. Opening hangs and takes seconds
// on some hosts: a call that is still at it is asked again the next time.
func (p *Prober) readNVML(ctx context.Context, c *collection) {
	if p.cfg.Open == nil {
		c.wantsSMI = true
		if p.cfg.Source == NVML {
			c.fail(snapshot.Problem{Source: "nvml", Status: snapshot.Unavailable, Detail: "this build has no NVML in it",
				Hint: "use --gpu nvidia-smi, or a Linux build with cgo"})
		}
		return
	}
	if p.nvml == nil {
		c.timed("nvml_open", func() { p.open(ctx) })
	}
	if p.nvml == nil {
		c.fail(snapshot.Problem{Source: "nvml", Status: snapshot.Timeout, Detail: "the NVIDIA driver did not start in time",
			Hint: "without persistence mode it takes seconds (nvidia-smi -pm 1); a GPU that hangs shows as Xid in dmesg"})
		return
	}
	if s := p.nvml.status; s != nvml.OK {
		c.nvmlSaid = s
		c.wantsSMI = s != nvml.NotLoaded && s != nvml.Mismatch // nvidia-smi would say the same
		if p.cfg.Source == NVML || s != nvml.NoLibrary {
			c.fail(snapshot.Problem{Source: "nvml", Status: s.Reason(), Detail: s.Words(), Hint: s.Hint()})
		}
		p.nvml = nil // the driver may be there the next time
		return
	}
	c.timed("nvml", func() {
		r := p.nvml.collector.Read(ctx, p.cfg.Window)
		c.add(r)
	})
}

func (p *Prober) open(ctx context.Context) {
	if p.opening == nil {
		done := make(chan opened, 1)
		p.opening = done
		open := p.cfg.Open
		go func() {
			lib, status := open()
			o := opened{lib: lib, status: status}
			if lib != nil {
				o.collector = nvml.NewCollector(lib)
			}
			done <- o
		}()
	}
	if o, ok := await(ctx, p.opening); ok {
		p.nvml, p.opening = &o, nil
	}
}
