package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is a package of this module and what it imports directly.
type pkg struct {
	path    string // without the module's name: "probes/load"
	imports []string
}

// TestImports holds the lines of docs/architecture.md: who may import whom,
// and which library has one door. With a list of direct imports for every
// package the lines hold for indirect ones too.
func TestImports(t *testing.T) {
	pkgs := listPackages(t)
	// what each layer may import of our own packages
	layers := map[string][]string{
		"rules":    {"rules"},
		"probes":   {"probes"},
		"analysis": {"analysis", "rules", "probes/snapshot", "probes/request"},
		"fixtures": {"fixtures"},
		"cmd":      {"cmd", "analysis", "rules", "probes", "fixtures"},
	}
	// libraries with one door: nobody else imports them
	doors := map[string]string{
		"github.com/spf13/viper":            "cmd/internal/cli",
		"github.com/olekukonko/tablewriter": "cmd/internal/render",
		"github.com/NVIDIA/go-nvml":         "probes/gpu/nvml",
		"github.com/spf13/cobra":            "cmd",
		"github.com/spf13/pflag":            "cmd",
		"github.com/shirou/gopsutil":        "probes",
		"github.com/nicholas-fedor":         "cmd/internal/notify",
	}
	// analysis and rules compute: no files, processes or connections
	impure := []string{"os", "os/exec", "net", "net/http", "syscall"}

	for _, p := range pkgs {
		layer, _, _ := strings.Cut(p.path, "/")
		allowed, ok := layers[layer]
		if !ok {
			t.Errorf("%s: %q is no layer of docs/architecture.md", p.path, layer)
		}
		for _, imp := range p.imports {
			own, ours := strings.CutPrefix(imp, "llmops/")
			if ours && !slices.ContainsFunc(allowed, func(a string) bool { return within(own, a) }) {
				t.Errorf("%s imports %s: %s may import only %s", p.path, own, layer, strings.Join(allowed, ", "))
			}
			for lib, door := range doors {
				if within(imp, lib) && !within(p.path, door) {
					t.Errorf("%s imports %s: only %s may", p.path, imp, door)
				}
			}
			if (layer == "analysis" || layer == "rules") && slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: %s does no I/O", p.path, imp, layer)
			}
			if strings.HasSuffix(own, "test") && strings.HasPrefix(own, "cmd/internal/") {
				t.Errorf("%s imports %s outside of a test", p.path, own)
			}
		}
		for _, word := range strings.Split(p.path, "/") {
			if slices.Contains([]string{"util", "utils", "common", "types", "helpers"}, word) {
				t.Errorf("%s: the name says nothing", p.path)
			}
		}
	}
}

// listPackages asks go list for the packages that the binary and the tools are
// made of, and for every other one of the module.
func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-e",
		"-f", `{{if and .Module (eq .Module.Path "llmops")}}{{.ImportPath}} {{join .Imports " "}}{{end}}`, "llmops/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) > 0 {
			pkgs = append(pkgs, pkg{strings.TrimPrefix(words[0], "llmops/"), words[1:]})
		}
	}
	if !slices.ContainsFunc(pkgs, func(p pkg) bool { return p.path == "cmd/internal/cli" && len(p.imports) > 5 }) {
		t.Fatalf("go list shows %d packages, cmd/internal/cli not among them", len(pkgs))
	}
	return pkgs
}

// within tells whether path is root or lies below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
