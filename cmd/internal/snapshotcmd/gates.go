package snapshotcmd

import (
	"fmt"
	"strconv"
	"strings"

	"llmops/analysis/gate"
	"llmops/cmd/internal/render"
)

// mostNamed is how many results a message names.
const mostNamed = 3

// failure names the gates that fail, and with what.
func failure(results []gate.Result) string {
	var parts []string
	for _, r := range results {
		if r.Verdict == gate.Fail {
			parts = append(parts, r.Title()+": "+told(r))
		}
	}
	more := ""
	if n := len(parts) - mostNamed; n > 0 {
		parts, more = parts[:mostNamed], fmt.Sprintf("; and %s", render.Plural(n, "more gate"))
	}
	return "gate failed: " + strings.Join(parts, "; ") + more
}

// told is what the results of a gate say.
func told(r gate.Result) string {
	var rows []string
	for _, row := range r.Rows {
		rows = append(rows, rowText(row))
	}
	return render.Clean(render.List(rows, mostNamed))
}

func rowText(row gate.Row) string {
	if row.Summary != "" {
		return row.Summary
	}
	text := row.Entity()
	if row.Value != nil {
		text = join(" is ", text, strconv.FormatFloat(*row.Value, 'g', 6, 64))
	}
	if text == "" {
		return "it has a result that is no finite number"
	}
	return text
}

// missing names what was not measured.
func missing(results []gate.Result) string {
	var parts []string
	packs := map[string]bool{}
	for _, r := range results {
		switch {
		case r.Verdict != gate.NoData:
		case r.Pack == "":
			parts = append(parts, r.Title()+": no "+strings.Join(r.Missing, ", no "))
		case !packs[r.Pack]:
			packs[r.Pack] = true
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing that the rules compare")
	}
	return "not measured: " + strings.Join(parts, "; ")
}

func missingHint(o *options) string {
	hint := `"llmops snapshot -o prom" lists the series`
	if o.window == 0 && !o.watch {
		hint += "; rates need --window"
	}
	return hint + "; --on-missing ignore lets such a gate pass"
}

func paintVerdict(style render.Style, v gate.Verdict) string {
	return style.Verdict(strings.ReplaceAll(string(v), "_", " "))
}

// gateTable has a row for each expression and for each rule of a pack that fails, the
// worst first, and one for what the others of a pack come to.
func gateTable(d document, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("VERDICT", "GATE", "DETAIL")}
	for _, verdict := range []gate.Verdict{gate.Fail, gate.NoData, gate.Pass} {
		for _, r := range d.Gates {
			if r.Verdict != verdict || r.Pack != "" && verdict != gate.Fail {
				continue
			}
			detail := ""
			switch verdict {
			case gate.Fail:
				detail = told(r)
			case gate.NoData:
				detail = "no " + strings.Join(r.Missing, ", no ")
			}
			t.Add(paintVerdict(style, verdict), render.Clean(r.Title()), detail)
		}
	}
	type sum struct{ pass, noData int }
	sums, order := map[string]*sum{}, []string{}
	for _, r := range d.Gates {
		if r.Pack == "" {
			continue
		}
		if sums[r.Pack] == nil {
			sums[r.Pack] = &sum{}
			order = append(order, r.Pack)
		}
		switch r.Verdict {
		case gate.Pass:
			sums[r.Pack].pass++
		case gate.NoData:
			sums[r.Pack].noData++
		}
	}
	for _, name := range order {
		verdict, n := gate.Pass, sums[name]
		switch {
		case n.pass+n.noData == 0: // all of them failed
			continue
		case n.pass == 0:
			verdict = gate.NoData
		}
		hold, have := "hold", "have"
		if n.pass == 1 {
			hold = "holds"
		}
		if n.noData == 1 {
			have = "has"
		}
		t.Add(paintVerdict(style, verdict), render.Clean(name), fmt.Sprintf("%s %s, %d %s nothing to judge here", render.Plural(n.pass, "rule"), hold, n.noData, have))
	}
	return t
}

// gates shows what became of them.
func (v *view) gates() {
	if len(v.d.Gates) == 0 {
		return
	}
	v.Section("gates", gateTable(v.d, v.Style))
	v.Printf("\n%s %s\n", v.Style.Bold("verdict:"), paintVerdict(v.Style, v.d.Verdict))
}
