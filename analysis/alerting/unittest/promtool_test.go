package unittest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"llmops/rules/alert"
)

// promtool says whether Prometheus's own tool passes a unit-test file.
func promtool(t *testing.T, dir, file string) (string, bool) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), path, "test", "rules", file)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// ours says whether this package passes it, and why not.
func ours(t *testing.T, dir, file string) (string, bool) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(file, strings.NewReader(string(content)), Options{})
	if err != nil {
		return err.Error(), false
	}
	var groups []alert.Group
	for _, pattern := range f.RuleFiles {
		names, err := filepath.Glob(filepath.Join(dir, pattern.Value))
		if err != nil {
			return err.Error(), false
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rules, err := alert.Read(name, strings.NewReader(string(text)))
			if err != nil {
				return err.Error(), false
			}
			groups = append(groups, rules.Groups...)
		}
	}
	var why strings.Builder
	for _, test := range f.Tests {
		out, err := f.Run(t.Context(), test, groups, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Failures {
			why.WriteString(x.Position.String() + ": " + string(x.Kind) + " " + x.Name + x.Expr + " at " + x.At.String() + " " + x.Message)
			for _, d := range x.Differences {
				why.WriteString("\n   ")
				if d.Expected != nil {
					why.WriteString(" expected " + d.Expected.String())
				}
				if d.Got != nil {
					why.WriteString(" got " + d.Got.String())
				}
			}
			why.WriteString("\n")
		}
	}
	return why.String(), why.Len() == 0
}

// The same files pass and fail here as with promtool.
func TestAgreesWithPromtool(t *testing.T) {
	files, err := filepath.Glob("testdata/promtool/*.yml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, pass := promtool(t, "testdata/promtool", name)
			why, got := ours(t, "testdata/promtool", name)
			if got != pass {
				t.Errorf("here %v, promtool %v\nhere:\n%s\npromtool:\n%s", got, pass, why, said)
			}
			if want := !strings.Contains(name, "bad"); want != pass {
				t.Errorf("promtool passes %s: %v\n%s", name, pass, said)
			}
		})
	}
}

// Every case of the corpus passes in both, and so do files in which one character was
// changed: those that fail fail in both.
func TestMutantsAgreeWithPromtool(t *testing.T) {
	files, err := filepath.Glob("testdata/promtool/good-*.yml")
	if err != nil {
		t.Fatal(err)
	}
	if data := os.Getenv("LLMOPS_DATA"); data != "" {
		more, err := filepath.Glob(filepath.Join(data, "rules", "*", "unit_test.yaml"))
		if err != nil || len(more) == 0 {
			t.Fatal("no unit tests below LLMOPS_DATA", err)
		}
		files = append(files, more...)
	}
	const each = 8
	passed, failed := 0, 0
	for i, file := range files {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Dir(file))); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		original, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if why, ok := ours(t, dir, name); !ok {
			t.Errorf("%s fails:\n%s", file, why)
		}
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		for k := range each {
			text := mutate(rng, string(original))
			mutant := fmt.Sprintf("mutant-%d.yaml", k)
			if err := os.WriteFile(filepath.Join(dir, mutant), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			said, want := promtool(t, dir, mutant)
			why, got := ours(t, dir, mutant)
			if got != want {
				t.Errorf("%s, mutant %d: here %v, promtool %v\nhere:\n%s\npromtool:\n%s\n%s", file, k, got, want, why, said, text)
			}
			if want {
				passed++
			} else {
				failed++
			}
		}
	}
	t.Logf("%d mutants pass in both, %d fail in both", passed, failed)
	if failed < len(files) {
		t.Errorf("only %d mutants of %d files fail: they test too little", failed, len(files))
	}
}

// mutate changes one digit, or one letter of a label or an annotation, after the line
// that begins the tests.
func mutate(rng *rand.Rand, text string) string {
	from := max(0, strings.Index(text, "tests:"))
	for range 1000 {
		at := from + rng.IntN(len(text)-from)
		c := text[at]
		quoted := strings.Count(text[strings.LastIndexByte(text[:at], '\n')+1:at], `"`)%2 == 1
		switch {
		case c >= '0' && c <= '9':
			return text[:at] + string('0'+(c-'0'+byte(1+rng.IntN(8)))%10) + text[at+1:]
		case c >= 'a' && c <= 'y' && quoted:
			return text[:at] + string(c+1) + text[at+1:]
		}
	}
	return text
}
