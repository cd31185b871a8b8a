package fault

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/near"
)

// decoder walks the nodes of a file and takes down what is wrong.
type decoder struct {
	file     string
	problems Problems
	seen     int // values, those of aliases each time
}

// mostValues bounds what aliases can make of a small file.
const mostValues = 1 << 20

// full tells whether there are too many values, and says so.
func (d *decoder) full(n *yaml.Node) bool {
	if d.seen++; d.seen == mostValues {
		d.fail(n, "use fewer aliases", "with all aliases written out the file has more than %d values", mostValues)
	}
	return d.seen >= mostValues
}

type fields map[string]func(*yaml.Node)

func (d *decoder) at(n *yaml.Node) Position { return Position{d.file, n.Line, n.Column} }

// fail takes a problem down; of several with one place the first says it, and the others
// follow from that.
func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	at := d.at(n)
	if !slices.ContainsFunc(d.problems, func(p *Problem) bool { return p.Position == at }) {
		d.problems = append(d.problems, &Problem{Position: at, Why: fmt.Sprintf(format, args...), Hint: hint})
	}
}

func (d *decoder) object(n *yaml.Node, known fields) {
	n = target(n)
	if d.full(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "such as key: value", "want a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		read := known[key.Value]
		switch {
		case read == nil:
			d.fail(key, d.suggest(key.Value, slices.Sorted(maps.Keys(known))), "unknown key %q", key.Value)
		case seen[key.Value]:
			d.fail(key, "", "key %q stands here twice", key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

// target follows an alias once; the YAML library refuses those that contain themselves.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func (d *decoder) suggest(name string, known []string) string {
	if names := near.Names(name, slices.Values(known), 1); len(names) > 0 {
		return "did you mean " + names[0] + "?"
	}
	return "the keys are " + strings.Join(known, ", ")
}

func (d *decoder) list(each func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			d.fail(n, "each entry begins with \"- \"", "want a list")
			return
		}
		for _, x := range n.Content {
			if d.full(x) {
				return
			}
			each(target(x))
		}
	}
}

func (d *decoder) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			d.fail(n, "", "want text")
			return
		}
		for _, r := range n.Value { // a terminal would be commanded by it
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				d.fail(n, "leave it out", "a control character (%q) in text", r)
			}
		}
		*into = strings.TrimSpace(n.Value)
	}
}

func (d *decoder) texts(into *[]string) func(*yaml.Node) {
	return d.list(func(n *yaml.Node) {
		var s string
		d.text(&s)(n)
		*into = append(*into, s)
	})
}

func (d *decoder) number(into *float64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.ParseFloat(n.Value, 64)
		if n.Kind != yaml.ScalarNode || err != nil || v != v || v > 1e300 || v < -1e300 {
			d.fail(n, "such as 1.5", "want a number, not %q", n.Value)
			return
		}
		*into = v
	}
}

func (d *decoder) flag(into *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		switch n.Value {
		case "true", "false":
			*into = n.Value == "true"
		default:
			d.fail(n, "", "want true or false, not %q", n.Value)
		}
	}
}

// choice reads one of a few words.
func choice[T ~string](d *decoder, into *T, words ...T) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !slices.Contains(words, T(n.Value)) {
			known := make([]string, len(words))
			for i, w := range words {
				known[i] = string(w)
			}
			d.fail(n, "one of "+strings.Join(known, ", "), "unknown word %q", n.Value)
			return
		}
		*into = T(n.Value)
	}
}

func (d *decoder) ramp(into **Ramp) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r := &Ramp{}
		switch {
		case n.Kind == yaml.SequenceNode && len(n.Content) == 2:
			d.number(&r.From)(target(n.Content[0]))
			d.number(&r.To)(target(n.Content[1]))
		case n.Kind == yaml.ScalarNode:
			d.number(&r.From)(n)
			r.To = r.From
		default:
			d.fail(n, "such as [1.2, 1.6], or 1.5", "want one number, or where it begins and where it is full")
		}
		*into = r
	}
}

var word = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (d *decoder) name(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.text(into)(n)
		if !word.MatchString(*into) {
			d.fail(n, "small letters, digits and _", "%q is no name", n.Value)
		}
	}
}

// longest bounds an expression: what takes a parser minutes is nothing that people wrote.
const longest = 16 << 10

// mostSteps bounds a subquery, which is evaluated at each of its steps whether there are data
// or not; Prometheus has the same limit for queries.
const mostSteps = 11_000

// asLong puts durations in place of the variables of Windowed that are as long as these, so
// that the column of an error is that of the file.
var asLong = strings.NewReplacer("$window", "000060s", "$trend", "00300s", "$long", "0600s", "$step", "0060s")

// promql reads an expression, in which $window and the others of Windowed stand for
// durations.
func (d *decoder) promql(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.text(into)(n)
		if *into == "" {
			d.fail(n, "", "the expression is empty")
			return
		}
		if len(*into) > longest {
			d.fail(n, "make a signal of each part, under signals:", "an expression of %d bytes; the longest is %d", len(*into), longest)
			return
		}
		e, err := parser.NewParser(parser.Options{}).ParseExpr(asLong.Replace(*into))
		if err != nil {
			d.expression(n, err)
			return
		}
		parser.Inspect(e, func(x parser.Node, _ []parser.Node) error {
			if sub, ok := x.(*parser.SubqueryExpr); ok && (sub.Step > 0 && sub.Step < time.Second || sub.Range/cmp.Or(sub.Step, time.Minute) > mostSteps) {
				d.fail(n, "such as [1h:30s]", "a subquery of %s with steps of %s: want a second at least, and %d steps at most", sub.Range, cmp.Or(sub.Step, time.Minute), mostSteps)
			}
			return nil
		})
	}
}

// placed is promql that keeps the place.
func (d *decoder) placed(into *string, at *Position) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*at = d.at(n)
		d.promql(into)(n)
	}
}

var parseError = regexp.MustCompile(`^1:(\d+): parse error: (?s:(.*))`)

// expression puts the place of an error of PromQL where it is in the file, for those that
// stand on one line.
func (d *decoder) expression(n *yaml.Node, err error) {
	at, why := *n, err.Error()
	if m := parseError.FindStringSubmatch(why); m != nil && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		column, _ := strconv.Atoi(m[1])
		at.Column, why = at.Column+column-1, m[2]
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			at.Column++
		}
	}
	d.fail(&at, "", "%s", strings.ReplaceAll(why, "\n", " "))
}

// Windowed is an expression with durations in place of $window, the time over which
// rates are taken, and $trend, the time over which something must go on to be a trend;
// $long is twice and $step a fifth of that.
func Windowed(expr string, window, trend time.Duration) string {
	ms := func(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) + "ms" }
	return strings.NewReplacer("$window", ms(window), "$trend", ms(trend), "$long", ms(2*trend), "$step", ms(trend/5)).Replace(expr)
}
