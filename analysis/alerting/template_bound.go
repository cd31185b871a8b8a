package alerting

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	textTemplate "text/template"
	"text/template/parse"
)

// Templates can count to any number (range 1000000000), call each other twice a level,
// and give or hold text without end. Prometheus's expander has no limit, hears of no
// context, and writes to memory, so such a template is tried with counters in it before
// it is filled in.
const (
	mostRuns   = 1 << 20 // lists of nodes, and commands, that are run through
	mostText   = 1 << 20 // bytes that are given, or that one value has
	mostMade   = 1 << 26 // bytes of all values
	querySteps = 1 << 8  // what a query counts
)

var errEndless = fmt.Errorf("it takes more than %d steps, or gives more than %d bytes", mostRuns, mostText)

// repeats tells by its words whether a template may run through a part of it again, or
// make values that are longer than itself.
var repeats = regexp.MustCompile(`range|template|block|with|args|js|reReplaceAll|[=*\[]|\d{4}|(?s)printf.*printf`)

// A meter counts what a template does.
type meter struct {
	ctx               context.Context
	steps, text, made int
	err               error
}

func (m *meter) count(steps, text, made int) error {
	m.steps, m.text, m.made = m.steps+steps, m.text+text, m.made+made
	switch {
	case m.ctx.Err() != nil:
		m.err = m.ctx.Err()
	case m.steps > mostRuns || m.text > mostText || m.made > mostMade:
		m.err = errEndless
	}
	return m.err
}

// makes takes the value of a command, and passes it on.
func (m *meter) makes(value any) (any, error) {
	n := sizeOf(reflect.ValueOf(value), mostText)
	if n > mostText {
		m.err = errEndless
		return nil, m.err
	}
	return value, m.count(1, 0, n)
}

// room refuses a call that would make more than fits, before it does: one that copies
// args, and the longest of them as often as asked for.
func (m *meter) room(args []any, times int) error {
	all, longest := 0, 0
	for _, a := range args {
		n := sizeOf(reflect.ValueOf(a), mostText)
		all, longest = all+n, max(longest, n)
	}
	if all+times*longest > mostMade {
		m.err = errEndless
	}
	return m.err
}

func (m *meter) functions() textTemplate.FuncMap {
	joined := func(f func(...any) string) any {
		return func(args ...any) (string, error) {
			if err := m.room(args, 0); err != nil {
				return "", err
			}
			return f(args...), nil
		}
	}
	return textTemplate.FuncMap{
		"__step":  func(bytes int) (string, error) { return "", m.count(1, bytes, 0) },
		"__makes": m.makes,
		"__gives": func(value any) (string, error) { return "", m.count(1, len(fmt.Sprint(value)), 0) },
		"print":   joined(fmt.Sprint), "println": joined(fmt.Sprintln),
		"html": joined(textTemplate.HTMLEscaper), "js": joined(textTemplate.JSEscaper), "urlquery": joined(textTemplate.URLQueryEscaper),
		"printf": func(format string, args ...any) (string, error) {
			const widest = 1e6 // of fmt
			verbs, padding := strings.Count(format, "%"), 0
			if wideVerb.MatchString(format) {
				padding = widest
			}
			if verbs*padding > mostMade || m.room(args, verbs) != nil {
				m.err = errEndless
				return "", m.err
			}
			return fmt.Sprintf(format, args...), nil
		},
		"reReplaceAll": func(pattern, with, text string) (string, error) {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return "", err
			}
			if len(with)*(len(text)+1)+len(text)*(1+strings.Count(with, "$")) > mostMade {
				m.err = errEndless
				return "", m.err
			}
			return re.ReplaceAllString(text, with), nil
		},
	}
}

// wideVerb finds the widths and precisions of a format that may be great.
var wideVerb = regexp.MustCompile(`%[^%a-zA-Z]*(\*|\d{4})`)

