package check

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

func parse(t testing.TB, text string) Set {
	t.Helper()
	var p Parser
	set, err := p.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return set
}

// What each check says of an answer.
func TestChecks(t *testing.T) {
	const (
		object = `{"json_schema":{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":1}}}}`
		fence  = "Here:\r\n```json\r\n{\"n\": 1}\r\n```\r\nDone.\r\n"
	)
	for _, tc := range []struct {
		check, answer string
		want          bool
	}{
		{`{"exact":"Paris"}`, "Paris", true},
		{`{"exact":"Paris"}`, "Paris\n", false},
		{`{"exact":"Paris"}`, "paris", false},
		{`{"exact":"Paris"}`, "", false},
		{`{"exact":""}`, "", true},
		{`{"exact":""}`, " ", false},
		{`{"exact":"","trim":true}`, " \t\r\n", true},
		{`{"exact":"Paris","trim":true}`, " \u00a0Paris\r\n\u2003", true}, // Unicode's white space
		{`{"exact":" Paris ","trim":true}`, "Paris", true},
		{`{"exact":"a\r\nb","trim":true}`, "a\nb", false}, // within the text it counts
		{`{"exact":"a\nb"}`, "a\r\nb", false},
		{`{"exact":["Paris","Lutetia"]}`, "Lutetia", true},
		{`{"exact":["Paris","Lutetia"]}`, "Rome", false},
		{`{"exact":"Paris","not":true}`, "Rome", true},
		{`{"exact":["Paris","Rome"],"not":true}`, "Rome", false},
		{`{"exact":"42"}`, "42.0", false}, // a text, not a number
		{`{"exact":"STRASSE","ignore_case":true}`, "straſſe", true},
		{`{"exact":"straße","ignore_case":true}`, "STRASSE", false}, // simple folding keeps the length
		{`{"exact":"ΣΑΣ","ignore_case":true}`, "σας", true},
		{`{"exact":"i","ignore_case":true}`, "İ", false},
		{`{"exact":"K","ignore_case":true}`, "\u212a", true}, // the Kelvin sign
		{`{"exact":"caf\u00e9"}`, "cafe\u0301", false},       // not normalised
		{`{"exact":"\ufffd"}`, "\xff", false},
		{`{"contains":"ari"}`, "Paris", true},
		{`{"contains":"Ari"}`, "Paris", false},
		{`{"contains":"Ari","ignore_case":true}`, "pARIs", true},
		{`{"contains":["Rome","Paris"]}`, "in Paris", true},
		{`{"contains":["Rome","Paris"],"all":true}`, "in Paris", false},
		{`{"contains":["Rome","Paris"],"all":true}`, "Paris and Rome", true},
		{`{"contains":["Rome","Paris"],"not":true}`, "Bergen", true},
		{`{"contains":["Rome","Paris"],"not":true}`, "Paris", false},
		{`{"contains":"."}`, "abc", false}, // no expression
		{`{"contains":"b"}`, "a\xffb", true},
		{`{"contains":"日本"}`, "これは日本です", true},
		{`{"regex":"^\\d+$"}`, "42", true},
		{`{"regex":"^\\d+$"}`, "42\n", false}, // $ is the end of the text
		{`{"regex":"^\\d+$","trim":true}`, "42\r\n", true},
		{`{"regex":"(?m)^b$"}`, "a\nb\nc", true},
		{`{"regex":"^b$"}`, "a\nb\nc", false},
		{`{"regex":"a.b"}`, "a\nb", false},
		{`{"regex":"(?s)a.b"}`, "a\nb", true},
		{`{"regex":"yes|no","ignore_case":true}`, "NO", true},
		{`{"regex":"^\\p{Han}+$"}`, "日本", true},
		{`{"regex":["^a","z$"],"all":true}`, "abc", false},
		{`{"regex":["^a","z$"],"all":true}`, "abcz", true},
		{`{"regex":"b"}`, "\xff\xfeb", true},
		{`{"json_schema":true}`, `{"a":[1,2]}`, true},
		{`{"json_schema":true}`, " \r\n1 ", true},
		{`{"json_schema":true}`, "", false},
		{`{"json_schema":true}`, "{} {}", false},
		{`{"json_schema":true}`, "NaN", false},
		{`{"json_schema":true}`, `{"a":1`, false},
		{`{"json_schema":true}`, "\ufeff{}", false}, // a byte order mark is no JSON
		{`{"json_schema":true,"not":true}`, "words", true},
		{object, `{"n":1}`, true},
		{object, `{"n":1.0}`, true}, // an integer, as JSON Schema sees it
		{object, `{"n":"1"}`, false},
		{object, `{"n":0}`, false},
		{object, `{}`, false},
		{object, `[]`, false},
		{object, `{"n":1e9999999}`, false}, // beyond what is compared
		{`{"json_schema":{"const":0.1}}`, `0.10`, true},
		{`{"json_schema":{"multipleOf":0.01}}`, `19.99`, true}, // exact, not in binary
		{`{"json_schema":{"maxLength":2}}`, `"日本"`, true},      // characters
		{`{"json_schema":{"pattern":"^a"}}`, `"abc"`, true},
		{`{"json_schema":{"$defs":{"x":{"type":"null"}},"$ref":"#/$defs/x"}}`, `null`, true},
		{`{"json_schema":{"type":"array","items":{"$ref":"#"}}}`, `[[],[[]]]`, true},
		{`{"json_schema":{"type":"array","items":{"$ref":"#"}}}`, `[[],[1]]`, false},
		{`{"json_schema":{"format":"email"}}`, `"no"`, true}, // an annotation in draft 2020-12
		{`{"json_schema":{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}]}}`, `[1]`, false},
		{object, fence, false},
		{`{"json_schema":{"type":"object","required":["n"]},"fenced":true}`, fence, true},
		{`{"json_schema":{"type":"object","required":["n"]},"fenced":true}`, `{"n":1}`, true}, // none: taken as it is
		{`{"json_schema":true,"fenced":true}`, "```\n{}\n", true},                             // never closed
		{`{"exact":"x","fenced":true}`, "~~~~ sh\nx\n~~~~\n", true},
		{`{"exact":"a\n~~~\nb","fenced":true}`, "~~~~\na\n~~~\nb\n~~~~~\n", true}, // closed by one as long
		{`{"exact":"first","fenced":true}`, "```\nfirst\n```\n```\nsecond\n```", true},
		{`{"exact":"","fenced":true}`, "```\n```", true},
		{"{\"exact\":\"``` no ``` fence\",\"fenced\":true}", "``` no ``` fence", true},
	} {
		set := parse(t, tc.check)
		score, results, err := set.Score(t.Context(), []byte(tc.answer))
		if err != nil {
			t.Errorf("%s on %q: %v", tc.check, tc.answer, err)
			continue
		}
		if got := results[0].Passed; got != tc.want || score != map[bool]float64{true: 1}[tc.want] {
			t.Errorf("%s on %q: %v, score %v (%s)", tc.check, tc.answer, got, score, results[0].Why)
		}
	}
}

