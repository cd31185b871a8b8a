package accesslog

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
)

func TestCSVRow(t *testing.T) {
	for _, tt := range []struct {
		row  string
		want []string // nil: malformed
	}{
		{``, []string{""}},
		{`a,b,,c`, []string{"a", "b", "", "c"}},
		{`a,`, []string{"a", ""}},
		{`"a,b",c`, []string{"a,b", "c"}},
		{`"say ""hi""",""`, []string{`say "hi"`, ""}},
		{"\"two\nlines\",x", []string{"two\nlines", "x"}},
		{"\"two\r\nlines\",x", []string{"two\nlines", "x"}},
		{`{""a"":1},b`, []string{`{""a"":1}`, "b"}}, // not quoted as a whole: as it stands
		{`5" disk,b`, []string{`5" disk`, "b"}},
		{`"a"b,c`, nil},
		{`"a`, nil},
		{`a,"`, nil},
		{`"""`, nil},
		{`""""`, []string{`"`}},
	} {
		r := csvRow{comma: ','}
		if ok := r.split([]byte(tt.row)); ok != (tt.want != nil) {
			t.Errorf("%q: split says %v", tt.row, ok)
			continue
		}
		if tt.want == nil {
			continue
		}
		if got := texts(r.fields); strings.Join(got, "|") != strings.Join(tt.want, "|") || len(got) != len(tt.want) {
			t.Errorf("%q: %q, want %q", tt.row, got, tt.want)
		}
	}
}

func texts(fields [][]byte) []string {
	var s []string
	for _, f := range fields {
		s = append(s, string(f))
	}
	return s
}

// FuzzCSVRow holds the rows against encoding/csv: what that reads is read alike,
// and what it refuses is refused but for a quote inside a bare field.
func FuzzCSVRow(f *testing.F) {
	for _, s := range []string{"a,b", `"a""b",c`, "\"x\ny\",z", "\"x\r\ny\"", `a"b,c`, `"a"b`, `"`, `"",`, `,""`, "\"\"\"\"\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, row string) {
		if bare := outsideQuotes(row); len(row) == 0 || strings.ContainsAny(bare, "\r\n") {
			return // line ends are not the row's
		}
		r := csvRow{comma: ','}
		ok := r.split([]byte(row))
		reader := csv.NewReader(strings.NewReader(row))
		reader.FieldsPerRecord = -1
		want, err := reader.Read()
		if err == nil {
			if !ok || strings.Join(texts(r.fields), "\x00|") != strings.Join(want, "\x00|") {
				t.Fatalf("%q: %q (%v), encoding/csv: %q", row, texts(r.fields), ok, want)
			}
			return
		}
		if ok && !errors.Is(err, csv.ErrBareQuote) && err.Error() != "EOF" {
			t.Fatalf("%q: %q, encoding/csv: %v", row, texts(r.fields), err)
		}
	})
}

// outsideQuotes is what stands outside of quotes, of a file that toggles at each.
func outsideQuotes(row string) string {
	var b strings.Builder
	for i, part := range strings.Split(row, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}
