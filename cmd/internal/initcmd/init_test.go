package initcmd_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/budgetcmd"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/configcmd"
	"llmops/cmd/internal/initcmd"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/snapshotcmd"
)

// verbs are those that the files are for.
var verbs = []cli.Verb{budgetcmd.New, configcmd.New, initcmd.New, loadtestcmd.New, snapshotcmd.New}

// engine answers as a server of that kind does.
func engine(t *testing.T, models, metrics string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, models)
	})
	if metrics != "" {
		mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, metrics) })
	}
	mux.HandleFunc("POST /", func(http.ResponseWriter, *http.Request) { t.Error("work was sent to the server") })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func run(t *testing.T, args ...string) clitest.Result {
	t.Helper()
	return clitest.Run(t, nil, verbs, args...)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const vllm = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m"} 0
`

// Whatever is found, other commands take what is written, and the settings hold.
func TestFilesAreAccepted(t *testing.T) {
	hostile := `{"data":[{"id":"a\nloadtest: {requests: 1}\n#\"' \u2028","owned_by":"vllm"},{"id":"second"}]}`
	for name, server := range map[string]*httptest.Server{
		"none":     nil,
		"vllm":     engine(t, `{"data":[{"id":"org/model-7B","owned_by":"vllm"}]}`, vllm),
		"gateway":  engine(t, `{"data":[{"id":"gpt-x","owned_by":"someone"}]}`, ""),
		"llamacpp": engine(t, `{"data":[{"id":"q","owned_by":"llamacpp"}]}`, "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 0\n"),
		"hostile":  engine(t, hostile, vllm),
		"no model": engine(t, `{"data":[]}`, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			args := []string{"init", "--schemas"}
			if server != nil {
				args = append(args, server.URL+"/v1/")
			}
			if r := run(t, args...); r.Code != 0 || strings.Count(r.Out, "wrote ") != 4 {
				t.Fatalf("exit %d: %s%s", r.Code, r.Out, r.Err)
			}
			settings := run(t, "config", "show", "--changed", "-o", "csv")
			if settings.Code != 0 || !strings.Contains(settings.Out, "loadtest,slo-file,slo.yaml,llmops.yaml:") {
				t.Errorf("config show: exit %d: %s%s", settings.Code, settings.Out, settings.Err)
			}
			if !strings.Contains(settings.Out, "\nloadtest,requests,400,") {
				t.Errorf("requests are not those that were written:\n%s", settings.Out)
			}
			if name == "vllm" && !strings.Contains(settings.Out, "loadtest,model,org/model-7B,") {
				t.Errorf("the model is missing:\n%s", settings.Out)
			}
			// All objectives are judged.
			test := run(t, "loadtest", "--embedded", "--requests", "20", "--warmup", "0", "--concurrency", "20", "--output-tokens", "2", "--telemetry=false", "--model", "sim", "-o", "csv", "--out", "run1")
			if test.Code != cli.CodeNoVerdict && test.Code != 0 {
				t.Errorf("loadtest: exit %d: %s%s", test.Code, test.Out, test.Err)
			}
			budget := run(t, "budget", "run1/requests.jsonl", "-o", "json")
			for _, objective := range []string{"availability", "first-token", "pace", "latency"} {
				if !strings.Contains(budget.Out, fmt.Sprintf(`"name": "%s"`, objective)) {
					t.Errorf("budget: no %s: exit %d: %s", objective, budget.Code, budget.Err)
				}
			}
		})
	}
}

// A file that is there is a person's work.
func TestKeepsWhatIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("slo.yaml", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "init")
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, "slo.yaml is there already") || read(t, "slo.yaml") != "mine" {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	if _, err := os.Stat("llmops.yaml"); err == nil {
		t.Error("one of two files was written")
	}
	if r := run(t, "init", "--force"); r.Code != 0 || read(t, "slo.yaml") == "mine" {
		t.Errorf("--force: exit %d: %s", r.Code, r.Err)
	}
	modes := map[string]fs.FileMode{}
	for _, name := range []string{"llmops.yaml", "slo.yaml"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = info.Mode().Perm()
	}
	// A new one can be read by all, one that was there keeps its mode.
	if diff := cmp.Diff(map[string]fs.FileMode{"llmops.yaml": 0o644, "slo.yaml": 0o600}, modes); diff != "" {
		t.Error(diff)
	}
}

// A settings file that no command reads is replaced like any other; one that stays where it
// is, or that was named, is not.
func TestReplacesWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	const wrong = "loadtest:\n  concurency: 3\n"
	write := func() {
		if err := os.WriteFile("llmops.yaml", []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	for _, args := range [][]string{{"init"}, {"init", "--dir", "ops", "--force"}, {"init", "--config", "llmops.yaml", "--force"}} {
		if r := run(t, args...); r.Code != cli.CodeUsage || !strings.Contains(r.Err, `error: llmops.yaml:2:3: unknown key "concurency"`) || read(t, "llmops.yaml") != wrong {
			t.Errorf("%q: exit %d: %s", args, r.Code, r.Err)
		}
	}
	for name, env := range map[string]map[string]string{"here": nil, "by the environment": {"LLMOPS_INIT_SCHEMAS": "true"}} {
		write()
		r := clitest.Run(t, &cli.App{Getenv: clitest.Env(env)}, verbs, "init", "--force")
		if r.Code != 0 || !strings.Contains(r.Err, `warning: llmops.yaml:2:3: unknown key "concurency"`) || read(t, "llmops.yaml") == wrong {
			t.Errorf("%s: exit %d: %s", name, r.Code, r.Err)
		}
		if _, err := os.Stat("slo.schema.json"); (err == nil) != (env != nil) {
			t.Errorf("%s: schemas: %v", name, err)
		}
		if err := os.RemoveAll("slo.schema.json"); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(t, "config", "show"); r.Code != 0 {
		t.Errorf("what was written: exit %d: %s", r.Code, r.Err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	r := run(t, "init", "--dir", filepath.Join(dir, "it's", "new"))
	if r.Code != 0 || !strings.Contains(r.Out, "  cd '"+dir+`/it'\''s/new'`+"\n  llmops loadtest --embedded --out run1\n") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "init", "--dir", filepath.Join(dir, "file")); r.Code != cli.CodeFailed {
		t.Errorf("a file for a folder: exit %d: %s", r.Code, r.Err)
	}
}

