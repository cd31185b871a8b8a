package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"llmops/cmd/internal/render"
)

// Code is an exit status. Every command uses the same table.
type Code int

// The comments are the text of docs/exit-codes.md.
const (
	CodeOK          Code = 0   // done, every gate holds
	CodeFailed      Code = 1   // the operation failed: target unreachable, disk full, …
	CodeUsage       Code = 2   // usage, configuration or an input file is wrong
	CodeGate        Code = 3   // a gate failed: objective broken, budget spent, regression, incident or alert at or above --fail-on
	CodeNoVerdict   Code = 4   // no verdict: too little data, or the measurement itself is not valid
	CodeInterrupted Code = 130 // interrupted by Ctrl-C or a termination signal; what was known until then is printed
)

// coded is an error that carries the exit code it asks for.
type coded struct {
	code Code
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// hinted is an error with advice on what to do about it.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

func withCode(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &coded{code, err}
}

// Usage marks err as a fault of usage, configuration or input (exit 2).
// Like its siblings it returns nil for nil, and the outermost mark counts.
func Usage(err error) error { return withCode(CodeUsage, err) }

// Failed marks err as a failed operation (exit 1), which is also the default.
func Failed(err error) error { return withCode(CodeFailed, err) }

// Gate marks err as a gate that does not hold (exit 3).
func Gate(err error) error { return withCode(CodeGate, err) }

// NoVerdict marks err as "nothing can be said" (exit 4).
func NoVerdict(err error) error { return withCode(CodeNoVerdict, err) }

// Usagef is Usage of a formatted error.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// WithHint adds advice to err, printed on a line of its own. Of several hints
// the outermost is printed. With a nil err it is nil.
func WithHint(err error, hint string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(hint, args...)}
}

// CodeOf is the exit code err asks for: CodeOK for nil, and CodeFailed for an
// error without a mark. A context that ended by an interrupt counts as such.
func CodeOf(err error) Code {
	if err == nil {
		return CodeOK
	}
	if e, ok := errors.AsType[*coded](err); ok {
		return e.code
	}
	if errors.Is(err, context.Canceled) {
		return CodeInterrupted
	}
	return CodeFailed
}

// report prints err and its hint on standard error.
func (a *App) report(err error) {
	s := a.ErrStyle()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clear()
	fmt.Fprintf(a.Err, "llmops: %s %s\n", s.Red("error:"), message(err.Error()))
	if h, ok := errors.AsType[*hinted](err); ok {
		fmt.Fprintf(a.Err, "llmops: %s %s\n", s.Cyan("hint:"), message(h.hint))
	}
}

// message makes text fit for a terminal: it may repeat what a server or a file
// says, and that must neither command the terminal nor look like a message of
// ours, so further lines are marked as belonging to the first.
func message(text string) string {
	return strings.ReplaceAll(render.Clean(text), "\n", "\n  ")
}
