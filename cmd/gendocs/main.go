// Command gendocs writes the reference pages of docs/ from the commands, the
// catalogue of metrics, the types of a snapshot and of a comparison with their
// comments, and man pages and shell completions for a release. It must hold no text
// of its own about any command.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricscmd"
	"llmops/cmd/internal/verbs"
)

func main() {
	root := flag.String("root", ".", "folder of the module")
	man := flag.String("man", "", "also write man pages into this folder")
	completions := flag.String("completions", "", "also write shell completions into this folder")
	flag.Parse()
	if err := run(*root, *man, *completions); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs: error:", err)
		os.Exit(1)
	}
}

// run writes the pages and removes the pages of commands that are gone.
func run(root, man, completions string) error {
	pages, err := generate(root)
	if err != nil {
		return err
	}
	if err := writeAll(root, "docs/reference/*.md", pages); err != nil {
		return err
	}
	if man != "" {
		if err := writeAll(man, "llmops*.1", manPages()); err != nil {
			return err
		}
	}
	if completions == "" {
		return nil
	}
	scripts, err := completionScripts()
	if err != nil {
		return err
	}
	return writeAll(completions, "*llmops*", scripts)
}

// generate makes every page by its name below root.
func generate(root string) (map[string]string, error) {
	codes, err := exitCodes(filepath.Join(root, "cmd/internal/cli/exit.go"))
	if err != nil {
		return nil, err
	}
	metrics, err := metricscmd.Reference()
	if err != nil {
		return nil, err
	}
	schema, err := snapshotSchema(root, false)
	if err != nil {
		return nil, err
	}
	comparison, err := compareSchema(root, false)
	if err != nil {
		return nil, err
	}
	pages := map[string]string{
		"docs/exit-codes.md":                codes,
		"docs/catalogue.md":                 generated + metrics,
		"docs/schemas/snapshot.schema.json": schema,
		"docs/schemas/compare.schema.json":  comparison,
	}
	cmds := documented(tree())
	for _, cmd := range cmds {
		pages["docs/reference/"+pageName(cmd)+".md"] = markdownPage(cmd)
	}
	return pages, nil
}

// writeAll writes the files below dir, and removes those that match pattern
// but are not among them: a release packs whatever lies there.
func writeAll(dir, pattern string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	old, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return err
	}
	for _, path := range old {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if _, ok := files[filepath.ToSlash(name)]; !ok {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func tree() *command {
	return cli.Root(&cli.App{}, verbs.All()...)
}

// documented is cmd and the commands below it that a user sees.
func documented(cmd *command) []*command {
	list := []*command{cmd}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = slices.Concat(list, documented(sub))
		}
	}
	return list
}

func pageName(cmd *command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }
