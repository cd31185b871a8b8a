package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// exitCodes is the page of exit codes, made of the comments of the constants
// named Code… in a Go file.
func exitCodes(file string) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return "", fmt.Errorf("read the exit codes: %w", err)
	}
	var b strings.Builder
	b.WriteString(generated + "\n# Exit codes\n\nEvery command uses the same table.\n\n| exit | meaning |\n| ---: | --- |\n")
	found := 0
	for _, decl := range f.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, "Code") {
				continue
			}
			number, ok := v.Values[0].(*ast.BasicLit)
			if !ok || v.Comment == nil {
				return "", fmt.Errorf("%s: %s needs a number and a comment", file, v.Names[0].Name)
			}
			fmt.Fprintf(&b, "| %s | %s |\n", number.Value, strings.TrimSpace(v.Comment.Text()))
			found++
		}
	}
	if found == 0 {
		return "", fmt.Errorf("%s: no exit codes", file)
	}
	b.WriteString("\nWhen several apply, the first of 130, 2, 1, 3, 4 counts. Inputs that cannot be opened or read are 2,\n" +
		"outputs and the network are 1. Error and hint go to standard error:\n\n" +
		"```\nllmops: error: unknown flag --concurency\nllmops: hint: did you mean --concurrency?\n```\n")
	return b.String(), nil
}
