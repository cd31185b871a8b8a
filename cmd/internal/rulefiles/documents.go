package rulefiles

import (
	"embed"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/defaults"
)

// A Document is a file that was named, or found in a folder that was.
type Document struct {
	Name  string
	Data  []byte
	Found bool // in a folder
}

// MostBytes is more than any of the readers takes.
const MostBytes = 16<<20 + 1

// Documents reads the files that names stand for, each once and sorted by name: files,
// folders of .yaml and .yml files, @defaults/NAME (@defaults/faults is several), and "-" unless stdin is nil.
func Documents(stdin io.Reader, names ...string) ([]Document, error) {
	var docs []Document
	var paths []string
	for _, name := range names {
		switch shipped, ok := strings.CutPrefix(name, defaults.Prefix); {
		case ok:
			some := []string{shipped}
			if shipped == faultsFolder {
				some = ShippedFaults()
			}
			for _, name := range some {
				data, err := Default(name)
				if err != nil {
					return nil, err
				}
				docs = append(docs, Document{Name: defaults.Prefix + name, Data: data})
			}
		case name == inputs.Stdin && stdin == nil:
			return nil, cli.WithHint(cli.Usagef("rules are not read from the standard input here"), "name a rule file, or a folder that holds some")
		default:
			paths = append(paths, name)
		}
	}
	sources, err := inputs.Walk(paths, stdin)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(err), "%s", hint(err, stdin != nil))
	}
	for _, s := range sources {
		if s.Found && !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(s.Name)) {
			continue
		}
		f, err := s.Open()
		if err != nil {
			return nil, cli.Usage(err)
		}
		data, err := io.ReadAll(io.LimitReader(f, MostBytes))
		_ = f.Close() // it was read
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("read %s: %w", s.Name, err))
		}
		docs = append(docs, Document{Name: s.Name, Data: data, Found: s.Found})
	}
	return once(docs), nil
}

// once sorts documents by name, and leaves out those that are there twice.
func once(docs []Document) []Document {
	slices.SortStableFunc(docs, func(a, b Document) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(docs, func(a, b Document) bool { return a.Name == b.Name })
}

func hint(err error, stdin bool) string {
	text := strings.Replace(inputs.Hint(err), "a log file", "a rule file", 1)
	if !stdin {
		text = strings.Replace(text, ", a folder that holds some, or - for the standard input", ", or a folder that holds some", 1)
	}
	return text
}

// Default is a file that ships, by its name without @defaults/: rules, routes or
// objectives.
func Default(name string) ([]byte, error) {
	var all []string
	for _, of := range []embed.FS{defaults.Rules, defaults.Routes, defaults.Objectives, defaults.Faults} {
		if data, err := of.ReadFile(name + defaults.Extension); err == nil {
			return data, nil
		}
		all = append(all, namesOf(of)...)
	}
	all = append(all, ShippedFaults()...)
	err := cli.Usagef("no file %s%s ships with llmops", defaults.Prefix, name)
	if near := cli.Nearest(name, slices.Values(all)); near != "" {
		return nil, cli.WithHint(err, "did you mean %s%s?", defaults.Prefix, near)
	}
	return nil, cli.WithHint(err, "rules that ship: %s", strings.Join(Shipped(), ", "))
}

// Shipped are the names of the rule files that ship, without @defaults/.
func Shipped() []string { return namesOf(defaults.Rules) }

// faultsFolder is the folder of the fault patterns that ship; after @defaults/ it stands
// for all of its files.
const faultsFolder = "faults"

// ShippedFaults are the names of the files of faults that ship, without @defaults/.
func ShippedFaults() []string {
	entries, _ := defaults.Faults.ReadDir(faultsFolder) // an embedded folder is always there
	var names []string
	for _, e := range entries {
		names = append(names, faultsFolder+"/"+strings.TrimSuffix(e.Name(), defaults.Extension))
	}
	return names
}

func namesOf(of embed.FS) []string {
	entries, _ := of.ReadDir(".") // an embedded folder is always there
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), defaults.Extension))
	}
	return names
}
