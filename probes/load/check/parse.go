package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Error is a fault in the checks of a dataset.
type Error struct {
	Offset int // of the fault in the JSON that was parsed, in bytes
	Msg    string
	Hint   string // what to do; may be empty
}

func (e *Error) Error() string { return e.Msg }

func faultAt(at int, format string, args ...any) *Error {
	return &Error{Offset: at, Msg: fmt.Sprintf(format, args...)}
}

func (e *Error) hint(text string) *Error {
	e.Hint = text
	return e
}

// Limits of a dataset.
const (
	MaxChecks = 100 // checks of one prompt
	MaxNames  = 100 // names of checks in one dataset, the kinds among them

	maxWeight = 1e6
	maxText   = 60 // characters of a wanted value in Check.Text
	maxName   = 60
)

// Parser reads the checks of a dataset. It compiles a schema or an expression
// that stands there many times once. The zero value is ready.
type Parser struct {
	regexes map[string]*regexp.Regexp
	schemas map[string]*jsonschema.Schema
	names   map[string]bool
}

// Parse reads the value of "checks": one check, or a list of them. A check is
// an object with one of the kinds and options (docs/datasets.md):
//
//	{"exact":"Paris","trim":true}
//	{"contains":["Paris","paris"],"weight":2}
//	{"regex":"^\\d+$","not":true,"name":"no number"}
//	{"json_schema":{"type":"object"},"fenced":true}
//
// null is no check. Errors come as *Error.
func (p *Parser) Parse(data []byte) (Set, error) {
	var set Set
	add := func(at int, value []byte) *Error {
		if len(set) == MaxChecks {
			return faultAt(at, "more than %d checks for one prompt", MaxChecks)
		}
		c, err := p.check(at, value)
		if err == nil {
			set = append(set, c)
		}
		return err
	}
	var err *Error
	switch first(data) {
	case 'n':
		return nil, nil
	case '[':
		err = elements(data, add)
	default:
		err = add(skip(data, 0), bytes.TrimSpace(data))
	}
	if err != nil {
		return nil, err
	}
	return set, nil
}

const keysHint = `a check has one of exact, contains, regex and json_schema, and may have all, not, ignore_case, trim, fenced, weight and name`

// options are the members of a check beside its kind. at is where each stands.
type options struct {
	all, not, ignoreCase, trim, fenced bool

	weight float64
	name   string
	at     map[string]int
}

func (p *Parser) check(at int, data []byte) (*Check, *Error) {
	if first(data) != '{' {
		return nil, faultAt(at, "a check must be an object, found %s", named(data)).hint(`an example is {"contains":"Paris"}`)
	}
	var (
		of      Kind
		value   []byte
		valueAt int
		o       = options{weight: 1, at: map[string]int{}}
	)
	err := members(data, func(keyAt int, key string, vAt int, v []byte) *Error {
		if _, twice := o.at[key]; twice {
			return faultAt(at+keyAt, "%q stands twice in one check", key)
		}
		o.at[key] = at + keyAt
		if !slices.Contains(kinds(), Kind(key)) {
			return o.set(key, at+vAt, v)
		}
		if of != "" {
			return faultAt(at+keyAt, "%s and %s in one check", of, key).hint("give each a check of its own")
		}
		of, value, valueAt = Kind(key), v, at+vAt
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case of == "":
		return nil, faultAt(at, "the check says nothing to check").hint(keysHint)
	}
	c := &Check{Kind: of, Name: o.name, Weight: o.weight, not: o.not, all: o.all, trim: o.trim, fenced: o.fenced,
		fold: o.ignoreCase && of != Regex}
	if c.Name == "" {
		c.Name = string(of)
	}
	if err := p.count(c.Name, at); err != nil {
		return nil, err
	}
	if err := o.fit(of); err != nil {
		return nil, err
	}
	if of == JSONSchema {
		err = p.schema(c, valueAt, value)
	} else {
		err = p.wanted(c, o, valueAt, value)
	}
	return c, err
}

// set reads one option.
func (o *options) set(key string, at int, value []byte) *Error {
	flags := map[string]*bool{"all": &o.all, "not": &o.not, "ignore_case": &o.ignoreCase, "trim": &o.trim, "fenced": &o.fenced}
	switch to := flags[key]; {
	case to != nil:
		if json.Unmarshal(value, to) != nil || first(value) == 'n' {
			return faultAt(at, "%s: want true or false, found %s", key, named(value))
		}
	case key == "weight":
		if json.Unmarshal(value, &o.weight) != nil || first(value) == 'n' {
			return faultAt(at, "weight: want a number, found %s", named(value))
		}
		if !(o.weight > 0) || o.weight > maxWeight {
			return faultAt(at, "weight %g must be above 0 and at most %d", o.weight, int(maxWeight))
		}
		if o.weight < 1/maxWeight {
			return faultAt(at, "weight %g is below %.6f", o.weight, 1/maxWeight)
		}
	case key == "name":
		if json.Unmarshal(value, &o.name) != nil || strings.TrimSpace(o.name) == "" {
			return faultAt(at, "name: want a text, found %s", named(value))
		}
		o.name = line(o.name, maxName)
	default:
		return faultAt(o.at[key], "unknown key %q in a check", key).hint(keysHint)
	}
	return nil
}

// fit tells whether the options mean something for the kind.
func (o *options) fit(k Kind) *Error {
	for _, x := range []struct {
		key   string
		given bool
		kinds []Kind
		hint  string
	}{
		{"ignore_case", o.ignoreCase, []Kind{Exact, Contains, Regex}, ""},
		{"trim", o.trim, []Kind{Exact, Regex}, "white space at the ends makes no difference to it"},
		{"all", o.all, []Kind{Contains, Regex}, "an answer has one text and one form"},
	} {
		if x.given && !slices.Contains(x.kinds, k) {
			return faultAt(o.at[x.key], "%s does not go with %s", x.key, k).hint(x.hint)
		}
	}
	if o.all && o.not {
		return faultAt(o.at["all"], "all does not go with not").hint("a list with not asks for none of its values")
	}
	return nil
}

// count keeps the report short: it has a row for each name.
func (p *Parser) count(name string, at int) *Error {
	if p.names == nil {
		p.names = map[string]bool{}
		for _, k := range kinds() {
			p.names[string(k)] = true
		}
	}
	if p.names[name] = true; len(p.names) > MaxNames {
		return faultAt(at, "more than %d names of checks", MaxNames).hint("a name is for checks of one sort, not for each of them")
	}
	return nil
}
