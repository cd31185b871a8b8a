package reportcmd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/analysis/gate"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
	"llmops/cmd/internal/snapshotcmd"
	"llmops/probes/snapshot"
)

// readSnapshots reads a snapshot, or a recording with one a line. What a recording
// ends with and is no whole line is left out. Of many the last one is shown in tables.
func readSnapshots(d document) (part, error) {
	list, err := d.snapshots()
	if err != nil {
		return part{}, err
	}
	slices.SortStableFunc(list, func(a, b snapshotcmd.Document) int { return a.TakenAt.Compare(b.TakenAt) })
	first, last := list[0], list[len(list)-1]
	p := part{source: d.name, schema: d.schema, what: "snapshot", title: "Snapshot", about: "taken at " + render.Clock(last.TakenAt)}
	if len(list) == 1 {
		p.document = raw(d.text)
	} else {
		p.what, p.title = "recording", "Recorded snapshots"
		p.about = fmt.Sprintf("%s from %s to %s; tables are of the last", render.Plural(len(list), "snapshot"), render.Clock(first.TakenAt), render.Clock(last.TakenAt))
	}
	p.events = append(p.events, event{From: first.TakenAt, To: last.TakenAt, Lane: p.what})
	p.findings(list)
	p.judge(list)
	p.sections = append(snapshotcmd.Sections(last), courses(list)...)
	return p, nil
}

func (d document) snapshots() (list []snapshotcmd.Document, err error) {
	var one snapshotcmd.Document
	offset := 0
	for line := range bytes.Lines(d.text) {
		start := offset
		offset += len(line)
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		m := head.FindSubmatch(line)
		if m == nil && len(list) == 0 { // indented: a single one
			if err := d.decode(d.text, 0, &one); err != nil {
				return nil, err
			}
			return append(list, one), nil
		}
		var s snapshotcmd.Document
		if err := d.decode(line, start, &s); err != nil {
			if offset == len(d.text) && !bytes.HasSuffix(line, []byte("\n")) && len(list) > 0 {
				break // written while it was read, or killed
			}
			return nil, err
		}
		if s.Schema != snapshot.Schema {
			return nil, cli.Usagef("%s: a line of schema %q among snapshots", d.position(start), s.Schema)
		}
		list = append(list, s)
	}
	return list, nil
}

func kindOf(s snapshot.Severity) html.Kind {
	switch s {
	case snapshot.Critical:
		return html.Fail
	case snapshot.Warning:
		return html.Attention
	}
	return ""
}

// findings are stretches of the time in which each was seen in every snapshot.
func (p *part) findings(list []snapshotcmd.Document) {
	open := map[string]int{} // lane to the place of its event
	for _, s := range list {
		seen := map[string]int{}
		for _, f := range s.Findings {
			if f.Severity == snapshot.Info {
				continue
			}
			lane := fmt.Sprintf("%s: %s (%s)", p.what, f.Summary, f.Severity)
			at, is := open[lane]
			if !is {
				at = len(p.events)
				p.events = append(p.events, event{From: s.TakenAt, Kind: kindOf(f.Severity), Lane: lane})
			}
			p.events[at].To = s.TakenAt
			seen[lane] = at
		}
		open = seen
	}
	for _, at := range open {
		p.events[at].Open = len(list) > 1
	}
}

// judge is by the gates of the command, else by the findings.
func (p *part) judge(list []snapshotcmd.Document) {
	worst := snapshot.Finding{Severity: snapshot.Info}
	count := 0
	failing, blind := map[string]bool{}, map[string]bool{}
	for _, s := range list {
		for _, f := range s.Findings {
			if f.Severity != snapshot.Info {
				count++
			}
			if slices.Index(snapshot.Severities(), f.Severity) < slices.Index(snapshot.Severities(), worst.Severity) {
				worst = f
			}
		}
		for _, g := range s.Gates {
			switch g.Verdict {
			case gate.Fail:
				failing[g.Title()] = true
			case gate.NoData:
				blind[g.Title()] = true
			}
		}
	}
	last := list[len(list)-1]
	switch {
	case len(failing) > 0:
		p.state, p.verdict, p.why = failed, "fail", "gate failed: "+names(failing)
		p.err = cli.Gate(errors.New(p.why))
	case last.Verdict == gate.NoData:
		p.state, p.verdict, p.why = undetermined, "no_data", "not measured: "+names(blind)
		p.err = cli.NoVerdict(errors.New(p.why))
	case count > 0:
		p.state, p.verdict, p.why = attention, string(worst.Severity), render.Clean(worst.Summary)
		if len(list) == 1 {
			p.why = andMore(p.why, count, "finding")
		}
	default:
		p.state, p.verdict, p.why = passed, "ok", seen(last.Snapshot)
	}
}

