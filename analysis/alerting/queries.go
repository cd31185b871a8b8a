package alerting

import (
	"strings"
	"text/template/parse"

	"github.com/prometheus/prometheus/promql/parser"
)

// lookAt finds the queries of a template. What a query asks that is put together there
// is not known: it may be anything.
func (r *rule) lookAt(text string) {
	if r.Alert == "" || !templated(text) || !strings.Contains(text, "query") {
		return
	}
	trees, err := treesOf(r.templateName(), text)
	if err != nil {
		return // it will say so each time, and asks nothing
	}
	for _, t := range trees {
		walk(t.Root, func(n parse.Node) {
			queries(n, func(q string, known bool) {
				e, err := parser.NewParser(parser.Options{}).ParseExpr(q)
				switch {
				case !known:
					r.all = true
				case err == nil:
					r.reads = append(r.reads, selectors(e)...)
				}
			})
		})
	}
}

// queries is for walk, and calls with what the functions "query" of a pipeline ask.
func queries(n parse.Node, call func(q string, known bool)) {
	pipe, ok := n.(*parse.PipeNode)
	if !ok {
		return
	}
	for i, c := range pipe.Cmds {
		for k, a := range c.Args {
			if id, ok := a.(*parse.IdentifierNode); !ok || id.Ident != "query" {
				continue
			}
			if i == 0 && k == 0 && len(c.Args) == 2 {
				if s, ok := c.Args[1].(*parse.StringNode); ok {
					call(s.Text, true)
					continue
				}
			}
			call("", false)
		}
	}
}

// treesOf parses a template with the names of rules; its own tree has its name.
func treesOf(name, text string) (map[string]*parse.Tree, error) {
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	_, err := tree.Parse(prelude+text, "", "", trees)
	return trees, err
}

// walk visits the nodes of a template that hold others, each after those in it.
func walk(n parse.Node, visit func(parse.Node)) {
	branch := func(x *parse.BranchNode) {
		walk(x.Pipe, visit)
		walk(x.List, visit)
		walk(x.ElseList, visit)
	}
	switch x := n.(type) {
	case *parse.ListNode:
		if x == nil {
			return
		}
		for _, c := range x.Nodes {
			walk(c, visit)
		}
	case *parse.ActionNode:
		walk(x.Pipe, visit)
	case *parse.TemplateNode:
		walk(x.Pipe, visit)
	case *parse.IfNode:
		branch(&x.BranchNode)
	case *parse.RangeNode:
		branch(&x.BranchNode)
	case *parse.WithNode:
		branch(&x.BranchNode)
	case *parse.PipeNode:
		if x == nil {
			return
		}
		for _, c := range x.Cmds {
			for _, a := range c.Args {
				walk(a, visit)
			}
		}
	case *parse.ChainNode:
		walk(x.Node, visit)
	}
	visit(n)
}
