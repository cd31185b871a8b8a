// Package objectives is the group of flags by which commands take service level
// objectives: --slo and --slo-file. It opens files; what they mean is rules/slo's.
package objectives

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/rules/defaults"
	"llmops/rules/slo"
)

// Flags are what was given.
type Flags struct {
	Inline []string // --slo
	Files  []string // --slo-file
}

// AddFlags adds the flags to cmd.
func (f *Flags) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.Inline, "slo", nil, "objective, such as 'p95_latency_ms < 500'; may be repeated")
	cmd.Flags().StringArrayVar(&f.Files, "slo-file", nil, "objectives from a YAML `FILE`: the short form or OpenSLO v1; may be repeated; @defaults/objectives ships with llmops")
	_ = cmd.MarkFlagFilename("slo-file") // only an unknown name is an error
}

// Read gives the objectives of --slo, then those of --slo-file, with the statuses
// that the files leave out (by default those of slo.DefaultExcludeStatus).
func (f *Flags) Read() (slo.File, error) {
	all := slo.File{ExcludeStatus: slo.DefaultExcludeStatus()}
	for _, text := range f.Inline {
		objective, err := slo.Parse(text)
		if err != nil {
			return slo.File{}, Usage("--slo '"+text+"': ", err)
		}
		all.Objectives = append(all.Objectives, objective)
	}
	if len(f.Files) == 0 {
		return all, nil
	}
	file, err := Load(f.Files...)
	if err != nil {
		return slo.File{}, err
	}
	all.ExcludeStatus = file.ExcludeStatus
	all.Objectives = append(all.Objectives, file.Objectives...)
	return all, nil
}

// Load reads files as one, also those that ship with the program:
// "@defaults/objectives".
func Load(names ...string) (slo.File, error) {
	var inputs []slo.Input
	for _, name := range names {
		f, err := open(name)
		if err != nil {
			return slo.File{}, err
		}
		defer f.Close()
		inputs = append(inputs, slo.Input{Name: name, Data: f})
	}
	file, err := slo.LoadAll(inputs...)
	if err != nil {
		return slo.File{}, Usage("", err)
	}
	return file, nil
}

func open(name string) (fs.File, error) {
	shipped, ok := strings.CutPrefix(name, defaults.Prefix)
	if !ok {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, cli.WithHint(cli.Usage(err), "docs/slo.md says what stands in such a file; llmops ships %s", shippedNames())
		}
		if err != nil {
			return nil, cli.Usage(err)
		}
		return f, nil
	}
	f, err := defaults.Objectives.Open(shipped + defaults.Extension)
	if err != nil {
		return nil, cli.WithHint(cli.Usagef("--slo-file %s: no such file ships with llmops", name), "those that do: %s", shippedNames())
	}
	return f, nil
}

func shippedNames() string {
	entries, err := defaults.Objectives.ReadDir(".")
	if err != nil {
		return "none"
	}
	var names []string
	for _, e := range entries {
		names = append(names, defaults.Prefix+strings.TrimSuffix(e.Name(), defaults.Extension))
	}
	return strings.Join(names, ", ")
}

// Usage sorts what is wrong with an objective or its file: it is the caller's. where
// stands before it.
func Usage(where string, err error) error {
	e, ok := errors.AsType[*slo.Error](err)
	if !ok {
		return cli.Usage(err)
	}
	failed := cli.Usage(errors.New(where + e.Error()))
	if e.Hint == "" {
		return failed
	}
	return cli.WithHint(failed, "%s", e.Hint)
}
