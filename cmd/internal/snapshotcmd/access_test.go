package snapshotcmd

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// The API key goes to the servers and nowhere else, and is never shown.
func TestKeyGoesToServersOnly(t *testing.T) {
	const key = "sk-very-secret-key"
	var mu sync.Mutex
	seen := map[string][]string{}
	server := func(name, body string) *httptest.Server {
		hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[name] = append(seen[name], r.Header.Get("Authorization"))
			mu.Unlock()
			if name == "engine" {
				http.Error(w, "no such key: "+r.Header.Get("Authorization"), http.StatusUnauthorized)
				return
			}
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(hs.Close)
		return hs
	}
	engine, figures := server("engine", ""), server("figures", `{"user_satisfaction_score": 0.87}`)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"variable": {map[string]string{"LLMOPS_API_KEY": key}, nil},
		"named":    {map[string]string{"OTHER": key}, []string{"--api-key-env", "OTHER"}},
		"file":     {nil, []string{"--api-key-file", file}},
	} {
		mu.Lock()
		clear(seen)
		mu.Unlock()
		args := append([]string{"snapshot", "--gpu", "none", "--server", engine.URL, "--business", figures.URL, "-o", "json", "-v"}, c.args...)
		r := clitest.Run(t, &cli.App{Getenv: clitest.Env(c.env)}, []cli.Verb{New}, args...)
		if r.Code != cli.CodeOK || !strings.Contains(r.Out, "0.87") || !strings.Contains(r.Out, `"forbidden"`) {
			t.Errorf("%s: exit %d\n%s%s", name, r.Code, r.Out, r.Err)
		}
		if strings.Contains(r.Out+r.Err, key) {
			t.Errorf("%s: the key is shown", name)
		}
		mu.Lock()
		if len(seen["engine"]) == 0 || len(seen["figures"]) == 0 {
			t.Fatalf("%s: %v", name, seen)
		}
		for _, h := range seen["engine"] {
			if h != "Bearer "+key {
				t.Errorf("%s: the server got %q", name, h)
			}
		}
		for _, h := range seen["figures"] {
			if h != "" {
				t.Errorf("%s: the business figures' server got %q", name, h)
			}
		}
		mu.Unlock()
	}
}

func TestAccessRefuses(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args string
		want string
	}{
		{nil, "--api-key-env NO_SUCH", "the environment has no NO_SUCH"},
		{nil, "--api-key-file " + os.DevNull, "holds no key"},
		{map[string]string{"LLMOPS_API_KEY": "a\nb"}, "", "characters that a header cannot"},
		{nil, "--tls-ca " + os.DevNull, "holds no PEM certificate"},
		{nil, "--server 127.0.0.1:8000", "--server"},
		{nil, "--server http://a:1 --server http://a:1/v1", "given twice"},
	} {
		args := append([]string{"snapshot", "--gpu", "none"}, strings.Fields(c.args)...)
		r := clitest.Run(t, &cli.App{Getenv: clitest.Env(c.env)}, []cli.Verb{New}, args...)
		if r.Code != cli.CodeUsage || !strings.Contains(r.Err, c.want) || r.Out != "" {
			t.Errorf("%s: exit %d: %s", c.args, r.Code, r.Err)
		}
	}
}
