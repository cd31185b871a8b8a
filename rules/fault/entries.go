package fault

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) signal(n *yaml.Node) Signal {
	s := Signal{Position: d.at(n)}
	d.object(n, fields{
		"name": d.name(&s.Name), "unit": d.text(&s.Unit), "en": d.text(&s.En), "zh": d.text(&s.Zh),
		"from": d.list(func(n *yaml.Node) {
			var expr string
			d.promql(&expr)(n)
			s.From, s.FromAt = append(s.From, expr), append(s.FromAt, d.at(n))
		}),
		"collect": d.text(&s.Collect),
		"impact":  func(n *yaml.Node) { s.Impact = new(Test); d.object(n, d.test(s.Impact)) },
	})
	switch {
	case s.Name == "":
		d.fail(n, "", "a signal without name:")
	case len(s.From) == 0:
		d.fail(n, "from: is a list of PromQL", "signal %s is made of nothing", s.Name)
	}
	return s
}

func (d *decoder) test(t *Test) fields {
	return fields{
		"above": d.ramp(&t.Above), "below": d.ramp(&t.Below), "rises": d.ramp(&t.Rises), "falls": d.ramp(&t.Falls),
		"gains": d.ramp(&t.Gains), "loses": d.ramp(&t.Loses), "holds": d.ramp(&t.Holds), "stays": d.ramp(&t.Stays),
		"peers_above": d.ramp(&t.PeersAbove), "peers_below": d.ramp(&t.PeersBelow),
	}
}

func (d *decoder) symptom(n *yaml.Node) Symptom {
	s := Symptom{Position: d.at(n), Weight: 1}
	f := fields{
		"name": d.text(&s.Name), "expr": d.placed(&s.Expr, &s.ExprAt), "weight": d.number(&s.Weight),
		"required": d.flag(&s.Required), "collect": d.text(&s.Collect),
		"any": d.list(func(n *yaml.Node) { s.Any = append(s.Any, d.alternative(n)) }),
	}
	maps.Copy(f, d.test(&s.Test))
	d.object(n, f)
	if len(s.Any) > 0 {
		d.together(n, &s)
	}
	switch {
	case s.Expr == "":
		d.fail(n, "expr: is PromQL over signals", "a symptom without expr:")
	case s.Name == "":
		d.fail(n, "name: says in words what is seen", "a symptom without name:")
	case s.Test == Test{} && len(s.Any) == 0:
		d.fail(n, "above, below, rises, falls, gains, loses, peers_above, peers_below, holds or stays", "symptom %q has nothing that its value is held against", s.Name)
	case s.Weight <= 0:
		d.fail(n, "", "symptom %q: want a weight above 0", s.Name)
	}
	return s
}

// alternative is one of several ways to see a symptom: what it is held against, without
// a weight of its own.
func (d *decoder) alternative(n *yaml.Node) Symptom {
	s := Symptom{Position: d.at(n), Weight: 1}
	f := fields{"name": d.text(&s.Name), "expr": d.placed(&s.Expr, &s.ExprAt), "collect": d.text(&s.Collect)}
	maps.Copy(f, d.test(&s.Test))
	d.object(n, f)
	switch {
	case s.Expr == "":
		d.fail(n, "expr: is PromQL over signals", "an alternative without expr:")
	case s.Test == Test{}:
		d.fail(n, "above, below, rises, falls, gains, loses, peers_above, peers_below, holds or stays", "%s has nothing that its value is held against", s.Expr)
	}
	return s
}

// together gives a symptom with alternatives the words for all of them, and them its name.
func (d *decoder) together(n *yaml.Node, s *Symptom) {
	if s.Expr != "" || s.Test != (Test{}) {
		d.fail(n, "put it into the list, or leave the list out", "symptom %q: any: and an expression or test beside it", s.Name)
	}
	var words []string
	for i := range s.Any {
		a := &s.Any[i]
		a.Name = cmp.Or(a.Name, s.Name)
		words = append(words, a.Expr+" ("+a.Test.String()+")")
	}
	s.Expr = strings.Join(words, ", or ")
}

func (d *decoder) action(n *yaml.Node) Action {
	a := Action{Risk: Look}
	d.object(n, fields{
		"do": d.text(&a.Do), "zh": d.text(&a.Zh), "risk": choice(d, &a.Risk, Risks()...),
		"blast": d.text(&a.Blast), "undo": d.text(&a.Undo), "needs": d.text(&a.Needs), "kind": choice(d, &a.Kind, PlanKinds()...),
		"run": func(n *yaml.Node) {
			lines := map[string]*string{}
			f := fields{}
			for _, on := range Platforms() {
				lines[on] = new(string)
				f[on] = d.text(lines[on])
			}
			d.object(n, f)
			for _, on := range Platforms() {
				if *lines[on] != "" {
					a.Run = append(a.Run, Command{on, *lines[on]})
				}
			}
		},
	})
	if a.Do == "" {
		d.fail(n, "do: says it in words", "an action without do:")
	}
	return a
}

// Platforms are where commands can be typed.
func Platforms() []string { return []string{"kubernetes", "systemd", "plain"} }

// PlanKinds are the kinds of steps of a plan.
func PlanKinds() []string {
	return []string{"restart", "drain", "failover", "degrade", "scale", "rollback", "replace", "configure"}
}

func (d *decoder) fault(n *yaml.Node) Fault {
	f := Fault{Position: d.at(n), Severity: High, Scope: Replica, Prior: -3}
	before := len(d.problems)
	d.object(n, fields{
		"id": d.name(&f.ID), "en": d.text(&f.En), "zh": d.text(&f.Zh),
		"severity": choice(d, &f.Severity, Severities()...), "scope": choice(d, &f.Scope, GPU, Replica, Fleet, Upstream),
		"prior": d.number(&f.Prior), "hold_s": d.number(&f.Hold),
		"sure_from": func(n *yaml.Node) {
			if d.number(&f.SureFrom)(n); f.SureFrom <= 0 || f.SureFrom >= 1 {
				d.fail(n, "such as 0.8", "want a sure_from above 0 and below 1, not %q", n.Value)
			}
		},
		"telemetry": d.flag(&f.Telemetry), "single": d.flag(&f.Single),
		"symptoms": d.list(func(n *yaml.Node) { f.Symptoms = append(f.Symptoms, d.symptom(n)) }),
		"against":  d.list(func(n *yaml.Node) { f.Against = append(f.Against, d.symptom(n)) }),
		"explains": d.texts(&f.Explains), "cause": d.text(&f.Cause), "cause_zh": d.text(&f.CauseZh),
		"actions": d.list(func(n *yaml.Node) { f.Actions = append(f.Actions, d.action(n)) }),
		"prevent": d.texts(&f.Prevent), "runbook": d.text(&f.Runbook),
	})
	switch {
	case f.ID == "":
		d.fail(n, "", "a fault without id:")
	case f.En == "":
		d.fail(n, "en: is its name in English", "fault %s without a name", f.ID)
	case f.Cause == "":
		d.fail(n, "", "fault %s without cause:", f.ID)
	case f.Hold < 0 || f.Hold > 86400:
		d.fail(n, "", "fault %s: want a hold_s from 0 to a day", f.ID)
	case len(d.problems) == before && !slices.ContainsFunc(f.Symptoms, func(s Symptom) bool { return s.Required }):
		d.fail(n, "required: true on what the fault cannot be without", "no symptom of fault %s is required", f.ID)
	}
	slices.SortStableFunc(f.Actions, func(a, b Action) int { return slices.Index(Risks(), a.Risk) - slices.Index(Risks(), b.Risk) })
	return f
}
