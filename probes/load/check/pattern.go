package check

import (
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// pattern is an expression of a schema that knows its size, for the time that it
// takes is in proportion to that and to the text.
type pattern struct {
	*regexp.Regexp
	states int
}

// compilePattern is a jsonschema.RegexpEngine.
func compilePattern(text string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	return pattern{re, len(program.Inst)}, nil
}

// matching is the work of holding a text against a pattern. One that is not of
// compilePattern belongs to a draft's own schema, and is small.
func matching(re jsonschema.Regexp, text string) int {
	states := 32
	if p, ok := re.(pattern); ok {
		states = p.states
	}
	return 1 + len(text)*states/128
}
