// Command gendocs writes the reference pages of docs/ from the commands and
// the comments themselves, and man pages for a release. It must hold no text
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
	"llmops/cmd/internal/verbs"
)

func main() {
	root := flag.String("root", ".", "folder of the module")
	man := flag.String("man", "", "also write man pages into this folder")
	flag.Parse()
	if err := run(*root, *man); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs: error:", err)
		os.Exit(1)
	}
}

// run writes the pages and removes the pages of commands that are gone.
func run(root, man string) error {
	pages, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := write(filepath.Join(root, name), text); err != nil {
			return err
		}
	}
	old, err := filepath.Glob(filepath.Join(root, "docs/reference/*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if name := "docs/reference/" + filepath.Base(path); pages[name] == "" {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	if man == "" {
		return nil
	}
	for _, cmd := range documented(tree()) {
		if err := write(filepath.Join(man, pageName(cmd)+".1"), manPage(cmd)); err != nil {
			return err
		}
	}
	return nil
}

// generate makes every page by its name below root.
func generate(root string) (map[string]string, error) {
	codes, err := exitCodes(filepath.Join(root, "cmd/internal/cli/exit.go"))
	if err != nil {
		return nil, err
	}
	pages := map[string]string{"docs/exit-codes.md": codes}
	cmds := documented(tree())
	for _, cmd := range cmds {
		pages["docs/reference/"+pageName(cmd)+".md"] = markdownPage(cmd)
	}
	return pages, nil
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
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
