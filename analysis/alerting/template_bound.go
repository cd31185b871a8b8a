package alerting

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	textTemplate "text/template"
	"text/template/parse"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// Templates can count to any number (range 1000000000), call each other twice a level,
// and give or hold text without end. Prometheus's expander has no limit, hears of no
// context, and writes to memory, so such a template is tried with counters in it before
// it is filled in.
const (
	mostRuns   = 1 << 20 // lists of nodes, and commands, that are run through
	mostText   = 1 << 20 // bytes that are given, or that one value has
	mostMade   = 1 << 26 // bytes of all values, and of those that expressions are matched with
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

// fits refuses a call that would make more bytes than all may have, before it does.
func (m *meter) fits(bytes int) error {
	if bytes > mostMade {
		m.err = errEndless
	}
	return m.err
}

// sizes are the bytes of all args, and those of the longest as many times more.
func sizes(args []any, times int) int {
	all, longest := 0, 0
	for _, a := range args {
		n := sizeOf(reflect.ValueOf(a), mostText)
		all, longest = all+n, max(longest, n)
	}
	return all + times*longest
}

func (m *meter) functions() textTemplate.FuncMap {
	joined := func(f func(...any) string) any {
		return func(args ...any) (string, error) {
			if err := m.fits(sizes(args, 0)); err != nil {
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
			if err := m.fits(max(verbs*padding, sizes(args, verbs))); err != nil {
				return "", err
			}
			return fmt.Sprintf(format, args...), nil
		},
		"reReplaceAll": func(pattern, with, text string) (string, error) {
			if err := cmp.Or(m.count(0, 0, len(pattern)+len(text)), m.fits(len(with)*(len(text)+1)+len(text)*(1+strings.Count(with, "$")))); err != nil {
				return "", err
			}
			re, err := regexp.Compile(pattern)
			if err != nil {
				return "", err
			}
			return re.ReplaceAllString(text, with), nil
		},
		"match": func(pattern, text string) (bool, error) { // it reads much, and makes nothing
			if err := m.count(0, 0, len(pattern)+len(text)); err != nil {
				return false, err
			}
			return regexp.MatchString(pattern, text)
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
		walk(t.Root, meterNode)
		if n == name {
			b.WriteString(t.Root.String())
		} else {
			fmt.Fprintf(&b, "{{define %q}}%s{{end}}", n, t.Root)
		}
	}
	return b.String(), nil
}

// meterNode is for walk: what is below n is done by then.
func meterNode(n parse.Node) {
	switch x := n.(type) {
	case *parse.ListNode: // without the text: beside an action it may not be read as it was
		bytes := 0
		nodes := []parse.Node{nil}
		for _, n := range x.Nodes {
			if text, ok := n.(*parse.TextNode); ok {
				bytes += len(text.Text)
			} else {
				nodes = append(nodes, n)
			}
		}
		nodes[0] = &parse.TextNode{NodeType: parse.NodeText, Text: fmt.Appendf(nil, "{{__step %d}}", bytes)}
		x.Nodes = nodes
	case *parse.PipeNode:
		var commands []*parse.CommandNode
		for _, c := range x.Cmds {
			commands = append(commands, c, call("__makes"))
		}
		x.Cmds = commands
	case *parse.ActionNode:
		if len(x.Pipe.Decl) == 0 {
			x.Pipe.Cmds = append(x.Pipe.Cmds, call("__gives"))
		}
	}
}

func call(function string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(function)}}
}

// bounded tries a template: errEndless if it goes on for too long, or the error of the
// context. Whatever else is wrong with it is left to be found.
func (f filling) bounded(ctx context.Context, text string) error {
	if !repeats.MatchString(text) {
		return nil
	}
	trial, err := metered(f.name, text)
	if err != nil {
		return nil //nolint:nilerr // whoever fills it in reports that
	}
	m := &meter{ctx: ctx}
	_, _ = f.fill(ctx, trial, m) // what else is wrong is found again
	return m.err
}

// Endless is an error for a template that a replay cuts short, when it is filled in for an
// alert without labels at the value 1 whose queries find nothing: a server that does so
// hangs, or runs out of memory. It is that of the context if that ends first.
func Endless(ctx context.Context, text string) error {
	if !templated(text) {
		return nil
	}
	none := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	return filling{"__alert_", template.AlertTemplateData(nil, nil, "", promql.Sample{F: 1}), 0, &url.URL{}, none}.bounded(ctx, text)
}
