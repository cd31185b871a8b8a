package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// origin is the annotation of a flag that says where its value came from.
const origin = "llmops_origin"

// Origin says where the value of f came from: "default", "flag",
// "env NAME" or "FILE:LINE:COLUMN". Only the last one holds a colon.
func Origin(f *pflag.Flag) string {
	switch o := f.Annotations[origin]; {
	case len(o) > 0:
		return o[0]
	case f.Changed:
		return "flag"
	}
	return "default"
}

// configure fills the flags of cmd that the command line does not set from the
// environment and the configuration file.
func (a *App) configure(cmd *cobra.Command) error {
	for c := cmd; c.HasParent(); c = c.Parent() {
		if c.Name() == "help" || c.Name() == "completion" || strings.HasPrefix(c.Name(), cobra.ShellCompRequestCmd) {
			return nil
		}
	}
	file, err := a.readConfig(cmd.Root())
	if err != nil {
		return err
	}
	if err := a.apply(cmd, file, configurable(cmd)); err != nil {
		return err
	}
	a.warnMisspelt(cmd)
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return Usage(err)
	}
	if err := exclusive(cmd); err != nil {
		return Usage(err)
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return Usage(err)
	}
	return nil
}

// apply sets those of the flags of cmd that the command line does not set.
// viper holds the layers and their precedence; it is dropped at the end.
func (a *App) apply(cmd *cobra.Command, file *configFile, flags []*pflag.Flag) error {
	// Names of flags hold no "::", so no key is taken for a path.
	v := viper.NewWithOptions(viper.KeyDelimiter("::"))
	origins := map[string]string{}
	fromFile, fromEnv := map[string]any{}, map[string]any{}
	isShared := func(f *pflag.Flag) bool {
		return !cmd.HasParent() || cmd.InheritedFlags().Lookup(f.Name) != nil
	}
	// A layer's choice of one of several exclusive flags replaces the choice of
	// the layers below: --rate replaces a concurrency in the file.
	chosen := func(name string) bool {
		return fromEnv[name] != nil || cmd.Flags().Changed(name)
	}
	for _, f := range flags {
		for _, name := range envNames(cmd, f.Name, isShared(f)) {
			if text := a.env(name); text != "" && !excluded(f, cmd.Flags().Changed) {
				fromEnv[f.Name], origins[f.Name] = []string{text}, "env "+name
				break
			}
		}
	}
	for _, f := range flags {
		s, ok := file.lookup(cmd, f.Name, isShared(f))
		if ok && fromEnv[f.Name] == nil && !excluded(f, chosen) {
			fromFile[f.Name], origins[f.Name] = s.values, s.at
		}
	}
	given := func(name string) bool { return chosen(name) || fromFile[name] != nil }
	alone := orphans(flags, given)
	for _, f := range alone {
		delete(fromFile, f.Name)
		delete(fromEnv, f.Name)
	}
	if err := errors.Join(v.MergeConfigMap(fromFile), v.MergeConfigMap(fromEnv)); err != nil {
		return Failed(fmt.Errorf("merge settings: %w", err))
	}
	var errs []error
	for _, f := range flags {
		if f.Changed || !v.IsSet(f.Name) {
			continue
		}
		if err := setFlag(f, v.GetStringSlice(f.Name)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", origins[f.Name], err))
			continue
		}
		f.Changed = true // so that groups of flags, and the verb, see it as given
		annotate(f, origin, origins[f.Name])
	}
	for _, f := range alone { // after --verbose itself may have been set
		a.Verbosef("%s: %s is left out: it needs --%s", origins[f.Name], f.Name, strings.Join(f.Annotations[dependsOn], " or --"))
	}
	return Usage(errors.Join(errs...))
}

func annotate(f *pflag.Flag, key string, values ...string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = values
}

// configurable is the flags of cmd that configuration may set. A file cannot
// name the file to read, nor ask for help.
func configurable(cmd *cobra.Command) (flags []*pflag.Flag) {
	add := func(f *pflag.Flag) {
		if f.Name != "config" && f.Name != "help" {
			flags = append(flags, f)
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return flags
}

// setFlag gives f its values; more than one only if it may be repeated.
func setFlag(f *pflag.Flag, values []string) error {
	if s, ok := f.Value.(pflag.SliceValue); ok && len(values) != 1 {
		if err := s.Replace(values); err != nil {
			return badValue(f, f.Name, strings.Join(values, ", "), err)
		}
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("%s takes one value, not a list of %d", f.Name, len(values))
	}
	if err := f.Value.Set(values[0]); err != nil {
		return badValue(f, f.Name, values[0], err)
	}
	return nil
}

func badValue(f *pflag.Flag, name, value string, cause error) error {
	if secretName(f.Name) {
		return fmt.Errorf("invalid value for %s", name) // the cause may quote it
	}
	if e, ok := errors.AsType[*strconv.NumError](cause); ok {
		cause = e.Err // without the name of the Go function
		if errors.Is(cause, strconv.ErrSyntax) {
			cause = errors.New("not a number")
			if e.Func == "ParseBool" {
				cause = errors.New("must be true or false")
			}
		}
	}
	return fmt.Errorf("invalid value %q for %s: %w", value, name, cause)
}

// envNames are the variables that set a flag, the most specific first:
// LLMOPS_<COMMAND>_<FLAG>, and LLMOPS_<FLAG> for what every command shares.
func envNames(cmd *cobra.Command, flag string, shared bool) []string {
	words := append(commandPath(cmd), flag)
	names := []string{envName(words...)}
	if shared {
		names = append(names, envName(flag))
	}
	return names
}

func envName(words ...string) string {
	return "LLMOPS_" + strings.ToUpper(strings.ReplaceAll(strings.Join(words, "_"), "-", "_"))
}

// commandPath is the names of cmd and its parents, without the root.
func commandPath(cmd *cobra.Command) []string {
	return strings.Fields(cmd.CommandPath())[1:]
}
