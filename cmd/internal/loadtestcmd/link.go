package loadtestcmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http/httpproxy"

	"llmops/cmd/internal/cli"
)

// link is how to reach the endpoint: headers, key, TLS and proxy.
type link struct {
	headers    []string
	fromFile   func() bool // the headers stand in the configuration file, which may hold secrets
	apiKeyEnv  string
	apiKeyFile string

	insecure          bool
	ca, cert, certKey string
	serverName        string
	proxy             string
}

const defaultKeyEnv = "LLMOPS_API_KEY"

func (l *link) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	l.fromFile = func() bool { return strings.Contains(cli.Origin(f.Lookup("header")), ":") } // FILE:LINE:COLUMN
	f.StringArrayVarP(&l.headers, "header", "H", nil, "header 'NAME: VALUE' of each request; VALUE env:VAR is read from the environment; may be repeated")
	f.StringVar(&l.apiKeyEnv, "api-key-env", defaultKeyEnv, "environment variable that holds the API key")
	f.StringVar(&l.apiKeyFile, "api-key-file", "", "file that holds the API key")
	f.BoolVar(&l.insecure, "tls-insecure", false, "do not verify the server's certificate")
	f.StringVar(&l.ca, "tls-ca", "", "PEM `FILE` of the certificate authorities to trust")
	f.StringVar(&l.cert, "tls-cert", "", "PEM `FILE` of the client's certificate")
	f.StringVar(&l.certKey, "tls-key", "", "PEM `FILE` of the client's private key")
	f.StringVar(&l.serverName, "tls-server-name", "", "name to verify the certificate against")
	f.StringVar(&l.proxy, "proxy", "", "proxy `URL`, or \"none\" (default: HTTP_PROXY, HTTPS_PROXY, NO_PROXY)")
	for _, name := range []string{"api-key-file", "tls-ca", "tls-cert", "tls-key"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
}

// holdsSecret tells by its name that a header holds a credential, whose value
// must not stand on a command line, where the process list and the shell's
// history show it.
func holdsSecret(header string) bool {
	name := strings.ToLower(header)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "password", "credential", "apikey", "api-key", "subscription-key"},
		func(word string) bool { return strings.Contains(name, word) })
}

// maxKey is the largest API key that is read from a file, in bytes.
const maxKey = 64 << 10

// apiKey reads the key, "" if there is none.
func (l *link) apiKey(app *cli.App) (string, error) {
	if l.apiKeyFile == "" {
		key, ok := app.Getenv(l.apiKeyEnv)
		if !ok && l.apiKeyEnv != defaultKeyEnv {
			return "", fmt.Errorf("--api-key-env: the environment has no %s", l.apiKeyEnv)
		}
		if key = strings.TrimSpace(key); !httpguts.ValidHeaderFieldValue(key) {
			return "", fmt.Errorf("the API key in %s holds characters that a header cannot", l.apiKeyEnv)
		}
		return key, nil
	}
	f, err := os.Open(l.apiKeyFile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(data))
	if key == "" {
		return "", fmt.Errorf("%s: the file holds no key", l.apiKeyFile)
	}
	if !httpguts.ValidHeaderFieldValue(key) {
		return "", fmt.Errorf("%s: the key holds characters that a header cannot", l.apiKeyFile)
	}
	return key, nil
}

// header builds the headers of a request; secrets are the values in it that
// must never be shown.
func (l *link) header(app *cli.App) (h http.Header, secrets []string, err error) {
	h = http.Header{}
	for _, line := range l.headers {
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
		} else if holdsSecret(name) && l.fromFile() {
			secrets = append(secrets, value)
		} else if holdsSecret(name) {
			return nil, nil, cli.WithHint(fmt.Errorf("--header %s: a credential must not stand on the command line", name),
				"put it into the environment and write '%s: env:VARIABLE', or use --api-key-env", name)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, nil, fmt.Errorf("--header %s: the value holds characters that a header cannot", name)
		}
		h.Add(name, value)
	}
	return h, secrets, nil
}

// tlsConfig verifies by default.
func (l *link) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: l.serverName, InsecureSkipVerify: l.insecure} //nolint:gosec // --tls-insecure asks for it
	if l.ca != "" {
		pem, err := os.ReadFile(l.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no PEM certificate", l.ca)
		}
	}
	if (l.cert == "") != (l.certKey == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together")
	}
	if l.cert != "" {
		pair, err := tls.LoadX509KeyPair(l.cert, l.certKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// proxyFunc chooses the proxy of a request, nil for none at all.
func (l *link) proxyFunc(app *cli.App) (func(*http.Request) (*url.URL, error), error) {
	switch l.proxy {
	case "none":
		return nil, nil
	case "":
		env := func(names ...string) string {
			for _, n := range names {
				if v, ok := app.Getenv(n); ok && v != "" {
					return v
				}
			}
			return ""
		}
		pf := (&httpproxy.Config{
			HTTPProxy:  env("HTTP_PROXY", "http_proxy"),
			HTTPSProxy: env("HTTPS_PROXY", "https_proxy"),
			NoProxy:    env("NO_PROXY", "no_proxy"),
		}).ProxyFunc()
		return func(r *http.Request) (*url.URL, error) { return pf(r.URL) }, nil
	}
	u, err := url.Parse(l.proxy)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		// The error of url.Parse would repeat a password.
		return nil, errors.New("--proxy: want http://HOST:PORT, https:// or socks5://")
	}
	if u.User != nil {
		return nil, cli.WithHint(errors.New("--proxy: a password must not stand on the command line"), "put the URL into the environment: HTTPS_PROXY or HTTP_PROXY")
	}
	return http.ProxyURL(u), nil
}
