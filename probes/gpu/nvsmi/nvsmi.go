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

// Exec is the Runner of a real machine. When ctx ends, or when it writes more than
// anybody would read, the program is killed, and what it started with it; a program
// that sleeps in the kernel cannot be, and is left behind after two seconds more.
func Exec(ctx context.Context, name string, args ...string) ([]byte, int, error) {
	whole := ctx
	ctx, stop := context.WithCancelCause(whole)
	defer stop(nil)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	killAll(cmd)
	out, complaint := limited{stop: stop}, limited{stop: stop}
	cmd.Stdout, cmd.Stderr = &out, &complaint
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if cut := context.Cause(ctx); cut != nil && whole.Err() == nil {
			// A program that meets the closed pipe before it is killed ends by itself, and
			// its code says nothing of the output that is missing.
			return nil, 0, cut
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() >= 0 {
			if out.held.Len() == 0 {
				return complaint.held.Bytes(), exit.ExitCode(), nil
			}
			return out.held.Bytes(), exit.ExitCode(), nil
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.held.Bytes(), 0, err
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

// limited holds so much and stops the program that writes more. The buffer is no
// embedded one: its ReadFrom would be used instead of Write, and know no bound.
type limited struct {
	held bytes.Buffer
	stop context.CancelCauseFunc
}

func (b *limited) Write(p []byte) (int, error) {
	if b.held.Len()+len(p) > most {
		err := fmt.Errorf("it wrote more than %d MiB", most>>20)
		b.stop(err)
		return 0, err
	}
	return b.held.Write(p)
}

// patience is how long nvidia-smi may take: without persistence mode the driver needs
// seconds for each GPU. One that hangs must leave time for what else is read.
const patience = 10 * time.Second

// Read runs nvidia-smi and reads what it says.
func Read(ctx context.Context, run Runner) nvml.Reading {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
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

const notFound = "no nvidia-smi in the search path"

// Missing tells whether there was no nvidia-smi to ask, as on a host without NVIDIA.
func Missing(r nvml.Reading) bool {
	return len(r.GPUs) == 0 && len(r.Errors) == 1 && r.Errors[0].Detail == notFound
}

func runProblem(err error) snapshot.Problem {
	p := snapshot.Problem{Source: "nvidia-smi", Status: snapshot.Failed, Detail: err.Error()}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		p.Status, p.Detail = snapshot.Unavailable, notFound
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
