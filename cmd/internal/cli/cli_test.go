package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// probe is a verb that does what run says.
func probe(run func(app *cli.App, cmd *cobra.Command) error) []cli.Verb {
	return []cli.Verb{func(app *cli.App) *cobra.Command {
		cmd := &cobra.Command{Use: "probe", RunE: func(cmd *cobra.Command, _ []string) error { return run(app, cmd) }}
		cmd.Flags().Int("count", 1, "a number")
		cmd.Flags().StringArray("slo", nil, "may be repeated")
		cmd.Flags().String("api-key", "", "a secret")
		cmd.Flags().StringArray("header", nil, "headers")
		cmd.Flags().String("url", "", "an address")
		cmd.Flags().Int("output-tokens", 0, "no secret")
		cmd.MarkFlagsMutuallyExclusive("count", "url")
		return cmd
	}}
}

func TestExitCodes(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name string
		err  error
		code cli.Code
		text string
	}{
		{"done", nil, cli.CodeOK, ""},
		{"plain", boom, cli.CodeFailed, "llmops: error: boom\n"},
		{"usage", cli.Usage(boom), cli.CodeUsage, "llmops: error: boom\n"},
		{"gate", cli.Gate(boom), cli.CodeGate, "llmops: error: boom\n"},
		{"no verdict", cli.NoVerdict(boom), cli.CodeNoVerdict, "llmops: error: boom\n"},
		{"wrapped", fmt.Errorf("at work: %w", cli.Usage(boom)), cli.CodeUsage, "llmops: error: at work: boom\n"},
		{"outer mark counts", cli.Failed(cli.Usage(boom)), cli.CodeFailed, "llmops: error: boom\n"},
		{"hint", cli.WithHint(cli.Usage(boom), "try %d", 2), cli.CodeUsage, "llmops: error: boom\nllmops: hint: try 2\n"},
		{"hint inside", cli.Usage(cli.WithHint(boom, "try")), cli.CodeUsage, "llmops: error: boom\nllmops: hint: try\n"},
		{"text of a server", fmt.Errorf("server said %q: %s", "x", "\x1b]0;t\x07\x1b[2J\u009b1mhi\r\nllmops: error: no"), cli.CodeFailed,
			"llmops: error: server said \"x\": ]0;t[2J1mhi\n  llmops: error: no\n"},
		{"hint with text of a server", cli.WithHint(boom, "try %s", "\x1b[31mred"), cli.CodeFailed, "llmops: error: boom\nllmops: hint: try [31mred\n"},
		{"several lines", errors.New("a\nb"), cli.CodeFailed, "llmops: error: a\n  b\n"},
		{"cancelled without a signal", context.Canceled, cli.CodeInterrupted, "llmops: error: context canceled\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := clitest.Run(t, nil, probe(func(*cli.App, *cobra.Command) error { return tt.err }), "probe")
			if got.Code != tt.code || got.Err != tt.text || got.Out != "" {
				t.Errorf("got %+v, want code %d and %q", got, tt.code, tt.text)
			}
		})
	}
	for _, mark := range []func(error) error{cli.Usage, cli.Failed, cli.Gate, cli.NoVerdict} {
		if mark(nil) != nil {
			t.Error("a mark of nil is not nil")
		}
	}
	if cli.WithHint(nil, "x") != nil {
		t.Error("a hint for nil is not nil")
	}
}

