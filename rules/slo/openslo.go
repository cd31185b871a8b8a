package slo

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"
)

// openSLO is the only version that is read.
const openSLO = "openslo/v1"

const (
	kindSLO       = "SLO"
	kindSLI       = "SLI"
	kindPolicy    = "AlertPolicy"
	kindCondition = "AlertCondition"
	kindSource    = "DataSource"
	kindService   = "Service"
	kindTarget    = "AlertNotificationTarget"
)

// document is one YAML document and the file that it stands in.
type document struct {
	file string
	root *yaml.Node
}

// isOpenSLO tells the two forms apart.
func isOpenSLO(root *yaml.Node) bool {
	if root.Kind == yaml.SequenceNode && len(root.Content) > 0 {
		root = deref(root.Content[0])
	}
	return value(root, "apiVersion") != nil
}

// value is that of a key of a mapping, or nil.
func value(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return deref(n.Content[i+1])
		}
	}
	return nil
}

// catalogue holds the objects by kind and name, and what of them was read. Each
// is read once, however often it is referred to.
type catalogue struct {
	objects    map[string]map[string]*object
	sources    map[string]string // the type of each DataSource
	indicators map[string]*indicator
	conditions map[string]*condition
	policies   map[string]*policy
	ordered    []*object
	inline     []*object // SLIs that stand within an SLO
}

// readOpenSLO reads the objectives of OpenSLO documents, which may refer to
// each other. Error.File is that of the document.
func readOpenSLO(docs []document) (all []found, lists []excluded, err error) {
	c := &catalogue{
		objects: map[string]map[string]*object{}, sources: map[string]string{}, indicators: map[string]*indicator{},
		conditions: map[string]*condition{}, policies: map[string]*policy{},
	}
	for _, d := range docs {
		roots := []*yaml.Node{d.root}
		if d.root.Kind == yaml.SequenceNode {
			roots = d.root.Content
		}
		for _, root := range roots {
			if err := c.add(d.file, deref(root)); err != nil {
				return nil, nil, inFile(d.file, err)
			}
		}
	}
	for _, read := range []struct {
		kind string
		one  func(*object) error
	}{{kindSLI, c.addIndicator}, {kindCondition, c.addCondition}, {kindPolicy, c.addPolicy}} {
		for _, o := range c.of(read.kind) {
			if err := read.one(o); err != nil {
				return nil, nil, inFile(o.file, err)
			}
		}
	}
	for _, o := range c.of(kindSLO) {
		objectives, err := c.readSLO(o)
		if err != nil {
			return nil, nil, inFile(o.file, err)
		}
		for _, x := range objectives {
			all = append(all, found{place{o.file, o.at}, x})
		}
	}
	for _, o := range slices.Concat(c.ordered, c.inline) {
		list, err := statusesOf(o)
		if err != nil {
			return nil, nil, inFile(o.file, err)
		}
		lists = append(lists, list...)
	}
	if len(all) == 0 {
		err := failAt(docs[0].root, "no document of kind SLO", "add one: the other kinds only serve it")
		return nil, nil, inFile(docs[0].file, err)
	}
	return all, lists, nil
}

// of are the objects of a kind, in the order in which they were found.
func (c *catalogue) of(kind string) iter.Seq2[int, *object] {
	return func(yield func(int, *object) bool) {
		for i, o := range c.ordered {
			if o.kind == kind && !yield(i, o) {
				return
			}
		}
	}
}

// inFile names the file of an error that has none yet.
func inFile(file string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.File == "" {
		e.File = file
	}
	return err
}

// add takes in one object.
func (c *catalogue) add(file string, root *yaml.Node) error {
	if root.Kind != yaml.MappingNode {
		return failAt(root, "an OpenSLO document must be a mapping", "want apiVersion, kind, metadata and spec")
	}
	switch version := value(root, "apiVersion"); {
	case version == nil:
		return failAt(root, "a document without 'apiVersion'", "write apiVersion: "+openSLO+"; the short form is a file of its own")
	case version.Value != openSLO:
		return failAt(version, fmt.Sprintf("apiVersion %q is not read", version.Value), "only "+openSLO+" is: v1alpha and v2alpha differ in more than the name")
	}
	o, err := readObject(file, root, "", kindSLO, kindSLI, kindPolicy, kindCondition, kindSource, kindService, kindTarget)
	if err != nil {
		return err
	}
	if o.name == "" {
		return failAt(o.at, fmt.Sprintf("%s without a name", o.kind), "write metadata: {name: ...}")
	}
	of := c.objects[o.kind]
	if of == nil {
		of = map[string]*object{}
		c.objects[o.kind] = of
	}
	if other := of[o.name]; other != nil {
		return failAt(o.at, fmt.Sprintf("a second %s is called %q", o.kind, o.name), fmt.Sprintf("the first is in %s: rename one", other.where(file)))
	}
	of[o.name] = o
	c.ordered = append(c.ordered, o)
	switch o.kind {
	case kindSource:
		return c.addSource(o)
	case kindService:
		return checkFields(o, "a Service", "description")
	case kindTarget:
		return checkFields(o, "an AlertNotificationTarget", "target", "description")
	}
	return nil
}