func TestScoreIsTheWeightedMean(t *testing.T) {
	for _, tc := range []struct {
		checks, answer string
		want           float64
	}{
		{`[{"exact":"a"},{"contains":"a"}]`, "ab", 0.5},
		{`[{"exact":"a"},{"contains":"a","weight":3}]`, "ab", 0.75},
		{`[{"exact":"a","weight":0.5},{"contains":"a","weight":1.5},{"regex":"b"}]`, "ab", 2.5 / 3},
		{`[{"exact":"a"},{"exact":"b"},{"exact":"c"}]`, "c", 1.0 / 3},
		{`[{"exact":"a","weight":0.1},{"contains":"a","weight":0.2},{"regex":"a","weight":0.3}]`, "a", 1}, // not 0.9999…
	} {
		if got, _, _ := parse(t, tc.checks).Score(t.Context(), []byte(tc.answer)); got != tc.want {
			t.Errorf("%s on %q: %v, want %v", tc.checks, tc.answer, got, tc.want)
		}
	}
	if score, results, _ := Set(nil).Score(t.Context(), []byte("x")); score != 0 || results != nil {
		t.Errorf("no checks: %v %v", score, results)
	}
}

// The score lies in 0..1 to the last bit, and the order of the checks does not
// show in it.
func TestScoreProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var parts []string
		for range 1 + rng.IntN(12) {
			parts = append(parts, fmt.Sprintf(`{"contains":%q,"weight":%g}`, string(rune('a'+rng.IntN(6))), math.Exp(rng.NormFloat64()*4)/1000+1e-6))
		}
		answer := []byte("ace")[:rng.IntN(4)]
		set := parse(t, "["+strings.Join(parts, ",")+"]")
		first, results, _ := set.Score(t.Context(), answer)
		passed := 0
		for _, r := range results {
			if r.Passed {
				passed++
			}
		}
		if first < 0 || first > 1 || (passed == len(set)) != (first == 1) || (passed == 0) != (first == 0) {
			t.Fatalf("score %v with %d of %d passed: %s", first, passed, len(set), parts)
		}
		for range 5 {
			rng.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
			if again, _, _ := set.Score(t.Context(), answer); again != first {
				t.Fatalf("%v in one order, %v in another: %s", first, again, parts)
			}
		}
	}
}

