package observe

import (
	"context"
	"maps"
	"slices"
	"time"

	"llmops/probes/business"
	"llmops/probes/gpu"
	"llmops/probes/host"
	"llmops/probes/serving"
	"llmops/probes/snapshot"
)

// HostLimit and the other limits are those of probes, which bound themselves more
// tightly.
const (
	HostLimit     = 2 * time.Second
	gpuLimit      = 15 * time.Second // without persistence mode a driver takes seconds for each GPU
	serverLimit   = 10 * time.Second
	businessLimit = 6 * time.Second
)

// Host reads everything about the host but its GPUs.
func Host(root string) *Probe {
	prober := host.New(host.Config{Root: root})
	var before *host.Reading
	return &Probe{Name: "host", Limit: HostLimit, Read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
		if window > 0 {
			before = new(prober.Scan(ctx))
			if !Sleep(ctx, window) {
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

// GPUs reads GPUs. The prober has the window; without one, rates are taken here.
func GPUs(prober *gpu.Prober) *Probe {
	var before []snapshot.GPU
	var last time.Time
	return &Probe{Name: "gpu", Limit: gpuLimit, Read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
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

// Server reads one serving engine.
func Server(target *serving.Target) *Probe {
	return &Probe{Name: target.URL(), Limit: serverLimit, Read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
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

// Business reads what others counted.
func Business(cfg business.Config) *Probe {
	return &Probe{Name: "business", Limit: businessLimit, Read: func(ctx context.Context, _ time.Duration) func(*snapshot.Snapshot) {
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
