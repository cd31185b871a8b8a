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

// File is an SLO file in the short form.
type File struct {
	ExcludeStatus []int // statuses that are no event of the service
	Objectives    []Objective
}

// MaxFileSize bounds an SLO file, in bytes.
const MaxFileSize = 1 << 20

// Load reads an SLO file in the short form:
//
//	exclude_status: [400, 404]        # optional
//	slos:
//	  - name: latency                 # optional
//	    sli: latency_ms < 500         # or availability, ttft_ms < X, tokens_per_second >= R, ...
//	    target: 0.99                  # a share as decimal text, or 99%
//	    window: 30d                   # optional
//	    method: occurrences           # or timeslices, with slice, slice_target, min_events
//	    errors: exclude               # or bad
//	    alerts:
//	      - {severity: page, long: 1h, short: 5m, threshold: 14.4}
//
// An inline objective may stand for sli and target. The reader is strict:
// unknown keys and wrong types are an *Error with file, line and column. name
// is what errors call the file.
func Load(name string, r io.Reader) (File, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	f, err := load(data)
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = name
	}
	return f, err
}

func load(data []byte) (File, error) {
	if len(data) > MaxFileSize {
		return File{}, &Error{Msg: fmt.Sprintf("the file is larger than %d bytes", MaxFileSize), Hint: "is it an SLO file?"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return File{}, &Error{Line: 1, Column: 1, Msg: "the file is empty", Hint: "it needs a list 'slos'"}
	} else if err != nil {
		return File{}, syntaxError(err)
	}
	if len(doc.Content) == 0 {
		return File{}, &Error{Line: 1, Column: 1, Msg: "the file is empty", Hint: "it needs a list 'slos'"}
	}
	root := doc.Content[0]
	// OpenSLO first: its files often hold several documents.
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == "apiVersion" {
				return File{}, failAt(root.Content[i], "OpenSLO documents are not supported by this command",
					"write the objectives in the short form, a list 'slos', or inline: --slo 'p95_latency_ms < 500'")
			}
		}
	}
	if err := dec.Decode(&more); err == nil && len(more.Content) > 0 {
		return File{}, failAt(more.Content[0], "a second document in the file", "put all objectives into one list 'slos'")
	} else if err != nil && !errors.Is(err, io.EOF) {
		return File{}, syntaxError(err)
	}
	return readFile(root)
}

func readFile(root *yaml.Node) (File, error) {
	top, err := mapping(root, "the file", "exclude_status", "slos")
	if err != nil {
		return File{}, err
	}
	f := File{ExcludeStatus: DefaultExcludeStatus()}
	if n := top["exclude_status"]; n != nil {
		if f.ExcludeStatus, err = statuses(n); err != nil {
			return File{}, err
		}
	}
	list := top["slos"]
	if list == nil {
		return File{}, failAt(root, "no 'slos' in the file", "list the objectives under 'slos:'")
	}
	entries, err := sequence(list, "slos")
	if err != nil {
		return File{}, err
	}
	if len(entries) == 0 {
		return File{}, failAt(list, "'slos' is empty", "list at least one objective")
	}
	for _, n := range entries {
		o, err := readObjective(n)
		if err != nil {
			return File{}, err
		}
		f.Objectives = append(f.Objectives, o)
	}
	return f, nil
}

func statuses(n *yaml.Node) ([]int, error) {
	items, err := sequence(n, "exclude_status")
	if err != nil {
		return nil, err
	}
	out := make([]int, 0, len(items))
	for _, item := range items {
		v, err := strconv.Atoi(item.Value)
		if item.Kind != yaml.ScalarNode || err != nil || v < 100 || v > 599 {
			return nil, failAt(item, fmt.Sprintf("%q is no HTTP status", item.Value), "want a number from 100 to 599")
		}
		out = append(out, v)
	}
	return out, nil
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

func failAt(n *yaml.Node, msg, hint string) *Error {
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
