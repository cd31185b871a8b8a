package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// The scripts of the GitHub Action do what docs/ci.md says.
func TestRecipes(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/recipes",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("RUN", filepath.Join(root, ".github/action/run.sh"))
			e.Setenv("INSTALL", filepath.Join(root, ".github/action/install.sh"))
			e.Setenv("BOTH", "p95_ttft_ms < 5000\n\n  p90_latency_ms < 60s")
			return nil
		},
	})
}

// Shell in recipes can be read by a shell, and what an action passes on is what its
// scripts take.
func TestRecipesAreShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	files, err := filepath.Glob("../../.github/action/*.sh")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	docs, err := filepath.Glob("../../docs/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, docs...) {
		if out, err := exec.Command(bash, "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", file, err, out)
		}
	}
	for _, pattern := range []string{"../../.github/workflows/*.yml", "../../docs/ci/*.yml"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) < 2 {
			t.Errorf("%s: %d files, %v", pattern, len(list), err)
		}
		for _, file := range list {
			for _, text := range runs(t, file) {
				cmd := exec.Command(bash, "-n")
				cmd.Stdin = strings.NewReader(text)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s\n%s", file, err, out, text)
				}
			}
		}
	}
}

// runs are the scripts in a workflow.
func runs(t *testing.T, file string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for i, x := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && (n.Content[i-1].Value == "run" || n.Content[i-1].Value == "script") {
				switch x.Kind {
				case yaml.ScalarNode:
					list = append(list, x.Value)
				case yaml.SequenceNode:
					for _, line := range x.Content {
						list = append(list, line.Value)
					}
				}
			}
			visit(x)
		}
	}
	visit(&doc)
	return list
}

// Each input of the action is used, and each variable that a script reads is given.
func TestActionIsWhole(t *testing.T) {
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Description string } `yaml:"inputs"`
		Runs   struct {
			Steps []struct {
				Run string            `yaml:"run"`
				Env map[string]string `yaml:"env"`
			} `yaml:"steps"`
		} `yaml:"runs"`
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	for name, in := range action.Inputs {
		if !strings.Contains(string(text), "inputs."+name) || in.Description == "" {
			t.Errorf("input %s is not used, or not described", name)
		}
	}
	scripts := 0
	for _, step := range action.Runs.Steps {
		_, name, found := strings.Cut(strings.Trim(step.Run, `"`), "$ACTION_PATH/")
		if !found {
			continue
		}
		scripts++
		script, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Error(err)
			continue
		}
		for variable := range step.Env {
			if !slices.Contains([]string{"ACTION_PATH", "GH_TOKEN", "LLMOPS_API_KEY"}, variable) && !strings.Contains(string(script), "$"+variable) && !strings.Contains(string(script), "${"+variable) {
				t.Errorf("%s does not read %s", name, variable)
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts, want 2", scripts)
	}
}