func TestInterrupt(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		text string
	}{
		{"verb stops cleanly", nil, ""},
		{"verb passes the context's error on", fmt.Errorf("load: %w", context.Canceled), ""},
		{"verb fails while it stops", errors.New("disk full"), "llmops: error: disk full\n"},
		{"gate failed in what is known", cli.Gate(errors.New("1 of 2 objectives fails")), "llmops: error: 1 of 2 objectives fails\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			got := clitest.RunContext(ctx, nil, probe(func(app *cli.App, cmd *cobra.Command) error {
				interrupt()
				<-cmd.Context().Done()
				fmt.Fprintln(app.Out, "known so far")
				return tt.err
			}), "probe")
			if got.Code != 130 || got.Out != "known so far\n" || got.Err != tt.text {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	config := "probe:\n  count: 5\n  slo:\n    - p95_latency_ms < 500\n    - error_rate < 1%\n"
	if err := os.WriteFile("llmops.yaml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		env    map[string]string
		args   []string
		count  string
		origin string
		slos   []string
	}{
		{"file", nil, nil, "5", "llmops.yaml:2:10", []string{"p95_latency_ms < 500", "error_rate < 1%"}},
		{"environment", map[string]string{"LLMOPS_PROBE_COUNT": "6", "LLMOPS_PROBE_SLO": "a, b"}, nil, "6", "env LLMOPS_PROBE_COUNT", []string{"a, b"}},
		{"empty variable", map[string]string{"LLMOPS_PROBE_COUNT": ""}, nil, "5", "llmops.yaml:2:10", []string{"p95_latency_ms < 500", "error_rate < 1%"}},
		{"flag", map[string]string{"LLMOPS_PROBE_COUNT": "6"}, []string{"--count=7", "--slo=x", "--slo=y"}, "7", "flag", []string{"x", "y"}},
		{"short name is for shared flags only", map[string]string{"LLMOPS_COUNT": "6"}, nil, "5", "llmops.yaml:2:10", []string{"p95_latency_ms < 500", "error_rate < 1%"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ran := false
			got := clitest.Run(t, &cli.App{Getenv: clitest.Env(tt.env)}, probe(func(_ *cli.App, cmd *cobra.Command) error {
				ran = true
				f := cmd.Flags().Lookup("count")
				slos, _ := cmd.Flags().GetStringArray("slo")
				if f.Value.String() != tt.count || cli.Origin(f) != tt.origin || !slices.Equal(slos, tt.slos) {
					t.Errorf("count %s from %s, slo %q", f.Value, cli.Origin(f), slos)
				}
				return nil
			}), append([]string{"probe"}, tt.args...)...)
			if got.Code != 0 || !ran {
				t.Errorf("got %+v, ran %v", got, ran)
			}
		})
	}
}

