package loadtestcmd

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/rules/defaults"
	"llmops/rules/slo"
)

// readObjectives collects those of --slo, then those of --slo-file.
func readObjectives(o *options) ([]slo.Objective, error) {
	var all []slo.Objective
	for _, text := range o.slos {
		objective, err := slo.Parse(text)
		if err != nil {
			return nil, sloError("--slo "+quoted(text)+": ", err)
		}
		all = append(all, objective)
	}
	if o.sloFile == "" {
		return all, nil
	}
	f, err := openObjectives(o.sloFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := slo.Load(o.sloFile, f)
	if err != nil {
		return nil, sloError("", err)
	}
	return append(all, file.Objectives...), nil
}

// openObjectives opens a file, or one that ships with the program:
// "@defaults/objectives".
func openObjectives(name string) (fs.File, error) {
	shipped, ok := strings.CutPrefix(name, defaults.Prefix)
	if !ok {
		f, err := os.Open(name)
		if err != nil {
			return nil, cli.Usage(err)
		}
		return f, nil
	}
	f, err := defaults.Files.Open(shipped + defaults.Extension)
	if err != nil {
		return nil, cli.WithHint(cli.Usagef("--slo-file %s: no such file ships with llmops", name), "the one that does is @defaults/objectives")
	}
	return f, nil
}

func sloError(where string, err error) error {
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

func quoted(s string) string { return "'" + s + "'" }
