package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	parser "golang.org/x/net/html"

	"llmops/cmd/internal/render/html"
)

func write(t testing.TB, p html.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// element is one start tag, and the text up to the next tag.
type element struct {
	name string
	attr map[string]string
	text string
}

func elements(t testing.TB, page string) []element {
	t.Helper()
	var out []element
	z := parser.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case parser.ErrorToken:
			return out
		case parser.StartTagToken, parser.SelfClosingTagToken:
			token := z.Token()
			e := element{name: token.Data, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Key] = a.Val
			}
			out = append(out, e)
		case parser.TextToken:
			if len(out) > 0 {
				out[len(out)-1].text += string(z.Text())
			}
		}
	}
}

// charts is the data of the page as its script reads it.
func charts(t testing.TB, page string) (text string, parsed []chart) {
	t.Helper()
	for _, e := range elements(t, page) {
		if e.attr["id"] == "charts" {
			if err := json.Unmarshal([]byte(e.text), &parsed); err != nil {
				t.Fatalf("data of the charts: %v", err)
			}
			return e.text, parsed
		}
	}
	return "", nil
}

type chart struct {
	Kind   string
	Edges  bool
	Unit   string
	XLabel string
	X      []float64
	Series []struct {
		Name   string
		Values []*float64
	}
	Marks []struct {
		Value float64
		Label string
	}
}

