// Package nvsmi reads NVIDIA GPUs from the XML of nvidia-smi -q -x: where this
// binary has no NVML, on Windows, or as a second opinion. The XML's DTD has
// changed with every driver branch, so values are looked up by path, and what
// is not there is not there. It must not judge what it reads.
package nvsmi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"llmops/probes/gpu/nvml"
	"llmops/probes/snapshot"
)

// Runner runs a program and gives its standard output, its exit code and why
// it could not be run at all. The output counts even with a bad exit code.
type Runner func(ctx context.Context, name string, args ...string) (out []byte, code int, err error)

// Exec is the Runner of a real machine. When ctx ends the program is killed; a
// program that sleeps in the kernel cannot be, and is left behind.
func Exec(ctx context.Context, name string, args ...string) ([]byte, int, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var out, complaint limited
	cmd.Stdout, cmd.Stderr = &out, &complaint
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() >= 0 {
			if out.Len() == 0 {
				out = complaint
			}
			return out.Bytes(), exit.ExitCode(), nil
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.Bytes(), 0, err
	case <-after(ctx, 2*time.Second):
		return nil, 0, context.Cause(ctx)
	}
}

// after is closed d after the end of ctx.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(d, func() { close(c) }) })
	return c
}

// most bounds what is read of the program's output.
const most = 32 << 20

type limited struct{ bytes.Buffer }

func (b *limited) Write(p []byte) (int, error) {
	if b.Len()+len(p) > most {
		return 0, fmt.Errorf("more than %d MiB of output", most>>20)
	}
	return b.Buffer.Write(p)
}

// Read runs nvidia-smi and reads what it says.
func Read(ctx context.Context, run Runner) nvml.Reading {
	out, code, err := run(ctx, "nvidia-smi", "-q", "-x")
	if err != nil {
		return nvml.Reading{Errors: []snapshot.Problem{runProblem(err)}}
	}
	r, err := Parse(bytes.NewReader(out))
	switch {
	case err != nil && code != 0:
		s := nvml.Status(code) // its exit codes are NVML's
		p := snapshot.Problem{Source: "nvidia-smi", Status: s.Reason(), Detail: s.Words(), Hint: s.Hint()}
		if said := firstLine(out); said != "" {
			p.Detail = said
		}
		if s == nvml.InvalidArgument || p.Status == snapshot.Unsupported {
			p.Status = snapshot.Failed
		}
		r.Errors = append(r.Errors, p)
	case err != nil:
		r.Errors = append(r.Errors, snapshot.Problem{Source: "nvidia-smi", Status: snapshot.Failed, Detail: err.Error()})
	case code != 0:
		s := nvml.Status(code)
		r.Errors = append(r.Errors, snapshot.Problem{Source: "nvidia-smi", What: "part of its output", Status: s.Reason(), Detail: s.Words(), Hint: s.Hint()})
	}
	return r
}

func runProblem(err error) snapshot.Problem {
	p := snapshot.Problem{Source: "nvidia-smi", Status: snapshot.Failed, Detail: err.Error()}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		p.Status, p.Detail = snapshot.Unavailable, "no nvidia-smi in the search path"
		p.Hint = "install the NVIDIA driver; in a container set NVIDIA_DRIVER_CAPABILITIES=utility"
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Detail = snapshot.Timeout, "nvidia-smi did not answer in time"
		p.Hint = "without persistence mode it takes up to 3 s for each GPU; a GPU that hangs never answers (look for Xid in dmesg)"
	case errors.Is(err, context.Canceled):
		p.Status, p.Detail = snapshot.Timeout, "nvidia-smi was stopped"
	}
	return p
}

// firstLine is what the program said, cut to a line of a message.
func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.ToValidUTF8(line[:min(len(line), 200)], "")
}
