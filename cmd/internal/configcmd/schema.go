package configcmd

import (
	"bytes"
	"embed"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// The kinds of files that there are schemas of.
const (
	ConfigSchema = "config" // llmops.yaml
	SLOSchema    = "slo"    // objectives in the short form (docs/slo.md)
	RulesSchema  = "rules"  // Prometheus rule files, as those that ship
	FaultsSchema = "faults" // fault patterns of diagnose --faults
)

func schemaKinds() []string { return []string{ConfigSchema, SLOSchema, RulesSchema, FaultsSchema} }

//go:embed schemas
var schemas embed.FS

// Schema is the JSON Schema (2020-12) of a kind of files. That of the configuration is
// made of the flags of the commands below root.
func Schema(root *cobra.Command, kind string) (string, error) {
	if kind != ConfigSchema {
		text, err := schemas.ReadFile("schemas/" + kind + ".schema.json")
		if err != nil {
			return "", fmt.Errorf("no schema of %q", kind)
		}
		return string(text), nil
	}
	var out bytes.Buffer
	if err := render.JSON(&out, cli.ConfigSchema(root)); err != nil {
		return "", fmt.Errorf("write the schema: %w", err)
	}
	return out.String(), nil
}

func newSchema(app *cli.App) *cobra.Command {
	var out cli.Output
	cmd := &cobra.Command{
		Use:   "schema [config|slo|rules|faults]",
		Short: "print a JSON Schema, for editors",
		Long: `Prints the JSON Schema of llmops.yaml (config), of objectives in the short form (slo),
of rule files (rules) or of fault patterns (faults). Editors with a YAML language
server complete and check a file whose first line names it:

  # yaml-language-server: $schema=llmops.schema.json`,
		Example:   "  llmops config schema --output llmops.schema.json\n  llmops config schema slo --output slo.schema.json",
		ValidArgs: schemaKinds(),
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := ConfigSchema
			if len(args) > 0 {
				kind = args[0]
			}
			text, err := Schema(cmd.Root(), kind)
			if err != nil {
				return cli.Failed(err)
			}
			return out.Write(app, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		},
	}
	cmd.Flags().StringVar(&out.File, "output", "", "write the schema to `FILE` instead of standard output")
	return cmd
}