// Nothing secret and nothing senseless gets into a file.
func TestURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	for raw, want := range map[string]string{
		"http://user:hunter2@127.0.0.1:1/v1":    "may be secrets",
		"http://127.0.0.1:1/v1?api_key=hunter2": "may be secrets",
		"127.0.0.1:8000":                        "cannot be read",
		"ftp://127.0.0.1/":                      "cannot be read",
		"http://":                               "cannot be read",
		"http://127.0.0.1:1/v1#hunter2":         "fragment",
		"":                                      "the URL is empty",
	} {
		r := run(t, "init", raw)
		if r.Code != cli.CodeUsage || !strings.Contains(r.Err, want) || strings.Contains(r.Err, "hunter2") {
			t.Errorf("%s: exit %d: %s", raw, r.Code, r.Err)
		}
	}
	if list, _ := os.ReadDir("."); len(list) > 0 {
		t.Errorf("%d files were written", len(list))
	}
}

// An endpoint that is not up yet costs what it would have said, and not the files.
func TestNobodyAnswers(t *testing.T) {
	t.Chdir(t.TempDir())
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	r := run(t, "init", s.URL)
	if r.Code != 0 || !strings.Contains(r.Err, "llmops: warning: ") || !strings.Contains(read(t, "llmops.yaml"), s.URL) {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

// What is to be typed next means to a shell what it says.
func TestNextIsQuoted(t *testing.T) {
	t.Chdir(t.TempDir())
	r := run(t, "init", "http://127.0.0.1:1/a;b/v1", "--dir", "it's")
	if want := "next:\n  cd 'it'\\''s'\n  llmops loadtest 'http://127.0.0.1:1/a;b/v1' --out run1\n"; r.Code != 0 || !strings.Contains(r.Out, want) {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

// The key is sent and not written.
func TestKey(t *testing.T) {
	t.Chdir(t.TempDir())
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		fmt.Fprint(w, `{"data":[{"id":"m","owned_by":"vllm"}]}`)
	}))
	defer s.Close()
	app := &cli.App{Getenv: clitest.Env(map[string]string{"LLMOPS_API_KEY": "hunter2"})}
	r := clitest.Run(t, app, verbs, "init", s.URL)
	if r.Code != 0 || got != "Bearer hunter2" {
		t.Errorf("exit %d, sent %q: %s", r.Code, got, r.Err)
	}
	if strings.Contains(read(t, "llmops.yaml")+r.Out+r.Err, "hunter2") {
		t.Error("the key is shown")
	}
}
