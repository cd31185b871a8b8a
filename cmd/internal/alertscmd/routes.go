package alertscmd

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
)

// shippedRoutes is the file that ships.
const shippedRoutes = "routes" + defaults.Extension

// readRoutes reads the file of --routes, or the one that ships.
func (o *options) readRoutes() (routing.Config, error) {
	name := o.routes
	var f fs.File
	var err error
	switch {
	case name == "" || name == defaults.Prefix+"routes":
		name = defaults.Prefix + "routes"
		f, err = defaults.Routes.Open(shippedRoutes)
	default:
		f, err = os.Open(name)
	}
	if err != nil {
		failed := cli.Usage(err)
		if errors.Is(err, fs.ErrNotExist) {
			return routing.Config{}, cli.WithHint(failed, "%s", strings.Replace(inputs.Hint(err), "a log file", "a routes file", 1))
		}
		return routing.Config{}, failed
	}
	defer f.Close()
	c, err := routing.Read(name, f)
	bad, ok := errors.AsType[*routing.ReadError](err)
	if !ok {
		return c, cli.Usage(err)
	}
	var lines []string
	hint := ""
	for _, p := range bad.Problems {
		lines = append(lines, p.String())
		if hint == "" {
			hint = p.Hint
		}
	}
	failed := cli.Usage(errors.New(strings.Join(lines, "\n")))
	if hint != "" {
		failed = cli.WithHint(failed, "%s", hint)
	}
	return c, failed
}
