package alerting

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	textTemplate "text/template"
	"text/template/parse"
)

// Templates can count to any number (range 1000000000), call each other twice a level,
// and give text without end. Prometheus's expander has no limit, hears of no context, and
// writes to memory, so such a template is tried with counters in it before it is filled
// in.
const (
	mostLists = 1 << 20 // of lists of nodes that are run through
	mostText  = 1 << 20 // bytes that are given
)

var errEndless = fmt.Errorf("it takes more than %d steps, or gives more than %d bytes", mostLists, mostText)

// repeats tells by its words whether a template may run through a part of it again.
var repeats = regexp.MustCompile(`range|template|block`)

// A meter counts what a template does.
type meter struct {
	ctx         context.Context
	steps, text int
	err         error
}

func (m *meter) step(bytes int) (string, error) {
	m.steps++
	m.text += bytes
	switch {
	case m.ctx.Err() != nil:
		m.err = m.ctx.Err()
	case m.steps > mostLists || m.text > mostText:
		m.err = errEndless
	}
	return "", m.err
}

func (m *meter) gives(value any) (string, error) {
	return m.step(len(fmt.Sprint(value)))
}

func (m *meter) functions() textTemplate.FuncMap {
	return textTemplate.FuncMap{"__step": m.step, "__gives": m.gives}
}

// metered is a template that gives nothing of use, and whose functions __step and __gives
// are told of each list of nodes that is run through, with the bytes of its text, and of
// each value that is given. The error is that of a template that does not parse.
func metered(text string) (string, error) {
	trees, err := treesOf(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for name, t := range trees {
		meterNodes(t.Root)
		if name == "" {
			b.WriteString(t.Root.String())
		} else {
			fmt.Fprintf(&b, "{{define %q}}%s{{end}}", name, t.Root)
		}
	}
	return b.String(), nil
}

func meterNodes(list *parse.ListNode) {
	if list == nil {
		return
	}
	source := func(s string) *parse.TextNode { return &parse.TextNode{NodeType: parse.NodeText, Text: []byte(s)} }
	bytes := 0
	for i, n := range list.Nodes {
		switch x := n.(type) {
		case *parse.TextNode:
			bytes += len(x.Text)
		case *parse.ActionNode:
			if len(x.Pipe.Decl) == 0 {
				list.Nodes[i] = source("{{" + x.Pipe.String() + " | __gives}}")
			}
		case *parse.IfNode:
			meterNodes(x.List)
			meterNodes(x.ElseList)
		case *parse.WithNode:
			meterNodes(x.List)
			meterNodes(x.ElseList)
		case *parse.RangeNode:
			meterNodes(x.List)
			meterNodes(x.ElseList)
		}
	}
	list.Nodes = slices.Insert(list.Nodes, 0, parse.Node(source(fmt.Sprintf("{{__step %d}}", bytes))))
}

// treesOf parses a template with the names of rules; its own tree is that without a name.
func treesOf(text string) (map[string]*parse.Tree, error) {
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	_, err := tree.Parse(prelude+text, "", "", trees)
	return trees, err
}

// bounded tries a template: errEndless if it goes on for too long, or the error of the
// context. expand fills in a template with these functions. Whatever else is wrong with it is left to be found.
func bounded(ctx context.Context, text string, expand func(text string, functions textTemplate.FuncMap) (string, error)) error {
	if !repeats.MatchString(text) {
		return nil
	}
	trial, err := metered(text)
	if err != nil {
		return nil //nolint:nilerr // whoever expands it reports that
	}
	m := &meter{ctx: ctx}
	_, _ = expand(trial, m.functions()) // what else is wrong is found again
	return m.err
}
