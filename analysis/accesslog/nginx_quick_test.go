package accesslog

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// readRows reads a log as a worker does, and gives what each row is, all events, and
// how many rows were read many at a time.
func readRows(p Parser, log []byte) (kinds []Row, events []Event, quick int64) {
	emit := func(e *Event) { events = append(events, *e) }
	many, _ := p.(rowsReader)
	for len(log) > 0 {
		if many != nil {
			n, rows := many.Rows(log, emit)
			kinds = append(kinds, slices.Repeat([]Row{Record}, int(rows))...)
			quick += rows
			if log = log[n:]; len(log) == 0 {
				break
			}
		}
		n := splitter{}.next(log)
		if n == 0 {
			n = len(log)
		}
		kinds = append(kinds, p.Parse(trimEnd(log[:n]), emit))
		log = log[n:]
	}
	return kinds, events, quick
}

// sameAsParse reads a log of nginx or Apache many rows at a time and row by row.
func sameAsParse(t *testing.T, log []byte) (quick int64) {
	t.Helper()
	for _, l := range []lone{loneUnknown, loneMicroseconds, loneSeconds} {
		kinds, events, n := readRows(newNginx(l)(Options{}), log)
		strict, want, _ := readRows(struct{ Parser }{newNginx(l)(Options{})}, log)
		i, event := 0, 0
		for row := range bytes.Lines(log) {
			if kinds[i] != strict[i] {
				t.Fatalf("row %d is %d, by itself %d: %.500q", i, kinds[i], strict[i], row)
			}
			if kinds[i] == Record {
				if events[event] != want[event] {
					t.Fatalf("row %d is %+v, by itself %+v: %.500q", i, events[event], want[event], row)
				}
				event++
			}
			i++
		}
		if i != len(kinds) || i != len(strict) || event != len(events) {
			t.Fatalf("%d rows with %d events: found %d and %d, row by row %d", i, event, len(kinds), len(events), len(strict))
		}
		quick += n
	}
	return quick
}

// Logs of rows of many kinds, of which some are broken in a byte or two.
func TestQuickRowsDecideNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	row := func() string {
		user := pick("-", "-", "-", "team red", `"a b"`, "[x", "", "[14/May/2026:11:05:41 +0000]", "[14/May/2026:11:05:4 1 +000] ")
		at := "[" + pick("14/May/2026:11:05:", "14/May/2026:11:06:", "29/Feb/2026:11:05:", "14/May/2026:11 05:") +
			pick("00", "41", "59", "60", "61", "5 ") + pick(" +0000", " +0000", " -0530", " +0060", "+ 0000") + "]"
		request := pick("POST /v1/chat/completions HTTP/1.1", "POST /v1/chat/completions HTTP/1.1", "GET /health HTTP/1.1", "GET /a?b=[c d] HTTP/1.1",
			"-", "", `\x16\x03`, `a"b`, `a" "b`, `GET / HTTP/1.1\"`)
		b := pick("10.1.2.3", "10.1.2.3", "::1", `"`, `"x y"`, "a[b", "") + " " + pick("-", "-", "-", "[", `"-`) + " " + user + " " + at + " " +
			`"` + request + `" ` + pick("200", "200", "503", "429", "499", "-", "2000", "99", "0", "20x", "") + " " +
			pick("0", "77480", "12345678", "123456789", "-", "1.5", "")
		if r.IntN(6) == 0 {
			return b
		}
		b += ` "` + pick("-", "-", "https://a.example/x?y z", "4.124", "1, 2", "", `\"`) + `" "` + pick("curl/8.5.0", "OpenAI/Python 1.54.4", "0.1", "x [y]", `a"b`, "") + `"`
		for range r.IntN(4) {
			b += " " + pick("0.000", "4.124", "12.034", "1234.567", "12345.678", "-", "0.1", "1.2345", "4124", "4124000", "0.1, 0.2", "0.1 : 0.2", `"0.293"`,
				"rt=4.124", `uht="0.1"`, "1/1000000", "a.bcd", "-.123", "1:34.567", "", `"10.0.0.1"`, `"x`)
		}
		return b
	}
	var quick int64
	for range 400 {
		var log bytes.Buffer
		usual := r.IntN(5)
		for range 1 + r.IntN(200) {
			text := row()
			if r.IntN(5) < usual {
				text = `10.1.2.3 - - [14/May/2026:11:05:` + pick("00", "41", "59") + ` +0000] "` + pick("POST /v1/chat/completions HTTP/1.1", "GET /health HTTP/1.1") + `" ` +
					pick("200", "503", "429") + ` 77480 "-" "OpenAI/Python 1.54.4" 4.124 ` + pick("0.293", "-", "12.034")
			}
			if r.IntN(30) == 0 && len(text) > 0 {
				broken := []byte(text)
				broken[r.IntN(len(broken))] = " \"\\[]\r\x00\xff0.-"[r.IntN(10)]
				text = string(broken)
			}
			if r.IntN(300) == 0 {
				text = strings.Repeat(text, 1+r.IntN(100))
			}
			log.WriteString(text + pick("\n", "\n", "\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n", " \n"))
		}
		quick += sameAsParse(t, log.Bytes()[:log.Len()-r.IntN(2)])
	}
	if marksQuickly() && quick < 10_000 {
		t.Errorf("%d rows were read many at a time: that is of no use", quick)
	}
}

