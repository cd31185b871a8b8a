package democmd

import (
	"context"
	"fmt"
	"net"

	"llmops/cmd/internal/cli"
	"llmops/probes/sim"
)

// server is the simulated one, on a free port of this host.
type server struct {
	address, url string
	stop         func()
}

func serve(ctx context.Context, faults []string) (server, error) {
	cfg := sim.DefaultConfig()
	for _, text := range faults {
		f, err := sim.ParseFault(text)
		if err != nil {
			return server{}, cli.Usage(fmt.Errorf("--fault: %w", err))
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	srv, err := sim.New(cfg)
	if err != nil {
		return server{}, cli.Usage(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return server{}, cli.Failed(fmt.Errorf("start the embedded server: %w", err))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ctx, ln) // the requests show what goes wrong there
	}()
	address := ln.Addr().String()
	return server{address, "http://" + address, func() { cancel(); <-done }}, nil
}
