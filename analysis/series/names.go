package series

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// seriesEnd is where the text of a series ends with which b begins: behind its
// name, or behind the brace that closes its labels; 0 if it does not.
func seriesEnd(b []byte) int {
	i := 0
	for i < len(b) && b[i] != '{' && b[i] != ' ' && b[i] != '\t' {
		i++
	}
	if brace := i + len(b[i:]) - len(bytes.TrimLeft(b[i:], " \t")); brace < len(b) && b[brace] == '{' {
		i = brace
	} else {
		return i
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case '}':
			return i + 1
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return 0
}

// A nameParser reads how series are written: name{label="value",…}, also with the
// name inside, {__name__="name",…} or {"name",…}.
type nameParser struct {
	builder labels.ScratchBuilder
	names   []string // of the labels so far
	dump    bool     // values have Go's escapes, as promtool writes them
}

// parse reads all of b; the error says what is wrong and at is where, from 0.
func (p *nameParser) parse(b []byte) (ls labels.Labels, at int, err error) {
	p.builder.Reset()
	p.names = p.names[:0]
	brace := bytes.IndexByte(b, '{')
	p.dump = brace == 0
	name := b
	if brace >= 0 {
		name = b[:brace]
	}
	if name = bytes.TrimSpace(name); len(name) > 0 {
		if err := p.add(model.MetricNameLabel, string(name)); err != nil {
			return ls, 0, err
		}
	}
	if brace >= 0 {
		if at, err = p.braces(b, brace+1); err != nil {
			return ls, at, err
		}
	}
	p.builder.Sort()
	if ls = p.builder.Labels(); ls.Get(model.MetricNameLabel) == "" {
		return ls, 0, errors.New("a series without a name")
	}
	return ls, 0, nil
}

// maxLabels is how many labels a series has at most.
const maxLabels = 200

func (p *nameParser) add(name, value string) error {
	if len(p.names) == maxLabels {
		return fmt.Errorf("more than %d labels", maxLabels)
	}
	for _, n := range p.names {
		if n == name {
			return fmt.Errorf("label %q is there twice", name)
		}
	}
	p.names = append(p.names, name)
	if value != "" { // an empty label is none
		p.builder.Add(name, value)
	}
	return nil
}

// braces reads labels from behind the opening brace.
func (p *nameParser) braces(b []byte, i int) (int, error) {
	for {
		i = skipBlanks(b, i)
		if i < len(b) && b[i] == '}' {
			if rest := skipBlanks(b, i+1); rest < len(b) {
				return rest, errors.New("text behind the labels")
			}
			return i, nil
		}
		start := i
		name, next, err := p.labelName(b, i)
		if err != nil {
			return i, err
		}
		var value string
		if i = skipBlanks(b, next); i < len(b) && b[i] == '=' {
			if i = skipBlanks(b, i+1); i == len(b) || b[i] != '"' {
				return i, fmt.Errorf(`the value of label %q is not in quotes; want %s="…"`, name, name)
			}
			if value, i, err = p.quoted(b, i+1); err != nil {
				return start, err
			}
		} else if b[start] == '"' { // the name of the metric
			name, value = model.MetricNameLabel, name
		} else {
			return i, fmt.Errorf(`label %q has no value; want %s="…"`, name, name)
		}
		if err := p.add(name, value); err != nil {
			return start, err
		}
		if i = skipBlanks(b, i); i < len(b) && b[i] == ',' {
			i++
		} else if i == len(b) || b[i] != '}' {
			return i, errors.New("the labels are not closed by }")
		}
	}
}

func (p *nameParser) labelName(b []byte, i int) (name string, next int, err error) {
	if i < len(b) && b[i] == '"' {
		return p.quoted(b, i+1)
	}
	end := i
	for end < len(b) && strings.IndexByte("=,} \t", b[end]) < 0 {
		end++
	}
	if end == i {
		return "", i, errors.New("the name of a label is missing")
	}
	return string(b[i:end]), end, nil
}

// quoted reads from behind an opening quote to behind the closing one.
func (p *nameParser) quoted(b []byte, i int) (text string, next int, err error) {
	var changed []byte
	from := i
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			if changed == nil {
				return string(b[from:i]), i + 1, nil
			}
			return string(append(changed, b[from:i]...)), i + 1, nil
		case '\\':
			if i+1 == len(b) {
				continue
			}
			changed = append(changed, b[from:i]...)
			if p.dump {
				r, wide, rest, err := strconv.UnquoteChar(string(b[i:min(i+longestEscape, len(b))]), '"')
				if err != nil {
					return "", i, errors.New("an escape that is none")
				}
				if wide {
					changed = utf8.AppendRune(changed, r)
				} else {
					changed = append(changed, byte(r))
				}
				from = min(i+longestEscape, len(b)) - len(rest)
				i = from - 1
				continue
			}
			switch c := b[i+1]; c {
			case 'n':
				changed = append(changed, '\n')
			case '\\', '"':
				changed = append(changed, c)
			default: // the backslash stands for itself
				changed = append(changed, '\\', c)
			}
			i++
			from = i + 1
		}
	}
	return "", i, errors.New("a quote is not closed")
}

// longestEscape is \U0010ffff.
const longestEscape = 10

func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}