func names(set map[string]bool) string {
	var list []string
	for name := range set {
		list = append(list, render.Clean(name))
	}
	slices.Sort(list)
	return render.List(list, 3)
}

// seen says what a snapshot without findings is of.
func seen(s snapshot.Snapshot) string {
	var parts []string
	if n := len(s.GPUs); n > 0 {
		parts = append(parts, render.Plural(n, "GPU"))
	}
	if s.Host != nil {
		parts = append(parts, "host "+cmp.Or(s.Host.Name, s.Host.OS))
	}
	for _, x := range s.Servers {
		parts = append(parts, cmp.Or(x.Engine, "server")+" at "+x.URL)
	}
	if len(parts) == 0 {
		return "no finding"
	}
	return render.Clean("no finding: " + render.List(parts, 4))
}

// mostLines is how many GPUs or servers have lines of their own.
const mostLines = 6

// courses are charts of a recording.
func courses(list []snapshotcmd.Document) (out []html.Section) {
	var x []float64
	var at []snapshot.Snapshot
	for _, s := range list {
		t := s.TakenAt.Sub(list[0].TakenAt).Seconds()
		if len(x) == 0 || t > x[len(x)-1] {
			x, at = append(x, t), append(at, s.Snapshot)
		}
	}
	if len(x) < 2 {
		return nil
	}
	since := "since " + list[0].TakenAt.UTC().Format(time.RFC3339)
	chart := func(title, unit string, values func(s snapshot.Snapshot, add func(name string, v *float64))) {
		c := &html.Chart{Title: title, Unit: unit, Kind: html.Line, X: x}
		of := map[string]int{}
		for i, s := range at {
			values(s, func(name string, v *float64) {
				if v == nil {
					return
				}
				n, is := of[name]
				if !is {
					n = len(c.Series)
					of[name] = n
					c.Series = append(c.Series, html.Series{Name: render.Clean(name), Values: make([]*float64, len(x))})
				}
				c.Series[n].Values[i] = v
			})
		}
		if n := len(c.Series); n == 0 || n > mostLines {
			return
		}
		out = append(out, html.Section{Title: title, Note: since, Chart: c})
	}
	server := func(of func(snapshot.Server) *float64) func(snapshot.Snapshot, func(string, *float64)) {
		return func(s snapshot.Snapshot, add func(string, *float64)) {
			for _, x := range s.Servers {
				add(x.URL, of(x))
			}
		}
	}
	gpu := func(of func(snapshot.GPU) *float64) func(snapshot.Snapshot, func(string, *float64)) {
		return func(s snapshot.Snapshot, add func(string, *float64)) {
			for _, x := range s.GPUs {
				add(fmt.Sprintf("GPU %d", x.Index), of(x))
			}
		}
	}
	chart("Running requests", "", server(func(s snapshot.Server) *float64 { return s.Running }))
	chart("Waiting requests", "", server(func(s snapshot.Server) *float64 { return s.Waiting }))
	chart("KV cache", "ratio", server(func(s snapshot.Server) *float64 { return s.KVCacheUtilization }))
	chart("GPU utilization", "ratio", gpu(func(g snapshot.GPU) *float64 { return g.Utilization }))
	chart("GPU memory", "ratio", gpu(func(g snapshot.GPU) *float64 {
		if g.Memory == nil {
			return nil
		}
		return g.Memory.Utilization
	}))
	chart("GPU temperature", "°C", gpu(func(g snapshot.GPU) *float64 {
		if g.Temperature == nil {
			return nil
		}
		return g.Temperature.GPUC
	}))
	chart("CPU", "ratio", func(s snapshot.Snapshot, add func(string, *float64)) {
		if s.Host != nil && s.Host.CPU != nil {
			add(strings.TrimSpace("busy "+s.Host.Name), s.Host.CPU.Utilization)
		}
	})
	return out
}
