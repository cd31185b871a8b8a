package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// notices is the text that the licences of the linked modules ask to go with
// a binary: for each module of any target, and for Go itself, what its files
// of terms say. A module without such a file is an error: it may not be shipped.
func notices() (string, error) {
	goroot, err := goCommand(nil, "env", "GOROOT")
	if err != nil {
		return "", err
	}
	folders := map[string]string{"Go": strings.TrimSpace(goroot)}
	for _, t := range targets() {
		cgo := "0"
		if t.nvml {
			cgo = "1"
		}
		env := []string{"GOOS=" + t.goos, "GOARCH=" + t.goarch, "CGO_ENABLED=" + cgo}
		list, err := goCommand(env, "list", "-deps", "-json=Module", "./cmd/llmops")
		if err != nil {
			return "", err
		}
		if err := addModules(folders, list); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString("llmops contains the following works, each under its own terms.\n")
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		text, err := terms(os.DirFS(folders[name]))
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		b.WriteString(notice(name) + text)
	}
	text, err := embedded(os.DirFS("."))
	return b.String() + text, err
}

// embedded is about works that lie in the source tree, each with a file
// NAME.LICENSE beside it.
func embedded(tree fs.FS) (string, error) {
	var b strings.Builder
	err := fs.WalkDir(tree, "cmd", func(path string, _ fs.DirEntry, err error) error {
		name, ok := strings.CutSuffix(filepath.Base(path), ".LICENSE")
		if err != nil || !ok {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		b.WriteString(notice(name) + "\n" + string(text))
		return err
	})
	return b.String(), err
}

// notice begins the part of one module.
func notice(name string) string { return "\n==== " + name + " ====\n" }

func goCommand(env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// addModules adds the modules of others in what "go list" printed, with their folders.
func addModules(folders map[string]string, list string) error {
	for d := json.NewDecoder(strings.NewReader(list)); ; {
		var pkg struct {
			Module struct {
				Path, Dir string
				Main      bool
			}
		}
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if m := pkg.Module; m.Path != "" && !m.Main {
			folders[m.Path] = m.Dir
		}
	}
}

// terms joins the files of terms in a folder.
func terms(folder fs.FS) (string, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		stem, _, _ := strings.Cut(strings.ToUpper(e.Name()), ".")
		if e.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, stem) {
			continue
		}
		text, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			return "", err
		}
		b.WriteString("\n" + strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")) + "\n")
	}
	if b.Len() == 0 {
		return "", errors.New("no file of its terms")
	}
	return b.String(), nil
}

func writeNotices(file string) error {
	text, err := notices()
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644))
}
