package alertscmd

import (
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
)

// A severity that a template gives, or that the series bring, is that of the alerts: all
// forms judge by it, and a rule that could give any is not passed over where it is blind.
func TestSeverityOfTemplates(t *testing.T) {
	w := newWorld(t, map[string][]int{"a": {10, 95}})
	const template = `{{ if gt $value 90.0 }}critical{{ else }}warning{{ end }}`
	rules := func(expr string) string {
		return "groups: [{name: load, rules: [{alert: Hot, expr: '" + expr + "', labels: {severity: '" + template + "'}}]}]"
	}
	for _, c := range []struct {
		rules, least   string
		code           cli.Code
		failures, word string // of JUnit and GitHub
	}{
		{rules("load > 90"), "critical", cli.CodeGate, `failures="1"`, "::error "},
		{rules("load > 90"), "warning", cli.CodeGate, `failures="1"`, "::error "},
		{rules("load > 1 < 90"), "critical", cli.CodeOK, `failures="0"`, "::warning "},
		{rules("load > 1 < 90"), "warning", cli.CodeGate, `failures="1"`, "::error "},
		{rules("load > 100"), "critical", cli.CodeOK, `failures="0"`, ""},
		{rules("lod > 90"), "critical", cli.CodeNoVerdict, `failures="0"`, ""},
		{`groups: [{name: load, rules: [{alert: Hot, expr: 'label_replace(load > 90, "severity", "critical", "", "")'}]}]`,
			"critical", cli.CodeGate, `failures="1"`, "::error "},
	} {
		w.write("rules.yaml", c.rules)
		junit, github := w.alerts("--fail-on", c.least, "-o", "junit"), w.alerts("--fail-on", c.least, "-o", "github")
		if junit.Code != c.code || github.Code != c.code || !strings.Contains(junit.Out, c.failures) || !strings.HasPrefix(github.Out, c.word) {
			t.Errorf("%s, %s: exit %d, %d, want %d\n%s%s%s", c.rules, c.least, junit.Code, github.Code, c.code, junit.Out, github.Out, junit.Err)
		}
	}
}
