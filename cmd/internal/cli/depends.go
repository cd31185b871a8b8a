package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// dependsOn is the annotation of a flag that names those it depends on.
const dependsOn = "llmops_depends_on"

// Depends tells that flags of cmd make sense only when parent is set too: what
// the environment or the configuration file says about them is left out when
// nothing sets parent, or when a flag that excludes it replaces it. So
// --concurrency on the command line replaces a rate in the file and all that
// belongs to it. A dependent flag on the command line itself stays: what it
// means alone is for the command to say. A flag that is named in several calls
// stays with any one of its parents.
func Depends(cmd *cobra.Command, parent string, flags ...string) {
	fs := cmd.Flags()
	if fs.Lookup(parent) == nil { // a fault of the caller that the tests see
		panic(fmt.Sprintf("depends on an unknown flag %q", parent))
	}
	for _, name := range flags {
		f := fs.Lookup(name)
		if f == nil {
			panic(fmt.Sprintf("depends: unknown flag %q", name))
		}
		annotate(f, dependsOn, append(f.Annotations[dependsOn], parent)...)
	}
}

// orphans is those of flags that the layers below the command line set without
// any of their parents. given tells which flags are set by any layer. What
// depends on an orphan is one too.
func orphans(flags []*pflag.Flag, given func(name string) bool) (list []*pflag.Flag) {
	gone := map[string]bool{}
	stays := func(name string) bool { return given(name) && !gone[name] }
	for before := -1; before < len(list); {
		before = len(list)
		for _, f := range flags {
			parents := f.Annotations[dependsOn]
			if len(parents) > 0 && !f.Changed && stays(f.Name) && !slices.ContainsFunc(parents, stays) {
				gone[f.Name] = true
				list = append(list, f)
			}
		}
	}
	return list
}
