package snapshotcmd

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/business"
	"llmops/probes/gpu"
	"llmops/probes/host"
	"llmops/probes/remote"
	"llmops/probes/serving"
	"llmops/probes/snapshot"
	"llmops/rules/catalog"
)

// The limits of probes, which bound themselves more tightly.
const (
	hostLimit     = 2 * time.Second
	gpuLimit      = 15 * time.Second // without persistence mode a driver takes seconds for each GPU
	serverLimit   = 10 * time.Second
	businessLimit = 6 * time.Second
)

// probes are those that were asked for.
func (o *options) probes(app *cli.App) (*probes, error) {
	p := &probes{list: []*probe{hostProbe(o.hostRoot)}}
	prober := gpu.New(gpu.Config{Source: gpu.Source(o.gpu), Window: o.window, Root: o.hostRoot})
	p.closers = append(p.closers, prober.Close)
	gpus := gpuProbe(prober)
	if o.gpu == "none" { // what the kernel log says of the host is left
		gpus.name, gpus.limit = "kernel_log", hostLimit
	}
	p.list = append(p.list, gpus)
	cfg, err := o.link.config(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	if len(o.servers) > 0 {
		client := serving.New(cfg)
		p.closers = append(p.closers, client.Close)
		seen := map[string]bool{}
		for _, raw := range o.servers {
			target, err := client.Target(raw)
			if err != nil {
				return nil, cli.Usage(fmt.Errorf("--server: %w", err))
			}
			if seen[target.URL()] {
				return nil, cli.Usagef("--server %s is given twice", target.URL())
			}
			seen[target.URL()] = true
			p.list = append(p.list, serverProbe(target))
		}
	}
	if o.business != "" {
		names, err := catalog.Load()
		if err != nil {
			return nil, cli.Failed(fmt.Errorf("read the catalogue: %w", err))
		}
		p.list = append(p.list, businessProbe(business.Config{
			Source: o.business, Resolve: func(name string) (string, float64, bool) { return names.ResolveFrom(catalog.BusinessIn, name) },
			Range: func(name string) (low, high float64) {
				m, _ := names.Lookup(name)
				return m.Low, m.High
			},
			Access: remote.Access{ // the API key is for the servers alone
				Header: http.Header{"User-Agent": {access.UserAgent(app)}}, TLS: cfg.Access.TLS, Proxy: cfg.Access.Proxy,
			},
		}))
	}
	return p, nil
}

// hostProbe reads everything about the host but its GPUs.
func hostProbe(root string) *probe {
	prober := host.New(host.Config{Root: root})
	var before *host.Reading
	return &probe{name: "host", limit: hostLimit, read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
		if window > 0 {
			before = new(prober.Scan(ctx))
			if !sleep(ctx, window) {
				return write(before.Host(), 0, before.Problems)
			}
		}
		after := prober.Scan(ctx)
		seen, over := after.Host(), time.Duration(0)
		if before != nil {
			seen, over = host.Between(*before, after)
		}
		before = &after
		return write(seen, over, after.Problems)
	}}
}

func write(h *snapshot.Host, over time.Duration, problems []snapshot.Problem) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		s.Host = h
		s.Errors = append(s.Errors, problems...)
		if over > 0 {
			s.WindowS = new(over.Seconds())
		}
	}
}

// gpuProbe reads GPUs. The prober has the window; without one, rates are taken here.
func gpuProbe(prober *gpu.Prober) *probe {
	var before []snapshot.GPU
	var last time.Time
	return &probe{name: "gpu", limit: gpuLimit, read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
		r := prober.Read(ctx)
		now := time.Now()
		if window == 0 {
			for i := range r.GPUs {
				g := &r.GPUs[i]
				was := slices.IndexFunc(before, func(b snapshot.GPU) bool { return b.UUID == g.UUID && b.PCI == g.PCI && b.Index == g.Index })
				if g.Window == nil && was >= 0 {
					g.Window = snapshot.Between(before[was], *g, now.Sub(last))
				}
			}
		}
		before, last = r.GPUs, now
		return func(s *snapshot.Snapshot) {
			s.GPUs, s.GPUsOnBus = r.GPUs, r.OnBus
			s.Findings = append(s.Findings, r.Findings...)
			s.Errors = append(s.Errors, r.Errors...)
			maps.Copy(s.TimingsMS, r.TimingsMS)
		}
	}}
}

// serverProbe reads one serving engine.
func serverProbe(target *serving.Target) *probe {
	return &probe{name: target.URL(), limit: serverLimit, read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
		server, problems := target.Read(ctx, window)
		var down []snapshot.Finding
		if ctx.Err() != context.Canceled { // else nobody waited for the answer
			down = snapshot.ServerFindings([]snapshot.Server{server}, problems)
		}
		return func(s *snapshot.Snapshot) {
			s.Servers = append(s.Servers, server)
			s.Findings = append(s.Findings, down...)
			s.Errors = append(s.Errors, problems...)
		}
	}}
}

// businessProbe reads what others counted.
func businessProbe(cfg business.Config) *probe {
	return &probe{name: "business", limit: businessLimit, read: func(ctx context.Context, _ time.Duration) func(*snapshot.Snapshot) {
		seen, problems, err := business.Read(ctx, cfg)
		if err != nil {
			problems = append(slices.Clip(problems), business.Problem(err))
		}
		return func(s *snapshot.Snapshot) {
			s.Business = seen
			s.Errors = append(s.Errors, problems...)
		}
	}}
}
