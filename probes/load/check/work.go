package check

import (
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ErrTooComplex tells that an answer was not held against a schema: it nests too
// deeply, or the alternatives of a schema that refers to itself multiply with
// each level of it.
var ErrTooComplex = errors.New("the answer is too complex for the schema")

// Bounds on holding one answer against one schema. The library cannot be
// interrupted, so what it will do is counted before it starts. The unit is about
// one subschema held against one value; it takes below a microsecond.
const (
	maxDepth   = 64      // levels of an answer that a schema looks into
	maxWork    = 1 << 20 // units: a second, and 100 bytes each for a mismatch
	maxReasons = 1 << 16 // units with which a mismatch is explained, some 300 bytes each
)

// work is an upper bound of the units that the library spends on a value: it
// follows the same references, and takes every alternative. It stops counting
// above maxWork.
func work(s *jsonschema.Schema, v any) int {
	m := meter{left: maxWork}
	m.visit(s, v, 0, nil)
	return maxWork - m.left
}

type meter struct{ left int }

// chain holds the schemas that are being held against the same value.
type chain struct {
	schema *jsonschema.Schema
	n      int
	up     *chain
}

func (m *meter) visit(s *jsonschema.Schema, v any, depth int, up *chain) {
	if s == nil || m.left < 0 {
		return
	}
	here := &chain{schema: s, n: 1, up: up}
	if up != nil {
		here.n += up.n
	}
	// A mismatch has its path, and a cycle is looked for along the chain.
	m.left -= 1 + (depth+here.n)/8
	for c := up; c != nil; c = c.up {
		if c.schema == s {
			return // a cycle: the library goes no further either
		}
	}
	m.left -= len(s.Required) + len(s.Dependencies) + len(s.DependentRequired) + len(s.DependentSchemas)
	if s.Const != nil {
		m.left -= size(v, m.left)
	}
	if s.Enum != nil {
		m.left -= len(s.Enum.Values) * (1 + size(v, m.left))
	}
	for sub := range inPlace(s) {
		m.visit(sub, v, depth, here)
	}
	switch v := v.(type) {
	case map[string]any:
		m.object(s, v, depth, here)
	case []any:
		m.array(s, v, depth)
	case string:
		m.left -= size(v, 0)
		if s.Pattern != nil {
			m.left -= matching(s.Pattern, v)
		}
	default:
		m.left -= size(v, 0)
	}
}

func (m *meter) object(s *jsonschema.Schema, v map[string]any, depth int, here *chain) {
	m.left -= len(v) / 8
	for name, dep := range s.Dependencies {
		if sub, ok := dep.(*jsonschema.Schema); ok && has(v, name) {
			m.visit(sub, v, depth, here)
		}
	}
	for name, sub := range s.DependentSchemas {
		if has(v, name) {
			m.visit(sub, v, depth, here)
		}
	}
	for name, member := range v {
		sub, evaluated := s.Properties[name]
		m.below(sub, member, depth)
		for expression, sub := range s.PatternProperties {
			if m.left -= matching(expression, name); m.left < 0 {
				return
			}
			if expression.MatchString(name) {
				evaluated = true
				m.below(sub, member, depth)
			}
		}
		if !evaluated && s.AdditionalProperties != nil {
			evaluated = true
			if sub, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
				m.below(sub, member, depth)
			}
		}
		if !evaluated {
			m.below(s.UnevaluatedProperties, member, depth)
		}
		m.below(s.PropertyNames, name, depth)
		if m.left < 0 {
			return
		}
	}
}

func (m *meter) array(s *jsonschema.Schema, v []any, depth int) {
	m.left -= len(v) / 8
	if s.UniqueItems {
		// Few are compared with each other, many by their hashes.
		times := 1
		if len(v) <= 20 {
			times += len(v)
		}
		m.left -= times * size(v, m.left)
	}
	for i, element := range v {
		switch items := s.Items.(type) {
		case *jsonschema.Schema:
			m.below(items, element, depth)
		case []*jsonschema.Schema:
			if i < len(items) {
				m.below(items[i], element, depth)
			} else if sub, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
				m.below(sub, element, depth)
			}
		}
		if i < len(s.PrefixItems) {
			m.below(s.PrefixItems[i], element, depth)
		} else {
			m.below(s.Items2020, element, depth)
		}
		m.below(s.Contains, element, depth)
		m.below(s.UnevaluatedItems, element, depth)
		if m.left < 0 {
			return
		}
	}
}

// below counts a value within another one.
func (m *meter) below(s *jsonschema.Schema, v any, depth int) {
	if s != nil && depth >= maxDepth {
		m.left = -1
	}
	m.visit(s, v, depth+1, nil)
}

// size is the work of matching, comparing or hashing a value. It looks into
// lists and objects until it is above enough.
func size(v any, enough int) int {
	switch v := v.(type) {
	case string:
		return len(v) / 16
	case json.Number:
		return digits(v) / 32
	case []any:
		n := 0
		for _, element := range v {
			if n > enough {
				break
			}
			n += 1 + size(element, enough-n)
		}
		return n
	case map[string]any:
		n := 0
		for name, member := range v {
			if n > enough {
				break
			}
			n += 1 + len(name)/16 + size(member, enough-n)
		}
		return n
	}
	return 0
}

func has(object map[string]any, name string) bool {
	_, ok := object[name]
	return ok
}

// inPlace are the subschemas that are held against the same value whatever it is.
func inPlace(s *jsonschema.Schema) iter.Seq[*jsonschema.Schema] {
	return func(yield func(*jsonschema.Schema) bool) {
		one := []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else}
		if s.DynamicRef != nil {
			one = append(one, s.DynamicRef.Ref)
		}
		for _, subs := range [][]*jsonschema.Schema{one, s.AllOf, s.AnyOf, s.OneOf} {
			for _, sub := range subs {
				if sub != nil && !yield(sub) {
					return
				}
			}
		}
	}
}

// dynamicRef is the keyword of a reference whose target is only known on the
// way, anywhere in a schema and what it refers to; "" if there is none.
func dynamicRef(s *jsonschema.Schema) string {
	seen := map[*jsonschema.Schema]bool{nil: true}
	open := []*jsonschema.Schema{s}
	add := func(v any) {
		switch v := v.(type) {
		case *jsonschema.Schema:
			open = append(open, v)
		case []*jsonschema.Schema:
			open = append(open, v...)
		}
	}
	for len(open) > 0 {
		s, open = open[len(open)-1], open[:len(open)-1]
		if seen[s] {
			continue
		}
		seen[s] = true
		if r := s.DynamicRef; r != nil && r.Anchor != "" && r.Ref.DynamicAnchor == r.Anchor {
			return "$dynamicRef"
		}
		if r := s.RecursiveRef; r != nil && r.RecursiveAnchor {
			return "$recursiveRef"
		}
		open = slices.AppendSeq(open, inPlace(s))
		open = slices.AppendSeq(open, maps.Values(s.Properties))
		open = slices.AppendSeq(open, maps.Values(s.PatternProperties))
		open = slices.AppendSeq(open, maps.Values(s.DependentSchemas))
		for _, dep := range s.Dependencies {
			add(dep)
		}
		for _, v := range []any{s.AdditionalProperties, s.PropertyNames, s.UnevaluatedProperties,
			s.Items, s.AdditionalItems, s.PrefixItems, s.Items2020, s.Contains, s.UnevaluatedItems} {
			add(v)
		}
	}
	return ""
}
