package alert

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// maxSize bounds a rule file. The largest of public collections are below 2 MiB.
const maxSize = 16 << 20

// maxText bounds an expression, a template, or any other text of a rule file. Prometheus
// takes the square of an expression's length to read it, and a template that is nested
// a million deep overflows its stack.
const maxText = 64 << 10

// Problem is one thing for which Prometheus would not load a rule file.
type Problem struct {
	Position
	Group string // "": none in particular
	Rule  string // its name; "": none in particular, or it has none
	Why   string
	Hint  string // what to do; may be ""
}

// Error is the place and what is wrong there.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Position.String())
	if p.Group != "" {
		fmt.Fprintf(&b, ": group %q", p.Group)
	}
	if p.Rule != "" {
		fmt.Fprintf(&b, ": rule %q", p.Rule)
	}
	return b.String() + ": " + p.Why
}

// ReadError is everything that is wrong with a rule file, in the order of its lines,
// one Problem or more.
type ReadError struct{ Problems []Problem }

// Error is all of them, one a line.
func (e *ReadError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Hint is that of the first problem that has one.
func (e *ReadError) Hint() string {
	for _, p := range e.Problems {
		if p.Hint != "" {
			return p.Hint
		}
	}
	return ""
}

// Read reads a Prometheus rule file of up to 16 MiB, and refuses what Prometheus would,
// with its own checks: unknown fields, expressions and templates that do not parse,
// group names given twice, names outside its legacy character set, and so on. A file
// without groups is empty and no error. Prometheus passes over what comes after the
// first YAML document in silence; here it is an error, unless there is nothing in it. So
// is a text of more than 64 KiB. The error is a *ReadError, unless r fails.
func Read(name string, r io.Reader) (File, error) { return read(name, r, false) }

// ReadKnown is Read, but that it passes over fields that Prometheus does not know, such as
// those of other systems.
func ReadKnown(name string, r io.Reader) (File, error) { return read(name, r, true) }

func read(name string, r io.Reader, ignoreUnknown bool) (File, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(content) > maxSize {
		return File{}, &ReadError{[]Problem{{Position: Position{name, 1, 1}, Why: "the file is larger than 16 MiB", Hint: "split it into several files"}}}
	}
	places := newPlaces(name, content)
	if places.problem != nil {
		return File{}, &ReadError{[]Problem{*places.problem}}
	}
	if long := places.long(places.root); len(long) > 0 {
		return File{}, &ReadError{long}
	}
	parsed, errs := rulefmt.Parse(content, ignoreUnknown, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	var problems []Problem
	var ofGroups []error
	ofRules := false
	for _, err := range errs {
		switch _, ok := errors.AsType[*rulefmt.Error](err); {
		case ok:
			ofRules = true
		case parsed != nil:
			ofGroups = append(ofGroups, err)
		default:
			problems = append(problems, places.explain(err)...)
		}
	}
	problems = append(problems, places.groupProblems(ofGroups)...)
	if ofRules { // once more, rule by rule, for their places
		for i, g := range parsed.Groups {
			for k, r := range g.Rules {
				problems = append(problems, places.check(g.Name, i, k, r)...)
			}
		}
	}
	if p := places.second(); p != nil {
		problems = append(problems, *p)
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int {
			return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Why, b.Why))
		})
		return File{}, &ReadError{slices.Compact(problems)}
	}
	f := File{Name: name}
	for i, g := range parsed.Groups {
		group := Group{
			Name: g.Name, Interval: g.Interval, QueryOffset: g.QueryOffset, Limit: g.Limit, Labels: g.Labels,
			Position: places.group(i),
		}
		for k, r := range g.Rules {
			group.Rules = append(group.Rules, Rule{
				Record: r.Record, Alert: r.Alert, Expr: r.Expr, For: r.For, KeepFiringFor: r.KeepFiringFor,
				Labels: r.Labels, Annotations: r.Annotations,
				Position: places.rule(i, k), ExprLines: places.lines(i, k, r.Expr),
			})
		}
		f.Groups = append(f.Groups, group)
	}
	return f, nil
}

// documents decodes a YAML stream: its first document, nil where it is empty, and the
// first after that in which there is something.
func documents(content []byte) (first, second *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var one yaml.Node
		switch err := dec.Decode(&one); {
		case errors.Is(err, io.EOF):
			return first, nil, nil
		case err != nil:
			return nil, nil, err
		case first == nil:
			first = &one
		case len(one.Content) > 0 && one.Content[0].Tag != "!!null":
			return first, &one, nil
		}
	}
}
