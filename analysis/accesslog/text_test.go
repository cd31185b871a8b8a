package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parsed gives what a parser makes of rows, the kind of the last one included.
func parsed(p Parser, rows ...string) (events []Event, last Row) {
	for _, row := range rows {
		last = p.Parse([]byte(row), func(e *Event) { events = append(events, *e) })
	}
	return events, last
}

// event is an Event with nothing measured but what set says.
func event(at string, set func(e *Event)) Event {
	var e Event
	e.Reset()
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		panic(err)
	}
	e.End = t.UnixMilli()
	set(&e)
	return e
}

// checkRow holds one row against the event it is, or against its kind if want is
// nil.
func checkRow(t *testing.T, p Parser, row string, kind Row, want *Event) {
	t.Helper()
	got, last := parsed(p, row)
	if last != kind {
		t.Errorf("%q: row is %d, want %d", row, last, kind)
		return
	}
	var all []Event
	if want != nil {
		all = []Event{*want}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("%q (-want +got):\n%s", row, diff)
	}
}

func ms(n float64) Fixed { return Fixed(n * 2e6) }

// corpusTruth is what the truth of a corpus says about its rows.
type corpusTruth struct {
	Records   int64
	Malformed int64
	First     time.Time
	Last      time.Time
	Runs      []struct {
		Slos []struct {
			Name     string
			Good     int64
			Bad      int64
			Excluded map[string]int64
		}
	}
}

// checkCorpus reads the rows of a corpus, a parser a file, and holds their counts
// and times against truthFile, and the classes of the events against the
// availability of the first run, whose window holds everything.
func checkCorpus(t *testing.T, corpus, truthFile string, f Format, excludeStatus ...int16) {
	t.Helper()
	root := os.Getenv("LLMOPS_DATA")
	if root == "" {
		t.Skip("LLMOPS_DATA is not set: no corpora")
	}
	var truth corpusTruth
	text, err := os.ReadFile(filepath.Join(root, "logs", corpus, truthFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "logs", corpus, "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the corpus %s: %v", corpus, err)
	}
	var records, malformed, good, bad, health, cancelled, clients int64
	first, last := int64(1)<<62, int64(-1)<<62
	note := func(e *Event) {
		records++
		first, last = min(first, e.End), max(last, e.End)
		switch {
		case e.HealthCheck:
			health++
		case e.Cancelled:
			cancelled++
		case contains(excludeStatus, e.Status):
			clients++
		case e.Failed:
			bad++
		default:
			good++
		}
	}
	for _, name := range files {
		p := f.New(Options{})
		for _, row := range corpusRows(t, name, f.CSV) {
			if p.Parse(row, note) == Malformed {
				malformed++
			}
		}
	}
	if records != truth.Records || malformed != truth.Malformed {
		t.Errorf("%d records and %d malformed, want %d and %d", records, malformed, truth.Records, truth.Malformed)
	}
	if first != truth.First.UnixMilli() || last != truth.Last.UnixMilli() {
		t.Errorf("from %d to %d, want %d to %d", first, last, truth.First.UnixMilli(), truth.Last.UnixMilli())
	}
	slo := truth.Runs[0].Slos[0]
	x := slo.Excluded
	if good != slo.Good || bad != slo.Bad || health != x["health_check"] || cancelled != x["cancelled"] || clients != x["client_error"] {
		t.Errorf("good %d, bad %d, health checks %d, cancelled %d, client errors %d; want %d, %d, %v",
			good, bad, health, cancelled, clients, slo.Good, slo.Bad, x)
	}
}

func contains(all []int16, status int16) bool {
	for _, s := range all {
		if s == status {
			return true
		}
	}
	return false
}

// corpusRows reads a file into its rows, those of CSV up to a line end outside of
// quotes.
func corpusRows(t *testing.T, name string, quotes bool) [][]byte {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	var rows [][]byte
	open := false
	for lines.Scan() {
		line := bytes.TrimPrefix(bytes.Clone(lines.Bytes()), []byte("\uFEFF"))
		if open {
			last := &rows[len(rows)-1]
			*last = append(append(*last, '\n'), line...)
		} else {
			rows = append(rows, line)
		}
		for _, c := range line {
			if quotes && c == '"' {
				open = !open
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func clientErrors(more ...int16) []int16 {
	return append([]int16{400, 401, 403, 404, 405, 413, 415, 422, 499}, more...)
}

// fuzzParser holds for any row: no panic, an event for a record and for nothing
// else, and what it measures makes sense; the same row once more is the same, and
// an event keeps nothing of its row.
func fuzzParser(f *testing.F, parser func() Parser, before ...string) {
	f.Fuzz(func(t *testing.T, row []byte) {
		read := func(row []byte) (events []Event, kind Row) {
			p := parser()
			parsed(p, before...)
			kind = p.Parse(row, func(e *Event) { events = append(events, *e) })
			clear(row)
			return events, kind
		}
		text := string(row)
		events, kind := read(row)
		if (len(events) == 1) != (kind == Record) || len(events) > 1 {
			t.Fatalf("%q: row is %d with %d events", text, kind, len(events))
		}
		twice, kindTwice := read([]byte(text))
		if diff := cmp.Diff(events, twice); diff != "" || kind != kindTwice {
			t.Fatalf("%q: not the same again: %s", text, diff)
		}
		for _, e := range events {
			if e.Failed != (e.Error != "") || e.Status < 0 || e.Status > 999 || strings.Contains(e.Route, "?") ||
				e.Latency.Known() && e.Latency < 0 || e.TTFT.Known() && e.TTFT < 0 || e.OutputTokens < -1 {
				t.Fatalf("%q: %+v", text, e)
			}
		}
	})
}
