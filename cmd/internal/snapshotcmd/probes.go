package snapshotcmd

import (
	"fmt"
	"net/http"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/observe"
	"llmops/probes/business"
	"llmops/probes/gpu"
	"llmops/probes/remote"
	"llmops/probes/serving"
	"llmops/rules/catalog"
)

// probes are those that were asked for.
func (o *options) probes(app *cli.App) (*observe.Set, error) {
	p := &observe.Set{}
	p.Add(observe.Host(o.hostRoot))
	prober := gpu.New(gpu.Config{Source: gpu.Source(o.gpu), Window: o.window, Root: o.hostRoot})
	gpus := observe.GPUs(prober)
	if o.gpu == "none" { // what the kernel log says of the host is left
		gpus.Name, gpus.Limit = "kernel_log", observe.HostLimit
	}
	p.Add(gpus, prober.Close)
	cfg, err := o.link.config(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	if len(o.servers) > 0 {
		client := serving.New(cfg)
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
			p.Add(observe.Server(target), client.Close)
		}
	}
	if o.business != "" {
		names, err := catalog.Load()
		if err != nil {
			return nil, cli.Failed(fmt.Errorf("read the catalogue: %w", err))
		}
		p.Add(observe.Business(business.Config{
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
