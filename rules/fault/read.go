package fault

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSize bounds a file of faults.
const maxSize = 4 << 20

// Problem is one thing that is wrong with a file, and where.
type Problem struct {
	Position
	Why, Hint string
}

// Error is the place and what is wrong there.
func (p *Problem) Error() string { return p.Position.String() + ": " + p.Why }

// Problems are all that is wrong with a file, in the order of its lines; there is one at
// least.
type Problems []*Problem

// Error is one line for each.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each as an error.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Read reads a file of faults: `signals:` and `faults:`, both lists. References to faults
// and signals are not looked up: Check does that when all files are read. The error is
// Problems, unless r fails.
func Read(name string, r io.Reader) (Catalogue, error) {
	d := &decoder{file: name}
	var c Catalogue
	err := d.read(r, fields{
		"signals": d.list(func(n *yaml.Node) {
			s := d.signal(n)
			if c.Signal(s.Name) != nil {
				d.fail(n, "remove one", "signal %s stands here a second time", s.Name)
			}
			c.Signals = append(c.Signals, s)
		}),
		"faults": d.list(func(n *yaml.Node) {
			f := d.fault(n)
			if c.Find(f.ID) != nil {
				d.fail(n, "remove one", "fault %s stands here a second time", f.ID)
			}
			c.Faults = append(c.Faults, f)
		}),
	})
	if err != nil {
		return Catalogue{}, err
	}
	return c, nil
}

// read reads the one document of a file.
func (d *decoder) read(r io.Reader, known fields) error {
	content, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	if len(content) > maxSize {
		return Problems{{Position: Position{d.file, 1, 1}, Why: "the file is larger than 4 MiB", Hint: "split it into several files"}}
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(content))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return syntax(d.file, err)
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return Problems{{Position: Position{d.file, second.Line, 1}, Why: "a second YAML document", Hint: "one document a file"}}
	case !errors.Is(err, io.EOF):
		return syntax(d.file, err)
	}
	d.object(doc.Content[0], known)
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b *Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return d.problems
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// syntax gives the place of an error of the YAML library, which has it in words.
func syntax(name string, err error) Problems {
	p := &Problem{Position: Position{File: name, Line: 1, Column: 1}, Why: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatchIndex(p.Why); m != nil {
		p.Line, _ = strconv.Atoi(p.Why[m[2]:m[3]])
		p.Why = p.Why[:m[0]] + p.Why[m[1]:]
	}
	return Problems{p}
}
