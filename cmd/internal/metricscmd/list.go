package metricscmd

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
)

type listOptions struct {
	category, search, lang string
	out                    cli.Output
}

// every stands for no choice of a category.
const every = "all"

func newList(app *cli.App) *cobra.Command {
	o := &listOptions{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list metrics with unit and meaning",
		Long: `Lists the catalogue. The table has a section for each category and group, with
name, unit and meaning, as wide as the terminal; "llmops metrics show NAME" and the
other formats show all that is known.`,
		Example: `  llmops metrics list --category business
  llmops metrics list --search 'kv cache' --lang both
  llmops metrics list -o json | jq -r '.metrics[] | select(.category == "resource") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return list(app, o) },
	}
	cli.Enum(cmd, &o.category, "category", "", append([]string{every}, catalog.Categories()...), "only metrics of a category")
	cmd.Flags().StringVar(&o.search, "search", "", "only metrics with every word of `TEXT` in their names, meanings or aliases")
	cli.Enum(cmd, &o.lang, "lang", "", languages, "language of the meanings, except in json and yaml, which have both")
	o.out.AddFlags(cmd, render.Formats()...)
	return cmd
}

// languages of the meanings, the default first.
var languages = []string{"en", "zh", "both"}

func list(app *cli.App, o *listOptions) error {
	c, err := load()
	if err != nil {
		return err
	}
	doc := document{Schema: Schema, Metrics: []catalog.Metric{}, Systems: c.Systems}
	for _, m := range c.Search(o.search) {
		if o.category == every || m.Category == o.category {
			doc.Metrics = append(doc.Metrics, m)
		}
	}
	if len(doc.Metrics) == 0 {
		app.Notef("no metric matches")
	}
	return o.out.Write(app, func(w io.Writer) error {
		switch o.out.Format {
		case "json", "yaml":
			return render.Write(w, o.out.Format, 0, doc)
		case "table":
			return screen(&render.Screen{W: w, Style: o.out.Style(app), Width: o.out.Width(app)}, doc.Metrics, o.lang)
		}
		return render.Write(w, o.out.Format, 0, nil, whole(doc.Metrics, o.lang))
	})
}

// meanings are those of m in the languages asked for.
func meanings(m catalog.Metric, lang string) []string {
	switch lang {
	case "zh":
		return []string{m.ZH}
	case "both":
		return []string{m.EN, m.ZH}
	}
	return []string{m.EN}
}

// screen writes a section for each group.
func screen(s *render.Screen, metrics []catalog.Metric, lang string) error {
	for i := 0; i < len(metrics); {
		first := metrics[i]
		t := &render.Table{Columns: render.Columns("NAME", "UNIT", "MEANING")}
		for ; i < len(metrics) && metrics[i].Category == first.Category && metrics[i].Group == first.Group; i++ {
			m := metrics[i]
			texts := meanings(m, lang)
			t.Add(m.Name, m.Unit, texts[0])
			for _, more := range texts[1:] {
				t.Add("", "", more)
			}
		}
		s.Section(first.Category+": "+first.Group, t)
	}
	return s.Err
}

// whole is one table of all that is known.
func whole(metrics []catalog.Metric, lang string) *render.Table {
	headers := []string{"name", "unit", "category", "group", "kind"}
	switch lang {
	case "en":
		headers = append(headers, "meaning")
	case "zh":
		headers = append(headers, "含义")
	case "both":
		headers = append(headers, "meaning", "含义")
	}
	t := &render.Table{Columns: render.Columns(append(headers, "from", "computed", "labels", "aliases", "note")...)}
	for _, m := range metrics {
		row := append([]string{m.Name, m.Unit, m.Category, m.Group, m.Kind}, meanings(m, lang)...)
		t.Add(append(row, strings.Join(m.Sources, " "), computed(m), strings.Join(m.Labels, " "), aliases(m), m.Note)...)
	}
	return t
}

// computed is how a metric follows from others.
func computed(m catalog.Metric) string {
	switch {
	case m.SameAs != "" && m.Factor != 1:
		return m.Name + " * " + render.Full(&m.Factor) + " = " + m.SameAs
	case m.SameAs != "":
		return m.SameAs
	}
	return m.Expr
}

// aliases are names of systems, each system once.
func aliases(m catalog.Metric) string {
	var parts []string
	for _, a := range m.Aliases {
		text := a.Name
		switch {
		case a.Expr != "":
			text = a.Expr
		case a.Factor != 1:
			text += " * " + render.Full(&a.Factor)
		}
		parts = append(parts, a.System+": "+text)
	}
	return strings.Join(slices.Compact(parts), "; ")
}
