package routing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// reader collects what is wrong, so that all of it is told at once.
type reader struct {
	file     string
	problems []Problem
}

func (r *reader) fail(n *yaml.Node, hint, format string, args ...any) {
	r.failAt(Position{n.Line, n.Column}, hint, format, args...)
}

// longestMessage bounds a message, in bytes: it may quote the file. mostProblems
// bounds their number.
const (
	longestMessage = 400
	mostProblems   = 100
)

func (r *reader) failAt(at Position, hint, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if len(msg) > longestMessage {
		msg = strings.ToValidUTF8(msg[:longestMessage], "") + "…"
	}
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, Problem{r.file, at, msg, hint})
	}
}

// entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// null tells of a key without a value.
func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// mapping are the entries of a mapping in which each key stands once, with those
// that it merges (<<) after its own. An empty value is an empty mapping.
func (r *reader) mapping(n *yaml.Node, what string) []entry {
	n = deref(n)
	if null(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "want keys with values, one a line", "%s must be a mapping", what)
		return nil
	}
	var own []entry
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], deref(n.Content[i+1])
		switch {
		case key.Tag == "!!merge":
			merged = append(merged, value)
		case key.Kind != yaml.ScalarNode:
			r.fail(key, "want a word", "a key of %s is not text", what)
		case has(own, key.Value):
			r.fail(key, "remove one", "key %q stands twice", key.Value)
		default:
			own = append(own, entry{key, value})
		}
	}
	for _, m := range merged {
		sources := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			sources = m.Content
		}
		for _, source := range sources {
			for _, e := range r.mapping(source, what) {
				if !has(own, e.key.Value) {
					own = append(own, e)
				}
			}
		}
	}
	return own
}

func has(entries []entry, key string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.key.Value == key })
}

// fields reads a mapping by its keys; keys without a reader are told.
func (r *reader) fields(n *yaml.Node, what string, readers map[string]func(*yaml.Node)) {
	for _, e := range r.mapping(n, what) {
		read, known := readers[e.key.Value]
		if !known {
			r.unknown(e.key, what, readers)
		} else if read != nil && !null(e.value) {
			read(e.value)
		}
	}
}

func (r *reader) unknown(key *yaml.Node, what string, readers map[string]func(*yaml.Node)) {
	names := make([]string, 0, len(readers))
	for name := range readers {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "known keys are " + strings.Join(names, ", ")
	if hits := near.Names(key.Value, slices.Values(names), 1); len(hits) > 0 {
		hint = "did you mean " + hits[0] + "?"
	}
	r.fail(key, hint, "unknown key %q in %s", key.Value, what)
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	n = deref(n)
	if null(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "want lines that begin with '- ', or [a, b]", "%s must be a list", what)
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out
}

// text is a scalar as it is written: 500 is "500".
func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	n = deref(n)
	if n.Kind != yaml.ScalarNode || null(n) {
		r.fail(n, "want a single value", "%s must be text", what)
		return "", false
	}
	return n.Value, true
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	out := []string{}
	for _, item := range r.list(n, what) {
		if s, ok := r.text(item, "an entry of "+what); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) boolean(n *yaml.Node, what string) bool {
	switch v := strings.ToLower(n.Value); {
	case n.Kind == yaml.ScalarNode && slices.Contains([]string{"true", "yes", "on"}, v):
		return true
	case n.Kind == yaml.ScalarNode && slices.Contains([]string{"false", "no", "off"}, v):
		return false
	}
	r.fail(n, "want true or false", "%s must be true or false", what)
	return false
}

// mostNodes bounds what aliases may expand a document to.
const mostNodes = 1 << 18

// expanded counts the nodes from n on with every alias written out; ok is false
// above mostNodes, and for an alias inside of its own anchor.
func expanded(n *yaml.Node, sizes map[*yaml.Node]int) (total int, ok bool) {
	if n.Kind == yaml.AliasNode {
		size, done := sizes[n.Alias]
		return size, done && size >= 0
	}
	if n.Anchor != "" {
		sizes[n] = -1
	}
	total = 1
	for _, c := range n.Content {
		size, ok := expanded(c, sizes)
		if total += size; !ok || total > mostNodes {
			return 0, false
		}
	}
	if n.Anchor != "" {
		sizes[n] = total
	}
	return total, true
}

// quote shows text of the file, shortened.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strconv.Quote(s)
}
