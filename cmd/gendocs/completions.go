package main

import (
	"bytes"
	"fmt"
)

// completionScripts asks "llmops completion" for the script of every shell it
// knows. The file names are those under which the shells look for them.
func completionScripts() (map[string]string, error) {
	root := tree()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		return nil, err
	}
	names := map[string]string{
		"bash": "llmops.bash", "zsh": "_llmops", "fish": "llmops.fish", "powershell": "llmops.ps1",
	}
	scripts := map[string]string{}
	for _, shell := range cmd.ValidArgs {
		name, ok := names[shell]
		if !ok {
			return nil, fmt.Errorf("completion %s: no file name for this shell in gendocs", shell)
		}
		var out bytes.Buffer
		root.SetOut(&out)
		if err := cmd.RunE(cmd, []string{shell}); err != nil {
			return nil, fmt.Errorf("completion %s: %w", shell, err)
		}
		scripts[name] = out.String()
	}
	return scripts, nil
}
