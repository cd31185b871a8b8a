// Package rulefiles opens the rule files that a command line names: files, folders, and
// those that ship with the program. What stands in them is rules/alert's.
package rulefiles

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/alert"
	"llmops/rules/defaults"
)

// Load reads the files that names stand for, each once: files, folders of which every
// .yaml and .yml file that holds rule groups counts, and @defaults/NAME. Without names it
// is all that ship.
func Load(names ...string) ([]alert.File, error) {
	if len(names) == 0 {
		for _, name := range Shipped() {
			names = append(names, defaults.Prefix+name)
		}
	}
	var files []alert.File
	var problems []error
	seen := map[string]bool{}
	for _, name := range names {
		paths, folder, err := expand(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if seen[filepath.Clean(path)] {
				continue
			}
			seen[filepath.Clean(path)] = true
			file, err := read(path)
			switch {
			case err != nil:
				problems = append(problems, err)
			case len(file.Groups) > 0 || !folder:
				files = append(files, file)
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return files, nil
}

// Groups are those of all files, in order.
func Groups(files []alert.File) []alert.Group {
	var groups []alert.Group
	for _, f := range files {
		groups = append(groups, f.Groups...)
	}
	return groups
}

// Shipped are the names of the files that ship, without @defaults/.
func Shipped() []string {
	entries, _ := defaults.Rules.ReadDir(".") // an embedded folder is always there
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), defaults.Extension))
	}
	return names
}

// expand lists the files of a name. Files of a folder that hold something else, such as
// unit tests or routes, are left out: by what stands in them.
func expand(name string) (paths []string, folder bool, err error) {
	if strings.HasPrefix(name, defaults.Prefix) {
		return []string{name}, false, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, false, unreadable(err)
	}
	if !info.IsDir() {
		return []string{name}, false, nil
	}
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := path != name && strings.HasPrefix(d.Name(), ".")
		switch {
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden || d.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)):
			return nil
		}
		rules, err := isRules(path)
		if rules {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, true, unreadable(err)
	}
	if len(paths) == 0 {
		return nil, true, cli.WithHint(cli.Usagef("%s holds no rule file", name), "a rule file ends in .yaml or .yml and has the key groups")
	}
	return paths, true, nil
}

// isRules tells a rule file by its key groups. What is no YAML is left to the reader of
// rules to complain of.
func isRules(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 16<<20))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(head)) {
		if strings.HasPrefix(line, "groups:") || strings.HasPrefix(line, `"groups"`) || strings.HasPrefix(line, "{") {
			return true, nil
		}
	}
	return false, nil
}

func read(name string) (alert.File, error) {
	f, err := open(name)
	if err != nil {
		return alert.File{}, err
	}
	defer f.Close()
	file, err := alert.Read(name, f)
	return file, Problem(err)
}

// Problem is an error of alert.Read as a command returns it: all that is wrong.
func Problem(err error) error {
	bad, ok := errors.AsType[*alert.ReadError](err)
	if !ok {
		return cli.Usage(err)
	}
	var lines []string
	for _, p := range bad.Problems {
		lines = append(lines, p.Error())
	}
	failed := cli.Usage(errors.New(strings.Join(lines, "\n")))
	if hint := bad.Hint(); hint != "" {
		return cli.WithHint(failed, "%s", hint)
	}
	return failed
}

func open(name string) (fs.File, error) {
	shipped, ok := strings.CutPrefix(name, defaults.Prefix)
	if !ok {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(err)
		}
		return f, nil
	}
	f, err := defaults.Rules.Open(shipped + defaults.Extension)
	if err != nil {
		return nil, cli.WithHint(cli.Usagef("no rules %s ship with llmops", name), "%s", choose(shipped))
	}
	return f, nil
}

func choose(name string) string {
	if near := cli.Nearest(name, slices.Values(Shipped())); near != "" {
		return "did you mean " + defaults.Prefix + near + "?"
	}
	return "there are " + defaults.Prefix + strings.Join(Shipped(), ", "+defaults.Prefix)
}

func unreadable(err error) error {
	failed := cli.Usage(err)
	if errors.Is(err, fs.ErrNotExist) {
		return cli.WithHint(failed, "%s", strings.Replace(inputs.Hint(err), "a log file", "a rule file", 1))
	}
	return failed
}
