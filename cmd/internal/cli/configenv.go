package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"llmops/rules/near"
)

const envPrefix = "LLMOPS_"

// otherVariables are those that set no flag: the file to read, credentials, and what the
// tests of this program take.
func otherVariables() []string {
	return []string{"LLMOPS_CONFIG", "LLMOPS_API_KEY", "LLMOPS_PASSWORD", "LLMOPS_TOKEN", "LLMOPS_DATA", "LLMOPS_PYTHON"}
}

// warnMisspelt tells of variables that begin like ours, are none, and look like one: a
// setting that is ignored without a word costs more than a warning too many.
func (a *App) warnMisspelt(cmd *cobra.Command) {
	if a.Environ == nil {
		return
	}
	var given []string
	for _, entry := range a.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, envPrefix) && value != "" {
			given = append(given, name)
		}
	}
	if len(given) == 0 {
		return
	}
	slices.Sort(given)
	known := otherVariables()
	walk(cmd.Root(), func(c *cobra.Command) {
		for _, f := range configurable(c) {
			known = append(known, envNames(c, f.Name, !c.HasParent() || c.InheritedFlags().Lookup(f.Name) != nil)...)
		}
	})
	for _, name := range given {
		if slices.Contains(known, name) || named(cmd, name) {
			continue
		}
		if likely := likelyVariable(name, envName(append(commandPath(cmd), "")...), known); likely != "" {
			a.Warnf("the variable %s sets nothing; did you mean %s?", name, likely)
		}
	}
}

// named tells whether a flag of cmd names the variable, as --api-key-env does.
func named(cmd *cobra.Command, variable string) (found bool) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		found = found || strings.Contains(f.Value.String(), variable)
	})
	return found
}

// likelyVariable is which of known was meant by name: one that has the name of a
// command beside, best that of the command with this prefix, or one a few letters off.
// "" when none is likely.
func likelyVariable(name, prefix string, known []string) string {
	flag := strings.TrimPrefix(name, envPrefix)
	for _, k := range []string{prefix + flag, ""} {
		if i := slices.IndexFunc(known, func(v string) bool { return v == k || k == "" && strings.HasSuffix(v, "_"+flag) }); i >= 0 {
			return known[i]
		}
	}
	const most = 3 // letters off; more is a name of something else
	for _, v := range near.Names(flag, func(yield func(string) bool) {
		for _, k := range known {
			if !yield(strings.TrimPrefix(k, envPrefix)) {
				return
			}
		}
	}, 1) {
		if near.Edits(flag, v) <= most {
			return envPrefix + v
		}
	}
	return ""
}
