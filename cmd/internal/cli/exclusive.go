package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rivals is the names of the flags that must not be set together with f. cobra
// keeps the groups of MarkFlagsMutuallyExclusive in an annotation.
func rivals(f *pflag.Flag) (names []string) {
	for _, group := range f.Annotations["cobra_annotation_mutually_exclusive"] {
		for name := range strings.FieldsSeq(group) {
			if name != f.Name {
				names = append(names, name)
			}
		}
	}
	return names
}

// excluded tells whether a rival of f is set.
func excluded(f *pflag.Flag, set func(name string) bool) bool {
	for _, name := range rivals(f) {
		if set(name) {
			return true
		}
	}
	return false
}

// exclusive says in two words what cobra says in twenty.
func exclusive(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { // Visit leaves out what configuration has set
		for _, name := range rivals(f) {
			if err == nil && f.Changed && cmd.Flags().Changed(name) {
				err = fmt.Errorf("--%s and --%s exclude each other", f.Name, name)
			}
		}
	})
	return err
}
