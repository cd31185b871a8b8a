package nvml

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"llmops/probes/snapshot"
)

// Reading is one look at all GPUs of a driver.
type Reading struct {
	Driver string // version
	CUDA   string // highest version the driver speaks
	GPUs   []snapshot.GPU
	Errors []snapshot.Problem
}

// Collector reads GPUs through an opened library. A call that hangs cannot be
// cancelled: it is left behind, and its GPU is not asked again until it
// answers. It is safe for use by one goroutine.
type Collector struct {
	lib  Library
	mu   sync.Mutex
	busy map[int]bool // GPUs with a call that has not come back
}

// NewCollector reads through lib, which the collector does not close.
func NewCollector(lib Library) *Collector { return &Collector{lib: lib, busy: map[int]bool{}} }

// driverIndex stands for the driver itself in Collector.busy.
const driverIndex = -1

// Read asks every GPU at the same time. What has not answered when ctx ends is
// reported as such and the rest is returned: one sick GPU costs itself only.
// With a window, each GPU is read at its begin and at its end.
func (c *Collector) Read(ctx context.Context, window time.Duration) Reading {
	var r Reading
	n, status := c.count(ctx, &r)
	if status != OK {
		r.Errors = append(r.Errors, problem("", status))
		return r
	}
	answers := make(chan snapshot.GPU, n)
	asked := 0
	gpus := make([]*snapshot.GPU, n)
	for i := range n {
		if !c.enter(i) {
			continue // the call of an earlier reading still hangs
		}
		asked++
		go func() {
			g := readDevice(ctx, c.lib, i, window)
			c.leave(i) // before the answer: who has it may ask again
			answers <- g
		}()
	}
	for g := range gather(ctx, answers, asked) {
		gpus[g.Index] = &g
	}
	for i, g := range gpus {
		if g == nil {
			g = &snapshot.GPU{Index: i, Vendor: "nvidia", Source: "nvml", State: snapshot.GPUTimeout}
			r.Errors = append(r.Errors, snapshot.Problem{Source: "nvml", What: fmt.Sprintf("gpu %d", i), Status: snapshot.Timeout,
				Detail: "the driver did not answer for this GPU in time", Hint: "look for Xid lines in dmesg; a GPU that hangs needs a reset or a reboot"})
		}
		r.GPUs = append(r.GPUs, *g)
		r.Errors = append(r.Errors, deviceProblems(*g)...)
	}
	return r
}

// count asks the driver for its versions and the number of GPUs.
func (c *Collector) count(ctx context.Context, r *Reading) (int, Status) {
	if !c.enter(driverIndex) {
		return 0, TimedOut
	}
	type reply struct {
		driver, cuda string
		n            int
		status       Status
	}
	done := make(chan reply, 1)
	go func() {
		var a reply
		a.driver, _ = c.lib.Text(DriverVersion)
		a.cuda, _ = c.lib.Text(CUDAVersion)
		a.n, a.status = c.lib.Count()
		c.leave(driverIndex)
		done <- a
	}()
	for a := range gather(ctx, done, 1) {
		r.Driver, r.CUDA = a.driver, a.cuda
		return max(a.n, 0), a.status
	}
	return 0, TimedOut
}

// gather gives n answers, or those that are there when ctx ends: a process that was
// held up does not blame the driver for it.
func gather[T any](ctx context.Context, answers <-chan T, n int) iter.Seq[T] {
	return func(yield func(T) bool) {
		for range n {
			var a T
			select {
			case a = <-answers:
			case <-ctx.Done():
				select {
				case a = <-answers:
				default:
					return
				}
			}
			if !yield(a) {
				return
			}
		}
	}
}

func (c *Collector) enter(i int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[i] {
		return false
	}
	c.busy[i] = true
	return true
}

func (c *Collector) leave(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, i)
}

// Hung tells whether a call has not come back: then closing the library
// would hang as well.
func (c *Collector) Hung() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.busy) > 0
}

func problem(what string, s Status) snapshot.Problem {
	return snapshot.Problem{Source: "nvml", What: what, Status: s.Reason(), Detail: s.Words(), Hint: s.Hint()}
}

// deviceProblems are the parts of a GPU that could not be read though the
// device has them. What it does not have is in NotRead only: it is no problem.
func deviceProblems(g snapshot.GPU) []snapshot.Problem {
	var out []snapshot.Problem
	for _, part := range sortedKeys(g.NotRead) {
		status := g.NotRead[part]
		if status == snapshot.Unsupported || status == snapshot.Unavailable && g.State != snapshot.GPUOK {
			continue
		}
		p := snapshot.Problem{Source: "nvml", What: fmt.Sprintf("gpu %d %s", g.Index, part), Status: status}
		if status == snapshot.Forbidden {
			p.Hint = NoPermission.Hint()
		}
		out = append(out, p)
	}
	return out
}
