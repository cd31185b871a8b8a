package accesslog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// manyReaders are the formats that read rows many at a time by templates.
var manyReaders = []string{"envoy-json", "envoy-ai-gateway", "llmops", "nginx-json"}

// sameAsRowByRow reads a log as workers do and compares it with what a parser that
// has seen no other row makes of each.
func sameAsRowByRow(t *testing.T, name string, log []byte) {
	t.Helper()
	formats := Formats()
	f := &formats[slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })]
	var got, want []Event
	w := &worker{tally: newTally()}
	lines := w.parse(&block{file: &logFile{format: f}, rows: log}, f.New(Options{}), func(e *Event) { got = append(got, *e) })
	kinds := map[Row]int64{}
	n := int64(0)
	for line := range bytes.Lines(log) {
		n++
		if row := trimEnd(line); len(row) > 0 {
			kinds[f.New(Options{}).Parse(row, func(e *Event) { want = append(want, *e) })]++
		}
	}
	if !slices.Equal(got, want) || lines != n || w.tally.malformed != kinds[Malformed] || w.tally.other != kinds[NoRecord] {
		t.Fatalf("%s: %.300q: %d lines, %d malformed, %+v, row by row %d, %d, %+v", name, log, lines, w.tally.malformed, got, n, kinds[Malformed], want)
	}
}

func TestManyRows(t *testing.T) {
	const nginx = `{"time_iso8601":"2026-03-03T07:05:1%d+00:00","status":"20%d","request_time":"1.%d","upstream_header_time":"0.2%d","request_uri":"/v1/x"}` + "\n"
	for _, name := range manyReaders {
		var log []byte
		if name == "nginx-json" {
			for i := range 300 {
				log = fmt.Appendf(log, nginx, i%9, i%7, i, i)
			}
		} else {
			log = sampleLog(strings.Replace(name, "envoy-json", "envoy-ai-gateway", 1), 30<<10)
		}
		sameAsRowByRow(t, name, log)
		sameAsRowByRow(t, name, bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n")))
		sameAsRowByRow(t, name, bytes.TrimSuffix(log, []byte("\n")))
		sameAsRowByRow(t, name, spoiled(log, 3))
		for i := 7; i < len(log); i += 97 { // a byte here and there that may spoil a row
			log[i] = "\"\\{}0 x\n"[i%8]
		}
		sameAsRowByRow(t, name, log)
	}
}

func FuzzManyRows(f *testing.F) {
	for _, row := range formatRows() {
		if slices.Contains(manyReaders, row.format) {
			f.Add([]byte(row.text), []byte(strings.ReplaceAll(row.text, "1", "2")), []byte("10"))
		}
	}
	f.Add([]byte(llmopsRow(1)), []byte(llmopsRow(12)), []byte("null"))
	f.Fuzz(func(t *testing.T, one, two, digit []byte) {
		three := bytes.ReplaceAll(one, []byte("1"), digit)
		log := bytes.Join([][]byte{one, one, two, three, one, two, three, three, two}, []byte("\n"))
		for _, name := range manyReaders {
			sameAsRowByRow(t, name, log)
		}
	})
}
