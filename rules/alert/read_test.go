package alert

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const good = `---
groups:
  - name: serving
    interval: 30s
    query_offset: 10s
    limit: 7
    labels: {team: infra}
    rules:
      - record: job:errors:ratio
        expr: errors / requests
      - &base
        alert: Failing
        expr: >-
          job:errors:ratio
            > 0.5
        for: 1w
        keep_firing_for: 90s
        labels: {severity: critical}
        annotations:
          summary: '{{ $value }} of {{ $labels.job }}'
      - <<: *base
        alert: FailingToo
  - name: empty
    rules: []
---
`

func TestRead(t *testing.T) {
	got, err := Read("r.yaml", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	failing := Rule{Alert: "Failing", Expr: "job:errors:ratio\n  > 0.5", For: model.Duration(7 * 24 * time.Hour), KeepFiringFor: model.Duration(90 * time.Second),
		Labels: map[string]string{"severity": "critical"}, Annotations: map[string]string{"summary": "{{ $value }} of {{ $labels.job }}"},
		Position: Position{"r.yaml", 11, 9}}
	too := failing
	too.Alert, too.Position = "FailingToo", Position{"r.yaml", 21, 9}
	want := File{Name: "r.yaml", Groups: []Group{
		{Name: "serving", Interval: model.Duration(30 * time.Second), QueryOffset: new(model.Duration(10 * time.Second)), Limit: 7, Labels: map[string]string{"team": "infra"},
			Rules:    []Rule{{Record: "job:errors:ratio", Expr: "errors / requests", Position: Position{"r.yaml", 9, 9}}, failing, too},
			Position: Position{"r.yaml", 3, 5}},
		{Name: "empty", Position: Position{"r.yaml", 23, 5}},
	}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Rule{}, "ExprLines")); d != "" {
		t.Error(d)
	}
	if r := got.Groups[0].Rules[2]; r.Name() != "FailingToo" || r.Severity() != "critical" || r.At(strings.Index(r.Expr, "0.5")) != (Position{"r.yaml", 15, 15}) {
		t.Errorf("%s %s %v", r.Name(), r.Severity(), r.At(strings.Index(r.Expr, "0.5")))
	}

	for _, text := range []string{"", "groups:", "groups: []\n", "# nothing\n", "---\n"} {
		if f, err := Read("e", strings.NewReader(text)); err != nil || len(f.Groups) != 0 {
			t.Errorf("%q: %v, %v", text, f, err)
		}
	}
	if _, err := Read("e", iotest.ErrReader(os.ErrClosed)); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// group is a rule file of one rule.
func ruleFile(fields string) string {
	return "groups:\n- name: g\n  rules:\n  - " + strings.ReplaceAll(fields, "\n", "\n    ") + "\n"
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want, hint string }{
		"syntax":            {"groups: [", "f:1:1: this is no YAML", ""},
		"later syntax":      {"groups:\n- name: g\n  rules: {{\n", "this is no YAML", ""},
		"list at the top":   {"- a", "f:1:1: a list stands where there should be a mapping", ""},
		"no list":           {"groups: 5", `f:1:1: "5" stands where there should be a list`, ""},
		"unknown at top":    {"group: []", `f:1:1: unknown field "group"`, "did you mean groups?"},
		"unknown in group":  {"groups:\n- name: a\n  evaluate: 5m\n  rules: []", `f:3:3: unknown field "evaluate"`, "its fields are name, interval,"},
		"unknown in rule":   {ruleFile("alert: A\nexprs: up"), `f:5:5: unknown field "exprs"`, "did you mean expr?"},
		"limit":             {"groups:\n- name: a\n  limit: many\n  rules: []", `f:3:3: "many" stands where there should be a whole number`, ""},
		"interval":          {"groups:\n- name: a\n  interval: often\n  rules: []", `f:3:13: group "a": interval: `, "30s, 5m"},
		"query offset":      {"groups:\n- name: a\n  query_offset: ''\n  rules: []", `f:3:17: group "a": query_offset: `, ""},
		"two durations":     {ruleFile("alert: A\nexpr: up\nfor: 5 minutes\nkeep_firing_for: 1"), "f:7:22: group \"g\": rule \"A\": keep_firing_for: ", ""},
		"no group name":     {"groups:\n- rules: []", "f:2:3: a group without a name", ""},
		"group twice":       {"groups:\n- name: a\n  rules: []\n- name: a\n  rules: []", `f:4:9: another group of the file is called "a" too`, "a name of its own"},
		"label of group":    {"groups:\n- name: a\n  labels:\n    x-y: z\n  rules: []", `f:4:5: group "a": invalid label name: x-y`, ""},
		"no expr":           {ruleFile("alert: A"), `f:4:5: group "g": rule "A": field 'expr' must be set in rule`, ""},
		"expr":              {ruleFile("alert: A\nexpr: 'up ==='"), `f:5:17: group "g": rule "A": expr: unexpected "="`, ""},
		"expr of two lines": {ruleFile("alert: A\nexpr: |\n  up\n  > sum(x"), `f:7:14: group "g": rule "A": expr: unclosed left parenthesis`, ""},
		"neither":           {ruleFile("expr: up"), `f:4:5: group "g": one of 'record' or 'alert' must be set`, ""},
		"both":              {ruleFile("alert: A\nrecord: b\nexpr: up"), `f:5:5: group "g": rule "A": only one of`, ""},
		"record and for":    {ruleFile("record: b\nexpr: up\nfor: 1m"), `f:6:5: group "g": rule "b": invalid field 'for'`, ""},
		"record and keep":   {ruleFile("record: b\nexpr: up\nkeep_firing_for: 1m"), `f:6:5: group "g": rule "b": invalid field 'keep_firing_for'`, ""},
		"record annotated":  {ruleFile("record: b\nexpr: up\nannotations: {a: b}"), `f:6:5: group "g": rule "b": invalid field 'annotations'`, ""},
		"record name":       {ruleFile("record: a b\nexpr: up"), `f:4:5: group "g": rule "a b": invalid recording rule name: a b`, ""},
		"braces":            {ruleFile("record: 'a{b=\"c\"}'\nexpr: up"), `braces present`, ""},
		"label name":        {ruleFile("alert: A\nexpr: up\nlabels:\n  a-b: x"), `f:7:7: group "g": rule "A": invalid label name: a-b`, ""},
		"name as label":     {ruleFile("alert: A\nexpr: up\nlabels: {__name__: x}"), `f:6:14: group "g": rule "A": invalid label name: __name__`, ""},
		"annotation name":   {ruleFile("alert: A\nexpr: up\nannotations: {a.b: x}"), `f:6:19: group "g": rule "A": invalid annotation name: a.b`, ""},
		"template of label": {ruleFile("alert: A\nexpr: up\nlabels:\n  a: '{{ $labels.x '"), `f:7:10: group "g": rule "A": label "a": template: `, ""},
		"template":          {ruleFile("alert: A\nexpr: up\nannotations:\n  a: ok\n  b: '{{ $nothing }}'"), `f:8:10: group "g": rule "A": annotation "b": template: `, ""},
		"field twice":       {ruleFile("alert: A\nexpr: up\nexpr: up"), `f:6:5: mapping key "expr" already defined`, ""},
		"second document":   {ruleFile("alert: A\nexpr: up") + "---\n" + ruleFile("alert: B\nexpr: up"), "f:7:1: a second YAML document begins here", "put its groups"},
		"third document":    {ruleFile("alert: A\nexpr: up") + "---\n---\n" + ruleFile("alert: B\nexpr: up"), "f:8:1: a second YAML document begins here", "put its groups"},
		"broken second":     {ruleFile("alert: A\nexpr: up") + "---\n- [1\n", "f:7:1: this is no YAML", ""},
		"after the end":     {ruleFile("alert: A\nexpr: up") + "...\ngroups: []\n", "f:7:1: this is no YAML", ""},
		"indent":            {ruleFile("alert: A\nexpr: up") + "   for: 1m\n", "f:6:4: this is no YAML: did not find expected key", ""},
		"indent, many":      {strings.Repeat("#\n", 1<<17) + ruleFile("alert: A\nexpr: up") + "   for: 1m\n", "f:131078:4: this is no YAML", ""},
		"indent, CRLF":      {strings.ReplaceAll(ruleFile("alert: A\nexpr: up")+"   for: 1m\n", "\n", "\r\n"), "f:6:4: this is no YAML", ""},
		"brace":             {ruleFile("alert: A\nexpr: {up\nfor: 1m"), "f:5:5: this is no YAML: did not find expected ',' or '}'", ""},
		"control character": {ruleFile("alert: A\nexpr: up") + "# \x00\n", "f:6:1: this is no YAML: control characters", ""},
		"no UTF-8":          {ruleFile("alert: A\nexpr: up") + "# \xff\n", "f:6:1: this is no YAML: invalid", ""},
		"no such anchor":    {ruleFile("alert: A\nexpr: up\nlabels: *none"), "f:6:5: this is no YAML: unknown anchor", ""},
		"old line ends":     {strings.ReplaceAll(ruleFile("alert: A\nexpr: 'up ==='"), "\n", "\r"), `f:5:17: group "g": rule "A": expr: unexpected "="`, ""},
		"long expression":   {ruleFile("alert: A\nexpr: " + strings.Repeat("1+", maxText/2) + "1"), "f:5:11: a text of 65537 bytes", "split the rule"},
		"deep template":     {ruleFile("alert: A\nexpr: up\nannotations:\n  a: '" + strings.Repeat("{{if 1}}", 1<<13) + strings.Repeat("{{end}}", 1<<13) + "'"), "f:7:10: a text of ", ""},
		"rule is text":      {"groups:\n- name: a\n  rules: [up]", `f:3:3: "up" stands where there should be a mapping`, ""},
		"size":              {strings.Repeat("#", maxSize+1), "f:1:1: the file is larger than 16 MiB", "split it"},
	} {
		_, err := Read("f", strings.NewReader(c.text))
		e, ok := errors.AsType[*ReadError](err)
		if !ok || len(e.Problems) == 0 || !strings.Contains(e.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) {
			t.Errorf("%s: %v, want %s, hint %s", name, err, c.want, c.hint)
		}
	}
}

