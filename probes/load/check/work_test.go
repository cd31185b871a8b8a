package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// branching takes 2^n for an answer of n levels.
const branching = `{"json_schema":{"$defs":{"n":{"%s":[
	{"type":"object","required":["k"],"properties":{"k":{"$ref":"#/$defs/n"}}},
	{"type":"object","required":["k"],"properties":{"k":{"$ref":"#/$defs/n"}}},
	{"type":"string"}]}},"$ref":"#/$defs/n"}}`

func nested(levels int) string {
	return strings.Repeat(`{"k":`, levels) + "1" + strings.Repeat("}", levels)
}

// Schemas whose work multiplies with the levels of an answer are given up
// before the library starts on them, in time and memory that do not matter.
func TestComplexAnswersAreGivenUp(t *testing.T) {
	list := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	for name, tc := range map[string]struct{ check, answer string }{
		"anyOf":        {fmt.Sprintf(branching, "anyOf"), nested(25)},
		"oneOf":        {fmt.Sprintf(branching, "oneOf"), nested(60)},
		"allOf":        {fmt.Sprintf(branching, "allOf"), nested(40)},
		"depth":        {`{"json_schema":{"items":{"$ref":"#"}}}`, list(maxDepth + 1)},
		"deepest":      {`{"json_schema":{"items":{"$ref":"#"}}}`, list(9000)},
		"two keywords": {`{"json_schema":{"not":{"$ref":"#/$defs/n"},"$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"}}}}}`, list(40)},
		"if":           {`{"json_schema":{"$defs":{"n":{"if":{"properties":{"k":{"$ref":"#/$defs/n"}}},"then":{"properties":{"k":{"$ref":"#/$defs/n"}}}}},"$ref":"#/$defs/n"}}`, nested(40)},
		"draft 7":      {`{"json_schema":{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"k":{"properties":{"k":{"$ref":"#"}}}},"additionalProperties":{"$ref":"#"}}}`, nested(40)},
		"pattern":      {`{"json_schema":{"pattern":"(a?){900}b"}}`, `"` + strings.Repeat("a", MaxAnswer-2) + `"`},
		"behind not":   {strings.Replace(fmt.Sprintf(branching, "anyOf"), `{"json_schema"`, `{"not":true,"json_schema"`, 1), nested(30)},
	} {
		set := parse(t, tc.check)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		score, results, err := set.Score(t.Context(), []byte(tc.answer))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooComplex) || results != nil || score != 0 {
			t.Errorf("%s: score %v, %v, error %v", name, score, results, err)
		}
		if d, b := time.Since(start), after.TotalAlloc-before.TotalAlloc; d > 5*time.Second || b > 64<<20 {
			t.Errorf("%s took %v and %d MiB", name, d, b>>20)
		}
	}
}

// What people ask for is within the bounds: large answers, moderate recursion.
func TestUsualAnswersAreWithinTheBounds(t *testing.T) {
	tree := `{"json_schema":{"$defs":{"e":{"oneOf":[{"type":"number"},` +
		`{"type":"object","properties":{"op":{"const":"+"},"l":{"$ref":"#/$defs/e"},"r":{"$ref":"#/$defs/e"}},"required":["op","l","r"]},` +
		`{"type":"object","properties":{"op":{"const":"-"},"l":{"$ref":"#/$defs/e"},"r":{"$ref":"#/$defs/e"}},"required":["op","l","r"]}]}},"$ref":"#/$defs/e"}}`
	sum := "1"
	for range 7 {
		sum = `{"op":"-","l":` + sum + `,"r":2}`
	}
	for _, tc := range []struct {
		check, answer string
		why           string // "": passed
	}{
		{tree, sum, ""},
		{`{"json_schema":{"items":{"type":"number"}}}`, "[" + strings.Repeat("1,", 500_000) + "1]", ""},
		{`{"json_schema":{"items":{"type":"string"}}}`, "[" + strings.Repeat("1,", 500_000) + "1]", "the schema does not allow it"},
		{`{"json_schema":{"items":{"$ref":"#"}}}`, strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), ""},
		{`{"json_schema":true}`, strings.Repeat("[", 9000) + strings.Repeat("]", 9000), ""},
		{`{"json_schema":{"type":"string","pattern":"^[a-z ]+$"}}`, `"` + strings.Repeat("word ", 200_000) + `"`, ""},
		{fmt.Sprintf(branching, "anyOf"), nested(8), "at " + strings.Repeat("/k", 8) + ": got number, want string"},
		{fmt.Sprintf(branching, "anyOf"), nested(13), "the schema does not allow it"},
	} {
		_, results, err := parse(t, tc.check).Score(t.Context(), []byte(tc.answer))
		if err != nil || results[0].Passed != (tc.why == "") || results[0].Why != tc.why {
			t.Errorf("%.80s on %d bytes: %+v, error %v", tc.check, len(tc.answer), results, err)
		}
	}
}

