package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"llmops/probes/snapshot"
)

// DefaultTimeout is how long a part of the host may take. The files of a
// healthy host answer within a millisecond.
const DefaultTimeout = 500 * time.Millisecond

// Config says which host to read and how.
type Config struct {
	Root    string        // where /proc and /sys are; "" is "/"
	Window  time.Duration // between the two readings that give rates; 0 reads once
	Timeout time.Duration // for each part, and each file system; 0 is DefaultTimeout
}

// Read takes one picture: see Prober.Read.
func Read(ctx context.Context, cfg Config) (*snapshot.Host, time.Duration, []snapshot.Problem) {
	return New(cfg).Read(ctx)
}

// Prober reads one host, as often as it is asked. It remembers which reads
// have not come back yet, so that a file system that hangs costs one thread,
// not one at every reading. It serves one reading at a time.
type Prober struct {
	cfg  Config
	tree tree
	// statfs asks a file system for its space.
	statfs func(ctx context.Context, path string) (space, error)

	mu   sync.Mutex
	open map[string]bool // reads that have not come back
}

// New makes a Prober. Nothing is read yet.
func New(cfg Config) *Prober {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	return &Prober{
		cfg:    cfg,
		tree:   tree{root: cmp.Or(cfg.Root, "/"), pageSize: uint64(os.Getpagesize())},
		statfs: statfs,
		open:   map[string]bool{},
	}
}

// Reading is what was seen at one moment. Two of them make rates.
type Reading struct {
	Problems []snapshot.Problem

	host  snapshot.Host
	cpu   cpuTimes
	disks map[string]diskTimes
	at    map[string]time.Time // when each part was read
}

// part is one thing to read. read runs under the deadline of its context and
// returns what to write down, also beside an error.
type part struct {
	name  string
	rates bool // its counters are needed at both ends of a window
	read  func(ctx context.Context) (func(*Reading), error)
}

// Read takes a picture: at once, or over the configured window with rates. It
// returns the time the rates are over, 0 without any, and what could not be
// read. When ctx ends within the window, what the first reading gave comes
// back without rates.
func (p *Prober) Read(ctx context.Context) (*snapshot.Host, time.Duration, []snapshot.Problem) {
	if p.cfg.Window <= 0 {
		r := p.Scan(ctx)
		return r.Host(), 0, r.Problems
	}
	before := p.scan(ctx, func(x part) bool { return x.rates })
	select {
	case <-time.After(p.cfg.Window):
		after := p.Scan(ctx)
		host, d := Between(before, after)
		return host, d, after.Problems
	case <-ctx.Done():
		r := p.Scan(context.WithoutCancel(ctx))
		return r.Host(), 0, r.Problems
	}
}

// Scan reads every part once, side by side, each within the timeout.
func (p *Prober) Scan(ctx context.Context) Reading {
	return p.scan(ctx, func(part) bool { return true })
}

func (p *Prober) scan(ctx context.Context, wanted func(part) bool) Reading {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	type answer struct {
		write func(*Reading)
		err   error
		at    time.Time
	}
	parts := p.parts()
	answers := make([]answer, len(parts))
	var wg sync.WaitGroup
	for i, x := range parts {
		if wanted(x) {
			wg.Go(func() {
				write, err := x.read(ctx)
				answers[i] = answer{write, err, time.Now()}
			})
		}
	}
	wg.Wait() // no part outlives the deadline: each asks through ask
	r := Reading{at: map[string]time.Time{}}
	for i, a := range answers {
		if a.write != nil {
			a.write(&r)
			r.at[parts[i].name] = a.at
		}
		for _, err := range split(a.err) {
			r.Problems = append(r.Problems, p.problem(parts[i].name, err))
		}
	}
	return r
}

// split gives the errors that were joined into err.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// stuckError is a read that has not come back from an earlier reading.
type stuckError struct{}

func (stuckError) Error() string { return "an earlier read has still not come back" }

// fsError is a file system that cannot tell its space.
type fsError struct {
	mountpoint string
	err        error
}

func (e *fsError) Error() string { return e.err.Error() }
func (e *fsError) Unwrap() error { return e.err }

// problem says in words that err cost what.
func (p *Prober) problem(what string, err error) snapshot.Problem {
	x := snapshot.Problem{Source: "host", What: what, Status: status(err), Detail: err.Error()}
	fsErr, isFS := errors.AsType[*fsError](err)
	if isFS {
		x.What = "filesystem " + fsErr.mountpoint
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.Status, x.Detail = snapshot.Timeout, fmt.Sprintf("no answer within %s", p.cfg.Timeout)
	case errors.Is(err, stuckError{}):
		x.Status = snapshot.Timeout
	}
	switch {
	case x.Status == snapshot.Timeout && isFS:
		x.Hint = "the server or device behind this mount may be gone: check it, or unmount with umount -l"
	case what == "pressure" && x.Status == snapshot.Unsupported:
		x.Hint = "boot with psi=1 on a kernel of 4.20 or later with CONFIG_PSI"
	case x.Status == snapshot.Forbidden:
		x.Hint = "run as a user who may read it"
	}
	return x
}

// ask runs read in its own goroutine and waits for it no longer than ctx. A
// read of a stuck file cannot be called off: it is left behind, and until it
// comes back nothing of the same name is started.
func ask[T any](ctx context.Context, p *Prober, name string, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	p.mu.Lock()
	stuck := p.open[name]
	p.open[name] = true
	p.mu.Unlock()
	var none T
	if stuck {
		return none, stuckError{}
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		p.mu.Lock()
		delete(p.open, name)
		p.mu.Unlock()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done: // this process was held up, and not the read
		return r.value, r.err
	default:
		return none, ctx.Err()
	}
}
