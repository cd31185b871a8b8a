package load

import (
	"context"
	"os"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// processCPU is the CPU time that this process has used, 0 if the system does
// not tell.
func processCPU(ctx context.Context) time.Duration {
	p, err := process.NewProcessWithContext(context.WithoutCancel(ctx), int32(os.Getpid()))
	if err != nil {
		return 0
	}
	t, err := p.TimesWithContext(context.WithoutCancel(ctx))
	if err != nil {
		return 0
	}
	return time.Duration((t.User + t.System) * float64(time.Second))
}
