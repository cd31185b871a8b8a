// Package comparecmd is "llmops compare": it says whether a candidate is worse than a
// baseline. It finds out what the two are, wires readers, judgement and views together,
// and turns the verdict into an exit code; it must not compute statistics itself.
package comparecmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/compare"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

type options struct {
	limits            []string
	names             []string
	by                []string
	minEffect, margin string
	benchmark         int
	failOnDrift       bool
	output            cli.Output

	judged compare.Options
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	var given func(string) bool
	cmd := &cobra.Command{
		Use:   "compare BASELINE CANDIDATE",
		Short: "tell whether a candidate is better or worse than a baseline",
		Long: `Compares two load tests by every percentile and rate, each with its interval, and
says better, same, worse or undetermined; or two recordings of metrics, series by
series; or the configuration that two snapshots show. What they are is told by
their content.

A load test is the folder of a run (--out of "llmops loadtest"), its summary.json
or requests.jsonl, a folder with such folders (repeated runs, or the shards of
one), several of these parted by commas, or what vLLM, sglang, guidellm, aiperf,
inference-perf or k6 wrote. Sides of different tools are compared by what means
the same in both.

Without --max-regression the candidate fails if anything that is judged got
worse by --min-effect or more, with 5 % false alarms for all of it together.`,
		Example: `  llmops compare before/ after/
  llmops compare before/ after/ --max-regression p95_latency_ms=5% --max-regression error_rate=0.5%
  llmops compare vllm-a.json vllm-b.json -o markdown
  llmops compare metrics-monday.json metrics-tuesday.json --by model
  llmops compare snapshot-before.json snapshot-after.json --fail-on-drift`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return cli.WithHint(cli.Usagef("want two sides, not %d", len(args)), "the form is: llmops compare BASELINE CANDIDATE; several runs of a side are parted by commas")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !given("output-format") {
				o.output.Format = formatOf(o.output.File, o.output.Format)
			}
			return run(cmd.Context(), app, o, args)
		},
	}
	given = cmd.Flags().Changed
	f := cmd.Flags()
	f.StringArrayVar(&o.limits, "max-regression", nil, "how much worse a metric may get, as `NAME=SHARE` such as p95_latency_ms=5% (of error_rate: percentage points); may be repeated, and only these metrics are then judged")
	f.StringSliceVar(&o.names, "metrics", nil, "compare and judge these `NAMES` only (default: all, of which the main ones are judged)")
	f.StringVar(&o.minEffect, "min-effect", "", "least change that matters, as a `SHARE` (default 2%; of recorded metrics 5%)")
	f.StringVar(&o.margin, "margin", "", "how far apart the sides may be and still be the same, as a `SHARE` (default 5%)")
	f.IntVar(&o.benchmark, "benchmark", 0, "of files that hold several benchmarks only number `N`, from 1 (default: all, as repeated runs)")
	f.StringSliceVar(&o.by, "by", nil, "of recorded metrics: compare means over all series with the same of these `LABELS`")
	f.BoolVar(&o.failOnDrift, "fail-on-drift", false, "of snapshots: exit with 3 if anything changed")
	o.output.AddFlags(cmd, append(render.Formats(), "html", "junit", "github")...)
	return cmd
}

// formatOf is the format that the name of a file asks for.
func formatOf(file, otherwise string) string {
	for ext, format := range map[string]string{".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv", ".xml": "junit"} {
		if filepath.Ext(file) == ext {
			return format
		}
	}
	return otherwise
}

func (o *options) check() (err error) {
	share := func(flag, text string) (float64, error) {
		r, err := cli.ParseShare(text)
		if err != nil {
			return 0, cli.WithHint(cli.Usagef("--%s %q: %w", flag, text, err), "such as 5%% or 0.05")
		}
		v, _ := r.Float64()
		return v, nil
	}
	if o.minEffect != "" {
		if o.judged.MinEffect, err = share("min-effect", o.minEffect); err != nil {
			return err
		}
		o.judged.MinEffect = max(o.judged.MinEffect, 1e-12) // 0 stands for the default
	}
	if o.margin != "" {
		if o.judged.Margin, err = share("margin", o.margin); err != nil {
			return err
		}
		o.judged.Margin = max(o.judged.Margin, 1e-12)
	}
	for _, text := range o.limits {
		name, limit, ok := strings.Cut(text, "=")
		if !ok {
			return cli.WithHint(cli.Usagef("--max-regression %q: want NAME=SHARE", text), "such as p95_latency_ms=5%%")
		}
		if o.judged.Limits == nil {
			o.judged.Limits = map[string]float64{}
		}
		if _, twice := o.judged.Limits[name]; twice {
			return cli.Usagef("--max-regression names %s twice", name)
		}
		if o.judged.Limits[name], err = share("max-regression", limit); err != nil {
			return err
		}
	}
	if o.benchmark < 0 {
		return cli.Usagef("--benchmark %d: the first is 1", o.benchmark)
	}
	o.judged.Names = o.names
	return o.output.Check()
}

