package accesslog

import (
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"
)

func TestDocker(t *testing.T) {
	const line = `INFO:     10.1.2.3:30001 - \"POST /v1/x?y HTTP/1.1\" 200 OK`
	row := func(log, stream string) string {
		return fmt.Sprintf(`{"log":"%s","stream":"%s","time":"2026-04-05T07:49:08.115000001Z"}`, log, stream)
	}
	good := event("2026-04-05T07:49:08.116Z", func(e *Event) { e.Status, e.Route = 200, "/v1/x" })
	for _, tt := range []struct {
		rows []string
		kind Row // of the last row
		n    int // events
	}{
		{[]string{row(line+`\n`, "stdout")}, Record, 1},
		{[]string{row(line+`\r\n`, "stdout")}, Record, 1},
		{[]string{row(`\u001b[32mINFO\u001b[0m:     10.1.2.3:1 - \"\u001b[1mPOST /v1/x HTTP/1.1\u001b[0m\" 200 OK\n`, "stderr")}, Record, 1},
		{[]string{row(line[:20], "stdout"), row(line[20:]+`\n`, "stdout")}, Record, 1},
		{[]string{row(line[:20], "stdout"), row(`other\n`, "stderr"), row(line[20:]+`\n`, "stdout")}, Record, 1},
		{[]string{row(`\u00fcber \ud83d\ude00\n`, "stdout")}, NoRecord, 0},
		{[]string{row(`{\"level\":\"info\"}\n`, "stdout")}, NoRecord, 0},
		{[]string{row(line[:20], "stdout")}, NoRecord, 0},
		{[]string{row(line[:45]+`\n`, "stdout")}, Malformed, 0},
		{[]string{`{"log":"x\n","stream":"stdout"}`}, Malformed, 0},
		{[]string{`{"stream":"stdout","time":"2026-04-05T07:49:08Z"}`}, Malformed, 0},
		{[]string{`{"log":5,"stream":"stdout","time":"2026-04-05T07:49:08Z"}`}, Malformed, 0},
		{[]string{row(line, "stdout")[:40]}, Malformed, 0},
	} {
		events, kind := parsed(vllmDockerFormat().New(Options{}), tt.rows...)
		if kind != tt.kind || len(events) != tt.n {
			t.Errorf("%q: row is %d with %d events, want %d with %d", tt.rows, kind, len(events), tt.kind, tt.n)
		}
		for _, e := range events {
			if e != good {
				t.Errorf("%q: %+v, want %+v", tt.rows, e, good)
			}
		}
	}
}

func TestJournald(t *testing.T) {
	const line = `INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 200 OK`
	quoted, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, c := range []byte("\x1b[32m" + line) {
		numbers = append(numbers, int(c))
	}
	array, err := json.Marshal(numbers)
	if err != nil {
		t.Fatal(err)
	}
	good := event("2026-04-05T07:49:08.116Z", func(e *Event) { e.Status, e.Route = 200, "/v1/x" })
	const at = `"__REALTIME_TIMESTAMP":"1775375348115001","PRIORITY":"6","MESSAGE":`
	for _, tt := range []struct {
		row  string
		kind Row
	}{
		{`{` + at + string(quoted) + `}`, Record},
		{`{` + at + string(array) + `}`, Record},
		{`{` + at + `null}`, NoRecord},
		{`{` + at + `[]}`, NoRecord},
		{`{` + at + `[256]}`, NoRecord},
		{`{` + at + `["a"]}`, NoRecord},
		{`{"MESSAGE":` + string(quoted) + `}`, Malformed},
		{`{` + at, Malformed},
	} {
		want := &good
		if tt.kind != Record {
			want = nil
		}
		checkRow(t, vllmJournaldFormat().New(Options{}), tt.row, tt.kind, want)
	}
}

// FuzzUnescape holds the unescaping against encoding/json.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`a`, `a\n\"\\\/\t\r\b\f`, `\u001b\u00fc\ud83d\ude00\ud83d`, "\xff\\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want string
		if !utf8.Valid(text) || json.Unmarshal([]byte(`"`+string(text)+`"`), &want) != nil {
			return
		}
		if got := string(appendUnescaped(nil, text)); got != want {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}

func FuzzDocker(f *testing.F) {
	f.Add([]byte(`{"log":"INFO:     10.1.2.3:30001 - \"POST /v1/x HTTP/1.1\" 200 OK\n","stream":"stdout","time":"2026-04-05T07:49:08Z"}`))
	f.Add([]byte(`{"log":"3:1 - \"POST /v1/x HTTP/1.1\" 200 OK\n","stream":"stdout","time":"2026-04-05T07:49:08Z"}`))
	fuzzParser(f, func() Parser { return vllmDockerFormat().New(Options{}) },
		`{"log":"INFO:     10.1.2.","stream":"stdout","time":"2026-04-05T07:49:08Z"}`)
}
