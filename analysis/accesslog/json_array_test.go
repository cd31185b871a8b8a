package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The elements of an array are the same requests as rows of a file are, however
// the array is written.
func TestArrays(t *testing.T) {
	var rows []string
	for i := range 3000 {
		rows = append(rows, llmopsRow(i%50))
	}
	_, want, err := readAll(t, []Source{memory("rows", []byte(strings.Join(rows, "\n")))}, Options{})
	if err != nil || len(want) != len(rows) {
		t.Fatal(len(want), err)
	}
	indent := strings.NewReplacer(",", ",\n  ", "{", "{\n  ")
	pretty := make([]string, len(rows))
	for i, row := range rows {
		pretty[i] = indent.Replace(row)
	}
	page := func(of []string, with string) string { return `{"data": [` + strings.Join(of, ",") + "]" + with + "}" }
	headed := func(of []string, with string) string {
		return `{"object": "list", "has_more":false, "at": 12.5e0,"none":null,` + "\n" + `"meta":{"of":[{"data":[1]}],"x":"]}"} ,"d\u0061ta" :[` + strings.Join(of, ",") + "]" + with + "}"
	}
	for name, log := range map[string]string{
		"one line":  "[" + strings.Join(rows, ",") + "]",
		"lines":     "[\n" + strings.Join(rows, ",\r\n") + "\n]\n",
		"pretty":    " [ " + strings.Join(pretty, " ,\n") + "\n]\n\n",
		"object":    page(rows, ""),
		"meta":      page(rows, `, "meta": {"page": 1, "of": [1]}, "more": false`),
		"pages":     page(rows[:100], `,"meta":{}`) + "\n" + page(rows[100:2000], "") + page(rows[2000:], ""),
		"two":       "[" + strings.Join(rows[:7], ",") + "]\n[" + strings.Join(rows[7:], ",") + "]",
		"empty too": "[]\n[" + strings.Join(rows, ",") + "]",
		"head":      headed(rows, ""),
		"headed":    headed(rows[:100], `,"more":true`) + "\n" + headed(rows[100:1000], "") + headed(rows[1000:], `,"data":0`),
		"none yet":  headed(nil, "") + headed(rows, ""),
		"of both":   page(rows[:7], "") + headed(rows[7:9], "") + "[" + strings.Join(rows[9:], ",") + "]",
		"longest":   `{"note":"` + strings.Repeat("x", pageHead-len(`{"note":"","data":[`)) + `","data":[` + strings.Join(rows, ",") + "]}",
	} {
		s, events, err := readAll(t, []Source{memory(name, []byte(log))}, Options{})
		if err != nil || !slices.Equal(events, want) || s.Malformed != 0 || s.Format != "llmops" {
			t.Errorf("%s: %d events of %d, %+v, %v", name, len(events), len(want), s, err)
		}
	}
}

// What is wrong in an array is counted, with its line.
func TestDamagedArrays(t *testing.T) {
	good := llmopsRow(1)
	for _, c := range []struct {
		log     string
		records int64
		bad     []int64 // lines
	}{
		{"[" + good + ",\n\n{\"schema\":\n1},\n" + good + "]", 2, []int64{3}},
		{"[" + good + "]\nrubbish\n", 1, []int64{2}},
		{"[" + good + ",\n nonsense,\n" + good + "\n]", 2, []int64{2}},
		{"[" + good + ",\n12,\n\"x\",null, " + good + "\n]", 2, []int64{2, 3, 3}},
		{"[" + good + ",\n{\"status\": ,\"a\":1},\n" + good + ",\n" + good + "\n]", 3, []int64{2}},
		{"[" + good + ",\n" + good[:len(good)-1] + ",\n" + good + ",\n" + good + "\n]", 3, []int64{2}}, // no brace
		{"[" + good + ",\n{\"a\":\"\x01\"},\n" + good + "]", 2, []int64{2}},
	} {
		s, _, err := readAll(t, []Source{memory("x", []byte(c.log))}, Options{})
		var lines []int64
		for _, m := range s.Samples {
			lines = append(lines, m.Line)
		}
		if err != nil || s.Records != c.records || !slices.Equal(lines, c.bad) {
			t.Errorf("%.80q: %d records, malformed at %v, want %d and %v; %v", c.log, s.Records, lines, c.records, c.bad, err)
		}
	}
}