// sizeOf is how many bytes a value has when it is printed, about, or more than most.
func sizeOf(v reflect.Value, most int) int {
	n := 8
	switch v.Kind() {
	case reflect.String:
		n += v.Len()
	case reflect.Interface:
		n = sizeOf(v.Elem(), most)
	case reflect.Map:
		for i := v.MapRange(); n <= most && i.Next(); {
			n += sizeOf(i.Key(), most-n) + sizeOf(i.Value(), most-n)
		}
	case reflect.Struct:
		for i := 0; n <= most && i < v.NumField(); i++ {
			n += sizeOf(v.Field(i), most-n)
		}
	case reflect.Slice: // of pointers
		n += v.Len()
	}
	return n
}

// metered is a template that gives nothing of use, and whose functions __step, __makes
// and __gives are told of each list of nodes that is run through, with the bytes of its
// text, of what each command makes, and of each value that is given. The error is that of
// a template that does not parse.
func metered(name, text string) (string, error) {
	trees, err := treesOf(name, text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for n, t := range trees {
		meterNode(t.Root)
		if n == name {
			b.WriteString(t.Root.String())
		} else {
			fmt.Fprintf(&b, "{{define %q}}%s{{end}}", n, t.Root)
		}
	}
	return b.String(), nil
}

func meterNode(n parse.Node) {
	switch x := n.(type) {
	case *parse.ListNode:
		meterList(x)
	case *parse.ActionNode:
		meterPipe(x.Pipe)
		if len(x.Pipe.Decl) == 0 {
			x.Pipe.Cmds = append(x.Pipe.Cmds, call("__gives"))
		}
	case *parse.TemplateNode:
		meterPipe(x.Pipe)
	case *parse.IfNode:
		meterBranch(&x.BranchNode)
	case *parse.WithNode:
		meterBranch(&x.BranchNode)
	case *parse.RangeNode:
		meterBranch(&x.BranchNode)
	case *parse.PipeNode:
		meterPipe(x)
	case *parse.ChainNode:
		meterNode(x.Node)
	}
}

func meterBranch(x *parse.BranchNode) {
	meterPipe(x.Pipe)
	meterList(x.List)
	meterList(x.ElseList)
}

// meterList leaves out the text: beside an action it may not be read as it was.
func meterList(x *parse.ListNode) {
	if x == nil {
		return
	}
	bytes := 0
	var nodes []parse.Node
	for _, n := range x.Nodes {
		if text, ok := n.(*parse.TextNode); ok {
			bytes += len(text.Text)
			continue
		}
		meterNode(n)
		nodes = append(nodes, n)
	}
	step := &parse.TextNode{NodeType: parse.NodeText, Text: fmt.Appendf(nil, "{{__step %d}}", bytes)}
	x.Nodes = append([]parse.Node{step}, nodes...)
}

func meterPipe(x *parse.PipeNode) {
	if x == nil {
		return
	}
	var commands []*parse.CommandNode
	for _, c := range x.Cmds {
		for _, a := range c.Args {
			meterNode(a)
		}
		commands = append(commands, c, call("__makes"))
	}
	x.Cmds = commands
}

func call(function string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(function)}}
}

// treesOf parses a template with the names of rules; its own tree has its name.
func treesOf(name, text string) (map[string]*parse.Tree, error) {
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	_, err := tree.Parse(prelude+text, "", "", trees)
	return trees, err
}

// bounded tries a template: errEndless if it goes on for too long, or the error of the
// context. fill fills one in, and lets m count. Whatever else is wrong with it is left to
// be found.
func bounded(ctx context.Context, name, text string, fill func(text string, m *meter) (string, error)) error {
	if !repeats.MatchString(text) {
		return nil
	}
	trial, err := metered(name, text)
	if err != nil {
		return nil //nolint:nilerr // whoever fills it in reports that
	}
	m := &meter{ctx: ctx}
	_, _ = fill(trial, m) // what else is wrong is found again
	return m.err
}