// Nearly all rows of a log are of the usual kind, whatever is behind the request.
func TestQuickRowsFit(t *testing.T) {
	if !marksQuickly() {
		t.Skip("the processor has not what findMarks needs")
	}
	const prefix = `10.234.162.77 - team-red-6 [14/May/2026:11:05:41 +0200] "POST /v1/chat/completions?a=1 HTTP/1.1" 200 77480`
	for _, rest := range []string{
		"", ` "-" "curl/8.5.0"`, ` "-" "curl/8.5.0" 4.124`, ` "-" "curl/8.5.0" 4.124 0.293`, ` "-" "curl/8.5.0" 14.124 -`, ` "-" "curl/8.5.0" 4124000`,
		` "-" "curl/8.5.0" "10.0.0.1" 4.124 0.293`, ` "-" "curl/8.5.0" rt=4.124 uct="0.001" uht="0.100, 0.293" urt="0.5"`,
		` "-" "curl/8.5.0" 1204 4.124 [llm-vllm-8000] [] 10.1.0.2:8000 77480 4.120 200 8f1c`,
	} {
		log := []byte(strings.Repeat(prefix+rest+"\n", 1000))
		_, _, quick := readRows(newNginx(loneUnknown)(Options{}), log)
		if sameAsParse(t, log); quick < 990 {
			t.Errorf("%q: %d of 1000 rows", rest, quick)
		}
	}
}

// A log without such rows costs little: it is looked at less and less.
func TestQuickRowsGiveUp(t *testing.T) {
	log := bytes.Repeat([]byte(`10.1.2.3 - team red [14/May/2026:11:05:41 +0200] "POST / HTTP/1.1" 200 77480`+"\n"), 1000)
	p := newNginx(loneUnknown)(Options{}).(*nginxParser)
	looks := 0
	for rest := log; len(rest) > 0; {
		if p.quick.marks != nil && p.quick.wait == 0 {
			looks++
		}
		if n, rows := p.Rows(rest, nil); n != 0 || rows != 0 {
			t.Fatalf("%d rows of %d bytes: %q", rows, n, rest[:n])
		}
		rest = rest[bytes.IndexByte(rest, '\n')+1:]
	}
	if looks > 40 {
		t.Errorf("%d looks at 1000 rows", looks)
	}
}

func FuzzQuickRows(f *testing.F) {
	for _, row := range formatRows() {
		if row.format == "nginx" || row.format == "apache-us" || row.format == "apache-s" {
			f.Add([]byte(row.text), []byte(row.text+"\n"+row.text), uint8(3))
		}
	}
	f.Add([]byte(`10.1.2.3 - - [14/May/2026:11:05:41 +0000] "GET /health HTTP/1.1" 503 0 "-" "curl/8.5.0" 14.124 -`), []byte(`- - - [14/May/2026:11:05:60 +0000] "-" 400 0`), uint8(70))
	f.Fuzz(func(t *testing.T, row, other []byte, times uint8) {
		const usual = `10.1.2.3 - - [14/May/2026:11:05:41 +0000] "POST / HTTP/1.1" 200 77480 "-" "OpenAI/Python 1.54.4" 4.124 0.293`
		log := bytes.Repeat(append(slices.Clone(row), '\n'), int(times%80))
		log = append(append(log, other...), '\n')
		log = append(log, strings.Repeat(usual+"\n", int(times%5))...)
		log = append(append(log, row...), '\n')
		log = append(log, strings.Repeat(usual+"\n", 4)...)
		sameAsParse(t, log)
	})
}
