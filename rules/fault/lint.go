package fault

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/near"
)

// Remark is something about faults that can be read, but most likely not be meant so.
type Remark struct {
	Position
	Check string
	// Grave tells that a fault or a symptom can never be seen; Slight that it could, and
	// would be better otherwise.
	Grave, Slight bool
	Why, Hint     string
}

// Checks are those of Lint, and what each is about.
func Checks() [][2]string {
	return [][2]string{
		{"unknown-signal", "a symptom of a signal that is not there"},
		{"never-seen", "a test that nothing can pass, or a fault that all of its symptoms together do not make likely"},
		{"unused-signal", "a signal that no symptom asks for"},
		{"missing-words", "a fault without its name in Chinese, actions or a runbook, or a step that does not say what it touches and how to take it back"},
	}
}

// Lint looks at the faults and signals of one catalogue, of which all is a part: that of
// all files. known are names that symptoms may ask for beside signals.
func Lint(c, all Catalogue, known []string) []Remark {
	l := linter{all: all, known: known, used: map[string]bool{}}
	for i := range all.Faults {
		for _, s := range symptoms(&all.Faults[i]) {
			for _, name := range Asked(s.Expr) {
				l.used[name] = true
			}
		}
	}
	for i := range c.Faults {
		l.fault(&c.Faults[i])
	}
	for _, s := range c.Signals {
		if !l.used[s.Name] && s.Impact == nil {
			l.add(s.Position, "unused-signal", Remark{Slight: true, Why: fmt.Sprintf("no symptom asks for the signal %s", s.Name)})
		}
		if s.Impact != nil {
			l.test(s.Position, *s.Impact)
		}
	}
	return l.remarks
}

type linter struct {
	all     Catalogue
	known   []string
	used    map[string]bool
	remarks []Remark
}

func (l *linter) add(at Position, check string, r Remark) {
	r.Position, r.Check = at, check
	l.remarks = append(l.remarks, r)
}

// symptoms are those of a fault that have an expression, for and against it.
func symptoms(f *Fault) []Symptom {
	var list []Symptom
	for _, s := range slices.Concat(f.Symptoms, f.Against) {
		if len(s.Any) > 0 {
			list = append(list, s.Any...)
		} else {
			list = append(list, s)
		}
	}
	return list
}

func (l *linter) fault(f *Fault) {
	for _, s := range symptoms(f) {
		for _, name := range Asked(s.Expr) {
			if l.all.Signal(name) != nil || slices.Contains(l.known, name) {
				continue
			}
			r := Remark{Grave: true, Why: fmt.Sprintf("no signal is called %s", name), Hint: "symptoms are made of signals; a metric becomes one under signals:"}
			if likely := near.Names(name, l.names(), 2); len(likely) > 0 {
				r.Hint = "did you mean " + strings.Join(likely, " or ") + "?"
			}
			l.add(s.ExprAt, "unknown-signal", r)
		}
		l.test(s.Position, s.Test)
	}
	most, least := f.Prior, math.Log(f.Least()/(1-f.Least()))
	for _, s := range f.Symptoms {
		most += s.Weight
	}
	if most < least {
		l.add(f.Position, "never-seen", Remark{Grave: true, Why: fmt.Sprintf("fault %s: the prior and all weights together are %g, a score below %g", f.ID, most, f.Least()), Hint: fmt.Sprintf("an answer needs a sum of %.3g at least", least)})
	}
	l.words(f)
}

func (l *linter) names() func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, s := range l.all.Signals {
			if !yield(s.Name) {
				return
			}
		}
		for _, name := range l.known {
			if !yield(name) {
				return
			}
		}
	}
}

// test looks for ramps that lead the wrong way.
func (l *linter) test(at Position, t Test) {
	for _, x := range []struct {
		name string
		ramp *Ramp
		up   bool
	}{
		{"above", t.Above, true}, {"below", t.Below, false}, {"rises", t.Rises, true}, {"falls", t.Falls, false}, {"gains", t.Gains, true},
		{"loses", t.Loses, true}, {"peers_above", t.PeersAbove, true}, {"peers_below", t.PeersBelow, false}, {"holds", t.Holds, false}, {"stays", t.Stays, false},
	} {
		if x.ramp == nil {
			continue
		}
		if x.up && x.ramp.From > x.ramp.To || !x.up && x.ramp.From < x.ramp.To {
			l.add(at, "never-seen", Remark{Grave: true, Why: fmt.Sprintf("%s: [%g, %g] begins where it should be full", x.name, x.ramp.From, x.ramp.To), Hint: fmt.Sprintf("write [%g, %g]", x.ramp.To, x.ramp.From)})
		}
		switch to := x.ramp.To; {
		case (x.name == "rises" || x.name == "peers_above") && to <= 1, (x.name == "falls" || x.name == "peers_below") && to >= 1:
			l.add(at, "never-seen", Remark{Why: fmt.Sprintf("%s: %g is a ratio, and 1 is no change", x.name, to), Hint: "1.5 is half as much again, 0.5 is half"})
		case x.name == "stays" && to < 1:
			l.add(at, "never-seen", Remark{Grave: true, Why: fmt.Sprintf("stays: %g is the ratio or its inverse, of which the larger one is never below 1", to), Hint: "1.1 is up to a tenth more or less"})
		}
	}
}

// words looks for what people need to know and is not said.
func (l *linter) words(f *Fault) {
	missing := func(what string) {
		l.add(f.Position, "missing-words", Remark{Slight: true, Why: fmt.Sprintf("fault %s has no %s", f.ID, what)})
	}
	if f.Zh == "" {
		missing("name in Chinese (zh)")
	}
	if len(f.Actions) == 0 {
		missing("actions")
	}
	if f.Runbook == "" {
		missing("runbook")
	}
	for _, a := range f.Actions {
		if a.Risk != Look && a.Kind != "" && (a.Blast == "" || a.Undo == "") {
			l.add(f.Position, "missing-words", Remark{Slight: true, Why: fmt.Sprintf("fault %s: %q does not say what it touches (blast) and how to take it back (undo)", f.ID, a.Do)})
		}
	}
}

// Asked are the names of series that an expression asks for, each once; of a regular
// expression those that it lists. An expression that does not parse asks for none.
func Asked(expr string) []string {
	var names []string
	e, err := parser.NewParser(parser.Options{}).ParseExpr(Windowed(expr, time.Minute, 5*time.Minute))
	if err != nil {
		return nil
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel {
				continue
			}
			list := []string{m.Value}
			if m.Type != labels.MatchEqual {
				list = m.SetMatches() // of a regular expression that is a list
			}
			for _, name := range list {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		return nil
	})
	return names
}
