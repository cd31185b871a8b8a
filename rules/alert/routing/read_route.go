package routing

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// route reads one with those below it; parent is nil for the root. What the file
// leaves out is the parent's.
func (r *reader) route(n *yaml.Node, parent *Route) *Route {
	v := &Route{GroupWait: DefaultGroupWait, GroupInterval: DefaultGroupInterval, RepeatInterval: DefaultRepeatInterval}
	if parent != nil {
		*v = Route{
			Receivers: parent.Receivers, Escalation: parent.Escalation,
			GroupBy: parent.GroupBy, GroupByAll: parent.GroupByAll,
			GroupWait: parent.GroupWait, GroupInterval: parent.GroupInterval, RepeatInterval: parent.RepeatInterval,
		}
	}
	v.Position = Position{n.Line, n.Column}
	var one, several, routes *yaml.Node
	readers := map[string]func(*yaml.Node){
		"receiver":   func(n *yaml.Node) { one = n },
		"receivers":  func(n *yaml.Node) { several = n },
		"escalation": func(n *yaml.Node) { v.Escalation = r.escalation(n) },
		"group_by":   func(n *yaml.Node) { v.GroupBy, v.GroupByAll = r.groupBy(n) },
		"group_wait": func(n *yaml.Node) { v.GroupWait = r.duration(n, "group_wait", true) },
		"group_interval": func(n *yaml.Node) {
			v.GroupInterval = r.duration(n, "group_interval", false)
		},
		"repeat_interval": func(n *yaml.Node) {
			v.RepeatInterval = r.duration(n, "repeat_interval", false)
		},
		"continue":              func(n *yaml.Node) { v.Continue = r.boolean(n, "continue") },
		"routes":                func(n *yaml.Node) { routes = n },
		"mute_time_intervals":   func(n *yaml.Node) { v.MuteTimeIntervals = r.texts(n, "mute_time_intervals") },
		"active_time_intervals": func(n *yaml.Node) { v.ActiveTimeIntervals = r.texts(n, "active_time_intervals") },
		"labels":                nil, // Alertmanager adds them to its templates
	}
	maps.Copy(readers, r.matcherKeys(&v.Matchers, ""))
	r.fields(n, "the route", readers)

	switch {
	case one != nil && several != nil:
		r.fail(several, "put all names into receivers", "the route has receiver and receivers")
	case one != nil:
		if name, ok := r.text(one, "receiver"); ok && name != "" {
			v.Receivers = []string{name}
		}
	case several != nil:
		if v.Receivers = unique(r.texts(several, "receivers")); len(v.Receivers) == 0 {
			r.fail(several, "name at least one, or leave receivers out", "receivers is empty")
		}
	}
	if several == nil && len(v.Receivers) == 0 { // no parent's either
		r.fail(n, "name one: receiver: NAME", "the route has no receiver")
	}
	v.Escalation = beyond(v.Receivers, v.Escalation)
	sortMatchers(v.Matchers)
	v.Key = formatMatchers(v.Matchers)
	if parent == nil {
		r.rootOnly(n, v)
	} else {
		v.Key = parent.Key + "/" + v.Key
	}
	if routes != nil {
		for _, item := range r.list(routes, "routes") {
			v.Routes = append(v.Routes, r.route(item, v))
		}
	}
	return v
}

// rootOnly holds what Alertmanager asks of the root, which takes every alert.
func (r *reader) rootOnly(n *yaml.Node, v *Route) {
	if len(v.Matchers) > 0 {
		r.fail(n, "move the matchers into a route below 'routes:'", "the first route must not have matchers: it takes what no other does")
	}
	if len(v.MuteTimeIntervals)+len(v.ActiveTimeIntervals) > 0 {
		r.fail(n, "move them into a route below 'routes:'", "the first route must not have time intervals")
	}
}

func (r *reader) duration(n *yaml.Node, what string, zero bool) time.Duration {
	text, ok := r.text(n, what)
	if !ok {
		return 0
	}
	d, err := model.ParseDuration(text)
	if err != nil || text == "" {
		r.fail(n, "want a duration such as 30s, 5m or 4h", "%s %s is no duration", what, quote(text))
	} else if d == 0 && !zero {
		r.fail(n, "want a duration such as 30s, 5m or 4h", "%s must be longer than 0", what)
	}
	return time.Duration(d)
}

