package budgetcmd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http/httpproxy"

	"llmops/cmd/internal/cli"
)

// The environment variables that hold credentials, which have no flags: a command
// line is seen by others.
const (
	passwordVariable = "LLMOPS_PASSWORD"
	tokenVariable    = "LLMOPS_TOKEN"
)

// serverOptions say how to reach the server of an engine.
type serverOptions struct {
	user, passwordFile, tokenFile string
	ca                            string
	insecure                      bool
	timeout                       time.Duration
}

func (s *serverOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.user, "user", "", "`NAME` of the server's user; its password is in $"+passwordVariable+" or --password-file")
	f.StringVar(&s.passwordFile, "password-file", "", "`FILE` that holds the password of --user")
	f.StringVar(&s.tokenFile, "token-file", "", "`FILE` that holds a bearer token for the server (or $"+tokenVariable+")")
	f.StringVar(&s.ca, "tls-ca", "", "PEM `FILE` of the certificate authorities to trust")
	f.BoolVar(&s.insecure, "tls-insecure", false, "do not verify the server's certificate")
	f.DurationVar(&s.timeout, "server-timeout", 5*time.Minute, "how long one answer of the server may take")
	for _, name := range []string{"password-file", "token-file", "tls-ca"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
}

// serverFlags are the flags that say how to reach a server.
func serverFlags() []string {
	return []string{"user", "password-file", "token-file", "tls-ca", "tls-insecure", "server-timeout"}
}

// access is what a client needs to reach a server.
type access struct {
	header  http.Header
	secrets []string
	tls     *tls.Config
	proxy   func(*http.Request) (*url.URL, error)
}

// access reads credentials. fallbackUser is whose password it is when --user names
// nobody; "" where there is no such user.
func (s *serverOptions) access(app *cli.App, fallbackUser string) (*access, error) {
	if s.timeout <= 0 {
		return nil, errors.New("--server-timeout: want a time above 0, such as 2m")
	}
	password, err := secret(app, "password", s.passwordFile, passwordVariable)
	if err != nil {
		return nil, err
	}
	token, err := secret(app, "token", s.tokenFile, tokenVariable)
	if err != nil {
		return nil, err
	}
	a := &access{header: http.Header{"User-Agent": {"llmops/" + app.Build.Version}}, proxy: proxy(app)}
	user := s.user
	if user == "" && password != "" {
		user = fallbackUser
	}
	switch {
	case token != "" && user != "":
		return nil, errors.New("a user and a token exclude each other")
	case token != "":
		a.header.Set("Authorization", "Bearer "+token)
		a.secrets = []string{token}
	case user != "":
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		a.header.Set("Authorization", "Basic "+encoded)
		a.secrets = []string{encoded}
		if password != "" {
			a.secrets = append(a.secrets, password)
		}
	case password != "":
		return nil, errors.New("there is a password, but --user does not say whose")
	}
	a.tls = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.insecure} //nolint:gosec // --tls-insecure asks for it
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		a.tls.RootCAs = x509.NewCertPool()
		if !a.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no PEM certificate", s.ca)
		}
	}
	return a, nil
}

// secret reads a credential from a file, or else from the environment.
func secret(app *cli.App, what, file, variable string) (string, error) {
	text, from := "", "$"+variable
	if file == "" {
		text, _ = app.Getenv(variable)
	} else {
		from = file
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--%s-file: %w", what, err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, 64<<10))
		if err != nil {
			return "", fmt.Errorf("--%s-file: %w", what, err)
		}
		if text = string(data); strings.TrimSpace(text) == "" {
			return "", fmt.Errorf("--%s-file: %s holds no %s", what, file, what)
		}
	}
	if text = strings.TrimSpace(text); !httpguts.ValidHeaderFieldValue(text) {
		return "", fmt.Errorf("the %s in %s holds characters that a header cannot", what, from)
	}
	return text, nil
}

// proxy is that of the environment.
func proxy(app *cli.App) func(*http.Request) (*url.URL, error) {
	env := func(names ...string) string {
		for _, n := range names {
			if v, ok := app.Getenv(n); ok && v != "" {
				return v
			}
		}
		return ""
	}
	choose := (&httpproxy.Config{HTTPProxy: env("HTTP_PROXY", "http_proxy"), HTTPSProxy: env("HTTPS_PROXY", "https_proxy"), NoProxy: env("NO_PROXY", "no_proxy")}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
}
