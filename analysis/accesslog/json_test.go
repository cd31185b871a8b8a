package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The standard library's reading of a row: the last one of equal keys, the keys
// compared after their escapes are resolved.
func standardRow(row []byte) (map[string]json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(row, &m) != nil || m == nil {
		return nil, false
	}
	return m, true
}

func sameAsStandard(t *testing.T, r *jsonReader, s *shape, row []byte) {
	t.Helper()
	out := make([]field, len(s.keys))
	got := r.row(row, s, out)
	want, ok := standardRow(row)
	if got != ok {
		t.Fatalf("%.200q: valid %v, encoding/json says %v", row, got, ok)
	}
	if !ok {
		return
	}
	for i, key := range s.keys {
		value, there := want[key]
		if (out[i] != nil) != there || !bytes.Equal(out[i], value) {
			t.Fatalf("%.200q: %q is %.80q, encoding/json says %.80q (%v)", row, key, out[i], value, there)
		}
	}
}

var jsonRows = []string{
	`{}`, ` { } `, `{"a":1}`, `{"a":1,"b":2}`, `{ "a" : 1 , "b" : [ ] }`, `{"a": 1, "b": 2}`, `{"a":1, "a":2}`,
	`{"a":{"b":1},"b":[1,{"a":"x"}],"c":null}`, `{"a":"x\"y","b":"\u00e9\ud83d\ude00","\u0061":3}`,
	`{,"a":1}`, `{"a":1,}`, `{"a":1}}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`, `{"a":1e+5,"b":-0.0E-1}`,
	`{"a":tru}`, `{"a":true,"b":false,"c":null}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", "{\"\xff\":1,\"\uFFFD\":2}",
	`[1]`, `null`, `"a"`, `1`, ``, ` `, "\x00", `{"a"`, `{"a":`, `{"a":1`, `{"a":[`, `{"a":[1`, `{"a":[1}`, `{"a":{]}`, `{"a":{"b":1]}`,
	`{"a":[{},{"x":[]}],"b":""}`, `{"":1,"a":2}`, "{\t\"a\"\r:\n1}", `{a:1}`, `{"a":1 "b":2}`, `{"a":"` + strings.Repeat("é", 40) + `"}`,
	`{"a":"exactly","b":"8 bytes!"}`, `{"a":"1234567\n"}`, `{"a":nul,"b":nulll}`,
}

func TestJSONIsWhatTheStandardLibraryReads(t *testing.T) {
	var r jsonReader
	s := newShape("a", "b", "", "\uFFFD", "é")
	for range 2 { // what was remembered of the first round changes nothing
		for _, row := range jsonRows {
			sameAsStandard(t, &r, s, []byte(row))
		}
	}
}

func TestJSONDepth(t *testing.T) {
	var r jsonReader
	s := newShape("a")
	for _, depth := range []int{1, 63, 64, 65, 9_998, 9_999, 10_000, 10_001} {
		for _, open := range []string{"[]", "{}"} {
			inner := strings.Repeat(open[:1], depth) + strings.Repeat(open[1:], depth)
			if open == "{}" {
				inner = strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
			}
			sameAsStandard(t, &r, s, []byte(`{"a":`+inner+`}`))
		}
	}
}

// A text that is cut off anywhere is not valid, and one that goes on is not.
func TestJSONCutOff(t *testing.T) {
	var r jsonReader
	s := newShape("a", "b")
	for _, row := range jsonRows {
		for n := range len(row) {
			sameAsStandard(t, &r, s, []byte(row[:n]))
			sameAsStandard(t, &r, s, []byte(row+row[n:]))
		}
	}
}

func TestMembers(t *testing.T) {
	var got []string
	for key, value := range members(field(` {"a" : 1 ,"b":{"c":[2]}, "\u0061":"x" } `)[1:]) {
		got = append(got, fmt.Sprintf("%s=%s", key, value))
	}
	if want := `a=1 b={"c":[2]} a="x"`; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for range members(field(`[1]`)) {
		t.Error("an array has no members")
	}
	for range members(field(`{ }`)) {
		t.Error("an empty object has no members")
	}
}

func FuzzJSON(f *testing.F) {
	for _, row := range jsonRows {
		f.Add([]byte(row), []byte(`{"a":1,"b":2}`))
	}
	for _, row := range formatRows() {
		f.Add([]byte(row.text), []byte(row.text))
	}
	f.Fuzz(func(t *testing.T, before, row []byte) {
		var r jsonReader
		s := newShape("a", "b", "status", "startTime", "é", "\uFFFD")
		sameAsStandard(t, &r, s, before)
		sameAsStandard(t, &r, s, row)
		sameAsStandard(t, &r, s, before)
		out := make([]field, len(s.keys))
		if r.row(row, s, out) {
			for _, v := range out {
				if want := ""; len(v) > 0 && v[0] == '"' {
					if json.Unmarshal(v, &want) != nil || string(v.text()) != want {
						t.Fatalf("text of %q is %q, want %q", v, v.text(), want)
					}
				}
			}
			for range members(field(bytes.TrimLeft(row, " \t\r\n"))) {
			}
		}
	})
}