func (r *reader) groupBy(n *yaml.Node) (labels []string, all bool) {
	labels = r.texts(n, "group_by")
	all = slices.Contains(labels, "...")
	if all && len(labels) > 1 {
		r.fail(n, "write ['...'] alone, or only names of labels", "group_by has '...', which is all labels, and others")
	}
	if all {
		return nil, true
	}
	for i, label := range labels {
		r.label(n, label)
		if slices.Contains(labels[:i], label) {
			r.fail(n, "name it once", "group_by names the label %s twice", quote(label))
		}
	}
	slices.Sort(labels)
	return labels, false
}

func (r *reader) label(n *yaml.Node, name string) {
	if name == "" || !utf8.ValidString(name) {
		r.fail(n, "want the name of a label, such as alertname", "%s is no name of a label", quote(name))
	}
}

func (r *reader) escalation(n *yaml.Node) []Escalation {
	steps := []Escalation{}
	for _, item := range r.list(n, "escalation") {
		var step Escalation
		before := len(r.problems)
		r.fields(item, "the step", map[string]func(*yaml.Node){
			"after":     func(n *yaml.Node) { step.After = r.duration(n, "after", false) },
			"receivers": func(n *yaml.Node) { step.Receivers = unique(r.texts(n, "receivers")) },
			"receiver": func(n *yaml.Node) {
				if name, ok := r.text(n, "receiver"); ok {
					step.Receivers = []string{name}
				}
			},
		})
		if len(r.problems) == before && (step.After == 0 || len(step.Receivers) == 0) {
			r.fail(item, "want {after: 15m, receivers: [NAME]}", "a step of the escalation needs after and receivers")
		}
		steps = append(steps, step)
	}
	slices.SortStableFunc(steps, func(a, b Escalation) int { return cmp.Compare(a.After, b.After) })
	return steps
}

// beyond leaves out of each step those who were told before, and steps that then
// tell nobody.
func beyond(told []string, steps []Escalation) []Escalation {
	told = slices.Clone(told)
	var out []Escalation
	for _, step := range steps {
		fresh := slices.DeleteFunc(slices.Clone(step.Receivers), func(name string) bool { return slices.Contains(told, name) })
		if len(fresh) > 0 {
			told = append(told, fresh...)
			out = append(out, Escalation{step.After, fresh})
		}
	}
	return out
}

// matcherKeys read matchers in the three forms of a route, or of a side of an
// inhibition rule: a list of texts, label: value, and label: regular expression.
func (r *reader) matcherKeys(into *[]Matcher, prefix string) map[string]func(*yaml.Node) {
	byLabel := func(key, op string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			for _, e := range r.mapping(n, key) {
				if !model.LegacyValidation.IsValidLabelName(e.key.Value) {
					r.fail(e.key, "want letters, digits and _, and no digit first", "%s is no name of a label", quote(e.key.Value))
					continue
				}
				value, ok := r.text(e.value, "the value of "+e.key.Value)
				if !ok {
					continue
				}
				m, err := NewMatcher(e.key.Value, op, value)
				if err != nil {
					r.fail(e.value, "the syntax is that of RE2", "%v", err)
				}
				*into = append(*into, m)
			}
		}
	}
	return map[string]func(*yaml.Node){
		prefix + "match":    byLabel(prefix+"match", Equal),
		prefix + "match_re": byLabel(prefix+"match_re", Regexp),
		prefix + "matchers": func(n *yaml.Node) {
			for _, item := range r.list(n, prefix+"matchers") {
				text, ok := r.text(item, "a matcher")
				if !ok {
					continue
				}
				ms, err := ParseMatchers(text)
				if err != nil {
					r.fail(item, "want label=\"value\", label!=\"value\", label=~\"regexp\" or label!~\"regexp\"", "%v", err)
				}
				*into = append(*into, ms...)
			}
		},
	}
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// nearest is a hint for a name that the file does not have.
func nearest(name, what string, known []string) string {
	if hits := near.Names(name, slices.Values(known), 2); len(hits) > 0 {
		return "did you mean " + strings.Join(hits, " or ") + "?"
	}
	if len(known) == 0 {
		return "the file has none: add " + what
	}
	return "the file has " + strings.Join(known, ", ")
}
