package loadtestcmd

import (
	"io"

	"github.com/spf13/cobra"

	"llmops/analysis/compat"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// Compat is the flag that asks for the figures of another load tester in place of
// the report.
type Compat struct{ tool string }

const noCompat = "none"

// AddFlags adds --compat to cmd.
func (f *Compat) AddFlags(cmd *cobra.Command) {
	cli.Enum(cmd, &f.tool, "compat", "", append([]string{noCompat}, compat.Tools()...), "print JSON as another tool would have written of this run, by its definitions and names, in place of the report")
}

// Asked tells whether a tool was named.
func (f *Compat) Asked() bool { return f.tool != "" && f.tool != noCompat }

// Check refuses another format than JSON. given tells whether the flag of a format
// was set.
func (f *Compat) Check(given bool, format string) error {
	if f.Asked() && given && format != "json" {
		return cli.Usagef("--compat %s prints JSON: leave out -o %s", f.tool, format)
	}
	return nil
}

// Collector is what records are added to; nil where no tool was named.
func (f *Compat) Collector() *compat.Collector {
	if !f.Asked() {
		return nil
	}
	c, _ := compat.New(compat.Tool(f.tool)) // the flag takes no others
	return c
}

// PrintCompat writes the document of the run that s sums up.
func PrintCompat(app *cli.App, out *cli.Output, c *compat.Collector, s loadreport.Summary, limits loadreport.Limits, interrupted bool) error {
	doc := c.Document(compat.Run{Version: s.Version, Target: s.Target, Load: s.Load, StartedAt: s.StartedAt, Interrupted: interrupted, Limits: limits})
	return out.Write(app, func(w io.Writer) error { return render.JSON(w, doc) })
}

// print writes what was asked for on standard output.
func (m *measurement) print(app *cli.App, o *options) error {
	if m.compat != nil {
		return PrintCompat(app, &o.output, m.compat, m.summary, m.agg.Limits(), m.result.Interrupted)
	}
	return o.print(app, m.agg, m.summary)
}
