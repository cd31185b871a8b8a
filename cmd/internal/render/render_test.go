package render_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/render"
)

func sample() *render.Table {
	t := &render.Table{Columns: render.Columns("METRIC", ">p99 ttft (ms)", "NOTE")}
	t.Add("ttft_ms", "12.5", "a|b")
	t.Add("latency_ms", "1200", "größer\nals 1 s")
	t.Add("short")
	return t
}

func TestTable(t *testing.T) {
	long := &render.Table{Columns: render.Columns("NAME", ">N")}
	long.Add("an endless description of nothing", "7")
	long.Add("größe", "10")
	colored := &render.Table{Columns: render.Columns("A", "B")}
	green := render.NewStyle("always", false, nil)
	colored.Add(green.Green("pass"), "x")
	colored.Add("inconclusive", green.Green("y"))
	tests := []struct {
		name  string
		table *render.Table
		width int
		want  string
	}{
		{"plain", sample(), 0, "" +
			"METRIC      p99 ttft (ms)  NOTE\n" +
			"ttft_ms              12.5  a|b\n" +
			"latency_ms           1200  größer als 1 s\n" +
			"short\n"},
		{"narrow", long, 20, "" +
			"NAME               N\n" +
			"an endless desc…   7\n" +
			"größe             10\n"},
		{"no rows", &render.Table{Columns: render.Columns("A", ">B")}, 0, "A  B\n"},
		{"color", colored, 0, "" +
			"A             B\n" +
			"\x1b[32mpass\x1b[0m          x\n" +
			"inconclusive  \x1b[32my\x1b[0m\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.table.Write(&b, tt.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTableIgnoresLocale(t *testing.T) {
	table := &render.Table{Columns: render.Columns("A", "B")}
	table.Add("±1 … ─", "x")
	table.Add("abcdef", "y")
	for _, locale := range []string{"C", "ja_JP.UTF-8"} {
		t.Setenv("LC_ALL", locale)
		var b bytes.Buffer
		if err := table.Write(&b, 0); err != nil {
			t.Fatal(err)
		}
		if want := "A       B\n±1 … ─  x\nabcdef  y\n"; b.String() != want {
			t.Errorf("%s: got\n%s", locale, b.String())
		}
	}
}

func TestControlCharactersStayOffTheTerminal(t *testing.T) {
	red := render.NewStyle("always", false, nil).Red("x")
	for _, tt := range []struct{ cell, table, csv, markdown string }{
		{"a\x07b\tc\r\nd", "ab c d", "\"ab\tc\nd\"", "ab\tc<br>d"},
		{red + "\x1b[1;31my\x1b[0m", "\x1b[31mx\x1b[0m\x1b[1;31my\x1b[0m", "xy", "xy"},
		{"a\x1b[2Jb\x1b[Hm", "a[2Jb[Hm", "a[2Jb[Hm", "a[2Jb[Hm"},
		{"\x1b]0;title\x07z", "]0;titlez", "]0;titlez", "]0;titlez"},
		{"a\x1b\x1b[31", "a[31", "a[31", "a[31"},               // no complete sequence
		{"\x1b[3\x1b1m", "[31m", "[31m", "[31m"},               // what is left of it is none either
		{"a\u009b2Jb", "a2Jb", "a2Jb", "a2Jb"},                 // the one-character form of ESC [
		{"a\x9b2Jb", "a\uFFFD2Jb", "a\uFFFD2Jb", "a\uFFFD2Jb"}, // the same as a byte
		{"größe 日本", "größe 日本", "größe 日本", "größe 日本"},
	} {
		table := &render.Table{Columns: render.Columns("A")}
		table.Add(tt.cell)
		for format, want := range map[string]string{
			"table": "A\n" + tt.table + "\n", "csv": "A\n" + tt.csv + "\n", "markdown": "| A |\n| --- |\n| " + tt.markdown + " |\n",
		} {
			var b bytes.Buffer
			if err := render.Write(&b, format, 0, nil, table); err != nil {
				t.Fatal(err)
			}
			if b.String() != want {
				t.Errorf("%s of %q: got %q, want %q", format, tt.cell, b.String(), want)
			}
		}
	}
}

// Whatever a cell holds, the escapes that reach the terminal are colours.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"\x1b[31mx\x1b[0m", "\x1b\x1b[[0m", "\x1b[3\x1b[1mm", "\u009b31m", "a\r\n\tb", "\xff\x1b"} {
		f.Add(s)
	}
	color := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	control := func(r rune) bool { return r != '\n' && unicode.IsControl(r) }
	f.Fuzz(func(t *testing.T, cell string) {
		table := &render.Table{Columns: render.Columns("A", "B")}
		table.Add(cell, "end")
		var b bytes.Buffer
		if err := table.Write(&b, 0); err != nil {
			t.Fatal(err)
		}
		if got := color.ReplaceAllString(b.String(), ""); strings.ContainsFunc(got, control) || strings.Count(got, "\n") != 2 {
			t.Errorf("%q becomes %q", cell, b.String())
		}
		if got := render.Clean(cell); strings.ContainsFunc(strings.ReplaceAll(got, "\t", ""), control) || render.Clean(got) != got {
			t.Errorf("%q is cleaned to %q", cell, got)
		}
	})
}

