package accesslog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var templateKeys = []string{"a", "b", "status", "start_time", "duration", "é", "model", "ok"}

// sameAsStrict reads a log by templates, with and without fitParts, by rows that
// are found ahead and by rows that are given, and compares each row with what the
// strict reader makes of it.
func sameAsStrict(t *testing.T, log []byte) {
	t.Helper()
	for _, mode := range []struct{ quick, ahead bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		p := newRows(templateKeys...)
		p.templates.quick = p.templates.quick && mode.quick
		want := make([]field, len(templateKeys))
		shape := newShape(templateKeys...)
		for rest := log; len(rest) > 0; {
			n := splitter{}.next(rest)
			if n == 0 {
				n = len(rest)
			}
			if mode.ahead {
				if found := p.ahead(rest); found != 0 && found != n {
					t.Fatalf("%+v: the row %.200q ends at %d, not at %d", mode, rest, n, found)
				}
			}
			row := trimEnd(rest[:n])
			rest = rest[n:]
			var strict jsonReader
			ok := strict.row(row, shape, want)
			if got := p.read(row); got != ok {
				t.Fatalf("%+v: %.200q: valid %v, strictly %v", mode, row, got, ok)
			}
			for i := range want {
				if ok && (!bytes.Equal(p.f[i], want[i]) || (p.f[i] == nil) != (want[i] == nil)) {
					t.Fatalf("%+v: %.200q: %s is %q, strictly %q", mode, row, templateKeys[i], p.f[i], want[i])
				}
			}
		}
	}
}

// Rows of a few kinds with values of every sort, of which a part are not valid.
func TestTemplatesDecideNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	value := func() string {
		switch r.IntN(12) {
		case 0:
			return pick("null", "true", "false", "nul", "", "01", "-", "1.", "1e5", "-3.5", "1E", "0", "00", "0.0", "1.2.3", "+1")
		case 1:
			return `"` + strings.Repeat(pick("x", "é", "\\n", "\\u00e9"), r.IntN(80)) + `"`
		case 2:
			return `"` + pick("a\"b", "\\", "a\x01", "\x1f", "\x7f", "\xff", "a\tb", "") + `"`
		case 3:
			return pick("{}", "[]", "{\n}", "[1,\n2]", `{"a":[1,2,{"b":null}]}`, "[1,]", "{")
		case 4, 5:
			return digits(1+r.IntN(20)) + pick("", "."+digits(r.IntN(20)), "e"+digits(1))
		}
		return pick(`"`+digits(r.IntN(70))+`"`, digits(1+r.IntN(4)), digits(1+r.IntN(4))+"."+digits(1+r.IntN(4)))
	}
	for range 300 {
		var log strings.Builder
		blank := pick("", "", " ", "\t ")
		common := []string{value(), value(), value()}
		again := r.IntN(4) == 0 // a key comes twice
		for row := range 30 {
			log.WriteString(blank + "{")
			for i, key := range templateKeys {
				if i > 0 {
					log.WriteString("," + blank)
				}
				if row%7 == 3 && i == 2 {
					key = "other"
				}
				if again && i > 0 && i%2 == 0 {
					key = "a"
				}
				v := value()
				if i < len(common) && r.IntN(10) > 0 {
					v = common[i]
				}
				log.WriteString(`"` + key + `":` + blank + v)
			}
			log.WriteString("}" + pick("", "", "", "}", " ", "x") + pick("\n", "\n", "\r\n", "\n\n"))
		}
		sameAsStrict(t, []byte(log.String()))
	}
}

// Rows of a log that look alike are read by a template, also where they end with
// the block: else it would be of no use.
func TestTemplatesFit(t *testing.T) {
	for _, format := range []string{"envoy-ai-gateway", "llmops"} {
		log := sampleLog(format, 200<<10)
		p := newRows(templateKeys...)
		rows := 0
		for rest := log; len(rest) > 0; rows++ {
			n := p.ahead(rest)
			if n == 0 {
				n = splitter{}.next(rest)
			}
			if !p.read(trimEnd(rest[:n])) {
				t.Fatalf("%s: row %d is not valid", format, rows)
			}
			rest = rest[n:]
		}
		if missed := rows - p.templates.hits; missed > 20 {
			t.Errorf("%s: %d of %d rows were read strictly", format, missed, rows)
		}
	}
}

// A log without a pattern costs little: few rows are learned from.
func TestTemplatesGiveUp(t *testing.T) {
	p := newRows("a")
	for i := range 10_000 {
		if row := fmt.Appendf(nil, `{"k%d":1,"a":%d}`, i, i); !p.read(row) || string(p.f[0]) != fmt.Sprint(i) {
			t.Fatal("not read")
		}
	}
	if p.templates.spent > 2*firstCredit || len(p.templates.list) > templatesMost {
		t.Errorf("learned from %d rows, %d templates", p.templates.spent, len(p.templates.list))
	}
}

func FuzzTemplates(f *testing.F) {
	for _, row := range formatRows() {
		f.Add([]byte(row.text+"\n"+row.text+"\n"), []byte(strings.ReplaceAll(row.text, "1", "2")))
	}
	for i, row := range jsonRows {
		f.Add([]byte(row+"\n"+jsonRows[len(jsonRows)-1-i]), []byte(row))
	}
	f.Fuzz(func(t *testing.T, log, row []byte) {
		sameAsStrict(t, slices.Concat(log, []byte("\n"), row, []byte("\n"), log, []byte("\r\n"), row))
	})
}
