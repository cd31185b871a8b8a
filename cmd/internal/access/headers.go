package access

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"llmops/cmd/internal/cli"
)

// Headers is the flag --header, of which there may be several.
type Headers struct {
	lines    []string
	fromFile func() bool // they stand in the configuration file, which may hold secrets
}

// AddFlags adds the flag.
func (h *Headers) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	h.fromFile = func() bool { return strings.Contains(cli.Origin(f.Lookup("header")), ":") } // FILE:LINE:COLUMN
	f.StringArrayVarP(&h.lines, "header", "H", nil, "header 'NAME: VALUE' of each request; VALUE env:VAR is read from the environment; may be repeated")
}

// Read builds the headers of a request; secrets are the values in it that must never
// be shown.
func (h *Headers) Read(app *cli.App) (header http.Header, secrets []string, err error) {
	header = http.Header{}
	for _, line := range h.lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) {
			return nil, nil, errors.New("--header: want 'NAME: VALUE'")
		}
		if variable, ok := strings.CutPrefix(value, "env:"); ok {
			v, found := app.Getenv(variable)
			if !found {
				return nil, nil, fmt.Errorf("--header %s: the environment has no %s", name, variable)
			}
			value = v
			secrets = append(secrets, v)
		} else if holdsSecret(name) && h.fromFile() {
			secrets = append(secrets, value)
		} else if holdsSecret(name) {
			return nil, nil, cli.WithHint(fmt.Errorf("--header %s: a credential must not stand on the command line", name),
				"put it into the environment and write '%s: env:VARIABLE', or use --api-key-env", name)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, nil, fmt.Errorf("--header %s: the value holds characters that a header cannot", name)
		}
		header.Add(name, value)
	}
	return header, secrets, nil
}

// holdsSecret tells by its name that a header holds a credential.
func holdsSecret(header string) bool {
	name := strings.ToLower(header)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "password", "credential", "apikey", "api-key", "subscription-key"},
		func(word string) bool { return strings.Contains(name, word) })
}
