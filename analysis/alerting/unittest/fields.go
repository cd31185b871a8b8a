package unittest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/rules/alert"
	"llmops/rules/near"
)

// mostAliased bounds how many values aliases may add to those that are written out.
const mostAliased = 1 << 18

// A walker goes through the YAML of a file, and keeps all that is wrong with it.
type walker struct {
	file     string
	lenient  bool // about unknown fields
	problems []alert.Problem
	notes    []alert.Problem
	seen     int
	most     int // values that may be seen: those of the file, and mostAliased
}

func (w *walker) at(n *yaml.Node) alert.Position {
	return alert.Position{File: w.file, Line: n.Line, Column: n.Column}
}

func (w *walker) failf(n *yaml.Node, hint, format string, args ...any) {
	w.problems = append(w.problems, alert.Problem{Position: w.at(n), Why: fmt.Sprintf(format, args...), Hint: hint})
}

func (w *walker) notef(n *yaml.Node, hint, format string, args ...any) {
	w.notes = append(w.notes, alert.Problem{Position: w.at(n), Why: fmt.Sprintf(format, args...), Hint: hint})
}

// full tells whether aliases made too much of the file; it says so once.
func (w *walker) full(n *yaml.Node) bool {
	if w.seen++; w.seen == w.most {
		w.failf(n, "use fewer aliases", "with all aliases written out the file has more than %d values", w.most)
	}
	return w.seen >= w.most
}

// count is the number of values that are written out.
func count(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += count(c)
	}
	return total
}

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// A field is a key that a mapping may have, and what its value is given to.
type field struct {
	name string
	read func(*yaml.Node)
}

// mapping reads a mapping that has no keys but these, each once.
func (w *walker) mapping(n *yaml.Node, what string, fields ...field) {
	if n = deref(n); isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		w.failf(n, "want keys with values", "%s must be a mapping", what)
		return
	}
	given := map[string]bool{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], deref(n.Content[i+1])
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if w.full(key) {
			return
		}
		if given[key.Value] {
			w.failf(key, "remove one", "%q stands twice", key.Value)
			continue
		}
		given[key.Value] = true
		w.field(key, value, what, fields)
	}
	w.merge(merged, given, what, fields)
}

// merge reads what "<<" brings, where the mapping does not say otherwise.
func (w *walker) merge(from []*yaml.Node, given map[string]bool, what string, fields []field) {
	for len(from) > 0 {
		m := deref(from[0])
		from = from[1:]
		if m.Kind == yaml.SequenceNode {
			from = append(slices.Clone(m.Content), from...)
		}
		if m.Kind != yaml.MappingNode || w.full(m) {
			continue
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			switch key := m.Content[i]; {
			case key.Tag == "!!merge":
				from = append(from, m.Content[i+1])
			case !given[key.Value] && !w.full(key):
				given[key.Value] = true
				w.field(key, deref(m.Content[i+1]), what, fields)
			}
		}
	}
}

func (w *walker) field(key, value *yaml.Node, what string, fields []field) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
	switch {
	case i >= 0 && !isNull(value):
		fields[i].read(value)
	case i < 0 && !w.lenient:
		names := make([]string, len(fields))
		for k, f := range fields {
			names[k] = f.name
		}
		hint := what + " has " + strings.Join(names, ", ")
		if likely := near.Names(key.Value, slices.Values(names), 1); len(likely) > 0 {
			hint = "did you mean " + likely[0] + "?"
		}
		w.failf(key, hint, "unknown field %q", key.Value)
	}
}

// each reads a list.
func (w *walker) each(n *yaml.Node, what string, read func(*yaml.Node)) {
	n = deref(n)
	if n.Kind != yaml.SequenceNode {
		w.failf(n, "write a list: lines that begin with '- ', or [a, b]", "%s must be a list", what)
		return
	}
	for _, c := range n.Content {
		if w.full(c) {
			return
		}
		read(deref(c))
	}
}

// text reads a scalar as it is written.
func (w *walker) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		w.failf(n, "", "%s must be text", what)
		return "", false
	}
	if isNull(n) {
		return "", true
	}
	return n.Value, true
}

// strings reads a mapping of texts.
func (w *walker) strings(n *yaml.Node, what string) map[string]string {
	out := map[string]string{}
	if n.Kind != yaml.MappingNode {
		w.failf(n, "", "%s must be a mapping of names to texts", what)
		return out
	}
	if err := n.Decode(&out); err != nil {
		w.failf(n, "", "%s: %s", what, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return out
}

// sorted are the problems in the order of the file.
func sorted(problems []alert.Problem) []alert.Problem {
	slices.SortStableFunc(problems, func(a, b alert.Problem) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Why, b.Why))
	})
	return slices.Compact(problems)
}
