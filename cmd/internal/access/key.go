package access

import (
	"fmt"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

const defaultKeyVariable = "LLMOPS_API_KEY"

// Key are the flags of an API key: --api-key-env and --api-key-file.
type Key struct {
	// FileFirst has messages about a file begin with it instead of the flag.
	FileFirst bool

	variable, file string
}

// AddFlags adds the flags, with what help says of each.
func (k *Key) AddFlags(cmd *cobra.Command, variable, file string) {
	f := cmd.Flags()
	f.StringVar(&k.variable, "api-key-env", defaultKeyVariable, variable)
	f.StringVar(&k.file, "api-key-file", "", file)
	filenames(cmd, "api-key-file")
}

// Read is "" if there is no key.
func (k *Key) Read(app *cli.App) (string, error) {
	if _, ok := app.Getenv(k.variable); !ok && k.file == "" && k.variable != defaultKeyVariable {
		return "", fmt.Errorf("--api-key-env: the environment has no %s", k.variable)
	}
	s := secret{k.file, k.variable, flagWords("api-key-file", "API key")}
	if k.FileFirst {
		s.words = words{"%w", "%s: the file holds no key", "%s: the key" + badCharacters, "the API key in %s" + badCharacters}
	}
	return s.read(app)
}