func TestMarkdown(t *testing.T) {
	want := "" +
		"| METRIC | p99 ttft (ms) | NOTE |\n" +
		"| --- | ---: | --- |\n" +
		"| ttft_ms | 12.5 | a\\|b |\n" +
		"| latency_ms | 1200 | größer<br>als 1 s |\n" +
		"| short |  |  |\n"
	var b bytes.Buffer
	if err := sample().Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestCSV(t *testing.T) {
	table := &render.Table{Columns: render.Columns("a", ">b")}
	table.Add("=SUM(A1)", "-1.5")
	table.Add("x,\"y\"\nz", "+3e-2")
	table.Add("-cmd", "-")
	var b bytes.Buffer
	if err := table.CSV(&b); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"a", "b"}, {"'=SUM(A1)", "-1.5"}, {"x,\"y\"\nz", "+3e-2"}, {"'-cmd", "-"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type doc struct {
	Schema string            `json:"schema"`
	Ratio  float64           `json:"ratio"`
	Rate   *float64          `json:"rate"`
	URL    string            `json:"url"`
	Text   string            `json:"text"`
	Tags   map[string]string `json:"tags"`
	List   []int             `json:"list"`
	Empty  []int             `json:"empty"`
}

func sampleDoc() doc {
	return doc{"llmops.x/v1", 0.5, nil, "http://h/?a=1&b=<2>", "true\nx", map[string]string{"b": "1", "a": "no"}, []int{1, 2}, []int{}}
}

func TestJSON(t *testing.T) {
	want := `{
  "schema": "llmops.x/v1",
  "ratio": 0.5,
  "rate": null,
  "url": "http://h/?a=1&b=<2>",
  "text": "true\nx",
  "tags": {
    "a": "no",
    "b": "1"
  },
  "list": [
    1,
    2
  ],
  "empty": []
}
`
	var b bytes.Buffer
	if err := render.JSON(&b, sampleDoc()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestYAML(t *testing.T) {
	want := `schema: llmops.x/v1
ratio: 0.5
rate: null
url: http://h/?a=1&b=<2>
text: |-
  true
  x
tags:
  a: "no"
  b: "1"
list:
  - 1
  - 2
empty: []
`
	var b bytes.Buffer
	if err := render.YAML(&b, sampleDoc()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNoNaN(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		for _, format := range []string{"json", "yaml"} {
			var b bytes.Buffer
			if err := render.Write(&b, format, 0, doc{Ratio: v}); err == nil || b.Len() > 0 {
				t.Errorf("%s of %v: error %v, output %q", format, v, err, b.String())
			}
		}
	}
}

func TestWriteTables(t *testing.T) {
	a := &render.Table{Columns: render.Columns("A")}
	a.Add("1")
	for format, want := range map[string]string{
		"table":    "A\n1\n\nA\n1\n",
		"csv":      "A\n1\n\nA\n1\n",
		"markdown": "| A |\n| --- |\n| 1 |\n\n| A |\n| --- |\n| 1 |\n",
	} {
		var b bytes.Buffer
		if err := render.Write(&b, format, 0, nil, a, a); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%s: got %q, want %q", format, b.String(), want)
		}
	}
	if err := render.Write(&bytes.Buffer{}, "xml", 0, nil, a); err == nil {
		t.Error("unknown format: no error")
	}
}

func TestStyle(t *testing.T) {
	tests := []struct {
		mode string
		tty  bool
		env  map[string]string
		want bool
	}{
		{"auto", true, nil, true},
		{"", true, nil, true},
		{"auto", false, nil, false},
		{"never", true, map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{"always", false, map[string]string{"NO_COLOR": "1", "TERM": "dumb"}, true},
		{"auto", true, map[string]string{"NO_COLOR": "1"}, false},
		{"auto", true, map[string]string{"NO_COLOR": ""}, true}, // set but empty does not count
		{"auto", true, map[string]string{"TERM": "dumb"}, false},
		{"auto", false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"auto", false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"auto", false, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
	}
	for _, tt := range tests {
		getenv := func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
		if got := render.NewStyle(tt.mode, tt.tty, getenv).Bold("x") != "x"; got != tt.want {
			t.Errorf("mode %q, tty %v, env %v: on = %v", tt.mode, tt.tty, tt.env, got)
		}
	}
	if got := (render.Style{}).Red("x"); got != "x" {
		t.Errorf("zero style: %q", got)
	}
	if got := strings.Count(render.NewStyle("always", false, nil).Red("x"), "\x1b["); got != 2 {
		t.Errorf("%d escapes, want one to begin and one to end", got)
	}
}

// Whatever the columns, a table that can be as narrow as the terminal is; one of its
// columns alone does not pay for all.
func TestTableFits(t *testing.T) {
	table := &render.Table{Columns: render.Columns("", "what", "expression", ">weight")}
	table.Add("+ required", strings.Repeat("w", 60), strings.Repeat("e", 70), "6")
	table.Add("-", "short", "e", "12")
	for _, width := range []int{50, 60, 80, 120, 200} {
		var b strings.Builder
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		if width < 150 && strings.Count(b.String(), "…") != 2 || width == 200 && strings.Contains(b.String(), "…") {
			t.Errorf("width %d:\n%s", width, b.String())
		}
	}
}
