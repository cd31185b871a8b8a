// Package metricscmd is "llmops metrics": the catalogue of metric names. What
// the names mean is rules/catalog's; it must not read any metric.
package metricscmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/rules/catalog"
)

// Schema names the JSON form of the catalogue.
const Schema = "llmops.metrics/v1"

// New makes the command.
func New(app *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "explain the names of metrics",
		Long: `The catalogue of metric names: what each means, its unit, where it comes from,
and what engines and exporters call the same thing.`,
		Example: "  llmops metrics list\n  llmops metrics show kv_cache_utilization",
	}
	cmd.AddCommand(newList(app), newShow(app))
	return cmd
}

// document is the JSON form. Systems explain the aliases.
type document struct {
	Schema  string           `json:"schema"`
	Metrics []catalog.Metric `json:"metrics"`
	Systems []catalog.System `json:"systems"`
}

func load() (catalog.Catalog, error) {
	c, err := catalog.Load()
	if err != nil {
		return c, cli.Failed(err)
	}
	return c, nil
}

// find is the metric called name, or those that a system calls so.
func find(c catalog.Catalog, name string) ([]catalog.Metric, error) {
	if m, ok := c.Lookup(name); ok {
		return []catalog.Metric{m}, nil
	}
	var found []catalog.Metric
	canonical, _, ok := c.Resolve(name)
	if ok { // first what is no more than the same
		m, _ := c.Lookup(canonical)
		found = append(found, m)
	}
	for _, m := range c.Metrics {
		if m.Name != canonical && slices.ContainsFunc(m.Aliases, func(a catalog.Alias) bool { return a.Name == name }) {
			found = append(found, m)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	err := cli.Usage(fmt.Errorf("the catalogue has no metric called %q", name))
	if near := c.Near(name, 3); len(near) > 0 {
		return nil, cli.WithHint(err, "did you mean %s?", strings.Join(near, " or "))
	}
	return nil, cli.WithHint(err, "\"llmops metrics list --search TEXT\" searches names and meanings")
}
