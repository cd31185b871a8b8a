package rulescmd

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
	"llmops/rules/near"
)

type showOptions struct {
	rules []string
	out   cli.Output
}

func newShow(app *cli.App) *cobra.Command {
	o := &showOptions{}
	cmd := &cobra.Command{
		Use:   "show NAME…",
		Short: "show all of a rule or fault pattern, and what its metrics mean",
		Long: `Shows rules by their names: expression, durations, labels, annotations, and what
each metric in them is; and fault patterns by their ids: what they are told by. They
are those of --rules, or else those that ship.`,
		Example: "  llmops rules show gpu_memory_exhaustion\n  llmops rules show gpu_memory_leak\n  llmops rules show HighErrors --rules rules.yaml",
		Args:    cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if all, _, err := o.read(nil); err == nil {
				for _, l := range all {
					names = append(names, l.Name)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.run(app, args) },
	}
	cmd.Flags().StringArrayVar(&o.rules, "rules", nil, "rule `FILE` or folder; may be repeated; @defaults/NAME ships with llmops")
	o.out.AddFlags(cmd, "table", "json", "yaml")
	return cmd
}

// shown is a rule with what its metrics are.
type shown struct {
	listed
	Metrics  []metric  `json:"metrics"`
	Symptoms []symptom `json:"symptoms,omitempty"` // of a fault
	SureFrom float64   `json:"sure_from,omitzero"` // of a fault: the least score that is an answer
}

// metric is a name in an expression. Without a unit the catalogue does not know it.
type metric struct {
	Name     string  `json:"name"`
	Is       string  `json:"is,omitempty"`    // the canonical name, if that is another one
	Factor   float64 `json:"factor,omitzero"` // what makes that one's unit of it, if not 1
	Unit     string  `json:"unit,omitempty"`  // of the canonical name
	EN       string  `json:"en,omitempty"`
	ZH       string  `json:"zh,omitempty"`
	Recorded string  `json:"recorded,omitempty"` // the expression of the rule that records it
}

func (o *showOptions) run(app *cli.App, names []string) error {
	all, faults, err := o.read(app.In)
	if err != nil {
		return err
	}
	c, err := catalog.Load()
	if err != nil {
		return cli.Failed(err)
	}
	doc := struct {
		Schema string  `json:"schema"`
		Rules  []shown `json:"rules"`
	}{listSchema, []shown{}}
	for _, name := range names {
		before := len(doc.Rules)
		for _, l := range all {
			if l.Name != name {
				continue
			}
			if f := faults.Find(name); l.Kind == "fault" && f != nil {
				doc.Rules = append(doc.Rules, shown{listed: l, Metrics: signalsOf(f, faults), Symptoms: symptomsOf(f), SureFrom: f.Least()})
			} else {
				doc.Rules = append(doc.Rules, shown{listed: l, Metrics: metricsOf(l, all, c)})
			}
		}
		if len(doc.Rules) == before {
			return unknownRule(name, all)
		}
	}
	return o.out.Write(app, func(w io.Writer) error {
		if o.out.Format != "table" {
			return render.Write(w, o.out.Format, 0, doc)
		}
		s := &render.Screen{W: w, Style: o.out.Style(app), Width: o.out.Width(app)}
		for i, r := range doc.Rules {
			if i > 0 {
				s.Printf("\n")
			}
			if r.Kind == "fault" {
				r.faultPage(s)
				continue
			}
			r.page(s)
		}
		return s.Err
	})
}

func unknownRule(name string, all []listed) error {
	err := cli.Usagef("no rule is called %q", name)
	names := func(yield func(string) bool) {
		for _, l := range all {
			if !yield(l.Name) {
				return
			}
		}
	}
	if likely := near.Names(name, names, 3); len(likely) > 0 {
		return cli.WithHint(err, "did you mean %s?", strings.Join(likely, " or "))
	}
	return cli.WithHint(err, "\"llmops rules list\" has those that ship; --rules FILE takes others")
}

// metricsOf explains the names in an expression, each once.
func metricsOf(l listed, all []listed, c catalog.Catalog) []metric {
	list := []metric{}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(l.Expr)
	if err != nil {
		return list
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel || m.Type != labels.MatchEqual || slices.ContainsFunc(list, func(x metric) bool { return x.Name == m.Value }) {
				continue
			}
			x := metric{Name: m.Value}
			if i := slices.IndexFunc(all, func(o listed) bool { return o.Record == m.Value }); i >= 0 {
				x.Recorded = all[i].Expr
			} else if canonical, factor, ok := c.Resolve(m.Value); ok {
				known, _ := c.Lookup(canonical)
				x.Unit, x.EN, x.ZH = known.Unit, known.EN, known.ZH
				if canonical != m.Value {
					x.Is = canonical
				}
				if factor != 1 {
					x.Factor = factor
				}
			}
			list = append(list, x)
		}
		return nil
	})
	return list
}

// page writes a rule for people. The expression is never cut, so that it can be copied.
func (r shown) page(s *render.Screen) {
	s.Printf("%s\n  %s of group %s, %s\n", s.Style.Bold(render.Clean(r.Name)), r.Kind, render.Clean(r.Group), render.Clean(r.Position.String()))
	for _, key := range []string{"summary", "description"} {
		if text := r.Annotations[key]; text != "" {
			s.Printf("%s", render.Wrap(render.Clean(text), s.Width, "  "))
		}
	}
	s.Printf("\n%s\n", s.Style.Bold("expression"))
	text := r.Expr
	if expr, err := parser.NewParser(parser.Options{}).ParseExpr(text); err == nil {
		text = parser.Prettify(expr)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(render.Clean(text)), "\n") {
		s.Printf("  %s\n", line)
	}
	facts := &render.Table{Columns: render.Columns("FIELD", "VALUE")}
	if r.Interval > 0 {
		facts.Add("interval", r.Interval.String())
	}
	for _, d := range []struct {
		name  string
		value model.Duration
	}{{"for", r.For}, {"keep_firing_for", r.KeepFiringFor}} {
		if d.value > 0 {
			facts.Add(d.name, d.value.String())
		}
	}
	addAll(facts, "label ", r.GroupLabels)
	addAll(facts, "label ", r.Labels)
	rest := maps.Clone(r.Annotations)
	delete(rest, "summary")
	delete(rest, "description")
	addAll(facts, "", rest)
	s.Section("fields", facts)
	table := &render.Table{Columns: render.Columns("METRIC", "UNIT", "MEANING")}
	for _, m := range r.Metrics {
		meaning, unit := m.EN, m.Unit
		switch {
		case m.Recorded != "":
			meaning = "recorded: " + strings.Join(strings.Fields(m.Recorded), " ")
		case m.Unit == "":
			meaning = "not in the catalogue"
		case m.Factor != 0:
			meaning, unit = fmt.Sprintf("times %g: %s (%s): %s", m.Factor, cmp.Or(m.Is, m.Name), m.Unit, m.EN), ""
		case m.Is != "":
			meaning = fmt.Sprintf("%s: %s", m.Is, m.EN)
		}
		table.Add(render.Clean(m.Name), unit, render.Clean(meaning))
	}
	s.Section("metrics", table)
}

func addAll(t *render.Table, prefix string, m map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		t.Add(prefix+render.Clean(name), render.Clean(strings.Join(strings.Fields(m[name]), " ")))
	}
}
