// Package access is how commands reach servers: flags for credentials, certificates and
// proxies, and what comes of them and of the environment. A command takes the groups
// that it needs. It opens no connection, and must not show a credential nor take one
// from the command line, where the process list and the shell's history show it.
package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpproxy"

	"llmops/cmd/internal/cli"
	"llmops/probes/remote"
)

// Transport are the flags about certificates and proxies. Without them certificates
// are verified, and the proxy is that of the environment.
type Transport struct {
	insecure              bool
	ca, cert, key, server string
	proxy                 string
}

// AddFlags adds --tls-ca and --tls-insecure; whose are the certificates, such as "the
// server's certificate".
func (t *Transport) AddFlags(cmd *cobra.Command, whose string) {
	t.addAuthorities(cmd)
	t.addInsecure(cmd, whose)
}

// AddAllFlags adds --tls-cert, --tls-key, --tls-server-name and --proxy too. Help lists
// flags as they were added.
func (t *Transport) AddAllFlags(cmd *cobra.Command, whose string) {
	t.addInsecure(cmd, whose)
	t.addAuthorities(cmd)
	f := cmd.Flags()
	f.StringVar(&t.cert, "tls-cert", "", "PEM `FILE` of the client's certificate")
	f.StringVar(&t.key, "tls-key", "", "PEM `FILE` of the client's private key")
	f.StringVar(&t.server, "tls-server-name", "", "name to verify the certificate against")
	f.StringVar(&t.proxy, "proxy", "", "proxy `URL`, or \"none\" (default: HTTP_PROXY, HTTPS_PROXY, NO_PROXY)")
	filenames(cmd, "tls-cert", "tls-key")
}

func (t *Transport) addAuthorities(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.ca, "tls-ca", "", "PEM `FILE` of the certificate authorities to trust")
	filenames(cmd, "tls-ca")
}

func (t *Transport) addInsecure(cmd *cobra.Command, whose string) {
	cmd.Flags().BoolVar(&t.insecure, "tls-insecure", false, "do not verify "+whose)
}

func filenames(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
}

// Access is what clients need, with a value of the header Authorization, "" for none.
func (t *Transport) Access(app *cli.App, authorization string, secrets []string) (remote.Access, error) {
	header := http.Header{"User-Agent": {UserAgent(app)}}
	if authorization != "" {
		header.Set("Authorization", authorization)
	}
	config, err := t.TLS()
	if err != nil {
		return remote.Access{}, err
	}
	proxy, err := t.Proxy(app)
	return remote.Access{Header: header, Secrets: secrets, TLS: config, Proxy: proxy}, err
}

// UserAgent is how this program calls itself.
func UserAgent(app *cli.App) string { return "llmops/" + app.Build.Version }

// TLS verifies by default.
func (t *Transport) TLS() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.server, InsecureSkipVerify: t.insecure} //nolint:gosec // --tls-insecure asks for it
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no PEM certificate", t.ca)
		}
	}
	if (t.cert == "") != (t.key == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together")
	}
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// Proxy chooses the proxy of a request, nil for none at all.
func (t *Transport) Proxy(app *cli.App) (func(*http.Request) (*url.URL, error), error) {
	switch t.proxy {
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
		choose := (&httpproxy.Config{
			HTTPProxy:  env("HTTP_PROXY", "http_proxy"),
			HTTPSProxy: env("HTTPS_PROXY", "https_proxy"),
			NoProxy:    env("NO_PROXY", "no_proxy"),
		}).ProxyFunc()
		return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }, nil
	}
	u, err := url.Parse(t.proxy)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		// The error of url.Parse would repeat a password.
		return nil, errors.New("--proxy: want http://HOST:PORT, https:// or socks5://")
	}
	if u.User != nil {
		return nil, cli.WithHint(errors.New("--proxy: a password must not stand on the command line"), "put the URL into the environment: HTTPS_PROXY or HTTP_PROXY")
	}
	return http.ProxyURL(u), nil
}