// Folding is that of the standard library, letter by letter.
func TestFoldMatchesTheStandardLibrary(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if f := foldRune(r); f != r && !strings.EqualFold(string(r), string(f)) {
			t.Fatalf("%U folds to %U", r, f)
		}
		for s := unicode.SimpleFold(r); s != r; s = unicode.SimpleFold(s) {
			if foldRune(s) != foldRune(r) {
				t.Fatalf("%U and %U fold to different letters", r, s)
			}
		}
	}
}

func TestWhyNames(t *testing.T) {
	for _, tc := range []struct{ check, answer, text, why string }{
		{`{"exact":["a","b\n"],"not":true}`, "a", `not exact "a" or "b "`, `found "a"`},
		{`{"contains":["a","b"],"all":true}`, "a", `contains "a" and "b"`, `not found: "b"`},
		{`{"regex":"^\\d+$"}`, "a", `regex ^\d+$`, ""},
		{`{"json_schema":{"items":{"type":"number"}}}`, `[1,"x"]`, "json_schema", "at /1: got string, want number"},
		{`{"json_schema":{"additionalProperties":false}}`, `{"c":1,"a":1,"b":1}`, "json_schema", "at the top: additional properties 'a', 'b', 'c' not allowed"},
		{`{"json_schema":true}`, "", "json_schema", "not JSON: there is no value"},
		{`{"exact":"` + strings.Repeat("é", 200) + `"}`, "", `exact "` + strings.Repeat("é", maxText-1) + `…"`, ""},
	} {
		for range 20 { // the library walks maps
			_, results, _ := parse(t, tc.check).Score(t.Context(), []byte(tc.answer))
			if r := results[0]; r.Text != tc.text || r.Why != tc.why || r.Passed {
				t.Fatalf("%s on %q: text %q, why %q", tc.check, tc.answer, r.Text, r.Why)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct {
		checks string
		at     int
		says   string
	}{
		{`5`, 0, "a check must be an object, found a number"},
		{`"Paris"`, 0, "found a text"},
		{`[{"exact":"a"}, null]`, 16, "found null"},
		{`{}`, 0, "says nothing to check"},
		{`{"weight":1}`, 0, "says nothing to check"},
		{`{"exact":"a","contains":"a"}`, 13, "exact and contains in one check"},
		{`{"exact":"a","exact":"b"}`, 13, `"exact" stands twice`},
		{`{"exact":"a", "exakt":1}`, 14, `unknown key "exakt"`},
		{`{"Exact":"a"}`, 1, `unknown key "Exact"`},
		{`{"exact":5}`, 9, "exact: want a text, found a number"},
		{`{"exact":null}`, 9, "found null"},
		{`{"exact":["a",5]}`, 14, "exact: want a text, found a number"},
		{`{"exact":[]}`, 9, "the list is empty"},
		{`{"contains":""}`, 12, "holds for every answer"},
		{`{"regex":""}`, 9, "holds for every answer"},
		{`{"regex":"a(b"}`, 9, "regex: missing closing ): a(b"},
		{`{"regex":"a(?=b)"}`, 9, "(?="},
		{`{"regex":"(a)\\1"}`, 9, "invalid escape sequence"},
		{`{"regex":["a","x{1001}"]}`, 14, "repeat count"},
		{`{"exact":"a","weight":0}`, 22, "weight 0 must be above 0 and at most 1000000"},
		{`{"exact":"a","weight":-1}`, 22, "must be above 0"},
		{`{"exact":"a","weight":1e300}`, 22, "weight"},
		{`{"exact":"a","weight":1e999}`, 22, "want a number"},
		{`{"exact":"a","weight":1e-9}`, 22, "weight 1e-09 is below 0.000001"},
		{`{"exact":"a","weight":"1"}`, 22, "want a number, found a text"},
		{`{"exact":"a","not":1}`, 19, "not: want true or false"},
		{`{"exact":"a","not":null}`, 19, "not: want true or false, found null"},
		{`{"exact":"a","all":true}`, 13, "all does not go with exact"},
		{`{"contains":"a","trim":true}`, 16, "trim does not go with contains"},
		{`{"json_schema":{},"ignore_case":true}`, 18, "ignore_case does not go with json_schema"},
		{`{"contains":"a","all":true,"not":true}`, 16, "all does not go with not"},
		{`{"exact":"a","name":" "}`, 20, "name: want a text"},
		{`{"json_schema":"x"}`, 15, "want an object or true, found a text"},
		{`{"json_schema":false}`, 15, "holds for no answer"},
		{`{"json_schema":{"type":"objekt"}}`, 15, "the schema is wrong at /type: value must be one of"},
		{`{"json_schema":{"minimum":"1"}}`, 15, "at /minimum: got string, want number"},
		{`{"json_schema":{"pattern":"(?=x)"}}`, 15, "is not valid regex"},
		{`{"json_schema":{"$ref":"https://example.com/s.json"}}`, 15, `refers to "https://example.com/s.json": neither files nor the network are read`},
		{`{"json_schema":{"$ref":"file:///etc/passwd"}}`, 15, "neither files nor the network"},
		{`{"json_schema":{"$ref":"other.json"}}`, 15, `refers to "/other.json"`},
		{`{"json_schema":{"$id":"https://example.com/a","$ref":"b"}}`, 15, `refers to "https://example.com/b"`},
		{`{"json_schema":{"$schema":"https://example.com/own"}}`, 15, "neither files nor the network"},
		{`{"json_schema":{"$ref":"#/$defs/none"}}`, 15, "not found"},
		{`{"json_schema":{"$ref":"#"}}`, 15, "refers to itself without an end"},
		{`{"json_schema":{"maximum":1e100000}}`, 15, "more than 1000 digits"},
		{"[" + strings.Repeat(`{"exact":"a"},`, 100) + `{"exact":"a"}]`, 1401, "more than 100 checks"},
	} {
		var p Parser
		_, err := p.Parse([]byte(tc.checks))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Offset != tc.at || !strings.Contains(e.Msg, tc.says) {
			t.Errorf("%s: %v (%+v), want offset %d and %q", tc.checks, err, e, tc.at, tc.says)
		}
		if ok && strings.ContainsAny(e.Msg+e.Hint, "\n\x1b") {
			t.Errorf("%s: %q", tc.checks, e.Msg)
		}
	}
	if set, err := new(Parser).Parse([]byte(" null ")); set != nil || err != nil {
		t.Errorf("null: %v, %v", set, err)
	}
	if set, err := new(Parser).Parse([]byte("[]")); len(set) != 0 || err != nil {
		t.Errorf("[]: %v, %v", set, err)
	}
}

func TestNamesAreBounded(t *testing.T) {
	var p Parser
	for i := range MaxNames - len(kinds()) {
		if _, err := p.Parse(fmt.Appendf(nil, `{"exact":"a","name":"n%d"}`, i)); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := p.Parse([]byte(`{"exact":"a","name":"n0"}`)); err != nil {
		t.Errorf("a known name: %v", err)
	}
	if _, err := p.Parse([]byte(`{"exact":"a","name":"more"}`)); err == nil || !strings.Contains(err.Error(), "more than 100 names") {
		t.Errorf("one too many: %v", err)
	}
}

func TestParserCompilesOnce(t *testing.T) {
	var p Parser
	for range 3 {
		for _, text := range []string{`{"regex":"a"}`, `{"json_schema":{"type":"null"}}`, `{"json_schema": { "type" : "null" } }`} {
			if _, err := p.Parse([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(p.regexes) != 1 || len(p.schemas) != 1 {
		t.Errorf("%d expressions and %d schemas", len(p.regexes), len(p.schemas))
	}
}

// What is cruel to a backtracking matcher or to exact arithmetic takes time in
// proportion to the answer here.
func TestHostileAnswersTakeLinearTime(t *testing.T) {
	for _, tc := range []struct {
		check string
		part  string
	}{
		{`{"regex":"^(a+)+$"}`, "a"},
		{`{"contains":"ab","ignore_case":true}`, "aA"},
		{`{"json_schema":{"items":{"multipleOf":0.001}}}`, "1e1000,"},
		{`{"json_schema":{"items":{"type":"array"}}}`, "["},
		{`{"json_schema":{"uniqueItems":true}}`, "[],"},
	} {
		set := parse(t, tc.check)
		answer := "[" + strings.Repeat(tc.part, 100_000/len(tc.part)) + "!"
		if strings.HasSuffix(tc.part, ",") {
			answer = strings.TrimSuffix(answer, ",!") + "]"
		}
		start := time.Now()
		if score, _, err := set.Score(t.Context(), []byte(answer)); err != nil || score != 0 && !strings.Contains(tc.check, "multipleOf") {
			t.Errorf("%s: score %v, error %v", tc.check, score, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v for 100 kB", tc.check, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"exact":"a","trim":true}`, `[{"contains":["a","b"],"all":true},{"regex":"^\\d+$","weight":2}]`,
		`{"json_schema":{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"minimum":1}}},"fenced":true}`, "null", "[]", "[{"} {
		f.Add([]byte(s), []byte("```json\n{\"a\":1e400}\n```"))
	}
	f.Fuzz(func(t *testing.T, data, answer []byte) {
		var p Parser
		set, err := p.Parse(data)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Offset < 0 || e.Offset > len(data) || e.Msg == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		before := slices.Clone(answer)
		score, results, err := set.Score(t.Context(), answer)
		if errors.Is(err, ErrTooComplex) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !(score >= 0 && score <= 1) || len(results) != len(set) {
			t.Fatalf("score %v, %d results", score, len(results))
		}
		if !bytes.Equal(before, answer) {
			t.Fatal("the answer was changed")
		}
		slices.Reverse(set)
		if again, _, _ := set.Score(t.Context(), answer); again != score {
			t.Fatalf("score %v, reversed %v", score, again)
		}
	})
}
