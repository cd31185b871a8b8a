package alert

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// durations are the fields whose values are durations.
var durations = []string{"interval", "query_offset", "for", "keep_firing_for"}

// badDurations lists durations that cannot be read: the error of YAML names neither
// place nor field.
func (p places) badDurations() []Problem {
	var found []Problem
	check := func(n *yaml.Node, group, rule string) {
		for _, name := range durations {
			_, v := field(n, name)
			if v == nil || v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
				continue
			}
			if _, err := model.ParseDuration(v.Value); err != nil {
				found = append(found, Problem{p.of(v), group, rule, fmt.Sprintf("%s: %v", name, err), "write a duration such as 30s, 5m or 1h30m"})
			}
		}
	}
	for _, g := range items(p.root, "groups") {
		name := text(g, "name")
		check(g, name, "")
		for _, r := range items(g, "rules") {
			check(r, name, cmp.Or(text(r, "alert"), text(r, "record")))
		}
	}
	return found
}

func text(n *yaml.Node, name string) string {
	if _, v := field(n, name); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// explain gives an error of YAML its place.
func (p places) explain(err error) []Problem {
	if list, ok := errors.AsType[*yaml.TypeError](err); ok {
		var found []Problem
		for _, e := range list.Errors {
			found = append(found, p.wrongType(e))
		}
		return found
	}
	if bad := p.badDurations(); len(bad) > 0 {
		return bad
	}
	at, why := p.fromYAML(err.Error())
	return []Problem{{Position: at, Why: why}}
}

var leadingPlace = regexp.MustCompile(`^\d+:\d+: `)

// groupProblems gives errors of groups as a whole their places. Prometheus has them in
// the order of the groups, and one for each group that is wrong.
func (p places) groupProblems(errs []error) []Problem {
	groups := items(p.root, "groups")
	first := map[string]int{} // group of a name
	for i, g := range slices.Backward(groups) {
		first[text(g, "name")] = i
	}
	var found []Problem
	at, next := 0, map[string]int{} // by error: the group after that which had it last
	for _, err := range errs {
		why := leadingPlace.ReplaceAllString(err.Error(), "")
		one := Problem{Position: p.position, Why: why}
		for i := max(at, next[why]); i < len(groups); i++ {
			if placed, ok := p.groupProblem(i, first[text(groups[i], "name")], why); ok {
				one, at, next[why] = placed, i, i+1
				break
			}
		}
		found = append(found, one)
	}
	return found
}

// groupProblem is an error of the group i, if it is one; first is the group that has its
// name first.
func (p places) groupProblem(i, first int, why string) (Problem, bool) {
	g := p.groupNode(i)
	name := text(g, "name")
	switch {
	case why == "Groupname must not be empty" && name == "":
		return Problem{Position: p.group(i), Why: "a group without a name"}, true
	case why == fmt.Sprintf("groupname: \"%s\" is repeated in the same file", name) && first < i:
		at := p.group(i)
		if _, v := field(g, "name"); v != nil {
			at = p.of(v)
		}
		return Problem{Position: at, Why: fmt.Sprintf("another group of the file is called %q too", name), Hint: "give each group of a file a name of its own"}, true
	}
	_, labels := field(g, "labels")
	if k, v := keyOrValue(labels, why); k != nil {
		return Problem{Position: p.of(v), Group: name, Why: why}, true
	}
	return Problem{}, false
}

// keyOrValue finds the label or annotation that Prometheus's words are about; the
// second node is the one that is wrong.
func keyOrValue(n *yaml.Node, why string) (key, wrong *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		switch {
		case why == "invalid label name: "+k.Value || why == "invalid annotation name: "+k.Value:
			return k, k
		case why == "invalid label value: "+v.Value || strings.HasPrefix(why, fmt.Sprintf("label %q: ", k.Value)) || strings.HasPrefix(why, fmt.Sprintf("annotation %q: ", k.Value)):
			return k, v
		}
	}
	return nil, nil
}

