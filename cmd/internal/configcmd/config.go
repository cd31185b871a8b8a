// Package configcmd is "llmops config": where settings come from. It shows
// what package cli has put together and must not read configuration itself.
package configcmd

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "show settings and where they come from",
		Long: "Settings are taken from flags, then from the environment (LLMOPS_<COMMAND>_<FLAG>),\n" +
			"then from a file (--config, $LLMOPS_CONFIG, or llmops.yaml in the working folder),\n" +
			"then from the defaults. The file has one section for each command:\n\n" +
			"  color: never\n" +
			"  version:\n" +
			"    output-format: json",
		Example: "  llmops config show\n  llmops config schema --output llmops.schema.json",
	}
	cmd.AddCommand(newShow(app), newSchema(app))
	return cmd
}

type document struct {
	Schema   string        `json:"schema"`
	Settings []cli.Setting `json:"settings"`
}

func newShow(app *cli.App) *cobra.Command {
	var out cli.Output
	changed := false
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "print every setting with its value and its origin",
		Long:    "Prints every flag of every command with its value and where that comes from.\nSecrets are redacted.",
		Example: "  llmops config show\n  llmops config show --changed -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := cli.Settings(app, cmd.Root())
			if err != nil {
				return err
			}
			doc := document{Schema: "llmops.config/v1", Settings: []cli.Setting{}}
			for _, s := range settings {
				if !changed || s.Origin != "default" {
					doc.Settings = append(doc.Settings, s)
				}
			}
			return out.Write(app, func(w io.Writer) error {
				return render.Write(w, out.Format, out.Width(app), doc, table(doc.Settings))
			})
		},
	}
	out.AddFlags(cmd, render.Formats()...)
	cmd.Flags().BoolVar(&changed, "changed", false, "only what is not at its default")
	return cmd
}

func table(settings []cli.Setting) *render.Table {
	t := &render.Table{Columns: render.Columns("COMMAND", "FLAG", "VALUE", "ORIGIN")}
	for _, s := range settings {
		t.Add(cmp.Or(s.Command, "(every)"), s.Flag, cmp.Or(s.Value, "-"), s.Origin)
	}
	return t
}
