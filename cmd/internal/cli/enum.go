package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Enum adds a flag that takes one of values, the first by default; the shell
// completes them and an error names the nearest. short may be empty.
func Enum(cmd *cobra.Command, p *string, name, short string, values []string, usage string) {
	*p = values[0]
	e := &enum{p, values}
	cmd.Flags().VarP(e, name, short, usage+": "+strings.Join(values, ", "))
	completeEnum(cmd, name, values)
}

func completeEnum(cmd *cobra.Command, name string, values []string) {
	// The only error is an unknown or repeated flag: a fault of the caller that the tests see.
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err)
	}
}

type enum struct {
	p      *string
	values []string
}

func (e *enum) String() string { return *e.p }
func (e *enum) Type() string   { return "NAME" }

func (e *enum) Set(s string) error {
	if !slices.Contains(e.values, s) {
		err := fmt.Errorf("must be one of %s", strings.Join(e.values, ", "))
		if near := Nearest(s, slices.Values(e.values)); near != "" {
			return WithHint(err, "did you mean %s?", near)
		}
		return err
	}
	*e.p = s
	return nil
}
