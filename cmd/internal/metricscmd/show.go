package metricscmd

import (
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
)

func newShow(app *cli.App) *cobra.Command {
	var out cli.Output
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "show all that is known about a metric",
		Long: `Shows meaning, unit, source and aliases of a metric. NAME may also be what an
engine or an exporter calls it: then every metric that is made of it is shown.`,
		Example: "  llmops metrics show p95_ttft_ms\n  llmops metrics show DCGM_FI_DEV_FB_USED",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if c, err := load(); err == nil {
				for name := range c.Names() {
					names = append(names, name)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			found, err := find(c, args[0])
			if err != nil {
				return err
			}
			return out.Write(app, func(w io.Writer) error {
				if out.Format != "table" {
					return render.Write(w, out.Format, 0, document{Schema, found, c.Systems}, whole(found, "both"))
				}
				return page(&render.Screen{W: w, Style: out.Style(app), Width: out.Width(app)}, c, found)
			})
		},
	}
	out.AddFlags(cmd, render.Formats()...)
	return cmd
}

// page writes metrics for people. Expressions are never cut, so that they can be
// copied.
func page(s *render.Screen, c catalog.Catalog, metrics []catalog.Metric) error {
	for i, m := range metrics {
		if i > 0 {
			s.Printf("\n")
		}
		s.Printf("%s\n%s%s", s.Style.Bold(m.Name), render.Wrap(m.EN, s.Width, "  "), render.Wrap(m.ZH, s.Width, "  "))
		facts := &render.Table{Columns: render.Columns("FIELD", "VALUE")}
		facts.Add("unit", m.Unit)
		facts.Add("kind", m.Kind)
		facts.Add("category", m.Category+", "+m.Group)
		for _, source := range m.Sources {
			facts.Add("from", sourceWords(source))
		}
		if len(m.Labels) > 0 {
			facts.Add("labels", strings.Join(m.Labels, ", "))
		}
		if m.SameAs != "" {
			facts.Add("same as", sameWords(m))
		}
		if m.Expr != "" {
			facts.Add("computed", m.Expr)
		}
		if m.Note != "" {
			facts.Add("note", m.Note)
		}
		for _, other := range c.Metrics {
			if other.SameAs == m.Name {
				facts.Add("also called", other.Name)
			}
		}
		s.Printf("\n")
		if s.Err == nil {
			s.Err = facts.Write(s.W, 0)
		}
		names := &render.Table{Columns: render.Columns("SYSTEM", "NAME", "KNOWN", "HOW")}
		for _, a := range m.Aliases {
			names.Add(a.System, a.Name, a.Sure, aliasWords(a))
		}
		if len(names.Rows) > 0 && s.Err == nil {
			s.Printf("\n%s\n", s.Style.Bold("what others call it"))
			s.Err = names.Write(s.W, 0)
		}
	}
	return s.Err
}

func sameWords(m catalog.Metric) string {
	if m.Factor == 1 {
		return m.SameAs
	}
	return m.SameAs + ", when multiplied by " + render.Full(&m.Factor)
}

func aliasWords(a catalog.Alias) string {
	how := cmp.Or(a.Expr, "the same")
	if a.Expr == "" && a.Factor != 1 {
		how = "times " + render.Full(&a.Factor)
	}
	if a.Bare {
		how += ", within a GPU"
	}
	if a.Note != "" {
		how += " (" + a.Note + ")"
	}
	return how
}

// sourceWords say what a source of the catalogue is.
func sourceWords(source string) string {
	switch source {
	case catalog.Snapshot:
		return "llmops snapshot"
	case catalog.LoadTest:
		return "llmops loadtest"
	case catalog.Logs:
		return "request logs, as series of a minute"
	case catalog.Budget:
		return "llmops budget"
	case catalog.BusinessIn:
		return "a business file or URL (llmops snapshot)"
	case catalog.Derived:
		return "computed from other metrics"
	case catalog.Given:
		return "your own data"
	}
	return source
}