// Fields of other systems are passed over, with all that stands in them but what is used
// elsewhere, and nothing else is.
func TestReadKnown(t *testing.T) {
	const text = `x: &common
  for: 5m
  labels: {debug: kept}
groups:
  - name: g
    partial_response_strategy: warn
    rules:
      - <<: *common
        alert: A
        expr: up == 0
        debug: {labels: {a: b}}
`
	f, err := ReadKnown("f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if r := f.Groups[0].Rules[0]; r.For != model.Duration(5*time.Minute) || r.Labels["debug"] != "kept" || len(r.Labels) != 1 || r.Position != (Position{"f", 8, 9}) {
		t.Errorf("%+v", r)
	}
	for _, odd := range []string{"a: [", "- 1", text + "      - {alert: B, exp: up}\n"} {
		if _, err := ReadKnown("f", strings.NewReader(odd)); err == nil {
			t.Errorf("%q is read", odd)
		}
	}
}

// A group that is wrong in the way of another has its own place, and as many of them
// take no time worth of the square.
func TestReadPlacesGroups(t *testing.T) {
	const n = 10000
	var b strings.Builder
	b.WriteString("groups:\n")
	for i := range 2 * n {
		fmt.Fprintf(&b, "- {name: n%d, labels: {a-b: c}}\n", i%n)
	}
	_, err := Read("f", strings.NewReader(b.String()))
	e, ok := errors.AsType[*ReadError](err)
	if !ok || len(e.Problems) != 3*n {
		t.Fatalf("%d problems, want %d", len(e.Problems), 3*n)
	}
	for i, p := range e.Problems[:n] {
		if p.Line != i+2 || !strings.Contains(p.Why, "invalid label name: a-b") {
			t.Fatalf("%v, want line %d", p, i+2)
		}
	}
	for i, p := range e.Problems[n:] {
		if want := n + 2 + i/2; p.Line != want || i%2 == 0 != (p.Column == 10) {
			t.Fatalf("%v, want line %d", p, want)
		}
	}
}

