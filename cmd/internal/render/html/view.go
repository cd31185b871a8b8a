package html

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"
)

//go:embed assets
var assets embed.FS

// view is a page as the template reads it.
type view struct {
	Page
	Groups []group
	Shown  []part
	Data   template.JS // the charts, for the script
	Charts bool

	Style   template.CSS
	Library template.JS
	Script  template.JS
}

// part is a page within the page.
type part struct {
	Page
	ID     string
	Groups []group
}

// group is one section, or neighbours that share a grid.
type group struct {
	Grid     bool
	Sections []section
	Level    int // of the headings: 2 on the page, 3 in a part of it
}

type section struct {
	Section
	ID    string // of this section, unique on the page
	Index int    // of the chart in Data; -1: nothing to draw
	Alt   string // what the chart shows, in words
	Lanes *lanes // the bands, laid out
	// Classes of the columns, for the style sheet: n for numbers, long for text that may wrap.
	Classes []string
}

func newView(p Page) (*view, error) {
	v := &view{Page: p}
	charts := []chartData{} // [] and not null when there is none
	var err error
	if v.Groups, err = groups(p, "s", 2, &charts); err != nil {
		return nil, err
	}
	for i, x := range p.Parts {
		if len(x.Parts) > 0 {
			return nil, fmt.Errorf("part %d, %q: it has parts itself", i+1, x.Title)
		}
		id := fmt.Sprintf("p%d", i+1)
		of, err := groups(x, id+"s", 3, &charts)
		if err != nil {
			return nil, fmt.Errorf("part %d, %q: %w", i+1, x.Title, err)
		}
		v.Shown = append(v.Shown, part{Page: x, ID: id, Groups: of})
	}
	data, err := json.Marshal(charts) // escapes <, > and &: nothing in it ends the script element
	if err != nil {
		return nil, err
	}
	v.Data, v.Charts = template.JS(data), len(charts) > 0
	return v, v.load()
}

// groups lays out the sections of a page and adds its charts to charts.
func groups(p Page, id string, level int, charts *[]chartData) (list []group, err error) {
	if err := p.VerdictKind.check(); err != nil {
		return nil, err
	}
	for i, s := range p.Sections {
		name := fmt.Sprintf("section %d, %q", i+1, s.Title)
		out := section{Section: s, ID: fmt.Sprintf("%s%d", id, i+1), Index: -1}
		if s.Table != nil {
			if err := s.Table.check(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out.Classes = s.Table.classes()
		}
		if s.Bands != nil {
			if out.Lanes, err = s.Bands.layOut(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if s.Chart != nil {
			if err := s.Chart.check(); err != nil {
				return nil, fmt.Errorf("%s: chart %q: %w", name, s.Chart.Title, err)
			}
			out.Alt = s.Chart.describe()
			if s.Chart.drawable() {
				out.Index = len(*charts)
				*charts = append(*charts, s.Chart.data())
			}
		}
		grid := s.Chart != nil && s.Table == nil
		if last := len(list) - 1; grid && last >= 0 && list[last].Grid {
			list[last].Sections = append(list[last].Sections, out)
		} else {
			list = append(list, group{Grid: grid, Sections: []section{out}, Level: level})
		}
	}
	return list, nil
}

// load reads the styles, and the scripts if there is something to draw.
func (v *view) load() error {
	text := map[string]string{}
	for _, name := range []string{"page.css", "uPlot.min.css", "uPlot.LICENSE", "uPlot.iife.min.js", "charts.js"} {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		text[name] = string(b)
	}
	v.Style = template.CSS(text["page.css"])
	if v.Charts {
		licence := "/* uPlot 1.6.32\n" + text["uPlot.LICENSE"] + " */\n"
		v.Style += template.CSS("\n/* uPlot 1.6.32, MIT */\n" + text["uPlot.min.css"])
		v.Library, v.Script = template.JS(licence+text["uPlot.iife.min.js"]), template.JS(text["charts.js"])
	}
	return nil
}

func parse() (*template.Template, error) {
	return template.New("page.tmpl.html").Funcs(template.FuncMap{
		"symbol": Kind.symbol, "spoken": spoken,
	}).ParseFS(assets, "assets/page.tmpl.html")
}

func (k Kind) check() error {
	switch k {
	case "", Pass, Fail, Attention, Undecided, Invalid:
		return nil
	}
	return fmt.Errorf("unknown kind %q", string(k))
}

func (k Kind) symbol() string {
	return map[Kind]string{Pass: "✓", Fail: "✕", Attention: "△", Undecided: "?", Invalid: "!"}[k]
}

func (k Kind) word() string {
	if k == Undecided {
		return "inconclusive"
	}
	return string(k)
}

// spoken is the word of k where text does not say it already.
func spoken(k Kind, text string) string {
	text = strings.ToLower(text)
	if k == "" || strings.Contains(text, string(k)) || strings.Contains(text, k.word()) || k == Undecided && strings.Contains(text, "undetermined") {
		return ""
	}
	return k.word()
}

func (t *Table) check() error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d of the table has %d cells for %d columns", i+1, len(row), len(t.Columns))
		}
		for _, c := range row {
			if err := c.Kind.check(); err != nil {
				return fmt.Errorf("row %d of the table: %w", i+1, err)
			}
		}
	}
	return nil
}

// longText is a text that would make its column too wide if it did not wrap.
const longText = 36

func (t *Table) classes() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if c.Numeric {
			out[i] = "n"
		}
		for _, row := range t.Rows {
			if utf8.RuneCountInString(row[i].Text) > longText {
				out[i] = "long"
			}
		}
	}
	return out
}
