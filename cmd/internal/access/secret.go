package access

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/net/http/httpguts"

	"llmops/cmd/internal/cli"
)

// secret is a credential that stands in a file, or else in the environment.
type secret struct {
	file, variable string
	words          words
}

// words say what is wrong with a credential, as formats: why its file cannot be read,
// the file that holds none, and the file or variable of one that no header can hold.
type words struct{ unreadable, empty, badFile, badVariable string }

const badCharacters = " holds characters that a header cannot"

// flagWords begin with the flag of the file. The last word of name is enough for a file
// that holds nothing.
func flagWords(flag, name string) words {
	return words{"--" + flag + ": %w", "--" + flag + ": %s holds no " + name[strings.LastIndexByte(name, ' ')+1:], "the " + name + " in %s" + badCharacters, "the " + name + " in $%s" + badCharacters}
}

// maxSecret is the most that is read of a file, in bytes.
const maxSecret = 64 << 10

// read is "" where there is no file and the variable is empty or not set.
func (s secret) read(app *cli.App) (string, error) {
	if s.file == "" {
		text, _ := app.Getenv(s.variable)
		return fit(text, s.words.badVariable, s.variable)
	}
	f, err := os.Open(s.file)
	if err != nil {
		return "", fmt.Errorf(s.words.unreadable, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fmt.Errorf(s.words.unreadable, err)
	}
	if strings.TrimSpace(string(data)) == "" {
		return "", fmt.Errorf(s.words.empty, s.file)
	}
	return fit(string(data), s.words.badFile, s.file)
}

// fit trims what a header can hold.
func fit(text, bad, from string) (string, error) {
	if text = strings.TrimSpace(text); !httpguts.ValidHeaderFieldValue(text) {
		return "", fmt.Errorf(bad, from)
	}
	return text, nil
}