// count and url exclude each other.
func TestExclusiveFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		name, file string
		env        map[string]string
		args       []string
		code       cli.Code
		count, url string
	}{
		{"both on the command line", "", nil, []string{"--count=2", "--url=u"}, cli.CodeUsage, "", ""},
		{"both in the file", "probe: {count: 2, url: u}", nil, nil, cli.CodeUsage, "", ""},
		{"a flag replaces the file", "probe: {count: 2}", nil, []string{"--url=u"}, cli.CodeOK, "1", "u"},
		{"a flag replaces the environment", "", map[string]string{"LLMOPS_PROBE_COUNT": "2"}, []string{"--url=u"}, cli.CodeOK, "1", "u"},
		{"the environment replaces the file", "probe: {count: 2}", map[string]string{"LLMOPS_PROBE_URL": "u"}, nil, cli.CodeOK, "1", "u"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile("llmops.yaml", []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got := clitest.Run(t, &cli.App{Getenv: clitest.Env(tt.env)}, probe(func(_ *cli.App, cmd *cobra.Command) error {
				if c, u := cmd.Flag("count").Value.String(), cmd.Flag("url").Value.String(); c != tt.count || u != tt.url {
					t.Errorf("count %s, url %s", c, u)
				}
				return nil
			}), append([]string{"probe"}, tt.args...)...)
			want := ""
			if tt.code != cli.CodeOK {
				want = "llmops: error: --count and --url exclude each other\n"
			}
			if got.Code != tt.code || got.Err != want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSettingsHideSecrets(t *testing.T) {
	t.Chdir(t.TempDir())
	app := &cli.App{Getenv: clitest.Env(map[string]string{"LLMOPS_PROBE_API_KEY": "hunter2"})}
	clitest.Run(t, app, probe(func(app *cli.App, cmd *cobra.Command) error {
		settings, err := cli.Settings(app, cmd.Root())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"api-key":       cli.Redacted + " env LLMOPS_PROBE_API_KEY",
			"header":        "Authorization: " + cli.Redacted + ", X-Team: " + cli.Redacted + ", X-Auth: env:TOKEN, X-B: " + cli.Redacted + ", " + cli.Redacted + " flag",
			"url":           "http://me:xxxxx@host/v1?api_key=redacted&x=1 flag",
			"output-tokens": "64 flag",
		}
		for _, s := range settings {
			if w, ok := want[s.Flag]; ok && s.Command == "probe" {
				delete(want, s.Flag)
				if got := s.Value + " " + s.Origin; got != w {
					t.Errorf("%s: got %q, want %q", s.Flag, got, w)
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("missing: %v", want)
		}
		return nil
	}), "probe", "--header=Authorization: Bearer hunter2", "--header=X-Team: blue", "--header=X-Auth: env:TOKEN", "--header=X-B: env:hunter2!", "--header=hunter2",
		"--url=http://me:hunter2@host/v1?x=1&api_key=hunter2", "--output-tokens=64")
}

func TestNearest(t *testing.T) {
	names := []string{"concurrency", "rate", "requests", "max-concurrency", "output-format", "slo", "slo-file"}
	for given, want := range map[string]string{
		"concurency":  "concurrency",
		"concurrecny": "concurrency",
		"conc":        "concurrency",
		"request":     "requests",
		"rat":         "rate",
		"slos":        "slo",
		"output":      "output-format",
		"zzzzzz":      "",
		"":            "",
		"é":           "",
	} {
		if got := cli.Nearest(given, slices.Values(names)); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestNotes(t *testing.T) {
	say := probe(func(app *cli.App, _ *cobra.Command) error {
		app.Notef("note %d", 1)
		app.Verbosef("detail")
		app.Warnf("doubt")
		return nil
	})
	rude := probe(func(app *cli.App, _ *cobra.Command) error {
		app.Warnf("server says %s", "\x1b[2Jhi\nllmops: done\x00")
		return nil
	})
	if got := clitest.Run(t, nil, rude, "probe", "--color=always"); got.Err != "llmops: \x1b[33mwarning:\x1b[0m server says [2Jhi\n  llmops: done\n" {
		t.Errorf("text of a server: %q", got.Err)
	}
	for arg, want := range map[string]string{
		"--quiet":       "llmops: warning: doubt\n",
		"--verbose":     "llmops: note 1\nllmops: detail\nllmops: warning: doubt\n",
		"--color=never": "llmops: note 1\nllmops: warning: doubt\n",
	} {
		if got := clitest.Run(t, nil, say, "probe", arg); got.Err != want || got.Code != 0 {
			t.Errorf("%s: %+v, want %q", arg, got, want)
		}
	}
}

func TestWriteFile(t *testing.T) {
	name := t.TempDir() + "/out.txt"
	write := func(text string, err error) error {
		return cli.WriteFile(name, func(w io.Writer) error {
			io.WriteString(w, text)
			return err
		})
	}
	content := func() string {
		b, _ := os.ReadFile(name)
		return string(b)
	}
	boom := errors.New("boom")
	if err := write("half", boom); !errors.Is(err, boom) {
		t.Errorf("the error of the writer is lost: %v", err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed write left a file: %v", err)
	}
	if err := write("one", nil); err != nil || content() != "one" {
		t.Errorf("error %v, content %q", err, content())
	}
	if err := write("half of two", boom); err == nil || content() != "one" {
		t.Errorf("error %v, content %q", err, content())
	}
	func() {
		defer func() { _ = recover() }()
		cli.WriteFile(name, func(io.Writer) error { panic("bug") })
	}()
	if entries, _ := os.ReadDir(name[:len(name)-len("/out.txt")]); len(entries) != 1 || content() != "one" {
		t.Errorf("left behind: %v, content %q", entries, content())
	}
}

// A file that others read stays readable for them; a new one is its owner's alone.
func TestWriteFileKeepsTheMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode here")
	}
	name := t.TempDir() + "/x.prom"
	link := name + ".link"
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	write := func() os.FileMode {
		t.Helper()
		if err := cli.WriteFile(link, func(io.Writer) error { return nil }); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	if got := write(); got != 0o600 {
		t.Errorf("a new file has mode %v", got)
	}
	for _, want := range []os.FileMode{0o644, 0o640, 0o600} {
		if err := os.Chmod(name, want); err != nil {
			t.Fatal(err)
		}
		if got := write(); got != want {
			t.Errorf("mode %v became %v", want, got)
		}
	}
}
