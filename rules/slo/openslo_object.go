package slo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// object is what all kinds have in common.
type object struct {
	file, kind  string
	name, title string
	at          *yaml.Node // its name, or where it begins
	spec        *yaml.Node // nil: none
	annotations map[string]annotation
}

// annotation is one that is meant for this program, under its key without the
// prefix.
type annotation struct {
	text string
	at   *yaml.Node
}

// readObject reads the frame of an object that stands on its own, or inline
// with extra keys. An inline one need not say its kind.
func readObject(file string, n *yaml.Node, inline string, kinds ...string) (*object, error) {
	what := "an OpenSLO document"
	if inline != "" {
		what = inline
	}
	e, err := fields(n, what, "apiVersion", "kind", "metadata", "spec")
	if err != nil {
		return nil, err
	}
	if inline != "" && e.has("apiVersion") {
		e.choice("apiVersion", openSLO)
	}
	o := &object{file: file, at: n, spec: e.keys["spec"]}
	if inline == "" && !e.has("kind") {
		e.fail("kind", "a document without 'kind'", "write one of %s", strings.Join(kinds, ", "))
	}
	if o.kind = e.choice("kind", kinds...); e.err != nil {
		return nil, e.err
	}
	if meta := e.keys["metadata"]; meta != nil {
		if err := o.readMetadata(meta); err != nil {
			return nil, err
		}
	}
	if o.spec == nil && o.kind != kindService {
		return nil, failAt(o.at, fmt.Sprintf("%s without 'spec'", o.label()), "write what it is under spec:")
	}
	return o, nil
}

// longestName bounds metadata.name; OpenSLO asks for 63 at least.
const longestName = 253

func (o *object) readMetadata(n *yaml.Node) error {
	e, err := fields(n, "metadata", "name", "displayName", "labels", "annotations")
	if err != nil {
		return err
	}
	o.name, o.title = e.text("name"), e.text("displayName")
	if len(o.name) > longestName {
		e.fail("name", fmt.Sprintf("a name of %d bytes", len(o.name)), "at most %d are read", longestName)
	}
	if e.err != nil {
		return e.err
	}
	if e.has("name") {
		o.at = e.keys["name"]
	}
	if labels := e.keys["labels"]; labels != nil && labels.Kind != yaml.MappingNode {
		return failAt(labels, "'labels' must be a mapping", "want keys with values")
	}
	if n := e.keys["annotations"]; n != nil {
		o.annotations, err = readAnnotations(n, o.kind)
	}
	return err
}

// label is the object in words.
func (o *object) label() string {
	if o.name == "" {
		return o.kind
	}
	return o.kind + " " + o.name
}

// where is the place of the object as seen from a file.
func (o *object) where(file string) string {
	if o.file == file {
		return fmt.Sprintf("line %d", o.at.Line)
	}
	return place{o.file, o.at}.String()
}

// The annotations that are read, and the prefix they have in a file.
const (
	prefix     = "llmops/"
	noteSLI    = "sli"
	noteUnit   = "unit"
	noteErrors = "errors"
	noteStatus = "exclude-status"
	noteEvents = "min-events"
	noteShort  = "short-window"
)

// notesOf are the annotations that a kind may have.
func notesOf(kind string) []string {
	switch kind {
	case kindSLO, kindSLI:
		return []string{noteSLI, noteUnit, noteErrors, noteEvents, noteStatus}
	case kindCondition:
		return []string{noteShort}
	}
	return nil
}

func readAnnotations(n *yaml.Node, kind string) (map[string]annotation, error) {
	if n.Kind != yaml.MappingNode {
		return nil, failAt(n, "'annotations' must be a mapping", "want keys with texts, such as llmops/sli: availability")
	}
	known := notesOf(kind)
	out := map[string]annotation{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], deref(n.Content[i+1])
		name, ours := strings.CutPrefix(key.Value, prefix)
		switch {
		case !ours:
			continue
		case !slices.Contains(known, name):
			hint := fmt.Sprintf("%s may have %s%s", kind, prefix, strings.Join(known, ", "+prefix))
			if len(known) == 0 {
				hint = kind + " has none that is read"
			}
			if hits := near.Names(name, slices.Values(known), 1); len(hits) > 0 {
				hint = "did you mean " + prefix + hits[0] + "? " + hint
			}
			return nil, failAt(key, fmt.Sprintf("unknown annotation %q of %s", key.Value, kind), hint)
		case out[name].at != nil:
			return nil, failAt(key, fmt.Sprintf("annotation %q stands twice", key.Value), "remove one")
		case v.Kind != yaml.ScalarNode || v.Tag == "!!null" || strings.TrimSpace(v.Value) == "":
			return nil, failAt(v, fmt.Sprintf("annotation %q must be a text", key.Value), "give it one value")
		}
		out[name] = annotation{text: strings.TrimSpace(v.Value), at: v}
	}
	return out, nil
}

// fields is mapping for an entry, where null is the same as absent.
func fields(n *yaml.Node, what string, allowed ...string) (*entry, error) {
	keys, err := mapping(n, what, allowed...)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(keys, func(_ string, v *yaml.Node) bool { return v.Kind == yaml.ScalarNode && v.Tag == "!!null" })
	return &entry{node: deref(n), keys: keys}, nil
}

// checkFields checks an object of which nothing is used.
func checkFields(o *object, what string, allowed ...string) error {
	if o.spec == nil {
		return nil
	}
	_, err := fields(o.spec, what, allowed...)
	return err
}

// refer finds what a reference names.
func refer[T any](of map[string]T, kind string, n *yaml.Node) (T, error) {
	found, ok := of[n.Value]
	if ok && n.Kind == yaml.ScalarNode {
		return found, nil
	}
	hint := fmt.Sprintf("add a document of kind %s with that metadata.name, or write it in place", kind)
	if len(n.Value) <= longestName {
		if hits := near.Names(n.Value, slices.Values(slices.Sorted(maps.Keys(of))), 3); len(hits) > 0 {
			hint = "did you mean " + strings.Join(hits, " or ") + "?"
		}
	}
	return found, failAt(n, fmt.Sprintf("no %s is called %q", kind, n.Value), hint)
}
