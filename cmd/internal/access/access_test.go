package access

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// flags are all groups on one command.
type flags struct {
	key       Key
	login     Login
	transport Transport
}

func parse(t *testing.T, args string) *flags {
	t.Helper()
	f := &flags{}
	cmd := &cobra.Command{}
	f.key.AddFlags(cmd, "variable", "file")
	f.login.AddFlags(cmd)
	f.transport.AddAllFlags(cmd, "certificates")
	if err := cmd.ParseFlags(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// What is said about a credential that cannot be used, to the letter: scripts look for it.
func TestWords(t *testing.T) {
	empty, bad, none := write(t, " \n"), write(t, "k3y\x00k3y"), filepath.Join(t.TempDir(), "none")
	_, missing := os.Open(none)
	if missing == nil {
		t.Fatal("it is there")
	}
	key := func(fileFirst bool) func(*flags, *cli.App) error {
		return func(f *flags, app *cli.App) error {
			f.key.FileFirst = fileFirst
			_, err := f.key.Read(app)
			return err
		}
	}
	login := func(f *flags, app *cli.App) error {
		_, _, err := f.login.Authorization(app, "")
		return err
	}
	for _, c := range []struct {
		read func(*flags, *cli.App) error
		args string
		env  map[string]string
		want string
	}{
		{key(false), "--api-key-file " + none, nil, "--api-key-file: " + missing.Error()},
		{key(false), "--api-key-file " + empty, nil, "--api-key-file: " + empty + " holds no key"},
		{key(false), "--api-key-file " + bad, nil, "the API key in " + bad + " holds characters that a header cannot"},
		{key(false), "", map[string]string{"LLMOPS_API_KEY": "k3y\nk3y"}, "the API key in $LLMOPS_API_KEY holds characters that a header cannot"},
		{key(false), "--api-key-env NONE", nil, "--api-key-env: the environment has no NONE"},
		{key(true), "--api-key-file " + none, nil, missing.Error()},
		{key(true), "--api-key-file " + empty, nil, empty + ": the file holds no key"},
		{key(true), "--api-key-file " + bad, nil, bad + ": the key holds characters that a header cannot"},
		{key(true), "", map[string]string{"LLMOPS_API_KEY": "k3y\nk3y"}, "the API key in LLMOPS_API_KEY holds characters that a header cannot"},
		{key(true), "--api-key-env NONE", nil, "--api-key-env: the environment has no NONE"},
		{login, "--user u --password-file " + none, nil, "--password-file: " + missing.Error()},
		{login, "--user u --password-file " + empty, nil, "--password-file: " + empty + " holds no password"},
		{login, "", map[string]string{"LLMOPS_PASSWORD": "k3y\x7f"}, "the password in $LLMOPS_PASSWORD holds characters that a header cannot"},
		{login, "--token-file " + empty, nil, "--token-file: " + empty + " holds no token"},
		{login, "--token-file " + bad, nil, "the token in " + bad + " holds characters that a header cannot"},
		{login, "--user u", map[string]string{"LLMOPS_TOKEN": "k3y"}, "a user and a token exclude each other"},
		{login, "", map[string]string{"LLMOPS_PASSWORD": "k3y"}, "there is a password, but --user does not say whose"},
	} {
		err := c.read(parse(t, c.args), &cli.App{Getenv: clitest.Env(c.env)})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
}

func TestAuthorization(t *testing.T) {
	file := write(t, "fromfile\n")
	for _, c := range []struct {
		args, fallback string
		env            map[string]string
		want           string
		secrets        []string
	}{
		{"", "", nil, "", nil},
		{"--token-file " + file, "", map[string]string{"LLMOPS_TOKEN": "no"}, "Bearer fromfile", []string{"fromfile"}},
		{"", "", map[string]string{"LLMOPS_TOKEN": " k3y\n"}, "Bearer k3y", []string{"k3y"}},
		{"--user u", "", nil, "Basic dTo=", []string{"dTo="}},
		{"--user Aladdin", "", map[string]string{"LLMOPS_PASSWORD": "open sesame"}, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", []string{"QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "open sesame"}}, // RFC 7617, section 2
		{"", "default", map[string]string{"LLMOPS_PASSWORD": "p"}, "Basic ZGVmYXVsdDpw", []string{"ZGVmYXVsdDpw", "p"}},
		{"", "default", nil, "", nil}, // nobody asked for a login
	} {
		got, secrets, err := parse(t, c.args).login.Authorization(&cli.App{Getenv: clitest.Env(c.env)}, c.fallback)
		if err != nil || got != c.want || !cmp.Equal(secrets, c.secrets) {
			t.Errorf("%q: %q %q %v, want %q %q", c.args, got, secrets, err, c.want, c.secrets)
		}
	}
}

func TestTransport(t *testing.T) {
	app := &cli.App{Getenv: clitest.Env(map[string]string{"https_proxy": "http://proxy:1", "NO_PROXY": "near.test"})}
	for _, c := range []struct{ args, url, want string }{
		{"", "https://far.test", "http://proxy:1"},
		{"", "https://near.test", ""},
		{"", "http://far.test", ""},
		{"--proxy none", "https://far.test", ""},
		{"--proxy socks5://other:2", "https://near.test", "socks5://other:2"},
	} {
		a, err := parse(t, c.args).transport.Access(app, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Request(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if a.Proxy != nil {
			switch u, err := a.Proxy(r); {
			case err != nil:
				t.Error(err)
			case u != nil:
				got = u.String()
			}
		}
		if got != c.want {
			t.Errorf("%q, %s: by %q, want %q", c.args, c.url, got, c.want)
		}
		if a.TLS.InsecureSkipVerify || r.Header.Get("User-Agent") != UserAgent(app) || r.Header.Get("Authorization") != "" {
			t.Errorf("%q: %+v", c.args, r.Header)
		}
	}
	a, err := parse(t, "--tls-insecure --tls-server-name n").transport.Access(app, "Bearer k", []string{"k"})
	if err != nil || !a.TLS.InsecureSkipVerify || a.TLS.ServerName != "n" || a.Header.Get("Authorization") != "Bearer k" || !cmp.Equal(a.Secrets, []string{"k"}) {
		t.Errorf("%+v %v", a, err)
	}
	for args, want := range map[string]string{
		"--proxy http://u:p4ss@proxy":    "a password must not stand on the command line",
		"--proxy http://u:p4ss@proxy:1x": "--proxy: want",
		"--tls-ca " + os.DevNull:         "holds no PEM certificate",
		"--tls-key k":                    "belong together",
	} {
		if _, err := parse(t, args).transport.Access(app, "", nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
	if _, err := parse(t, "--tls-ca "+filepath.Join(t.TempDir(), "none")).transport.TLS(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
