package loadtestcmd

import (
	"context"
	"testing"
	"time"

	"llmops/cmd/internal/observe"
	"llmops/probes/gpu"
	"llmops/probes/serving"
)

// BenchmarkReading is one reading of a simulated server, this host and its GPUs, the
// server's own work included.
func BenchmarkReading(b *testing.B) {
	url := serve(b, engine(b)).URL
	client := serving.New(serving.Config{Lean: true})
	defer client.Close()
	x, err := client.Target(url)
	if err != nil {
		b.Fatal(err)
	}
	prober := gpu.New(gpu.Config{Source: "auto"})
	for name, probes := range map[string][]*observe.Probe{
		"server": {observe.Server(x)}, "gpu": {observe.GPUs(prober)}, "host": {observe.Host("")},
	} {
		set := &observe.Set{}
		for _, p := range probes {
			set.Add(p)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				set.Collect(context.Background(), time.Now, 0)
			}
		})
	}
}
