package rulefiles

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/rules/alert"
)

func TestKindOf(t *testing.T) {
	for text, want := range map[string]Kind{
		"groups: []":                      Rules,
		"{\"groups\": []}":                Rules,
		"# c\n'groups':\n- name: x\n":     Rules,
		"groups:\n  - name: [":            Rules, // no YAML
		"tests: []":                       Tests,
		"rule_files: [a]":                 Tests,
		"rule_files: [a]\nglobal: {}":     Other, // a configuration of Prometheus
		"route: {}":                       Routes,
		"global: {}\nreceivers: []":       Routes,
		"slos: []":                        SLO,
		"apiVersion: openslo/v1":          SLO,
		"apiVersion: v1\nkind: Pod":       Other,
		"":                                Other,
		"- groups":                        Other,
		"image: x\n# groups: are rules\n": Other,
	} {
		if got := KindOf([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

const (
	good  = "groups: [{name: g, rules: [{alert: %, expr: up == 0}]}]"
	wrong = "groups: [{name: g, rules: [{alert: %, expr: 'up =='}]}]"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "%", "A")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func namesOfFiles(files []alert.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// The order in which files are named does not show, and a file that is named in two ways
// is read once.
func TestRead(t *testing.T) {
	dir := folder(t, map[string]string{
		"b.yaml": good, "a.yml": good, "sub/c.yaml": good, "tests.yaml": "tests: []", "routes.yaml": "route: {}", "notes.txt": good, ".git/x.yaml": wrong,
	})
	want := []string{"-", defaultGPU, filepath.Join(dir, "a.yml"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "sub/c.yaml")}
	slices.Sort(want)
	for _, names := range [][]string{
		{dir, defaultGPU, "-"},
		{"-", filepath.Join(dir, "b.yaml"), dir, defaultGPU, filepath.Join(dir, "sub", "..", "b.yaml"), defaultGPU},
	} {
		files, err := Read(strings.NewReader(strings.ReplaceAll(good, "%", "A")), names...)
		if got := namesOfFiles(files); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", names, got, err, want)
		}
	}
	if files, err := Load(); err != nil || len(files) != len(Shipped()) {
		t.Errorf("%q, %v ship", namesOfFiles(files), err)
	}
}

const defaultGPU = "@defaults/gpu"

func TestReadRefuses(t *testing.T) {
	dir := folder(t, map[string]string{"a/a.yaml": wrong, "a/b.yaml": wrong, "a/c.yaml": good, "b/tests.yaml": "tests: []"})
	for _, tc := range []struct {
		names []string
		want  []string
	}{
		{[]string{filepath.Join(dir, "a")}, []string{"a.yaml:1:", "b.yaml:1:"}}, // of all files
		{[]string{filepath.Join(dir, "a", "c.yaml"), filepath.Join(dir, "b")}, []string{filepath.Join(dir, "b") + " holds no rule file"}},
		{[]string{filepath.Join(dir, "a", "d.yaml")}, []string{"d.yaml: no such file"}},
		{[]string{"-"}, []string{"not read from the standard input"}},
		{[]string{"@defaults/gpux"}, []string{"no file @defaults/gpux ships"}},
	} {
		_, err := Load(tc.names...)
		if err == nil || cli.CodeOf(err) != cli.CodeUsage {
			t.Errorf("%q: %v", tc.names, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", tc.names, err, want)
			}
		}
	}
}

func TestHint(t *testing.T) {
	_, err := os.Stat(filepath.Join(t.TempDir(), "x.yaml"))
	if got := hint(err, false); got != "name a rule file, or a folder that holds some" {
		t.Errorf("%q offers what is not there", got)
	}
	if got := hint(err, true); got != "name a rule file, a folder that holds some, or - for the standard input" {
		t.Errorf("%q", got)
	}
}
