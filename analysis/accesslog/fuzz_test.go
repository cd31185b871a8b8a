package accesslog

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Whatever is read, the number of workers changes nothing, and every row is
// accounted for.
func FuzzRead(f *testing.F) {
	for _, row := range formatRows() {
		f.Add([]byte(row.text+"\r\n\n"+row.text), "")
		f.Add([]byte(row.text+"\nx\n"), row.format)
	}
	f.Add(gzipped(f, []byte(llmopsRow(1)+"\n")), "")
	f.Add(zstded(f, []byte(llmopsRow(1)+"\n")), "")
	f.Add([]byte("timestamp,status\n2026-03-03T07:05:50.588Z,200\n\"a\nb\",1\n"), "csv")
	f.Fuzz(func(t *testing.T, log []byte, format string) {
		o := Options{Format: format, Workers: 1}
		one, events, err1 := readAll(t, []Source{memory("x", log)}, o)
		o.Workers = 3
		three, other, err3 := readAll(t, []Source{memory("x", log)}, o)
		if (err1 == nil) != (err3 == nil) || err1 != nil && err1.Error() != err3.Error() {
			t.Fatalf("%v and %v", err1, err3)
		}
		if diff := gocmp.Diff(one, three); diff != "" {
			t.Fatal(diff)
		}
		if !slices.Equal(events, other) || int64(len(events)) != one.Records {
			t.Fatalf("%d and %d events, %d records", len(events), len(other), one.Records)
		}
		for _, e := range events {
			if e.End < one.First || e.End > one.Last || e.Status < 0 || e.Status > 999 || e.OutputTokens < -1 {
				t.Fatalf("%+v in %+v", e, one)
			}
			for _, v := range []Fixed{e.Latency, e.TTFT, e.TPOT, e.Cost, e.Quality} {
				if v < 0 && v != Absent {
					t.Fatalf("%+v", e)
				}
			}
			if (e.Status >= 400) && !e.Failed || e.Failed != (e.Error != "") {
				t.Fatalf("%+v", e)
			}
		}
	})
}

// A parser remembers nothing of a row that changes what it says of another one.
func FuzzParsers(f *testing.F) {
	for _, row := range formatRows() {
		f.Add([]byte(row.text), []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, before, row []byte) {
		for _, format := range Formats() {
			if format.New == nil || format.Sequential || format.CSV {
				continue
			}
			var fresh, used []Event
			p := format.New(Options{})
			kind := p.Parse(row, func(e *Event) { fresh = append(fresh, *e) })
			p = format.New(Options{})
			p.Parse(before, func(*Event) {})
			if again := p.Parse(row, func(e *Event) { used = append(used, *e) }); again != kind || !slices.Equal(fresh, used) {
				t.Fatalf("%s: %d %+v, then %d %+v", format.Name, kind, fresh, again, used)
			}
			if e, ok := p.(Explainer); ok && kind == Malformed {
				if why, _ := e.Explain(row); why == "" {
					t.Fatalf("%s: no reason", format.Name)
				}
			}
		}
	})
}

// Rows of CSV end where the standard library's do, if it can read the file at all.
func FuzzSplitCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\nb\",c\r\nd\n", "\"a\"\"b\n\",\"\"\n\n\nx", "a\"b\nc\"d\n", "\"", "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Contains(bytes.ReplaceAll(b, []byte("\r\n"), nil), []byte("\r")) {
			return // the standard library drops some of these
		}
		s := splitter{csv: true, comma: ','}
		var rows []string
		for rest := b; len(rest) > 0; {
			n := s.next(rest)
			if n == 0 {
				n = len(rest)
			}
			if row := trimEnd(rest[:n]); len(row) > 0 {
				rows = append(rows, string(row))
			}
			rest = rest[n:]
		}
		// A part of the text has the same rows as the whole, but for the last one.
		if n := s.whole(b); n > 0 {
			m := 0
			for m < n {
				m += s.next(b[m:])
			}
			if m != n || s.next(b[n:]) != 0 {
				t.Fatalf("%q: whole rows end at %d, not at %d", b, n, m)
			}
		}
		r := csv.NewReader(bytes.NewReader(b))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil {
			return
		}
		if len(rows) != len(want) {
			t.Fatalf("%q: %d rows %q, encoding/csv has %d %q", b, len(rows), rows, len(want), want)
		}
		for i, row := range rows {
			line, err := csv.NewReader(strings.NewReader(row)).Read()
			if err != nil || !slices.Equal(line, want[i]) {
				t.Fatalf("%q: row %q (%v) is not %q", b, row, err, want[i])
			}
		}
	})
}
