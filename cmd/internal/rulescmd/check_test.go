package rulescmd

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// A reader that knows the line alone gives no column.
func TestCheckWithoutColumn(t *testing.T) {
	file := write(t, t.TempDir(), "slo.yaml", "slos:\n- name: a\n  sli: availability\n   target: 0.9\n")
	r := clitest.Run(t, nil, []cli.Verb{New}, "rules", "check", file)
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, file+":4: not valid YAML") || !strings.Contains(r.Out, file+":4: error:") {
		t.Errorf("exits %d:\n%s%s", r.Code, r.Out, r.Err)
	}
}

// A file that tests or routes name is read up to what its reader takes.
func TestFilesHaveAnEnd(t *testing.T) {
	const endless = "/dev/zero"
	if _, err := os.Stat(endless); err != nil {
		t.Skip(err)
	}
	file := write(t, t.TempDir(), "test.yaml", "rule_files: ["+endless+"]\ntests: []\n")
	if r := clitest.Run(t, nil, []cli.Verb{New}, "rules", "test", file); r.Code != cli.CodeUsage || !strings.Contains(r.Err, "larger than 16 MiB") {
		t.Errorf("exits %d:\n%s", r.Code, r.Err)
	}
	if r := clitest.Run(t, nil, []cli.Verb{New}, "rules", "export", "--format", "alertmanager", "--routes", endless); r.Code != cli.CodeUsage {
		t.Errorf("exits %d:\n%s", r.Code, r.Err)
	}
}

// Prometheus loads templates that never end, and hangs when it fills them in.
func TestEndlessTemplates(t *testing.T) {
	doubles := `{{define "0"}}x{{end}}`
	for i := range 40 {
		doubles += fmt.Sprintf(`{{define "%d"}}{{template "%d"}}{{template "%d"}}{{end}}`, i+1, i, i)
	}
	file := write(t, t.TempDir(), "rules.yaml", `groups:
- name: g
  rules:
  - {alert: Counts, expr: up, annotations: {a: '{{ range 1000000000 }}{{ end }}'}}
  - {alert: Calls, expr: up, labels: {b: '`+doubles+`{{template "40"}}'}}
  - {alert: Says, expr: up, annotations: {a: 'it takes more than {{ printf "%.0f" $value }} s'}}
  - {alert: Ends, expr: up, annotations: {a: '{{ range 100 }}x{{ end }}', b: '{{ range query "up" }}{{ .Value }}{{ end }}', c: '{{ template "none" }}'}}
`)
	r := clitest.Run(t, nil, []cli.Verb{New}, "rules", "check", "-o", "json", file)
	if r.Code != cli.CodeGate {
		t.Fatalf("exits %d:\n%s%s", r.Code, r.Out, r.Err)
	}
	var report checkReport
	if err := json.Unmarshal([]byte(r.Out), &report); err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range report.Findings {
		if f.Check == endless {
			rules = append(rules, f.Rule)
		}
	}
	if want := []string{"Counts", "Calls"}; !slices.Equal(rules, want) || report.Findings[0].Line == 0 {
		t.Errorf("%v, want %v:\n%s", rules, want, r.Out)
	}
}

// Ctrl-C ends a check that goes on for long.
func TestCheckStops(t *testing.T) {
	file := write(t, t.TempDir(), "rules.yaml", "groups: [{name: g, rules: [{alert: A, expr: up}]}]\n")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if r := clitest.RunContext(ctx, nil, []cli.Verb{New}, "rules", "check", file); r.Code != cli.CodeInterrupted || r.Out != "" {
		t.Errorf("exits %d:\n%s%s", r.Code, r.Out, r.Err)
	}
}
