package snapshotcmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http/httpproxy"

	"llmops/cmd/internal/cli"
	"llmops/probes/serving"
)

// access is how to reach servers: the same flags and variables as "llmops loadtest".
type access struct {
	keyEnv, keyFile string
	ca              string
	insecure        bool
	iterationStats  bool
}

const defaultKeyEnv = "LLMOPS_API_KEY"

func (a *access) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.keyEnv, "api-key-env", defaultKeyEnv, "environment variable that holds the API key of the servers")
	f.StringVar(&a.keyFile, "api-key-file", "", "`FILE` that holds the API key")
	f.StringVar(&a.ca, "tls-ca", "", "PEM `FILE` of the certificate authorities to trust")
	f.BoolVar(&a.insecure, "tls-insecure", false, "do not verify the servers' certificates")
	f.BoolVar(&a.iterationStats, "iteration-stats", false, "read the JSON metrics of TensorRT-LLM, which takes them from other readers")
	for _, name := range []string{"api-key-file", "tls-ca"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
}

// config is what the client of servers needs.
func (a *access) config(app *cli.App) (serving.Config, error) {
	cfg := serving.Config{
		Header:         http.Header{"User-Agent": {"llmops/" + app.Build.Version}},
		TLS:            &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: a.insecure}, //nolint:gosec // --tls-insecure asks for it
		Proxy:          proxy(app),
		IterationStats: a.iterationStats,
	}
	key, err := a.key(app)
	if err != nil {
		return cfg, err
	}
	if key != "" {
		cfg.Header.Set("Authorization", "Bearer "+key)
		cfg.Secrets = []string{key}
	}
	if a.ca == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(a.ca)
	if err != nil {
		return cfg, fmt.Errorf("--tls-ca: %w", err)
	}
	cfg.TLS.RootCAs = x509.NewCertPool()
	if !cfg.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return cfg, fmt.Errorf("--tls-ca: %s holds no PEM certificate", a.ca)
	}
	return cfg, nil
}

// key reads the API key, "" if there is none.
func (a *access) key(app *cli.App) (string, error) {
	var key string
	from := "$" + a.keyEnv
	if a.keyFile == "" {
		var ok bool
		if key, ok = app.Getenv(a.keyEnv); !ok && a.keyEnv != defaultKeyEnv {
			return "", fmt.Errorf("--api-key-env: the environment has no %s", a.keyEnv)
		}
	} else {
		from = a.keyFile
		f, err := os.Open(a.keyFile)
		if err != nil {
			return "", fmt.Errorf("--api-key-file: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, 64<<10))
		if err != nil {
			return "", fmt.Errorf("--api-key-file: %w", err)
		}
		if key = string(data); strings.TrimSpace(key) == "" {
			return "", fmt.Errorf("--api-key-file: %s holds no key", a.keyFile)
		}
	}
	if key = strings.TrimSpace(key); !httpguts.ValidHeaderFieldValue(key) {
		return "", errors.New("the API key in " + from + " holds characters that a header cannot")
	}
	return key, nil
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
