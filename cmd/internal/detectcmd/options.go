package detectcmd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/detect"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
)

type options struct {
	metrics   metricinput.Flags
	detectors []string
	list      bool
	baseline  string
	outDir    string
	fail      string
	output    cli.Output

	cmd    *cobra.Command
	detect detect.Options // without a class
	rules  bool
	stdin  []byte // once it is read
	failOn float64
}

func (o *options) addFlags(cmd *cobra.Command) {
	o.cmd = cmd
	f := cmd.Flags()
	f.StringSliceVar(&o.detectors, "detectors", nil, "`NAMES` of the detectors that judge, with commas between them, such as default,rules; list lists them (default: those of \"default\", of which the class of the metric chooses)")
	f.BoolVar(&o.list, "list", false, "the same as --detectors list: the detectors, with formula, source and cost")
	f.StringVar(&o.baseline, "baseline", "", "`FILE` of a healthy period of the same series, to learn from first")
	f.StringVar(&o.outDir, "out-dir", "", "write one file for each input to `DIR`, at its path below the folder that all have in common")
	f.StringVar(&o.fail, "fail-on", "", "exit 3 if an anomaly has this `SCORE` or more; \"any\" is 0.5, where alerts begin")
	_ = cmd.MarkFlagFilename("baseline") // only an unknown name is an error
	_ = cmd.MarkFlagDirname("out-dir")
	_ = cmd.RegisterFlagCompletionFunc("detectors", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		names := []string{byDefault, detect.RulesName, listed}
		for _, k := range detect.Kinds() {
			names = append(names, k.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	o.metrics.AddFlags(cmd)
	o.output.AddFlags(cmd, append(render.Formats(), "html", "junit", "sarif", "github")...)
	cmd.MarkFlagsMutuallyExclusive("out-dir", "output")
}

// byDefault stands for the detectors that judge where none are named.
const byDefault = "default"

// listed asks for the list of detectors.
const listed = "list"

func (o *options) listing() bool { return o.list || slices.Contains(o.detectors, listed) }

// choose reads --detectors.
func (o *options) choose() error {
	var names []string
	usual := len(o.detectors) == 0
	for _, name := range o.detectors {
		switch name = strings.TrimSpace(name); name {
		case byDefault:
			usual = true
		case detect.RulesName:
			o.rules = true
		default:
			names = append(names, name)
		}
	}
	set, err := detect.SetOf(names...)
	switch {
	case err != nil:
		return cli.WithHint(cli.Usagef("--detectors: %w, %s and %s", err, detect.RulesName, byDefault), "\"llmops detect --detectors list\" tells what each does")
	case usual:
		o.detect.Also = set
	case set == 0:
		o.detect.Channels = detect.None
	default:
		o.detect.Channels = set
	}
	return nil
}

func (o *options) check(app *cli.App, args []string) error {
	if err := o.choose(); err != nil {
		return err
	}
	switch o.fail {
	case "":
	case "any":
		o.failOn = detect.Alert
	default:
		v, err := strconv.ParseFloat(o.fail, 64)
		if err != nil || !(v > 0 && v <= 1) {
			return cli.WithHint(cli.Usagef("--fail-on %q: want a score above 0 and up to 1, or any", o.fail), "such as --fail-on 0.8")
		}
		o.failOn = v
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	return o.metrics.Check(app, args)
}

// inOrder tells whether flags ask for what only a store of series can do: rows are then
// in order of time.
func (o *options) inOrder() bool {
	for _, name := range []string{"start", "end", "map", "by"} {
		if o.cmd.Flags().Changed(name) {
			return true
		}
	}
	format := o.flag("format")
	return format != "auto" && !strings.HasPrefix(format, "csv")
}

func (o *options) flag(name string) string { return o.cmd.Flags().Lookup(name).Value.String() }

// server tells whether it is a server that is read.
func (o *options) server(args []string) bool { return o.flag("prometheus") != "" && len(args) == 0 }
