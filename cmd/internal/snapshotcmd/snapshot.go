// Package snapshotcmd is "llmops snapshot": it asks the probes of host, GPUs and
// serving engines side by side, shows what they saw, keeps it, judges it, and tells how
// what was kept goes with time. It wires these together; it must not measure or judge
// anything itself.
package snapshotcmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "snapshot [--server URL]… | --trend FILE --metric METRIC",
		Short: "show what the host, its GPUs and its serving engines are doing right now",
		Long: `Reads GPUs, host and serving engines once, side by side, each within its own
time limit, and shows one picture: what is measured, what is wrong, worst first,
and what could not be read and why. Rates need --window, or --watch.

With --fail-on it is a gate: an expression of PromQL over the series of the
snapshot (docs/snapshot.md) that has any result fails it (exit 3), and one that
compares what was not measured gives no verdict (exit 4, see --on-missing).
@FILE takes the alerts of a file of Prometheus rules, as if they had no "for";
@defaults/health is the shipped set of rules for hosts, GPUs and servers. Of such
a set, rules about what is not measured here say nothing.

With --record each snapshot becomes a line of a file, which --trend and other
commands read.

A node exporter that runs as another user cannot read a new --output FILE, which
has mode 0600. Create it once, and it keeps its mode:
install -m 644 /dev/null FILE`,
		Example: `  llmops snapshot
  llmops snapshot --server http://127.0.0.1:8000 --window 5s
  llmops snapshot --fail-on 'gpu_memory_utilization > 0.95' --fail-on @defaults/health
  llmops snapshot --watch --interval 5s --record run.jsonl
  llmops snapshot --trend run.jsonl --metric gpu_temperature_c
  llmops snapshot -o prom --output /var/lib/node_exporter/llmops.prom`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			if len(o.trend) > 0 {
				return o.showTrend(cmd.Context(), app)
			}
			return o.run(cmd.Context(), app)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// run takes one snapshot, or one after the other.
func (o *options) run(ctx context.Context, app *cli.App) error {
	gates, err := o.gates()
	if err != nil {
		return err
	}
	keep, err := o.recorder()
	if err != nil {
		return err
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	probes, err := o.probes(app)
	if err != nil {
		return err
	}
	defer probes.Close()
	w := &watch{options: o, app: app, probes: probes, gates: gates, keep: keep}
	if o.watch {
		return w.loop(ctx)
	}
	if err := w.once(ctx); err != nil {
		return err
	}
	return errors.Join(w.keepErr, w.outcome())
}
