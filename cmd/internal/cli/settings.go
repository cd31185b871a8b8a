package cli

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Setting is one flag of one command, its value and where that came from.
type Setting struct {
	Command string `json:"command"` // "loadtest"; "" for what every command shares
	Flag    string `json:"flag"`
	Value   string `json:"value"`
	Origin  string `json:"origin"` // "default", "flag", "env NAME" or "FILE:LINE:COLUMN"
}

// Redacted stands for a value that must not be shown.
const Redacted = "(redacted)"

// Settings lists every flag of every command below root as the environment,
// the configuration file and the flags given so far leave it. Secrets are
// redacted. The error holds every bad value, not only the first.
func Settings(app *App, root *cobra.Command) ([]Setting, error) {
	file, err := app.readConfig(root)
	if err != nil {
		return nil, err
	}
	list := []Setting{{Flag: "config", Value: file.name, Origin: file.origin}}
	if file.name == "" {
		list[0].Origin = "default"
	}
	var errs []error
	walk(root, func(cmd *cobra.Command) {
		name := strings.Join(commandPath(cmd), " ")
		if name == "help" || strings.HasPrefix(name, "completion") || cmd.Hidden {
			return
		}
		// What a section says about a shared flag holds for its command only.
		own := configurable(cmd)
		own = slices.DeleteFunc(own, func(f *pflag.Flag) bool {
			return f.Hidden || cmd.InheritedFlags().Lookup(f.Name) == f
		})
		errs = append(errs, app.apply(cmd, file, own))
		for _, f := range own {
			list = append(list, Setting{name, f.Name, shown(f), Origin(f)})
		}
	})
	return list, errors.Join(errs...)
}

// shown is the value of f as it may be shown.
func shown(f *pflag.Flag) string {
	values := []string{f.Value.String()}
	if s, ok := f.Value.(pflag.SliceValue); ok {
		values = slices.Clone(s.GetSlice())
	}
	for i, v := range values {
		switch {
		case v == "":
		case secretName(f.Name):
			values[i] = Redacted
		case f.Name == "header":
			values[i] = withoutValue(v)
		default:
			values[i] = withoutSecrets(v)
		}
	}
	return strings.Join(values, ", ")
}

// secretName tells whether a name means a secret itself. The name of a file or
// of a variable that holds one may be shown, and the tokens of a model are none.
func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if strings.HasSuffix(name, "-file") || strings.HasSuffix(name, "-env") {
		return false
	}
	for _, part := range []string{"api-key", "apikey", "secret", "password", "passwd", "credential", "authorization", "bearer", "private-key", "cookie"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return slices.Contains([]string{"token", "key", "auth"}, name) ||
		strings.HasSuffix(name, "auth-token") || strings.HasSuffix(name, "access-token")
}

// withoutValue redacts the value of a header ("X-Team: blue"): no name tells
// for certain that it is no secret. A value that names the variable that holds
// it ("env:TOKEN") stays.
func withoutValue(header string) string {
	name, value, ok := strings.Cut(header, ":")
	if !ok {
		return Redacted
	}
	if variable, ok := strings.CutPrefix(strings.TrimSpace(value), "env:"); ok && variableName.MatchString(variable) {
		return header
	}
	return name + ": " + Redacted
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// withoutSecrets redacts the value of a secret assignment ("api_key=…",
// "token: …") and the password of a URL.
func withoutSecrets(v string) string {
	if i := strings.IndexAny(v, ":="); i > 0 && secretName(strings.TrimSpace(v[:i])) {
		return v[:i+1] + " " + Redacted
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" {
		return v
	}
	changed := u.User != nil
	query := u.Query()
	for name := range query {
		if secretName(name) {
			query.Set(name, "redacted")
			changed = true
		}
	}
	if !changed {
		return v
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}
