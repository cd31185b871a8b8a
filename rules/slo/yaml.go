package slo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// documents are the roots of the YAML documents in data; empty ones are left
// out. Lines count from the first line of the file.
func documents(data []byte) ([]*yaml.Node, error) {
	if len(data) > MaxFileSize {
		return nil, &Error{Msg: fmt.Sprintf("the file is larger than %d bytes", MaxFileSize), Hint: "is it an SLO file?"}
	}
	var roots []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, syntaxError(err)
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" && doc.Content[0].Value == "" {
			continue
		}
		if _, err := expanded(doc.Content[0], map[*yaml.Node]int{}); err != nil {
			return nil, err
		}
		roots = append(roots, doc.Content[0])
	}
	if len(roots) == 0 {
		return nil, &Error{Line: 1, Column: 1, Msg: "the file is empty", Hint: "it needs a list 'slos', or OpenSLO documents"}
	}
	return roots, nil
}

// mostNodes bounds what aliases may expand a document to. A file of MaxFileSize
// cannot have as many without them.
const mostNodes = 1 << 20

// expanded counts the nodes from n on, with every alias replaced by what it
// stands for. An anchor precedes its aliases, so that its size is in sizes by
// then; it is -1 there while the anchor itself is being read.
func expanded(n *yaml.Node, sizes map[*yaml.Node]int) (int, error) {
	if n.Kind == yaml.AliasNode {
		size := sizes[n.Alias]
		if size < 0 {
			return 0, failAt(n, fmt.Sprintf("alias *%s stands inside of its own anchor", n.Value), "write out what is meant")
		}
		return size, nil
	}
	if n.Anchor != "" {
		sizes[n] = -1
	}
	total := 1
	for _, c := range n.Content {
		size, err := expanded(c, sizes)
		if err != nil {
			return 0, err
		}
		if total += size; total > mostNodes {
			return 0, failAt(c, fmt.Sprintf("with all aliases written out the document has more than %d values", mostNodes), "use fewer aliases")
		}
	}
	if n.Anchor != "" {
		sizes[n] = total
	}
	return total, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntaxError carries the line that the YAML reader names in its text.
func syntaxError(err error) *Error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Msg: "not valid YAML: " + msg, Hint: "check indentation, quotes and colons near that line"}
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Msg = "not valid YAML: " + m[2]
	}
	return e
}

// longestMessage bounds a message, in bytes: it may quote the file.
const longestMessage = 400

func failAt(n *yaml.Node, msg, hint string) *Error {
	if len(msg) > longestMessage {
		msg = strings.ToValidUTF8(msg[:longestMessage], "") + "…"
	}
	return &Error{Line: n.Line, Column: n.Column, Msg: msg, Hint: hint}
}

// deref follows an alias to what it stands for.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// mapping reads a mapping that has no keys but those allowed, each once.
func mapping(n *yaml.Node, what string, allowed ...string) (map[string]*yaml.Node, error) {
	n = deref(n)
	if n.Kind != yaml.MappingNode {
		return nil, failAt(n, what+" must be a mapping", "want keys with values: "+strings.Join(allowed, ", "))
	}
	out := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], deref(n.Content[i+1])
		known := false
		for _, a := range allowed {
			known = known || key.Value == a
		}
		if !known || key.Kind != yaml.ScalarNode {
			hint := "known keys are " + strings.Join(allowed, ", ")
			if hits := near.Names(key.Value, slices.Values(allowed), 1); len(hits) > 0 {
				hint = "did you mean " + hits[0] + "? " + hint
			}
			return nil, failAt(key, fmt.Sprintf("unknown key %q", key.Value), hint)
		}
		if out[key.Value] != nil {
			return nil, failAt(key, fmt.Sprintf("key %q stands twice", key.Value), "remove one")
		}
		out[key.Value] = value
	}
	return out, nil
}

func sequence(n *yaml.Node, what string) ([]*yaml.Node, error) {
	n = deref(n)
	if n.Kind != yaml.SequenceNode {
		return nil, failAt(n, fmt.Sprintf("%q must be a list", what), "want a list: lines that begin with '- ', or [a, b]")
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out, nil
}
