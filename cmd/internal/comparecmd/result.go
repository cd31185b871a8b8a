package comparecmd

import (
	"encoding/json"
	"os"
	"path/filepath"

	"llmops/cmd/internal/cli"
)

// resultAt is the result of a load test that a file holds; nil: it holds none. The error
// is of a file that may have become one.
func resultAt(path string) ([]part, error) {
	if ext := filepath.Ext(path); ext != ".json" && ext != ".jsonl" || !regular(path) {
		return nil, nil
	}
	one, err := openFile(path)
	if err == nil && one.kind == loadTest {
		return one.parts, nil
	}
	f, cannot := os.Open(path)
	if cannot != nil {
		return nil, cli.Usage(cannot)
	}
	defer f.Close()
	var first json.RawMessage
	switch wrong := json.NewDecoder(f).Decode(&first); {
	case wrong == nil: // a document of another kind
		return nil, nil
	case err != nil:
		return nil, err
	default:
		return nil, cli.WithHint(cli.Usagef("%s: no JSON: %w", path, wrong), "it was not written to its end, or is no result: move it out of the folder")
	}
}
