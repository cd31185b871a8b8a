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
		queries(t.Root, func(q string, known bool) {
			e, err := parser.NewParser(parser.Options{}).ParseExpr(q)
			switch {
			case !known:
				r.all = true
			case err == nil:
				r.reads = append(r.reads, selectors(e)...)
			}
		})
	}
}

// queries calls with what the functions "query" below a node of a template ask.
func queries(n parse.Node, call func(q string, known bool)) {
	switch x := n.(type) {
	case *parse.ListNode:
		if x != nil {
			for _, c := range x.Nodes {
				queries(c, call)
			}
		}
	case *parse.ActionNode:
		queries(x.Pipe, call)
	case *parse.TemplateNode:
		queries(x.Pipe, call)
	case *parse.IfNode:
		branch(&x.BranchNode, call)
	case *parse.RangeNode:
		branch(&x.BranchNode, call)
	case *parse.WithNode:
		branch(&x.BranchNode, call)
	case *parse.PipeNode:
		if x != nil {
			for i, c := range x.Cmds {
				command(c, i > 0, call)
			}
		}
	case *parse.ChainNode:
		queries(x.Node, call)
	}
}

func branch(x *parse.BranchNode, call func(string, bool)) {
	queries(x.Pipe, call)
	queries(x.List, call)
	queries(x.ElseList, call)
}

func command(c *parse.CommandNode, piped bool, call func(string, bool)) {
	for i, a := range c.Args {
		id, ok := a.(*parse.IdentifierNode)
		if !ok || id.Ident != "query" {
			queries(a, call)
			continue
		}
		if i == 0 && !piped && len(c.Args) == 2 {
			if s, ok := c.Args[1].(*parse.StringNode); ok {
				call(s.Text, true)
				continue
			}
		}
		call("", false)
	}
}
