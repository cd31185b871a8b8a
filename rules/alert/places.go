package alert

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// places knows where in a file its groups, rules and fields are. Prometheus's own
// errors say so for some of them only.
type places struct {
	file     string
	raw      []string
	root     *yaml.Node // the mapping of the first document; nil where it is none
	next     *yaml.Node // a second document with something in it; nil where there is none
	problem  *Problem   // for which there is no document at all
	position Position   // of the document
}

func newPlaces(name string, content []byte) places {
	p := places{file: name, raw: splitLines(content), position: Position{name, 1, 1}}
	first, second, err := documents(content)
	if err != nil {
		at, why := p.fromYAML(err.Error())
		if line := p.broken(err, len(content)); line > 0 {
			at = p.begin(line)
		}
		p.problem = &Problem{Position: at, Why: "this is no YAML: " + why}
		return p
	}
	p.next = second
	if first != nil && len(first.Content) > 0 {
		p.root = resolve(first.Content[0])
		p.position = p.of(p.root)
	}
	return p
}

// searched bounds the files in which broken looks, in bytes: it reads them again and
// again, which takes two seconds for so many.
const searched = 4 << 20

// broken is the line up to which a file has to be read for an error of YAML to come up;
// 0: that is not known. The error itself names the line before, or where the mapping
// begins that it is in, or none.
func (p places) broken(err error, size int) int {
	if size > searched {
		return 0
	}
	line := 1 + sort.Search(len(p.raw), func(i int) bool {
		_, _, sooner := documents([]byte(strings.Join(p.raw[:i+1], "\n") + "\n"))
		return sooner != nil && sooner.Error() == err.Error()
	})
	if line > len(p.raw) {
		return 0
	}
	return line
}

// begin is where the text of a line begins.
func (p places) begin(line int) Position {
	at := Position{p.file, max(line, 1), 1}
	if line >= 1 && line <= len(p.raw) {
		at.Column += len(p.raw[line-1]) - len(strings.TrimLeft(p.raw[line-1], " "))
	}
	return at
}

// long lists the texts that are longer than anyone means them to be.
func (p places) long(n *yaml.Node) []Problem {
	if n == nil {
		return nil
	}
	var found []Problem
	if len(n.Value) > maxText {
		found = append(found, Problem{Position: p.of(n), Why: fmt.Sprintf("a text of %d bytes: one of more than 64 KiB is not read", len(n.Value)), Hint: "split the rule into several"})
	}
	for _, c := range n.Content {
		found = append(found, p.long(c)...)
	}
	return found
}

func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (p places) of(n *yaml.Node) Position { return Position{p.file, n.Line, n.Column} }

// field finds a key of a mapping and its value; merged ones (<<) too.
func field(n *yaml.Node, name string) (key, value *yaml.Node) { return fieldOf(n, name, nil) }

func fieldOf(n *yaml.Node, name string, within []*yaml.Node) (key, value *yaml.Node) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || slices.Contains(within, n) || len(within) > 8 {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], resolve(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if list := resolve(n.Content[i+1]); list.Kind == yaml.SequenceNode {
			from = list.Content
		}
		for _, m := range from {
			if k, v := fieldOf(m, name, append(within, n)); k != nil {
				return k, v
			}
		}
	}
	return nil, nil
}

func items(n *yaml.Node, name string) []*yaml.Node {
	if _, list := field(n, name); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return nil
}

func (p places) groupNode(i int) *yaml.Node {
	if groups := items(p.root, "groups"); i < len(groups) {
		return groups[i]
	}
	return nil
}

func (p places) ruleNode(i, k int) *yaml.Node {
	if rules := items(p.groupNode(i), "rules"); k < len(rules) {
		return rules[k]
	}
	return nil
}

func (p places) group(i int) Position {
	if n := p.groupNode(i); n != nil {
		return p.of(n)
	}
	return p.position
}

func (p places) rule(i, k int) Position {
	if n := p.ruleNode(i, k); n != nil {
		return p.of(n)
	}
	return p.group(i)
}

func (p places) lines(i, k int, expr string) []Line {
	if _, v := field(p.ruleNode(i, k), "expr"); v != nil {
		return lines(p.file, p.raw, v, expr)
	}
	return nil
}

// second is about a document after the first, of which Prometheus takes no notice.
func (p places) second() *Problem {
	if p.next == nil {
		return nil
	}
	return &Problem{Position: p.of(p.next.Content[0]), Why: "a second YAML document begins here, and Prometheus reads only the first",
		Hint: "put its groups under those of the first document, or into a file of their own"}
}