// A schema that multiplies without an answer is refused when it is read, and so
// is one whose references are known only on the way.
func TestSchemasThatCannotBeBounded(t *testing.T) {
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	for _, tc := range []struct{ schema, says string }{
		{`{"$defs":{` + strings.Join(defs, ",") + `,"d40":{"type":"string"}},"$ref":"#/$defs/d0"}`, "too complex"},
		{`{"$dynamicAnchor":"n","properties":{"a":{"$dynamicRef":"#n"}}}`, "$dynamicRef"},
		{`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"items":{"$recursiveRef":"#"}}`, "$recursiveRef"},
		{`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, "$dynamicRef"},
	} {
		var p Parser
		if _, err := p.Parse([]byte(`{"json_schema":` + tc.schema + `}`)); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%.60s: %v, want %q", tc.schema, err, tc.says)
		}
	}
	for schema, fits := range map[string]string{
		`{"$ref":"http://json-schema.org/draft-07/schema#"}`:            `{"type":"object","properties":{"a":{"minimum":1}}}`,
		`{"$defs":{"n":{"type":"null"}},"$dynamicRef":"#/$defs/n"}`:     `null`, // no anchor: as $ref
		`{"$schema":"http://json-schema.org/draft-04/schema#","id":""}`: `1`,
	} {
		if score, _, err := parse(t, `{"json_schema":`+schema+`}`).Score(t.Context(), []byte(fits)); score != 1 || err != nil {
			t.Errorf("%s: %v, %v", schema, score, err)
		}
	}
}

// The form of a schema without reasons allows what the schema allows.
func TestVerdictsWithAndWithoutReasons(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 0
	for range 500 {
		s, err := compileSchema([]byte(`{"$defs":{"r":` + randomSchema(rng, 2) + `},"allOf":[` + randomSchema(rng, 3) + `]}`))
		if err != nil {
			continue // a cycle
		}
		refuses := &jsonschema.Schema{DraftVersion: 2020, Not: s}
		v, derr := decode([]byte(randomValue(rng, 3)))
		if derr != nil {
			t.Fatal(derr)
		}
		if work(s, v) > maxWork {
			continue
		}
		if with, without := s.Validate(v) == nil, refuses.Validate(v) != nil; with != without {
			t.Fatalf("%v with reasons, %v without: %v", with, without, v)
		} else if with {
			n++
		}
	}
	if n < 30 || n > 470 {
		t.Errorf("%d of 500 are allowed", n)
	}
}

// The count is an upper bound: no schema is held against a value more often
// than it says, as the library's own calls of an extension show.
func TestWorkIsAnUpperBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	seen := 0
	for range 500 {
		s, err := compileSchema([]byte(`{"$defs":{"r":` + randomSchema(rng, 2) + `},"allOf":[` + randomSchema(rng, 3) + `]}`))
		if err != nil {
			continue
		}
		calls := &counter{}
		calls.watch(s, map[*jsonschema.Schema]bool{})
		v, _ := decode([]byte(randomValue(rng, 4)))
		bound := work(s, v)
		if bound > maxWork {
			continue
		}
		_ = s.Validate(v)
		if calls.n > bound {
			t.Fatalf("%d evaluations, bound %d: %v", calls.n, bound, v)
		}
		seen += calls.n
	}
	if seen < 1000 {
		t.Errorf("%d evaluations only", seen)
	}
}

// counter is an extension of every schema.
type counter struct{ n int }

func (c *counter) Validate(*jsonschema.ValidatorContext, any) { c.n++ }

func (c *counter) watch(s *jsonschema.Schema, seen map[*jsonschema.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	s.Extensions = append(s.Extensions, c)
	for sub := range inPlace(s) {
		c.watch(sub, seen)
	}
	for _, sub := range s.Properties {
		c.watch(sub, seen)
	}
	for _, sub := range s.PatternProperties {
		c.watch(sub, seen)
	}
	if sub, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		c.watch(sub, seen)
	}
	for _, sub := range append(s.PrefixItems, s.Items2020, s.Contains, s.UnevaluatedItems, s.UnevaluatedProperties) {
		c.watch(sub, seen)
	}
}

func randomSchema(rng *rand.Rand, depth int) string {
	sub := func() string { return randomSchema(rng, depth-1) }
	if depth == 0 {
		return []string{`true`, `{"type":"number"}`, `{"type":"string"}`, `{"$ref":"#/$defs/r"}`, `{"minimum":2}`, `{"enum":[1,"a",[]]}`}[rng.IntN(6)]
	}
	switch rng.IntN(12) {
	case 0:
		return `{"anyOf":[` + sub() + `,` + sub() + `]}`
	case 1:
		return `{"oneOf":[` + sub() + `,` + sub() + `]}`
	case 2:
		return `{"allOf":[` + sub() + `,` + sub() + `]}`
	case 3:
		return `{"not":` + sub() + `}`
	case 4:
		return `{"if":` + sub() + `,"then":` + sub() + `,"else":` + sub() + `}`
	case 5, 6:
		return `{"properties":{"a":` + sub() + `},"patternProperties":{"^b":` + sub() + `},"additionalProperties":` + sub() + `}`
	case 7, 8:
		return `{"prefixItems":[` + sub() + `],"items":` + sub() + `}`
	case 9:
		return `{"items":` + sub() + `,"contains":` + sub() + `}`
	case 10:
		return `{"anyOf":[` + sub() + `,` + sub() + `],"unevaluatedProperties":` + sub() + `}`
	}
	return `{"$ref":"#/$defs/r"}`
}

func randomValue(rng *rand.Rand, depth int) string {
	sub := func() string { return randomValue(rng, depth-1) }
	if depth == 0 || rng.IntN(4) == 0 {
		return []string{`1`, `2.5`, `"a"`, `null`, `[]`, `{}`}[rng.IntN(6)]
	}
	if rng.IntN(2) == 0 {
		return `[` + sub() + `,` + sub() + `]`
	}
	return `{"a":` + sub() + `,"b":` + sub() + `,"c":` + sub() + `}`
}

// A large expression on a large answer ends with the context, not with the text.
func TestScoreEndsWithItsContext(t *testing.T) {
	set := parse(t, `[{"regex":"(x?){900}y"},{"exact":"a"}]`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, results, err := set.Score(ctx, []byte(strings.Repeat("x", MaxAnswer)))
	if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || results != nil || d > 3*time.Second {
		t.Errorf("%v, error %v after %v", results, err, d)
	}
	cancel()
	if _, _, err := parse(t, `{"exact":"a"}`).Score(ctx, nil); err == nil {
		t.Error("checked after the end")
	}
}

// Long answers are read rune by rune; that changes nothing, not even for bytes
// that are no UTF-8.
func TestLongAnswersMatchAlike(t *testing.T) {
	long := strings.Repeat("aé\xff", atOnce)
	for expression, want := range map[string]bool{`^(aé\x{FFFD})+$`: true, `b$`: false, `\x{FFFD}$`: true, `^a`: true, `a$`: false} {
		quoted, _ := json.Marshal(expression)
		score, _, err := parse(t, `{"regex":`+string(quoted)+`}`).Score(t.Context(), []byte(long))
		short, _, _ := parse(t, `{"regex":`+string(quoted)+`}`).Score(t.Context(), []byte(long[:4]))
		if err != nil || (score == 1) != want || short != score {
			t.Errorf("%s: long %v, short %v, error %v", expression, score, short, err)
		}
	}
}