var (
	yamlLine  = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): `)
	noField   = regexp.MustCompile(`^field (.*) not found in type rulefmt\.(\w+)$`)
	wrongKind = regexp.MustCompile("(?s)^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
)

// fromYAML takes the line out of an error of YAML.
func (p places) fromYAML(why string) (Position, string) {
	at := p.position
	if m := yamlLine.FindStringSubmatch(why); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits, few enough
		at, why = p.begin(line), why[len(m[0]):]
	}
	return at, strings.TrimPrefix(why, "yaml: ")
}

// fields are those that a file, a group and a rule may have.
var fields = map[string][]string{
	"RuleGroups": {"groups"},
	"RuleGroup":  {"name", "interval", "query_offset", "limit", "labels", "rules"},
	"Rule":       {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"},
}

// wrongType explains one error about the type of a value, in words of YAML.
func (p places) wrongType(why string) Problem {
	at, why := p.fromYAML(why)
	if m := noField.FindStringSubmatch(why); m != nil {
		if line := at.Line; line <= len(p.raw) {
			if i := strings.Index(p.raw[line-1], m[1]); i >= 0 {
				at.Column = len([]rune(p.raw[line-1][:i])) + 1
			}
		}
		names := fields[m[2]]
		hint := "its fields are " + strings.Join(names, ", ")
		if likely := near.Names(m[1], slices.Values(names), 1); len(likely) > 0 {
			hint = "did you mean " + likely[0] + "?"
		}
		return Problem{Position: at, Why: fmt.Sprintf("unknown field %q", m[1]), Hint: hint}
	}
	if m := wrongKind.FindStringSubmatch(why); m != nil {
		want := "text"
		switch into := m[3]; {
		case strings.HasPrefix(into, "[]"):
			want = "a list"
		case strings.HasPrefix(into, "map["), strings.HasPrefix(into, "rulefmt.Rule"):
			want = "a mapping"
		case into == "int":
			want = "a whole number"
		}
		got := map[string]string{"seq": "a list", "map": "a mapping", "null": "nothing"}[m[1]]
		if got == "" {
			got = strconv.Quote(m[2])
		}
		why = fmt.Sprintf("%s stands where there should be %s", got, want)
	}
	return Problem{Position: at, Why: why}
}

// check refuses what Prometheus does of one rule.
func (p places) check(group string, i, k int, r rulefmt.Rule) []Problem {
	var found []Problem
	node := p.ruleNode(i, k)
	for _, wrong := range r.Validate(rulefmt.RuleNode{}, model.LegacyValidation, parser.NewParser(parser.Options{})) {
		err := wrong.Unwrap()
		one := Problem{Position: p.rule(i, k), Group: group, Rule: cmp.Or(r.Alert, r.Record), Why: err.Error()}
		_, labels := field(node, "labels")
		_, annotations := field(node, "annotations")
		if _, v := keyOrValue(labels, one.Why); v != nil {
			one.Position = p.of(v)
		} else if _, v := keyOrValue(annotations, one.Why); v != nil {
			one.Position = p.of(v)
		} else if key, _ := field(node, named(one.Why)); key != nil {
			one.Position = p.of(key)
		}
		if list, ok := errors.AsType[parser.ParseErrors](err); ok && len(list) > 0 {
			at := Rule{Expr: r.Expr, Position: p.rule(i, k), ExprLines: p.lines(i, k, r.Expr)}
			one.Position = at.At(int(list[0].PositionRange.Start))
			one.Why = "expr: " + list[0].Err.Error()
		}
		found = append(found, one)
	}
	return found
}

var quotedField = regexp.MustCompile(`field '(\w+)' in|of '(\w+)'|(recording rule) name`)

// named is the field that Prometheus's words name.
func named(why string) string {
	m := quotedField.FindStringSubmatch(why)
	switch {
	case m == nil:
		return ""
	case m[3] != "":
		return "record"
	}
	return cmp.Or(m[1], m[2])
}
