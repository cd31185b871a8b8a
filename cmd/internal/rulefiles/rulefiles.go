// Package rulefiles opens the files of rules, of their tests, and of routes that a
// command line names: files, folders, and those that ship with the program. It tells
// them apart; what stands in them is their readers'.
package rulefiles

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/rules/alert"
	"llmops/rules/defaults"
)

// Load is Read for a verb whose standard input is something else.
func Load(names ...string) ([]alert.File, error) { return Read(nil, names...) }

// Read reads the rule files that names stand for, each once and sorted by name, so that
// the order of names never shows: those of Documents, of folders only those that hold
// rule groups. Without names it is all that ship.
func Read(stdin io.Reader, names ...string) ([]alert.File, error) {
	if len(names) == 0 {
		for _, name := range Shipped() {
			names = append(names, defaults.Prefix+name)
		}
	}
	var docs []Document
	for _, name := range names {
		some, err := Documents(stdin, name)
		if err != nil {
			return nil, err
		}
		some = slices.DeleteFunc(some, func(d Document) bool { return d.Found && KindOf(d.Data) != Rules })
		if len(some) == 0 {
			return nil, cli.WithHint(cli.Usagef("%s holds no rule file", name), "a rule file ends in .yaml or .yml and has the key groups")
		}
		docs = append(docs, some...)
	}
	var files []alert.File
	var bad alert.ReadError
	for _, d := range once(docs) {
		file, err := alert.Read(d.Name, bytes.NewReader(d.Data))
		if e, ok := errors.AsType[*alert.ReadError](err); ok {
			bad.Problems = append(bad.Problems, e.Problems...)
			continue
		}
		if err != nil {
			return nil, cli.Usage(err)
		}
		files = append(files, file)
	}
	if len(bad.Problems) > 0 {
		return nil, Problem(&bad)
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
