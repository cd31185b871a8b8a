package rulescmd

import (
	"cmp"
	"io"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/defaults"
)

type listOptions struct {
	kind, severity, search string
	out                    cli.Output
}

func newList(app *cli.App) *cobra.Command {
	o := &listOptions{}
	cmd := &cobra.Command{
		Use:   "list [FILE|FOLDER]…",
		Short: "list rules with severity, duration and expression",
		Long: `Lists the rules and fault patterns of files, or else the rules that ship with
llmops, with --kind fault its fault patterns. "llmops rules show NAME" and the other
formats have all of a rule.`,
		Example: `  llmops rules list
  llmops rules list --severity critical
  llmops rules list --kind fault
  llmops rules list rules/ --search kv_cache`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: yamlFiles,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(app, args) },
	}
	cli.Enum(cmd, &o.kind, "kind", "", []string{"all", "alert", "record", "fault"}, "only alerts, recording rules or fault patterns")
	cmd.Flags().StringVar(&o.severity, "severity", "", "only alerts of a `SEVERITY`, such as critical")
	cmd.Flags().StringVar(&o.search, "search", "", "only rules with every word of `TEXT` in name, group, expression or annotations")
	o.out.AddFlags(cmd, render.Formats()...)
	return cmd
}

// listSchema names the JSON form of list and show.
const listSchema = "llmops.rulelist/v1"

type listed struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // alert, record or fault
	Group string `json:"group"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	// Of the group.
	Interval    model.Duration    `json:"interval,omitempty"`
	GroupLabels map[string]string `json:"group_labels,omitempty"`
	alert.Rule
}

// listedRules are the rules of files, in order.
func listedRules(files []alert.File) []listed {
	var list []listed
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				kind := "record"
				if r.Alert != "" {
					kind = "alert"
				}
				list = append(list, listed{r.Name(), kind, g.Name, f.Name, r.Position.Line, g.Interval, g.Labels, r})
			}
		}
	}
	return list
}

// severity is that of the rule, or of its group.
func (l listed) severity() string { return cmp.Or(l.Severity(), l.GroupLabels["severity"]) }

func (o *listOptions) run(app *cli.App, names []string) error {
	all, err := o.read(app, names)
	if err != nil {
		return err
	}
	doc := struct {
		Schema string   `json:"schema"`
		Rules  []listed `json:"rules"`
	}{listSchema, []listed{}}
	for _, l := range all {
		if (o.kind == "all" || o.kind == l.Kind) && (o.severity == "" || o.severity == l.severity()) && l.has(o.search) {
			doc.Rules = append(doc.Rules, l)
		}
	}
	if len(doc.Rules) == 0 {
		app.Notef("no rule matches")
	}
	return o.out.Write(app, func(w io.Writer) error {
		return render.Write(w, o.out.Format, o.out.Width(app), doc, listTable(doc.Rules, o.out.Format == "table"))
	})
}

// read is what can be listed.
func (o *listOptions) read(app *cli.App, names []string) ([]listed, error) {
	docs, rest, err := split(names)
	if err != nil {
		return nil, err
	}
	var all []listed
	if len(rest) > 0 || len(names) == 0 {
		files, err := rulefiles.Read(app.In, rest...)
		if err != nil {
			return nil, err
		}
		all = listedRules(files)
	}
	if len(docs) > 0 || len(names) == 0 && o.kind == "fault" {
		faults, err := faultsOf(docs)
		if err != nil {
			return nil, err
		}
		all = append(all, listedFaults(faults)...)
	}
	return all, nil
}

// has tells whether every word stands in the rule.
func (l listed) has(text string) bool {
	hay := strings.ToLower(strings.Join([]string{l.Name, l.Group, l.Expr, l.Annotations["summary"], l.Annotations["summary_zh"], l.Annotations["description"]}, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if !strings.Contains(hay, word) {
			return false
		}
	}
	return true
}

func listTable(rules []listed, short bool) *render.Table {
	t := &render.Table{Columns: render.Columns("NAME", "SEVERITY", ">FOR", "EXPR", "FILE")}
	if !short {
		t.Columns = render.Columns("name", "kind", "severity", "for", "keep_firing_for", "group", "file", "expr")
	}
	for _, l := range rules {
		wait, keep := "", ""
		if l.For > 0 {
			wait = l.For.String()
		}
		if l.KeepFiringFor > 0 {
			keep = l.KeepFiringFor.String()
		}
		expr := render.Clean(strings.Join(strings.Fields(l.Expr), " "))
		if short {
			t.Add(render.Clean(l.Name), cmp.Or(render.Clean(l.severity()), "("+l.Kind+")"), wait, shortened(expr), render.Clean(shortFile(l.File)))
		} else {
			t.Add(l.Name, l.Kind, l.severity(), wait, keep, l.Group, l.File, expr)
		}
	}
	return t
}

// shortened keeps the table readable where its width has no limit.
func shortened(expr string) string {
	const most = 60
	if r := []rune(expr); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return expr
}

// shortFile is a file's name as the table has it.
func shortFile(name string) string { return strings.TrimPrefix(name, defaults.Prefix) }
