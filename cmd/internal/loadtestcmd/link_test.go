package loadtestcmd

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"data":[{"id":"m"}]}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

func loadtest(t *testing.T, env map[string]string, args ...string) clitest.Result {
	t.Helper()
	app := &cli.App{Getenv: clitest.Env(env)}
	return clitest.Run(t, app, []cli.Verb{New}, append([]string{"loadtest", "--requests", "4"}, args...)...)
}

func want(t *testing.T, r clitest.Result, code cli.Code, words ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d", r.Code, code)
	}
	for _, w := range words {
		if !strings.Contains(r.Out+r.Err, w) {
			t.Errorf("%q is not said", w)
		}
	}
	if t.Failed() {
		t.Logf("stdout: %s\nstderr: %s", r.Out, r.Err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	url := srv.URL + "/v1"
	want(t, loadtest(t, nil, url), cli.CodeFailed, "failed: tls", "--tls-ca")
	want(t, loadtest(t, nil, url, "--tls-ca", ca), cli.CodeOK, "verdict: pass")
	want(t, loadtest(t, nil, url, "--tls-insecure"), cli.CodeOK)
	want(t, loadtest(t, nil, url, "--tls-ca", ca, "--tls-server-name", "example.com"), cli.CodeOK) // a name of the test certificate
	want(t, loadtest(t, nil, url, "--tls-ca", ca, "--tls-server-name", "other.test"), cli.CodeFailed, "failed: tls")
	want(t, loadtest(t, nil, url, "--tls-ca", ca+".no"), cli.CodeUsage, "--tls-ca")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, loadtest(t, nil, url, "--tls-ca", empty), cli.CodeUsage, "holds no PEM certificate")
	want(t, loadtest(t, nil, url, "--tls-cert", ca), cli.CodeUsage, "belong together")
}

func TestClientCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	srv.StartTLS() // makes a certificate that a client can use too
	pair := srv.TLS.Certificates[0]
	srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	strict := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	strict.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}
	strict.StartTLS()
	t.Cleanup(strict.Close)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := strict.URL + "/v1"
	want(t, loadtest(t, nil, url, "--tls-insecure", "--preflight=false"), cli.CodeFailed)
	want(t, loadtest(t, nil, url, "--tls-insecure", "--tls-cert", cert, "--tls-key", key), cli.CodeOK)
	want(t, loadtest(t, nil, url, "--tls-cert", cert, "--tls-key", cert), cli.CodeUsage, "--tls-cert")
}

func TestProxy(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(answer))
	t.Cleanup(srv.Close)
	var tunnels atomic.Int64
	var refuse atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || refuse.Load() {
			http.Error(w, "no", http.StatusProxyAuthRequired)
			return
		}
		tunnels.Add(1)
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		from, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		go func() { _, _ = io.Copy(to, bufio.NewReader(rw)) }()
		_, _ = io.Copy(from, to)
	}))
	t.Cleanup(proxy.Close)
	url := srv.URL + "/v1"
	want(t, loadtest(t, nil, url, "--tls-insecure", "--proxy", proxy.URL), cli.CodeOK)
	if tunnels.Load() == 0 {
		t.Error("the proxy saw nothing")
	}
	// The loopback is never sent through a proxy of the environment.
	before := tunnels.Load()
	want(t, loadtest(t, map[string]string{"HTTPS_PROXY": proxy.URL}, url, "--tls-insecure"), cli.CodeOK)
	if tunnels.Load() != before {
		t.Error("the environment's proxy was used for the loopback")
	}
	refuse.Store(true)
	want(t, loadtest(t, nil, url, "--tls-insecure", "--proxy", proxy.URL), cli.CodeFailed, "the proxy answers 407")
	r := loadtest(t, nil, url, "--proxy", "http://user:pw123@127.0.0.1:1")
	want(t, r, cli.CodeUsage, "HTTPS_PROXY")
	if strings.Contains(r.Out+r.Err, "pw123") {
		t.Error("the password is shown")
	}
	want(t, loadtest(t, nil, url, "--proxy", "127.0.0.1:3128"), cli.CodeUsage, "--proxy: want")
}

func TestKeysAndHeaders(t *testing.T) {
	var seen atomic.Pointer[http.Request]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Clone(r.Context()))
		if r.Header.Get("X-Reject") != "" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":{"message":"bad key `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}}`)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(srv.Close)
	url := srv.URL + "/v1"
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env    map[string]string
		args   []string
		header string
		want   string
	}{
		"default variable": {map[string]string{"LLMOPS_API_KEY": "abcdefgh"}, nil, "Authorization", "Bearer abcdefgh"},
		"named variable":   {map[string]string{"OTHER": "zzzzzzzz"}, []string{"--api-key-env", "OTHER"}, "Authorization", "Bearer zzzzzzzz"},
		"file":             {nil, []string{"--api-key-file", file}, "Authorization", "Bearer from-file"},
		"anthropic":        {map[string]string{"LLMOPS_API_KEY": "abcdefgh"}, []string{"--api", "anthropic"}, "X-Api-Key", "abcdefgh"},
		"header":           {nil, []string{"-H", "X-Team: search"}, "X-Team", "search"},
		"header from env":  {map[string]string{"T": "Basic xyzxyzxyz"}, []string{"-H", "Authorization: env:T"}, "Authorization", "Basic xyzxyzxyz"},
		"user agent":       {nil, []string{"-H", "User-Agent: mine"}, "User-Agent", "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			loadtest(t, tc.env, append([]string{url}, tc.args...)...)
			if got := seen.Load().Header.Get(tc.header); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.header, got, tc.want)
			}
		})
	}
	loadtest(t, nil, url, "-H", "Host: models.example")
	if got := seen.Load().Host; got != "models.example" {
		t.Errorf("host %q", got)
	}
	r := loadtest(t, map[string]string{"T": "Bearer sk-SECRET123", "Q": ""}, url+"?sig=QUERYSECRET", "-H", "Authorization: env:T", "-H", "X-Reject: 1")
	want(t, r, cli.CodeFailed, "http_401", "[redacted]", "LLMOPS_API_KEY")
	for _, secret := range []string{"SECRET123", "QUERYSECRET"} {
		if strings.Contains(r.Out+r.Err, secret) {
			t.Errorf("%s is shown: %s%s", secret, r.Out, r.Err)
		}
	}
	want(t, loadtest(t, map[string]string{"LLMOPS_API_KEY": "two\nlines"}, url), cli.CodeUsage, "characters that a header cannot")
	want(t, loadtest(t, nil, url, "--api-key-env", "NOT_SET"), cli.CodeUsage, "NOT_SET")
	want(t, loadtest(t, nil, url, "-H", "no colon"), cli.CodeUsage, "NAME: VALUE")
	for _, u := range []string{"http://user:s3cr3tpw@127.0.0.1:1x/v1", "user:s3cr3tpw@host:9/v1", "http://u:pa/s3cr3tpw@h/v1"} {
		r := loadtest(t, nil, u)
		want(t, r, cli.CodeUsage)
		if strings.Contains(r.Out+r.Err, "s3cr3tpw") {
			t.Errorf("the password of %s is shown: %s", u, r.Err)
		}
	}
}
