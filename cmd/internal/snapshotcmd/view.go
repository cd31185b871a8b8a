package snapshotcmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// print writes a snapshot in the format that was asked for.
func (w *watch) print(out io.Writer, d document, width int) error {
	switch w.output.Format {
	case "table":
		v := w.view(out, d, width)
		v.measured()
		v.judged()
		return v.Err
	case "ndjson":
		return render.JSONLine(out, d)
	case "prom":
		return textfile(out, d.Snapshot)
	case "csv":
		return long(d.Snapshot).CSV(out)
	case "markdown":
		return markdown(out, d)
	}
	return render.Write(out, w.output.Format, 0, d)
}

const serversTitle = "servers (TTFT and E2E: p95)"

// section is a table and its title.
type section struct {
	title string
	table *render.Table
}

func sections(d document, style render.Style) []section {
	return []section{
		{"gpus", gpuTable(d.GPUs, style)}, {"mig", migTable(d.GPUs)}, {"processes on gpus", processTable(d.GPUs)},
		{"host", hostTable(d.Host)}, {"file systems", filesystemTable(d.Host)}, {"disks", diskTable(d.Host)}, {"network", networkTable(d.Host)},
		{serversTitle, serverTable(d.Servers, style)}, {"business", businessTable(d.Business)},
	}
}

// markdown writes the tables that hold anything, each below its heading.
func markdown(w io.Writer, d document) error {
	list := sections(d, render.Style{})
	list = append(list, section{"findings", findingTable(d.Findings)}, section{"gates", gateTable(d, render.Style{})}, section{"not read", problemTable(d.Errors)})
	for i, s := range slices.DeleteFunc(list, func(s section) bool { return len(s.table.Rows) == 0 }) {
		if i == 0 {
			if _, err := fmt.Fprintf(w, "%s\n", headline(d)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "\n## %s\n\n", s.title); err != nil {
			return err
		}
		if err := s.table.Markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// view is a snapshot for a terminal.
type view struct {
	render.Screen
	d       document
	options *options
	verbose bool
}

func (w *watch) view(out io.Writer, d document, width int) *view {
	return &view{Screen: render.Screen{W: out, Style: w.output.Style(w.app), Width: width}, d: d, options: w.options, verbose: w.app.Verbose}
}

// measured is the first part of what is shown.
func (v *view) measured() {
	v.Printf("%s", render.Wrap(headline(v.d), v.Width, ""))
	for _, s := range sections(v.d, v.Style) {
		if s.title == "host" {
			v.host(s.table)
		} else {
			v.Section(s.title, s.table)
		}
		if s.title == "gpus" && len(s.table.Rows) == 0 {
			v.noGPU()
		}
		if s.title == serversTitle {
			v.extras()
			v.basis()
		}
	}
}

// judged is the second part: what is wrong.
func (v *view) judged() {
	v.findings()
	v.gates()
	v.problems()
	if v.verbose && len(v.d.TimingsMS) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v.d.TimingsMS)) {
			parts = append(parts, name+" "+render.Milliseconds(v.d.TimingsMS[name]))
		}
		v.Printf("\n%s\n%s", v.Style.Bold("time taken"), render.Wrap(strings.Join(parts, ", "), v.Width, ""))
	}
}

// host has lines that wrap, since each says many things.
func (v *view) host(t *render.Table) {
	const indent = "          "
	for i, row := range t.Rows {
		if i == 0 {
			v.Printf("\n%s\n", v.Style.Bold("host"))
		}
		text := render.Wrap(row[1], v.Width, indent)
		v.Printf("%-*s%s", len(indent), row[0], text[len(indent):])
	}
}

func headline(d document) string {
	at := render.Clock(d.TakenAt)
	if d.WindowS != nil {
		at += fmt.Sprintf(", rates over %ss", render.Short(*d.WindowS))
	}
	h := d.Host
	if h == nil {
		return at
	}
	in, up := "", ""
	if h.Container != "" {
		in = "inside a container (" + h.Container + ")"
	}
	if h.UptimeS != nil {
		up = "up " + render.Span(seconds(*h.UptimeS))
	}
	return render.Clean(join(", ", h.Name, join(" ", h.OS, h.Kernel, h.Arch), in, up, at))
}

