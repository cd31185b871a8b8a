package check

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// schemaURL is that of a schema without $id. Nothing is ever read from it.
const (
	schemaBase = "dataset://"
	schemaURL  = schemaBase + "/schema"
)

// sealed refuses every reference out of the schema: a dataset must not make
// the client read files or open connections.
type sealed struct{}

var errSealed = errors.New("neither files nor the network are read")

func (sealed) Load(string) (any, error) { return nil, errSealed }

// compileSchema reads a schema, of draft 2020-12 unless its $schema says
// otherwise. Its patterns are RE2. It refuses what no answer could be held
// against within maxWork.
func compileSchema(raw []byte) (*jsonschema.Schema, *Error) {
	doc, err := decode(raw)
	if err != nil {
		return nil, &Error{Msg: err.Error()}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(sealed{})
	c.UseRegexpEngine(compilePattern)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, &Error{Msg: err.Error()}
	}
	s, err := c.Compile(schemaURL)
	if err == nil {
		if ref := dynamicRef(s); ref != "" {
			return nil, &Error{Msg: "a reference by " + ref + " depends on the path that leads to it, and its work cannot be bounded", Hint: "use $ref; of the drafts' own schemas, 4 to 7 do"}
		}
		if work(s, nil) > maxWork {
			return nil, &Error{Msg: "the schema is too complex: its references multiply, even for null", Hint: "bring its alternatives together"}
		}
		if invalid, ok := errors.AsType[*jsonschema.ValidationError](s.Validate(nil)); ok {
			for leaf := range leaves(invalid) {
				if _, ok := leaf.ErrorKind.(*kind.RefCycle); ok {
					return nil, &Error{Msg: "the schema refers to itself without an end"}
				}
			}
		}
		return s, nil
	}
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return nil, &Error{Msg: fmt.Sprintf("the schema refers to %q: %v", strings.TrimPrefix(load.URL, schemaBase), errSealed), Hint: "put what it refers to under $defs"}
	}
	if bad, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if v, ok := errors.AsType[*jsonschema.ValidationError](bad.Err); ok {
			return nil, &Error{Msg: "the schema is wrong " + fault(v)}
		}
	}
	line, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), schemaURL, ""), "\n")
	return nil, &Error{Msg: "the schema is wrong: " + line}
}

// matchSchema holds an answer against a schema, unless that would take more
// than maxWork. Beyond maxReasons a mismatch has no reason: the library keeps
// one for every branch that it tries.
func matchSchema(s *jsonschema.Schema) matcher {
	refuses := &jsonschema.Schema{DraftVersion: 2020, Not: s} // below a "not" no reasons are kept
	return func(_ context.Context, answer []byte) (bool, string, error) {
		v, err := decode(answer)
		if err != nil {
			return false, "not JSON: " + err.Error(), nil //nolint:nilerr // it is the answer that is at fault
		}
		switch n := work(s, v); {
		case n > maxWork:
			return false, "", ErrTooComplex
		case n > maxReasons:
			if refuses.Validate(v) == nil {
				return false, "the schema does not allow it", nil
			}
			return true, allowed, nil
		}
		err = s.Validate(v)
		if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
			return false, fault(invalid), nil
		}
		if err != nil {
			return false, err.Error(), nil //nolint:nilerr // it is the answer that is at fault
		}
		return true, allowed, nil
	}
}

const allowed = "the schema allows it"

// fault is the deepest of the mismatches, as "at /path: what". The library
// walks maps, so the choice must not depend on the order in which they come.
func fault(v *jsonschema.ValidationError) string {
	var at []string
	var what string
	for leaf := range leaves(v) {
		if extra, ok := leaf.ErrorKind.(*kind.AdditionalProperties); ok {
			slices.Sort(extra.Properties)
		}
		text := "does not fit"
		if out := leaf.BasicOutput(); out.Error != nil {
			text = out.Error.String()
		}
		if what == "" || cmp.Or(
			cmp.Compare(len(leaf.InstanceLocation), len(at)),
			slices.Compare(at, leaf.InstanceLocation),
			cmp.Compare(text, what)) > 0 {
			at, what = leaf.InstanceLocation, text
		}
	}
	if len(at) == 0 {
		return "at the top: " + what
	}
	return "at /" + strings.Join(at, "/") + ": " + what
}

// leaves are the mismatches that have no cause below them.
func leaves(v *jsonschema.ValidationError) iter.Seq[*jsonschema.ValidationError] {
	return func(yield func(*jsonschema.ValidationError) bool) { visitLeaves(v, yield) }
}

func visitLeaves(v *jsonschema.ValidationError, yield func(*jsonschema.ValidationError) bool) bool {
	for _, cause := range v.Causes {
		if !visitLeaves(cause, yield) {
			return false
		}
	}
	return len(v.Causes) > 0 || yield(v)
}

// decode reads one JSON value with its numbers as they are written.
func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	switch err := dec.Decode(&v); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("there is no value")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it ends in the middle of a value")
	case err != nil:
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more text behind the value")
	}
	return v, checkNumbers(v)
}

// maxDigits bounds the numbers that are compared, well beyond those of float64.
// They are compared as exact fractions: 1e1000000 would take a million digits.
const maxDigits = 1000

func checkNumbers(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if err := checkNumbers(member); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := checkNumbers(element); err != nil {
				return err
			}
		}
	case json.Number:
		if digits(v) > maxDigits {
			return fmt.Errorf("a number has more than %d digits", maxDigits)
		}
	}
	return nil
}

// digits is about how many a number has when it is written out; above maxDigits
// it is just too many.
func digits(v json.Number) int {
	exponent := 0
	if i := strings.IndexAny(string(v), "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(v[i+1:])); err != nil {
			return maxDigits + 1
		}
	}
	return max(len(v), exponent, -exponent)
}