// plain is the page without its styles, scripts and data.
func plain(page string) string {
	return regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>`).ReplaceAllString(page, "")
}

func TestPage(t *testing.T) {
	page := write(t, sample(60))
	body := plain(page)
	at := 0
	for _, want := range []string{ // in this order, and all of it in the markup, for browsers without scripts
		"<title>http://10.2.0.17:8000/v1  chat, model sim</title>",
		"<h1>http://10.2.0.17:8000/v1  chat, model sim</h1>",
		"closed loop, 16 in flight",
		`<p class="verdict fail"><span class="symbol fail" aria-hidden="true">✕</span><strong>fail: 1 of 4 objectives is broken</strong>`,
		"<li>41.2 requests/s",
		"<noscript>",
		">Objectives</h2>",
		`<th scope="col">VERDICT</th>`, `<th scope="col" class="n">OBSERVED</th>`,
		`<td class="fail"><span class="symbol fail" aria-hidden="true">✕</span>fail</td>`,
		`<td>error_rate &lt; 1%</td>`, `<td class="n">1.29%</td>`,
		`<td class="undecided"><span class="symbol undecided" aria-hidden="true">?</span>inconclusive</td>`,
		`<div class="grid">`, ">Latency</h2>",
		`<div class="plot" data-chart="0" role="img" aria-label="chart: Latency" aria-describedby="s2-alt"></div>`,
		`<p class="alt" id="s2-alt">p50: min `, "line at 900 ms: p95 &lt; 900",
		"µs (logarithmic)</figcaption>",
		">Metrics</h2>", ">timeout_first_token</td>",
		"<p>Latency counts from sending", "<footer>llmops 0.1.0",
	} {
		i := strings.Index(body[at:], want)
		if i < 0 {
			t.Fatalf("%q is absent, or not after what should stand before it", want)
		}
		at += i
	}
	_, data := charts(t, page)
	if len(data) != 8 {
		t.Fatalf("%d charts, want 8", len(data))
	}
	ids := map[string]bool{}
	for _, e := range elements(t, page) {
		if id := e.attr["id"]; id != "" && ids[id] {
			t.Errorf("id %q occurs twice", id)
		} else {
			ids[id] = true
		}
	}
	for _, e := range elements(t, page) {
		for _, a := range []string{"aria-labelledby", "aria-describedby"} {
			if ref := e.attr[a]; ref != "" && !ids[ref] {
				t.Errorf("%s of a %s refers to %q, which is not there", a, e.name, ref)
			}
		}
	}
}

// What has no content leaves nothing behind, and no script where none is needed.
func TestPageEmpty(t *testing.T) {
	page := write(t, html.Page{Title: "nothing"})
	for _, e := range elements(t, page) {
		switch e.name {
		case "section", "p", "ul", "table", "figure", "script", "footer", "noscript":
			t.Errorf("an empty page has a %s", e.name)
		}
	}
	page = write(t, html.Page{Sections: []html.Section{
		{Title: "a chart", Chart: &html.Chart{Kind: html.Line, X: []float64{1, 2}, Series: []html.Series{{Name: "p50", Values: make([]*float64, 2)}}}},
		{Title: "a table", Table: &html.Table{Columns: []html.Column{{Header: "A"}, {Header: "B"}}}},
	}})
	if strings.Contains(page, "<script") || !strings.Contains(page, ">p50: no values.</p>") {
		t.Error("a chart without values is drawn, or is not said to be empty")
	}
	if !strings.Contains(page, `<td colspan="2" class="none">none</td>`) {
		t.Error("a table without rows does not say so")
	}
}

func TestVerdictWords(t *testing.T) {
	for _, tt := range []struct {
		kind html.Kind
		text string
		want string
	}{
		{html.Pass, "", `✓</span><strong>pass</strong>`},
		{html.Pass, "pass", `✓</span><strong>pass</strong>`},
		{html.Fail, "2 objectives are broken", `✕</span><strong>fail: 2 objectives are broken</strong>`},
		{html.Undecided, "", `?</span><strong>inconclusive</strong>`},
		{html.Undecided, "Undecided", `?</span><strong>Undecided</strong>`},
		{html.Invalid, "the client was late", `!</span><strong>invalid: the client was late</strong>`},
		{"", "no objectives", `<p class="verdict"><strong>no objectives</strong>`},
	} {
		if page := write(t, html.Page{Verdict: tt.text, VerdictKind: tt.kind}); !strings.Contains(page, tt.want) {
			t.Errorf("%q %q: no %q", tt.kind, tt.text, tt.want)
		}
	}
	// A coloured figure has its word for those who see neither colour nor symbol.
	page := write(t, html.Page{Sections: []html.Section{{Table: &html.Table{
		Columns: []html.Column{{Header: "A", Numeric: true}}, Rows: [][]html.Cell{{{Text: "12", Kind: html.Fail}}}}}}})
	if want := `✕</span><span class="aside">fail </span>12</td>`; !strings.Contains(page, want) {
		t.Errorf("no %q", want)
	}
}

func TestDeterministic(t *testing.T) {
	if a, b := write(t, sample(100)), write(t, sample(100)); a != b {
		t.Error("two pages of the same input differ")
	}
}

// Without its data a page is under 150 KB, and however long the run is, its data are bounded.
func TestSize(t *testing.T) {
	for _, n := range []int{60, 50_000} {
		page := write(t, sample(n))
		text, data := charts(t, page)
		if rest := len(page) - len(text); rest > 150_000 {
			t.Errorf("%d seconds: %d bytes without data", n, rest)
		}
		if len(text) > 400_000 {
			t.Errorf("%d seconds: %d bytes of data", n, len(text))
		}
		for i, c := range data {
			for _, s := range c.Series {
				if len(s.Values) > 2000 || len(s.Values) != len(c.X) && len(s.Values) != len(c.X)-1 {
					t.Errorf("%d seconds: chart %d has %d values for %d of X", n, i, len(s.Values), len(c.X))
				}
			}
		}
	}
}

// The input is the caller's: writing rounds and thins out copies.
func TestInputIsKept(t *testing.T) {
	p := sample(5000)
	write(t, p)
	if diff := cmp.Diff(sample(5000), p); diff != "" {
		t.Error(diff)
	}
}

func TestNotANumberIsAGap(t *testing.T) {
	values := []*float64{new(1.0), new(math.NaN()), new(math.Inf(-1)), nil, new(123456.789)}
	page := write(t, html.Page{Sections: []html.Section{{Chart: &html.Chart{Kind: html.Line, X: []float64{0, 1, 2, 3, 4},
		Series: []html.Series{{Name: "s", Values: values}}}}}})
	text, _ := charts(t, page)
	if want := `"values":[1,null,null,null,123457]`; !strings.Contains(text, want) {
		t.Errorf("%s has no %s", text, want)
	}
	if want := "missing: 3 of 5 values"; !strings.Contains(page, want) {
		t.Errorf("no %q", want)
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	if err := html.Write(full{}, sample(3)); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

// The library is the published one, and its licence comes with every page that has it.
func TestLibrary(t *testing.T) {
	versions, err := os.ReadFile("assets/VERSIONS")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE"} {
		b, err := os.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if want := hex.EncodeToString(sum[:]) + "  " + name; !strings.Contains(string(versions), want) {
			t.Errorf("VERSIONS has no %q", want)
		}
		if !strings.Contains(write(t, sample(3)), string(b)) {
			t.Errorf("%s is not in the page", name)
		}
	}
}