// gpuSources are those whose errors explain why there is no GPU.
func gpuSource(source string) bool {
	return slices.Contains([]string{"gpu", "nvml", "nvidia-smi", "amdgpu"}, source)
}

// noGPU says plainly why there is no table of GPUs.
func (v *view) noGPU() {
	v.Printf("\n%s\n", v.Style.Bold("gpus"))
	if v.options.gpu == "none" {
		v.Printf("not looked for (--gpu none)\n")
		return
	}
	said := false
	for _, p := range v.d.Errors {
		if gpuSource(p.Source) {
			v.problem(p)
			said = true
		}
	}
	if !said {
		v.Printf("none\n")
	}
}

// problem is one line, and one with what would mend it.
func (v *view) problem(p snapshot.Problem) {
	text := join(": ", join(" ", p.Source, p.What), string(p.Status), p.Detail)
	v.Printf("%s", render.Wrap(render.Clean(text), v.Width, ""))
	if p.Hint != "" {
		v.Printf("%s", render.Wrap(render.Clean("→ "+p.Hint), v.Width, "  "))
	}
}

// problems are those that matter: what a device does not have is told by --verbose.
func (v *view) problems() {
	first, hidden := true, 0
	for _, p := range v.d.Errors {
		switch {
		case len(v.d.GPUs) == 0 && gpuSource(p.Source):
			continue // said where the GPUs would be
		case slices.ContainsFunc(v.d.Findings, func(f snapshot.Finding) bool { return f.ID == "server_down" && f.Entity == "server="+p.Source }):
			continue // said there
		case p.Status == snapshot.Unsupported && !v.verbose:
			hidden++
			continue
		}
		if first {
			v.Printf("\n%s\n", v.Style.Bold("not read"))
			first = false
		}
		v.problem(p)
	}
	if hidden > 0 && !first {
		v.Printf("and %s that this machine does not have (--verbose)\n", render.Plural(hidden, "thing"))
	}
}

// worstFirst are the findings in order of severity.
func worstFirst(list []snapshot.Finding) []snapshot.Finding {
	rank := func(f snapshot.Finding) int {
		if i := slices.Index(snapshot.Severities(), f.Severity); i >= 0 {
			return i
		}
		return len(snapshot.Severities())
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b snapshot.Finding) int { return rank(a) - rank(b) })
}

func (v *view) findings() {
	if len(v.d.Findings) == 0 {
		return
	}
	v.Printf("\n%s\n", v.Style.Bold("findings, worst first"))
	for _, f := range worstFirst(v.d.Findings) {
		text := render.Wrap(render.Clean(fmt.Sprintf("%s %s", f.Severity, f.Summary)), v.Width, "")
		v.Printf("%s", paint(v.Style, f.Severity, string(f.Severity))+strings.TrimPrefix(text, string(f.Severity)))
		if f.Why != "" {
			v.Printf("%s", render.Wrap(render.Clean(f.Why), v.Width, "  "))
		}
		if f.Action != "" {
			v.Printf("%s", render.Wrap(render.Clean("→ "+f.Action), v.Width, "  "))
		}
	}
}

func findingTable(list []snapshot.Finding) *render.Table {
	t := &render.Table{Columns: render.Columns("SEVERITY", "ENTITY", "SUMMARY", "WHY", "ACTION")}
	for _, f := range worstFirst(list) {
		t.Add(string(f.Severity), render.Clean(f.Entity), render.Clean(f.Summary), render.Clean(f.Why), render.Clean(f.Action))
	}
	return t
}

func problemTable(list []snapshot.Problem) *render.Table {
	t := &render.Table{Columns: render.Columns("SOURCE", "WHAT", "STATUS", "DETAIL", "HINT")}
	for _, p := range list {
		t.Add(render.Clean(p.Source), render.Clean(p.What), string(p.Status), render.Clean(p.Detail), render.Clean(p.Hint))
	}
	return t
}
