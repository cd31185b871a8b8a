package access

import (
	"encoding/base64"
	"errors"

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
type Login struct{ user, passwordFile, tokenFile string }

// AddFlags adds the flags.
func (l *Login) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.user, "user", "", "`NAME` of the server's user; its password is in $"+PasswordVariable+" or --password-file")
	f.StringVar(&l.passwordFile, "password-file", "", "`FILE` that holds the password of --user")
	f.StringVar(&l.tokenFile, "token-file", "", "`FILE` that holds a bearer token for the server (or $"+TokenVariable+")")
	filenames(cmd, "password-file", "token-file")
}

// Authorization is the value of that header, "" for none, and what of it must never be
// shown. fallbackUser is whose password it is when --user names nobody; "" where there
// is no such user.
func (l *Login) Authorization(app *cli.App, fallbackUser string) (value string, secrets []string, err error) {
	password, err := secret{l.passwordFile, PasswordVariable, flagWords("password-file", "password")}.read(app)
	if err != nil {
		return "", nil, err
	}
	token, err := secret{l.tokenFile, TokenVariable, flagWords("token-file", "token")}.read(app)
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
		return "", nil, errors.New("there is a password, but --user does not say whose")
	}
	return "", nil, nil
}
