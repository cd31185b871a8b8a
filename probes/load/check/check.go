// Package check holds the answer to a prompt against what the dataset says of
// it: the exact text, a part of it, a regular expression, a JSON Schema. It
// judges one answer at a time and keeps nothing of it; what a score means for
// a run is not its business, and it opens no file and no connection.
package check

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode"
)

// MaxAnswer is the longest answer that is to be checked, in bytes. Texts and
// expressions take time in proportion to the answer, so this bounds it. A schema
// may take far more, and has bounds of its own: see ErrTooComplex.
const MaxAnswer = 1 << 20

// Kind is what a check compares the answer with.
type Kind string

// The kinds, which are also the keys in a dataset.
const (
	Exact      Kind = "exact"       // the whole answer is the text
	Contains   Kind = "contains"    // the text is a part of the answer
	Regex      Kind = "regex"       // the expression (RE2) matches somewhere in the answer
	JSONSchema Kind = "json_schema" // the answer is JSON that the schema allows
)

func kinds() []Kind { return []Kind{Exact, Contains, Regex, JSONSchema} }

// Check is one test of an answer. It may be used by many goroutines.
type Check struct {
	Kind   Kind
	Name   string  // under which results are counted: the dataset's "name", else the kind
	Text   string  // the check in words, one short line
	Weight float64 // in the score, above 0

	not, all, trim, fold, fenced bool
	tests                        []test
}

// test is the comparison with one of the wanted values.
type test struct {
	label string
	match matcher
}

// matcher looks for a wanted value. why says more about a mismatch, if there is
// more to say. It may fail with ErrTooComplex, or with that of ctx.
type matcher func(ctx context.Context, answer []byte) (ok bool, why string, err error)

// Result is what one check found.
type Result struct {
	*Check
	Passed bool
	// Why says more about a failure, if there is more to say. It may hold
	// words of the answer: it is as clean as that.
	Why string
}

// Set are the checks of one prompt. An empty one scores nothing.
type Set []*Check

// Score holds an answer against every check. The score is the sum of the
// weights of the passed checks over the sum of all: 0 to 1, and the same
// whatever the order of the checks. Errors: ErrTooComplex if one of them cannot
// be decided, which leaves the score open, or that of ctx.
func (s Set) Score(ctx context.Context, answer []byte) (float64, []Result, error) {
	results := make([]Result, len(s))
	var passed, all []float64
	for i, c := range s {
		var err error
		if results[i], err = c.run(ctx, answer); err != nil {
			return 0, nil, err
		}
		all = append(all, c.Weight)
		if results[i].Passed {
			passed = append(passed, c.Weight)
		}
	}
	if len(s) == 0 {
		return 0, nil, nil
	}
	return sum(passed) / sum(all), results, nil
}

// sum adds from the smallest on, so that the order of the checks cannot show.
func sum(weights []float64) (total float64) {
	slices.Sort(weights)
	for _, w := range weights {
		total += w
	}
	return total
}

func (c *Check) run(ctx context.Context, answer []byte) (Result, error) {
	if c.fenced {
		answer = fenced(answer)
	}
	if c.trim {
		answer = bytes.TrimSpace(answer)
	}
	if c.fold {
		answer = bytes.Map(foldRune, answer)
	}
	ok, why, err := c.match(ctx, answer)
	if err != nil {
		return Result{}, err
	}
	r := Result{Check: c, Passed: ok != c.not}
	if !r.Passed {
		r.Why = why
	}
	return r, nil
}

// match asks for one of the wanted values, or for all of them.
func (c *Check) match(ctx context.Context, answer []byte) (ok bool, why string, err error) {
	for _, t := range c.tests {
		if err := ctx.Err(); err != nil {
			return false, "", err
		}
		switch ok, why, err = t.match(ctx, answer); {
		case err != nil:
			return false, "", err
		case ok && !c.all:
			if len(c.tests) > 1 {
				why = "found " + t.label
			}
			return true, why, nil
		case !ok && c.all:
			if len(c.tests) > 1 {
				why = "not found: " + t.label
			}
			return false, why, nil
		}
	}
	return ok, why, nil
}

// foldRune maps the letters that differ only in case to one of them, by simple
// folding (Unicode, CaseFolding.txt, C and S), as (?i) in a regular expression does.
func foldRune(r rune) rune {
	if r <= unicode.MaxASCII {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	return least
}

func fold(s string) string { return strings.Map(foldRune, s) }

// fenced is what stands in the first code fence of an answer in Markdown
// (CommonMark 0.31, 4.5), without the line break at its end; an answer without
// one is taken as it is. A fence that is never closed reaches to the end.
func fenced(answer []byte) []byte {
	var mark []byte // of the open fence
	var from, at int
	for line := range bytes.Lines(answer) {
		start := at
		at += len(line)
		body := bytes.TrimRight(line, " \t\r\n")
		indent := len(body)
		body = bytes.TrimLeft(body, " ")
		indent -= len(body)
		run := fenceRun(body)
		switch {
		case indent > 3 || len(run) < 3:
		case mark == nil:
			if info := body[len(run):]; run[0] == '`' && bytes.IndexByte(info, '`') >= 0 {
				continue // code within a line
			}
			mark, from = run, at
		case run[0] == mark[0] && len(run) >= len(mark) && len(run) == len(body):
			return lastBreak(answer[from:start])
		}
	}
	if mark == nil {
		return answer
	}
	return lastBreak(answer[from:])
}

// fenceRun is the run of backticks or tildes that a line begins with.
func fenceRun(line []byte) []byte {
	if len(line) == 0 || line[0] != '`' && line[0] != '~' {
		return nil
	}
	n := 1
	for n < len(line) && line[n] == line[0] {
		n++
	}
	return line[:n]
}

func lastBreak(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}
