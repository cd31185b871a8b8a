// Package versioncmd is "llmops version": what this binary is and which
// probes are compiled in. It must not read anything else.
package versioncmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/gpu/nvml"
)

// driverTimeout bounds the look at the driver: a sick one can hang.
const driverTimeout = 3 * time.Second

type document struct {
	Schema string `json:"schema"`
	cli.Build
	Probes []probe `json:"probes"`
}

type probe struct {
	Name     string     `json:"name"`
	Compiled bool       `json:"compiled"`
	Detail   string     `json:"detail,omitempty"` // why not, or what --verbose found
	Found    *nvml.Info `json:"found,omitempty"`
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	var out cli.Output
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print what this binary is and what it can read",
		Long:  "Prints version, commit and platform, and the probes that are compiled in.\nWith -v it also asks the GPU driver for its version and devices.",
		Example: "  llmops version\n" +
			"  llmops version -v -o json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			doc := document{"llmops.version/v1", app.Build, []probe{nvmlProbe(cmd.Context(), app.Verbose)}}
			return out.Write(app, func(w io.Writer) error {
				return render.Write(w, out.Format, out.Width(app), doc, table(doc))
			})
		},
	}
	out.AddFlags(cmd, render.Formats()...)
	return cmd
}

func nvmlProbe(ctx context.Context, ask bool) probe {
	p := probe{Name: "nvml", Compiled: nvml.Compiled()}
	if p.Compiled && !ask {
		return p
	}
	ctx, cancel := context.WithTimeoutCause(ctx, driverTimeout, fmt.Errorf("no answer within %v", driverTimeout))
	defer cancel()
	info, err := nvml.Read(ctx)
	if err != nil {
		p.Detail = err.Error()
		return p
	}
	p.Found = &info
	return p
}

func table(doc document) *render.Table {
	t := &render.Table{Columns: render.Columns("FIELD", "VALUE")}
	t.Add("version", doc.Version)
	t.Add("commit", cmp.Or(doc.Commit, "unknown"))
	t.Add("date", cmp.Or(doc.Date, "unknown"))
	t.Add("go", doc.Go)
	t.Add("platform", doc.OS+"/"+doc.Arch)
	for _, p := range doc.Probes {
		t.Add("probe "+p.Name, p.words())
	}
	return t
}

func (p probe) words() string {
	text := "no"
	if p.Compiled {
		text = "yes"
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	if p.Found != nil {
		text += ": driver " + p.Found.Driver + ", " + cmp.Or(strings.Join(p.Found.Devices, ", "), "no GPU")
	}
	return text
}
