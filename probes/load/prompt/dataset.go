package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"unicode/utf8"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/load/length"
)

// MaxDataset is the largest dataset that is read, in bytes.
const MaxDataset = 1 << 30

// Entry is a prompt of a dataset, with what its answer is held against.
type Entry struct {
	api.Prompt
	Checks check.Set // nil: the answer is not checked
	// Turns are those of a conversation, of which the first is the Prompt; nil for
	// other entries.
	Turns []Turn
}

// Dataset cycles through the prompts of a file in the file's order.
type Dataset struct {
	Prompts []Entry
	Seed    uint64
	Output  length.Dist // replaces the token limits of the file unless zero
}

// Prompt implements Source.
func (d *Dataset) Prompt(i int64) api.Prompt {
	p := d.at(i).Prompt
	if !d.Output.IsZero() {
		p.MaxTokens = d.Output.Draw(rand.New(rand.NewPCG(d.Seed^seedStream, uint64(i))))
	}
	return p
}

// Checks are those of prompt number i, nil for none.
func (d *Dataset) Checks(i int64) check.Set { return d.at(i).Checks }

// Checked is the number of prompts with checks.
func (d *Dataset) Checked() (n int) {
	for i := range d.Prompts {
		if len(d.Prompts[i].Checks) > 0 {
			n++
		}
	}
	return n
}

func (d *Dataset) at(i int64) *Entry {
	n := int64(len(d.Prompts))
	return &d.Prompts[((i%n)+n)%n]
}

// FileError is a fault in a dataset, with its place.
type FileError struct {
	File   string
	Line   int
	Column int // from 1, in characters; 0: not known
	Err    error
	Hint   string // what to do; may be empty
}

func (e *FileError) Error() string {
	if e.Column > 0 {
		return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// LoadFile reads a dataset: JSON Lines with one object a line
//
//	{"prompt":"…"} or {"messages":[{"role":"user","content":"…"}]}, optional "max_tokens", "checks"
//
// or a JSON array in the ShareGPT form, of which the first human turn counts:
//
//	[{"conversations":[{"from":"human","value":"…"},…]},…]
//
// The turns behind it are for sessions.
// Entries of either form may stand in either frame. Blank lines and
// conversations without a human turn are skipped; other keys are ignored, unless
// one looks like a slip in one of these. Faults come as *FileError.
func LoadFile(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxDataset+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxDataset {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, MaxDataset>>20)
	}
	return Parse(path, data)
}

// Parse is LoadFile on bytes; name stands in the errors.
func Parse(name string, data []byte) ([]Entry, error) {
	r := &reader{name: name, data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	read := r.lines
	if rest := bytes.TrimLeft(r.data, " \t\r\n"); len(rest) > 0 && rest[0] == '[' {
		read = r.array
	}
	if err := read(); err != nil {
		return nil, err
	}
	return r.entries, nil
}

// reader takes a dataset apart.
type reader struct {
	name    string
	data    []byte
	checks  check.Parser
	entries []Entry
}

var errNoPrompt = errors.New("no prompt in the file")

func (r *reader) lines() error {
	line, at := 0, 0
	for text := range bytes.Lines(r.data) {
		line++
		start := at + len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
		at += len(text)
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if err := r.add(start, text); err != nil {
			return err
		}
	}
	if len(r.entries) == 0 {
		return &FileError{File: r.name, Line: max(line, 1), Err: errNoPrompt}
	}
	return nil
}

func (r *reader) array() error {
	dec := json.NewDecoder(bytes.NewReader(r.data))
	fail := func(err error) error {
		off := dec.InputOffset()
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			off = max(off, se.Offset)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			off, err = int64(len(r.data)), errors.New("the file ends in the middle of the array")
		}
		return r.fault(int(off), err)
	}
	if _, err := dec.Token(); err != nil {
		return fail(err)
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fail(err)
		}
		if err := r.add(int(dec.InputOffset())-len(raw), raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fail(err)
	}
	if rest := r.data[dec.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return r.fault(int(dec.InputOffset()), errors.New("more text behind the array"))
	}
	if len(r.entries) == 0 {
		return &FileError{File: r.name, Line: 1, Err: errNoPrompt}
	}
	return nil
}

// add takes the entry that begins at a place of the file.
func (r *reader) add(at int, text []byte) error {
	e, checks, err := parseEntry(text)
	if errors.Is(err, errNoTurn) {
		return nil
	}
	if ke, ok := errors.AsType[*keyError](err); ok {
		return r.place(at+keyAt(text, ke.key), err, ke.hint())
	}
	if err != nil {
		return r.fault(at, err)
	}
	if len(checks) > 0 {
		if e.Checks, err = r.checks.Parse(checks); err != nil {
			return r.checkFault(at+valueAt(text, "checks"), err)
		}
	}
	r.entries = append(r.entries, e)
	return nil
}

func (r *reader) fault(at int, err error) *FileError {
	before := r.data[:min(at, len(r.data))]
	return &FileError{File: r.name, Line: 1 + bytes.Count(before, []byte("\n")), Err: err}
}

// checkFault is fault for checks that begin at a place of the file.
func (r *reader) checkFault(at int, err error) *FileError {
	if ce, ok := errors.AsType[*check.Error](err); ok {
		return r.place(at+ce.Offset, err, ce.Hint)
	}
	return r.fault(at, err)
}

// place is fault with the column.
func (r *reader) place(at int, err error, hint string) *FileError {
	e := r.fault(at, err)
	before := r.data[:min(at, len(r.data))]
	e.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	e.Hint = hint
	return e
}
