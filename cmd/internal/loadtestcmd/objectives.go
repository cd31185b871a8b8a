package loadtestcmd

import (
	"errors"
	"os"

	"llmops/cmd/internal/cli"
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
	f, err := os.Open(o.sloFile)
	if err != nil {
		return nil, cli.Usage(err)
	}
	defer f.Close()
	file, err := slo.Load(o.sloFile, f)
	if err != nil {
		return nil, sloError("", err)
	}
	return append(all, file.Objectives...), nil
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