// checkNames finds statistics that do not exist.
func (o *options) checkNames() error {
	all := func(yield func(string) bool) {
		for _, s := range compare.Statistics() {
			if !yield(s.Name) {
				return
			}
		}
	}
	asked := map[string][]string{"metrics": o.names}
	for name := range o.judged.Limits {
		asked["max-regression"] = append(asked["max-regression"], name)
	}
	for flag, names := range asked {
		for _, name := range names {
			if _, ok := compare.Lookup(name); ok {
				continue
			}
			err := cli.Usagef("--%s: %s is no metric of a load test", flag, strconv.Quote(name))
			if near := cli.Nearest(name, all); near != "" {
				return cli.WithHint(err, "did you mean %s?", near)
			}
			return cli.WithHint(err, "metrics are %s", strings.Join(slices.Collect(all), ", "))
		}
	}
	return nil
}

func run(ctx context.Context, app *cli.App, o *options, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	sides, err := open(args)
	if err != nil {
		return err
	}
	c, err := o.compare(ctx, app, sides)
	if err != nil {
		return err
	}
	if err := o.print(app, c); err != nil {
		return err
	}
	for _, w := range c.Warnings {
		app.Warnf("%s", render.Clean(w))
	}
	o.tellGitHub(app, c)
	return outcome(c)
}

func (o *options) compare(ctx context.Context, app *cli.App, sides [2]side) (c compare.Comparison, err error) {
	a, b := sides[0], sides[1]
	if a.kind != b.kind {
		return c, cli.WithHint(cli.Usagef("%s is %s and %s is %s", a.name, a.kind.unlike(b.kind), b.name, b.kind.unlike(a.kind)), "compare two of a kind")
	}
	if err := o.fits(a, b); err != nil {
		return c, err
	}
	switch a.kind {
	case snapshotOf:
		if len(o.limits) > 0 || len(o.names) > 0 {
			return c, cli.WithHint(cli.Usagef("snapshots have no metrics to judge: they are compared by configuration"), "--fail-on-drift makes any change fail")
		}
		if err := apart(a, b, linked); err != nil {
			return c, err
		}
		c = compare.Configuration(*a.snapshot, *b.snapshot)
		if o.failOnDrift && len(c.Drift) > 0 {
			c.Verdict = compare.Fail
		}
	case metrics:
		if len(o.limits) > 0 {
			return c, cli.WithHint(cli.Usagef("--max-regression is of load tests"), "of recorded metrics --min-effect says what matters")
		}
		if c, err = o.series(ctx, app, a, b); err != nil {
			return c, err
		}
	default:
		if err := o.checkNames(); err != nil {
			return c, err
		}
		return o.loadTests(ctx, app, a, b)
	}
	c.Baseline, c.Candidate = []string{a.name}, []string{b.name}
	return c, nil
}

// outcome turns the verdict into the error that carries the exit code.
func outcome(c compare.Comparison) error {
	switch {
	case c.Verdict == compare.Fail && c.Kind == compare.Snapshots:
		return cli.Gate(fmt.Errorf("%s of the configuration changed", render.Plural(len(c.Drift), "thing")))
	case c.Verdict == compare.Fail:
		return cli.Gate(fmt.Errorf("the candidate is worse: %s", render.List(c.Reasons, most)))
	case c.Verdict != compare.Undetermined:
		return nil
	case c.Kind == compare.Metrics && len(c.Invalid) > 0:
		return cli.WithHint(cli.NoVerdict(errors.New(strings.Join(c.Invalid, "; "))), "the table shows what changed; judged are latencies, errors, queues, throughput, hit rates and costs")
	case c.Kind == compare.Metrics && spread(c):
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no verdict on %s", render.List(c.Reasons, most))), "record for longer; --margin says what counts as the same")
	case c.Kind == compare.Metrics:
		return cli.WithHint(cli.NoVerdict(errors.New("it is not known how far what is judged varies")), "record for longer: it takes 8 samples a side")
	case len(c.Invalid) > 0:
		return cli.WithHint(cli.NoVerdict(errors.New(render.Clean(strings.Join(c.Invalid, "; ")))), "measure that side again")
	case len(c.Reasons) > 0 && spread(c):
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no verdict on %s", render.List(c.Reasons, most))), "measure more requests, or several runs a side; --margin says what counts as the same")
	}
	return cli.WithHint(cli.NoVerdict(errors.New("it is not known how far what is judged varies")), "single requests (requests.jsonl, --save-detailed of vLLM, profile_export.jsonl of aiperf) or several runs a side show the spread")
}

// spread tells whether that of anything judged is known.
func spread(c compare.Comparison) bool {
	return slices.ContainsFunc(c.Metrics, func(m compare.Metric) bool { return m.Judged && m.P != nil })
}

// most is how many names a message has.
const most = 5