// An array that does not end is no shorter array.
func TestArraysWithoutEnd(t *testing.T) {
	good := llmopsRow(1)
	many := strings.Repeat(good+",", 3000)
	for _, log := range []string{
		"[" + many + good[:40],
		"[" + many + "{\"status\": ,}," + many + good + "]",
		"[\n" + good + ",\n" + good[:40],
		`{"data":[` + good + "],\n \"meta\":",
		`{"data":[` + good + "],\"meta\":x}\n{\"data\":[" + good + "]}\n",
		"[" + many + `{"a":"` + strings.Repeat("x", MaxRow+2*blockSize) + `"},` + many + good + "]",
	} {
		_, _, err := readAll(t, []Source{memory("x.json", []byte(log))}, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "x.json:") {
			t.Errorf("%.50q, %d bytes: %v", log, len(log), err)
		}
	}
}

// An array of nothing is an empty log, and rows that begin with an array are rows.
func TestArraysOrRows(t *testing.T) {
	all := []Options{{}, {Map: map[string]string{"time": "timestamp", "status": "status"}}, {Format: "jsonl"}}
	for _, log := range []string{"[]", "[ ]\n", `{"data":[]}`, `{"data":[],"meta":{"page":1}}`, `{"object":"list","data":[]}`, `{"object":"list","data":[]}{"object":"list","data":[]}`} {
		for _, o := range all {
			if s, _, err := readAll(t, []Source{memory("x", []byte(log))}, o); err != nil || s.Rows() != 0 {
				t.Errorf("%s, %+v: %+v, %v", log, o, s, err)
			}
		}
	}
	const known = `"timestamp":"2026-03-03T07:05:50.588Z","status":200,"latency_ms":12`
	for _, row := range []string{
		`{"results":[{"score":1},{"score":2}],` + known + `}`,
		`{` + known + `,"results":[{"score":1}]}`,
		`{"results":[],` + known + `}`,
		`{` + known + `,"results":[]}`,
		`{` + known + `,"items":[{` + known + `},{` + known + `}]}`, // as sure of them as of the rows
	} {
		for _, o := range all {
			if s, _, err := readAll(t, []Source{memory("x", []byte(strings.Repeat(row+"\n", 20)))}, o); err != nil || s.Records != 20 || s.Malformed != 0 {
				t.Errorf("%s, %+v: %+v, %v", row, o, s, err)
			}
		}
	}
	// A page may say of itself what rows say of them: its elements are surer.
	page := `{"status":"ok","timestamp":"2026-03-03T07:05:50.588Z","data":[` + llmopsRow(1) + "," + llmopsRow(2) + "]}\n"
	if s, _, err := readAll(t, []Source{memory("x", []byte(page+page))}, Options{}); err != nil || s.Records != 4 || s.Format != "llmops" {
		t.Errorf("%+v, %v", s, err)
	}
}

// Rows that only look like the beginning of an array are rows.
func TestNoArrays(t *testing.T) {
	for _, b := range []string{``, `[`, `[1,2]`, `{"data":1}`, `{"resourceSpans":[{}]}`, `{"data`, `{"data":[`, `{"messages":[{"a":1}]}`, `[x`,
		`{"object":"list"`, `{"object":"list","data"`, `{"object":"list","data":[`, `{"object":"list","data":[1]}`, `{"object":"list","data":{}}`, `{"object":"list"}[{}]`, `{"of":[1],"data":[{}]}`,
		`{"object":x,"data":[{}]}`, `{"object":"list" "data":[{}]}`, `{"object":"list",,"data":[{}]}`, `{"Data":[{}]}`, `{"x":{"data":[{}]}}`,
		`{"note":"` + strings.Repeat("x", pageHead) + `","data":[{}]}`} {
		if n, _ := arrayStart([]byte(b)); n != 0 {
			t.Errorf("%s: elements from %d on", b, n)
		}
	}
}

func FuzzArrays(f *testing.F) {
	for _, s := range []string{"[{},{}]", "[ {\"a\":[1]} , [2],\n\"x\"] ", `{"data":[{}],"m":{}}{"data":[{}]}`, `{},{}],"m":1}{"object":"list","data":[{},[]]} {"a":{"b":[1]},"items":[{}]}`, `{}]{"a":x,"data":[{}]}`, "[{},\nx\n,{}]", "[{", "]", ",,", "[{}]x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := splitter{array: true}
		n := s.whole(b)
		for m := 0; m < n; {
			step := s.next(b[m:])
			if step <= 0 || m+step > n {
				t.Fatalf("%q: %d after %d of %d", b, step, m, n)
			}
			m += step
		}
		log := []Source{memory("x", append([]byte("["+llmopsRow(1)+","), b...))}
		one, events, err := readAll(t, log, Options{Workers: 1})
		three, other, err3 := readAll(t, log, Options{Workers: 3})
		if fmt.Sprint(one, events, err) != fmt.Sprint(three, other, err3) || err == nil && one.Rows() == 0 {
			t.Fatalf("%q: %+v %v, then %+v %v", b, one, err, three, err3)
		}
	})
}
