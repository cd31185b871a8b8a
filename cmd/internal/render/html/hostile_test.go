package html_test

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"llmops/cmd/internal/render/html"
)

const hostile = "</script><img src=x onerror=alert(1)>\"'`--><!--${x}{{.}}\x00\u2028&amp;\xff</style></title>"

// fill puts text into every string of v.
func fill(v reflect.Value, text string) int {
	n := 0
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n += fill(v.Elem(), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += fill(v.Field(i), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += fill(v.Index(i), text)
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(text)
			n++
		}
	}
	return n
}

// inert fails the test unless the page consists of elements and attributes of
// the template alone and refers to nothing outside.
func inert(t testing.TB, page string) {
	t.Helper()
	for _, e := range elements(t, page) {
		switch e.name {
		case "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "span", "strong", "b", "ul", "li", "noscript",
			"section", "div", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "footer", "script", "link":
		default:
			t.Errorf("element %s", e.name)
		}
		for name, value := range e.attr {
			switch name {
			case "lang", "charset", "http-equiv", "content", "name", "rel", "class", "id", "aria-hidden", "aria-label", "aria-labelledby",
				"aria-describedby", "role", "tabindex", "scope", "colspan", "data-chart", "type":
			case "href":
				if value != "data:," {
					t.Errorf("href %q", value)
				}
			default:
				t.Errorf("attribute %s of %s", name, e.name)
			}
		}
		if e.name == "style" && regexp.MustCompile(`(?i)url\(|@import`).MatchString(e.text) {
			t.Error("a style refers to something outside")
		}
	}
	if n := strings.Count(page, "<script"); n != 0 && n != 3 {
		t.Errorf("%d script elements", n)
	}
}

func TestHostileText(t *testing.T) {
	p := sample(10)
	if n := fill(reflect.ValueOf(&p).Elem(), hostile); n < 100 {
		t.Fatalf("only %d texts", n)
	}
	page := write(t, p)
	inert(t, page)
	if !utf8.ValidString(page) {
		t.Error("the page is not UTF-8")
	}
	if strings.Contains(page, "<img") || strings.Contains(page, "\x00") {
		t.Error("hostile text stands in the page as it is")
	}
	text, data := charts(t, page)
	if strings.ContainsAny(text, "<>\u2028") {
		t.Error("the data of the charts are not escaped")
	}
	want := strings.ToValidUTF8(hostile, "\ufffd")
	if got := data[0].Series[0].Name; got != want {
		t.Errorf("name of a series: %q, want %q", got, want)
	}
	if got := data[0].Marks[0].Label; got != want {
		t.Errorf("label of a mark: %q, want %q", got, want)
	}
}

func FuzzText(f *testing.F) {
	f.Add(hostile)
	f.Add("]]></script ><script>")
	f.Add("<!--<script>")
	library, err := os.ReadFile("assets/uPlot.iife.min.js")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := sample(3)
		fill(reflect.ValueOf(&p).Elem(), text)
		page := strings.Replace(write(t, p), string(library), "", 1) // it never varies
		inert(t, page)
		if _, data := charts(t, page); data[0].Series[0].Name != string([]rune(text)) {
			t.Errorf("name of a series: %q, want %q", data[0].Series[0].Name, text)
		}
	})
}

func TestPolicy(t *testing.T) {
	page := write(t, sample(10))
	inert(t, page)
	want := `default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:`
	for _, e := range elements(t, page) {
		if e.attr["http-equiv"] == "Content-Security-Policy" {
			if got := e.attr["content"]; got != want {
				t.Errorf("policy %q", got)
			}
			want = ""
		}
		if (e.name == "script" || e.name == "style") && want != "" {
			t.Errorf("a %s stands before the policy", e.name)
		}
	}
	if want != "" {
		t.Error("no policy")
	}
}

func TestRefused(t *testing.T) {
	ok := []*float64{new(1.0), new(2.0)}
	inf, nan := math.Inf(1), math.NaN()
	line := func(x []float64, values []*float64) *html.Chart {
		return &html.Chart{Title: "c", Kind: html.Line, X: x, Series: []html.Series{{Name: "s", Values: values}}}
	}
	with := func(c *html.Chart, change func(*html.Chart)) *html.Chart { change(c); return c }
	for _, tt := range []struct {
		name, want string
		page       html.Page
		chart      *html.Chart
		table      *html.Table
	}{
		{name: "verdict", page: html.Page{VerdictKind: "maybe"}, want: `unknown kind "maybe"`},
		{name: "chart kind", chart: with(line([]float64{1, 2}, ok), func(c *html.Chart) { c.Kind = "pie" }), want: `chart "c": unknown kind "pie"`},
		{name: "NaN in X", chart: line([]float64{1, nan}, ok), want: "number 2 of X is NaN"},
		{name: "infinite X", chart: line([]float64{1, inf}, ok), want: "number 2 of X is +Inf"},
		{name: "descending X", chart: line([]float64{2, 1}, ok), want: "X must ascend"},
		{name: "short", chart: line([]float64{1, 2, 3}, ok), want: `series "s" has 2 values for 3 of X`},
		{name: "mark", chart: with(line([]float64{1, 2}, ok), func(c *html.Chart) { c.Marks = []html.Mark{{Value: nan, Label: "m"}} }), want: `mark "m" is at NaN`},
		{name: "stacked log", chart: with(line([]float64{1, 2}, ok), func(c *html.Chart) { c.Kind, c.Log = html.Stacked, true }), want: "no logarithmic scale"},
		{name: "stacked below 0", chart: with(line([]float64{1, 2}, []*float64{new(1.0), new(-2.0)}), func(c *html.Chart) { c.Kind = html.Stacked }), want: "value 2 is -2"},
		{name: "row", table: &html.Table{Columns: make([]html.Column, 2), Rows: [][]html.Cell{{{}}}}, want: "row 1 of the table has 1 cells for 2 columns"},
		{name: "cell", table: &html.Table{Columns: make([]html.Column, 1), Rows: [][]html.Cell{{{Kind: "red"}}}}, want: `unknown kind "red"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.page
			if tt.chart != nil || tt.table != nil {
				p.Sections = []html.Section{{Title: "x", Chart: tt.chart, Table: tt.table}}
			}
			var b bytes.Buffer
			err := html.Write(&b, p)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if b.Len() > 0 {
				t.Error("a refused page is written in part")
			}
		})
	}
}