// All problems are told at once, by their lines.
func TestReadTellsAll(t *testing.T) {
	_, err := Read("f", strings.NewReader("groups:\n- name: a\n  rules:\n  - {alert: A, expr: 'up ='}\n  - {record: b}\n- name: a\n  rules:\n  - {alert: C, expr: up, annotations: {x: '{{'}}\n"))
	e, ok := errors.AsType[*ReadError](err)
	if !ok || len(e.Problems) != 4 {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range e.Problems {
		lines = append(lines, p.Line)
	}
	if d := cmp.Diff([]int{4, 5, 6, 8}, lines); d != "" {
		t.Error(d, err)
	}
}

// At finds the bytes of an expression in the file, however YAML writes it.
func TestAt(t *testing.T) {
	for name, expr := range map[string]string{
		"plain":         "sum(a) > MARK",
		"single":        `'x{a="b"} > MARK'`,
		"single quotes": `'x{a=''b''} > MARK'`,
		"double":        `"x{a=\"b\"} > MARK"`,
		"literal":       "|\n  a\n    >\n  MARK",
		"folded":        ">-\n  a\n  >\n  MARK",
		"plain folded":  "sum(a)\n  > MARK",
		"blank lines":   "|\n\n  a >\n\n  MARK",
		"other letters": `'x{a="测试"} > MARK'`,
	} {
		text := ruleFile("alert: A\nexpr: " + strings.ReplaceAll(expr, "MARK", "12345"))
		f, err := Read("f", strings.NewReader(text))
		if err != nil {
			t.Fatal(name, err)
		}
		r := f.Groups[0].Rules[0]
		at := r.At(strings.Index(r.Expr, "12345"))
		line := strings.Split(text, "\n")[at.Line-1]
		got := string([]rune(line)[at.Column-1:])
		// Escapes make text in a file longer than what it says.
		if escapes := strings.Count(line, `\`) + strings.Count(line, "''"); !strings.HasPrefix(got, "12345") && escapes == 0 || at.Line != strings.Count(text[:strings.Index(text, "12345")], "\n")+1 {
			t.Errorf("%s: %v: %q", name, at, got)
		}
	}
}

// What others publish, and what must be refused of it.
func TestReadFolder(t *testing.T) {
	data := os.Getenv("LLMOPS_DATA")
	if data == "" {
		t.Skip("LLMOPS_DATA does not name the folder with rules/")
	}
	files, err := filepath.Glob(filepath.Join(data, "rules", "*", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no rule files", err)
	}
	for _, name := range files {
		if filepath.Base(name) == "unit_test.yaml" {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(filepath.Base(name), bytes.NewReader(content))
		if bad := filepath.Base(filepath.Dir(name)) == "bad"; bad != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRead holds Read to Prometheus's own reader, and what was read to what it says
// when it is written.
func FuzzRead(f *testing.F) {
	for _, text := range []string{good, "groups: [", ruleFile("alert: A\nexpr: up\nfor: 5 minutes"), ruleFile("record: a:b\nexpr: |\n  up\n  > 1"),
		"groups:\n- &g {name: a, rules: [*g]}", "a: &a\n  <<: *a\ngroups: *a", "---\n---\n", "groups:\n- name: \"\\u2028\"\n  rules:\n  - alert: '{{'\n    expr: \"\\\"\"\n",
		ruleFile("alert: A\nexpr: up\nlabels: {a: '{{ . }}'}"), "groups:\n- {name: a, interval: 1y, rules: null}\n- null\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := Read("f", bytes.NewReader(content))
		_, theirs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if err != nil {
			e, ok := errors.AsType[*ReadError](err)
			if !ok || len(e.Problems) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, p := range e.Problems {
				if p.Line < 1 || p.Column < 1 || p.Why == "" {
					t.Fatalf("%+v", p)
				}
			}
			if len(theirs) == 0 && !strings.Contains(err.Error(), "a second YAML document") {
				t.Fatal("Prometheus takes it:", err)
			}
			return
		}
		if len(theirs) > 0 {
			t.Fatal("Prometheus refuses it:", theirs)
		}
		var b bytes.Buffer
		if err := got.WriteYAML(&b); err != nil {
			t.Fatal(err)
		}
		again, err := Read("f", &b)
		if d := cmp.Diff(got, again, cmpopts.IgnoreTypes(Position{}), cmpopts.IgnoreFields(Rule{}, "ExprLines"), cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
		for _, g := range got.Groups {
			for _, r := range g.Rules {
				for i := range len(r.Expr) + 1 {
					if at := r.At(i); at.Line < 1 || at.Column < 1 {
						t.Fatalf("%q: %d: %+v", r.Expr, i, at)
					}
				}
			}
		}
	})
}
