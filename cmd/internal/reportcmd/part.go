package reportcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// part is what one source says, in a form that every format shows.
type part struct {
	source  string // file or folder
	schema  string // of its document
	what    string // "load test", "error budgets"
	title   string
	about   string // one line below the title; may be empty
	state   state
	verdict string // in the words of the source
	why     string // the verdict's reason, one line
	err     error  // carries the exit code of the source; nil: it stops nothing

	lead     []string
	events   []event
	sections []html.Section
	document any // as it is in JSON; nil: a recording, which is no document
}

// state is how a part counts for the whole.
type state string

// The states, worst first. Attention is what gates nothing without a --fail-on of its
// own command: incidents, alerts, anomalies, findings.
const (
	failed       state = "fail"
	undetermined state = "undetermined"
	attention    state = "attention"
	passed       state = "pass"
)

func (s state) rank() int {
	return slices.Index([]state{failed, undetermined, attention, passed}, s)
}

func (s state) kind() html.Kind {
	return map[state]html.Kind{failed: html.Fail, undetermined: html.Undecided, attention: html.Attention, passed: html.Pass}[s]
}

// event is a stretch of time in which something went on, on the common time line.
type event struct {
	From, To time.Time // the same for a moment
	Open     bool      // not over at To, where what is known ends
	Kind     html.Kind
	Lane     string // what went on: events of a source with the same lane share one
	source   string
}

// worstFirst sorts parts by their states, then by what they are.
func worstFirst(parts []part) {
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Or(a.state.rank()-b.state.rank(), strings.Compare(a.what, b.what), strings.Compare(a.source, b.source))
	})
}

// whole is the worst of the states.
func whole(parts []part) state {
	worst := passed
	for _, p := range parts {
		if p.state.rank() < worst.rank() {
			worst = p.state
		}
	}
	return worst
}

// outcome is the error that carries the exit code of all parts together: 1 before 3
// before 4.
func outcome(parts []part) error {
	for _, code := range []cli.Code{cli.CodeFailed, cli.CodeGate, cli.CodeNoVerdict} {
		var first error
		var texts []string
		for _, p := range parts {
			if p.err != nil && cli.CodeOf(p.err) == code {
				texts = append(texts, p.source+": "+p.err.Error())
				if first == nil {
					first = fmt.Errorf("%s: %w", p.source, p.err)
				}
			}
		}
		switch n := len(texts); {
		case n == 0:
			continue
		case n == 1:
			return first
		}
		err := fmt.Errorf("%d of %s: %s", len(texts), render.Plural(len(parts), "source"), strings.Join(texts, "; "))
		switch code {
		case cli.CodeGate:
			return cli.Gate(err)
		case cli.CodeNoVerdict:
			return cli.NoVerdict(err)
		}
		return cli.Failed(err)
	}
	return nil
}

// table makes a section of a table, if that holds anything. Cells below VERDICT look
// as kind says.
func (p *part) table(title, note string, t *render.Table, kind func(string) html.Kind) {
	if len(t.Rows) > 0 {
		p.sections = append(p.sections, html.Section{Title: title, Note: note, Table: html.FromTable(t, kind)})
	}
}

func plain(string) html.Kind { return "" }

// most is how many rows of a table a page shows.
const most = 200

// cut shortens a table for a page, and says so.
func cut(t *render.Table) (note string) {
	if n := len(t.Rows); n > most {
		t.Rows = t.Rows[:most]
		note = fmt.Sprintf("the first %d of %d: the JSON form has all", most, n)
	}
	return note
}

// andMore adds how many there are beside the first.
func andMore(first string, n int, word string) string {
	if n < 2 {
		return first
	}
	return first + "; and " + render.Plural(n-1, "more "+word)
}
