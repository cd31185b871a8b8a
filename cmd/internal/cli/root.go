package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Verb makes the command of one verb. Its RunE returns errors marked with
// Usage, Failed, Gate or NoVerdict; leaves Args nil only when it takes
// no arguments; and prints data through Output, the rest through App.
type Verb func(*App) *cobra.Command

// Main runs the command line args (without the program's name) and returns
// the exit code. Errors are printed on app.Err. When ctx ends, the verb is
// expected to print what it knows and to return; the code is then
// CodeInterrupted, whatever it returned.
func Main(ctx context.Context, app *App, args []string, verbs ...Verb) Code {
	root := Root(app, verbs...)
	app.In = &interruptible{ctx: ctx, in: app.In}
	running := false
	walk(root, func(cmd *cobra.Command) { noteStart(cmd, &running) })
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !running {
		err = usage(err) // everything before RunE is about what the user typed
	}
	if ctx.Err() != nil {
		if err != nil && !errors.Is(err, context.Canceled) {
			app.report(err)
		}
		return CodeInterrupted
	}
	if err != nil {
		app.report(err)
	}
	return CodeOf(err)
}

func noteStart(cmd *cobra.Command, running *bool) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*running = true
			return run(cmd, args)
		}
	}
}

// usage marks err as a fault of usage unless it carries a code already.
func usage(err error) error {
	if _, ok := errors.AsType[*coded](err); ok {
		return err
	}
	return Usage(err)
}

// Root is the command tree, ready to run.
func Root(app *App, verbs ...Verb) *cobra.Command {
	app.prepare()
	root := &cobra.Command{
		Use:   "llmops",
		Short: "on call for services that serve language models",
		Long: "llmops measures services that serve language models, judges what it measured\n" +
			"against objectives, and tells through its exit code whether they hold.",
		Example:                    "  llmops demo\n  llmops loadtest http://localhost:8000/v1 --concurrency 8 --requests 200",
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableSuggestions:         true, // ours go with the hint
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return app.configure(cmd)
		},
	}
	root.SetIn(app.In)
	root.SetOut(app.Out)
	root.SetErr(app.Err)
	shared(app, root)
	for _, verb := range verbs {
		root.AddCommand(verb(app))
	}
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(completionCommand())
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate(app.Width))
	root.SetHelpTemplate(helpTemplate)
	walk(root, strict)
	return root
}

// shared adds the flags that every command has.
func shared(app *App, root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&app.configFile, "config", "", "read settings from `FILE` (default $LLMOPS_CONFIG, else llmops.yaml if there is one)")
	app.Color = "auto"
	colors := []string{"auto", "always", "never"}
	flags.Var(&enum{&app.Color, colors}, "color", "colour: "+strings.Join(colors, ", "))
	completeEnum(root, "color", colors)
	flags.BoolVarP(&app.Quiet, "quiet", "q", false, "no progress and no notes on standard error")
	flags.BoolVarP(&app.Verbose, "verbose", "v", false, "say more on standard error")
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// strict closes what cobra leaves open: a group of commands accepts any word,
// and so does a command without an Args validator.
func strict(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	if cmd.HasParent() {
		cmd.InitDefaultHelpFlag()
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		return
	}
	if cmd.Name() == cobra.ShellCompRequestCmd {
		return
	}
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		if len(args) > 0 && strings.HasPrefix(err.Error(), "unknown command") { // cobra's words for an argument too many
			err = fmt.Errorf("unexpected argument %q", args[0])
		}
		if _, ok := errors.AsType[*hinted](err); ok {
			return usage(err)
		}
		return WithHint(usage(err), "the form is: %s", cmd.UseLine())
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	err := Usagef("unknown command %q for %q", name, cmd.CommandPath())
	names := func(yield func(string) bool) {
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && !yield(c.Name()) {
				return
			}
		}
	}
	if near := Nearest(name, names); near != "" {
		return WithHint(err, "did you mean %s?", near)
	}
	return WithHint(err, "%q lists the commands", cmd.CommandPath()+" --help")
}

// flagError says what is wrong with a flag in our words, with the nearest name.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	// A word that is no command comes with flags that belong to no command.
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		return unknownCommand(cmd, words[0])
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, e)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return Usage(badValue(e.GetFlag(), "--"+e.GetFlag().Name, e.GetValue(), e.Unwrap()))
	}
	return WithHint(Usage(err), "%q explains the flags", cmd.CommandPath()+" --help")
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if e.GetSpecifiedShortnames() != "" {
		return WithHint(Usagef("unknown flag -%s", name), "%q lists the flags", cmd.CommandPath()+" --help")
	}
	err := Usagef("unknown flag --%s", name)
	if near := Nearest(name, slices.Values(flagNames(cmd))); near != "" {
		return WithHint(err, "did you mean --%s?", near)
	}
	return WithHint(err, "%q lists the flags", cmd.CommandPath()+" --help")
}

func flagNames(cmd *cobra.Command) (names []string) {
	visit := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
	slices.Sort(names)
	return names
}
