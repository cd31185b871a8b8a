package alertscmd

import (
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
)

// A gate that nothing can fail passes, and says so.
func TestGateOutOfReach(t *testing.T) {
	w := newWorld(t, map[string][]int{"a": {10, 95}})
	for _, c := range []struct{ rule, least, warning string }{
		{"{alert: A, expr: load > 90, labels: {severity: P1}}", "critical", "--fail-on critical cannot fail: no rule is of that severity or a worse one (they have P1)"},
		{"{alert: A, expr: load > 90}", "info", "(none has the label severity)"},
		{"{record: a, expr: load > 90}", "warning", "(none has the label severity)"},
		{"{alert: A, expr: load > 90, labels: {severity: warning}}, {alert: B, expr: load > 99, labels: {severity: page}}", "critical", ""},
		{"{alert: A, expr: load > 99, labels: {severity: '{{ $labels.pod }}'}}", "critical", ""},
		{"{alert: A, expr: load > 90}", "none", ""},
		{`{alert: A, expr: 'label_replace(load > 99, "severity", "critical", "", "")'}`, "critical", ""},
		{"{record: a, expr: load > 99, labels: {severity: critical}}, {alert: A, expr: a > 0}", "critical", ""},
	} {
		w.write("rules.yaml", "groups: [{name: load, rules: ["+c.rule+"]}]")
		r := w.alerts("--fail-on", c.least)
		if r.Code != cli.CodeOK || strings.Contains(r.Err, "cannot fail") != (c.warning != "") || !strings.Contains(r.Err, c.warning) {
			t.Errorf("%s, %s: exit %d, want %q:\n%s", c.rule, c.least, r.Code, c.warning, r.Err)
		}
	}
	w.write("rules.yaml", `groups: [{name: load, rules: [{alert: A, expr: 'label_replace(load > 90, "severity", "critical", "", "")'}]}]`)
	if r := w.alerts("--fail-on", "critical"); r.Code != cli.CodeGate || strings.Contains(r.Err, "cannot fail") {
		t.Errorf("exit %d:\n%s", r.Code, r.Err)
	}
}
