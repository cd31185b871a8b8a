package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// indented is what encoding/json makes of a value.
func indented(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSONIsIndentedAsByTheLibrary(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `1`, `"a"`, `[{}]`, `{"a":[]}`, `[[],{},[1],{"a":{}}]`, `{"a":{"b":[1,2,{"c":null}]},"d":"x"}`,
		`["{\"a\":[1,2]}","\\","\\\"","a\\\\\"b",":,[]{}"]`, `{"\"{":"}\\"}`, `"äöü < > &"`, `[true,false,-1.5e3]`,
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(text, err)
		}
		var b bytes.Buffer
		if err := JSON(&b, v); err != nil || b.String() != indented(t, v) {
			t.Errorf("%s: %v\n%s\nwant\n%s", text, err, b.String(), indented(t, v))
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\\\"}"}],"c":{}}`)
	f.Add(`[[[]],"\u2028"]`)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		var b bytes.Buffer
		if err := JSON(&b, v); err != nil || b.String() != indented(t, v) {
			t.Errorf("%v\n%q\nwant\n%q", err, b.String(), indented(t, v))
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestJSONTellsOfAFailedWrite(t *testing.T) {
	for _, v := range []any{1, strings.Repeat("x", 1<<20)} {
		if err := JSON(brokenPipe{}, v); err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%v", err)
		}
	}
}
