// Package html writes a report as one HTML file that needs nothing but a
// browser: styles, scripts and data are inside, and its content security policy
// forbids it to ask for anything else. Verdict, facts, tables and a sentence for
// each chart stand in the markup; a script draws the charts.
//
// It must not judge, measure or choose what to show: it writes the sections
// that it is given in their order, and its output depends on them alone.
package html

import (
	"bytes"
	"fmt"
	"io"
)

// Kind says how a verdict or a table cell came out. It is shown as a colour, a
// symbol and a word. The zero Kind is plain text.
type Kind string

// The kinds. Undecided is what the summaries call inconclusive; Attention is what
// somebody should look at, though no gate is held against it.
const (
	Pass      Kind = "pass"
	Fail      Kind = "fail"
	Attention Kind = "attention"
	Undecided Kind = "undecided"
	Invalid   Kind = "invalid"
)

// Page is a report, from top to bottom. Every text is plain text.
type Page struct {
	Title, Subtitle string
	Verdict         string // in words; empty shows the word of VerdictKind
	VerdictKind     Kind
	Why             string   // of a part: the verdict's reason, for the list of parts
	Lead            []string // facts of one line each, under the verdict
	Sections        []Section
	// Parts are pages of their own below the sections, one level deep: a list of
	// their verdicts with links stands under the lead. Their footers are not shown.
	Parts  []Page
	Footer string
}

// Section is shown as title, note, chart, bands, table, text; what is absent takes
// no room. Neighbours that have a chart and no table share a grid of two columns.
type Section struct {
	Title, Note string
	Bands       *Bands // its table should say the same in words
	Table       *Table
	Chart       *Chart
	Text        []string // paragraphs
}

// Table has a cell in each row for each of its columns.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// Column is the head of a column. Numeric ones are aligned to the right.
type Column struct {
	Header  string
	Numeric bool
}

// Cell is one value.
type Cell struct {
	Text string
	Kind Kind
}

// ChartKind is how a chart draws its series.
type ChartKind string

// The chart kinds. The bars of Bars stand side by side, those of Stacked on top
// of each other, the first series at the bottom.
const (
	Line    ChartKind = "line"
	Bars    ChartKind = "bars"
	Stacked ChartKind = "stacked"
)

// Chart shows series over a common X, which must ascend.
//
// X has a number for each value: seconds since the start of the run, or
// something else that XLabel names. Charts with the same XLabel share cursor and
// extent. For Bars and Stacked, X may have one number more than there are
// values: then X is the edges of bins, the values are counts in them, and the
// bins are drawn equally wide.
//
// A chart draws at most 2000 points a series. Of more, a Line keeps the least
// and the greatest value of each stretch, bars over X keep the tallest column of
// each stretch, and neighbouring bins are added up.
type Chart struct {
	Title  string
	Unit   string // of the values
	X      []float64
	XLabel string // empty: time since the start, and X is written as a duration
	Kind   ChartKind
	Log    bool // logarithmic values; those of 0 and less are not drawn. Not for Stacked
	Series []Series
	Parts  bool // the series are parts of one: where one has a gap another goes on
	Marks  []Mark
}

// Series is one line, or one colour of bars. A value that is nil, NaN or
// infinite is a gap.
type Series struct {
	Name   string
	Values []*float64
}

// Mark is a horizontal line, such as the threshold of an objective.
type Mark struct {
	Value float64
	Label string
}

// Write writes p to w, the same bytes for the same page. It refuses, before it
// has written anything, a page that cannot be shown as it says: rows or series of
// the wrong length, an X that is not finite and ascending, an unknown kind.
func Write(w io.Writer, p Page) error {
	v, err := newView(p)
	if err != nil {
		return fmt.Errorf("html page: %w", err)
	}
	t, err := parse()
	if err != nil {
		return fmt.Errorf("html page: %w", err)
	}
	var b bytes.Buffer // a page that fails half way must not be written
	if err := t.Execute(&b, v); err != nil {
		return fmt.Errorf("html page: %w", err)
	}
	_, err = w.Write(bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD"))) // template escapes pass on what is not UTF-8
	return err
}
