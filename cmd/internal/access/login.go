package access

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

// The environment variables that hold credentials of a login.
const (
	PasswordVariable = "LLMOPS_PASSWORD"
	TokenVariable    = "LLMOPS_TOKEN"
)

// Login are the flags of a user with a password, or of a token: --user,
// --password-file and --token-file.
type Login struct {
	// Of names a second server of a command: of "alertmanager", the flags are
	// --alertmanager-user and so on, and the variables LLMOPS_ALERTMANAGER_PASSWORD and
	// LLMOPS_ALERTMANAGER_TOKEN.
	Of string

	user, passwordFile, tokenFile string
}

// AddFlags adds the flags.
func (l *Login) AddFlags(cmd *cobra.Command) {
	f, whose := cmd.Flags(), "the server"
	if l.Of != "" {
		whose = "the " + l.Of
	}
	f.StringVar(&l.user, l.flag("user"), "", "`NAME` of "+whose+"'s user; its password is in $"+l.variable(PasswordVariable)+" or --"+l.flag("password-file"))
	f.StringVar(&l.passwordFile, l.flag("password-file"), "", "`FILE` that holds the password of --"+l.flag("user"))
	f.StringVar(&l.tokenFile, l.flag("token-file"), "", "`FILE` that holds a bearer token for "+whose+" (or $"+l.variable(TokenVariable)+")")
	filenames(cmd, l.flag("password-file"), l.flag("token-file"))
}

func (l *Login) flag(name string) string {
	if l.Of != "" {
		name = l.Of + "-" + name
	}
	return name
}

func (l *Login) variable(name string) string {
	if l.Of != "" {
		name = strings.Replace(name, "LLMOPS_", "LLMOPS_"+strings.ToUpper(l.Of)+"_", 1)
	}
	return name
}

// Authorization is the value of that header, "" for none, and what of it must never be
// shown. fallbackUser is whose password it is when --user names nobody; "" where there
// is no such user.
func (l *Login) Authorization(app *cli.App, fallbackUser string) (value string, secrets []string, err error) {
	password, err := secret{l.passwordFile, l.variable(PasswordVariable), flagWords(l.flag("password-file"), "password")}.read(app)
	if err != nil {
		return "", nil, err
	}
	token, err := secret{l.tokenFile, l.variable(TokenVariable), flagWords(l.flag("token-file"), "token")}.read(app)
	if err != nil {
		return "", nil, err
	}
	user := l.user
	if user == "" && password != "" {
		user = fallbackUser
	}
	switch {
	case token != "" && user != "":
		return "", nil, errors.New("a user and a token exclude each other")
	case token != "":
		return "Bearer " + token, []string{token}, nil
	case user != "":
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		secrets = []string{encoded}
		if password != "" {
			secrets = append(secrets, password)
		}
		return "Basic " + encoded, secrets, nil
	case password != "":
		return "", nil, errors.New("there is a password, but --" + l.flag("user") + " does not say whose")
	}
	return "", nil, nil
}
