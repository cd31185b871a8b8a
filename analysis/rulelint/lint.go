// Package rulelint says what is wrong with alerting and recording rules although they
// parse: names that nobody has, units that do not go together, thresholds that are
// never or always crossed. It reads no file, evaluates no rule and knows no metric's
// values. Each check is a file; Checks lists them.
package rulelint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/alert"
	"llmops/rules/catalog"
)

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // the rule cannot do what it is for
	Warning Severity = "warning" // it does most likely not do what was meant
	Info    Severity = "info"    // it would be better otherwise
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Error, Warning, Info} }

// AtLeast tells whether a severity is as bad as another one, or worse.
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(Severities(), s) <= slices.Index(Severities(), other)
}

// Finding is one thing that is wrong.
type Finding struct {
	Check    string         `json:"check"`
	Severity Severity       `json:"severity"`
	Position alert.Position `json:"-"`
	Group    string         `json:"group,omitempty"`
	Rule     string         `json:"rule,omitempty"`
	Message  string         `json:"message"`
	Hint     string         `json:"hint,omitempty"`
}

// A Check looks for one kind of fault.
type Check struct {
	ID    string
	About string // one sentence: what a finding says
	run   func(*linter, *rule)
}

// Checks lists the checks by their ids.
func Checks() []Check {
	return []Check{
		burnRate(), counterWithoutRate(), duplicateRule(), neverTrue(), lostLabel(), missingRunbook(), missingSeverity(),
		missingSummary(), rateOfGauge(), shortFor(), shortRange(), unit(), unknownMetric(),
	}
}

// Options say what is known beside the rules.
type Options struct {
	Catalog catalog.Catalog
	// Metrics are the names of the series that there are; nil: that is not known.
	Metrics []string
	// Interval is that of groups without one; 0: a minute, as Prometheus has it.
	Interval time.Duration
	// Only are the ids of checks to run; empty: all.
	Only []string
}

// Lint checks the rules of all files together, since rules of one use what those of
// another record. The findings are in the order of files, lines and checks. A rule
// whose expression does not parse is passed over: alert.Read says so.
func Lint(files []alert.File, o Options) []Finding {
	l := &linter{options: o, catalog: newKnown(o.Catalog), recorded: map[string][]*rule{}, firsts: map[string]*rule{}, likely: map[string][]string{}}
	l.options.Interval = cmp.Or(o.Interval, time.Minute)
	if o.Metrics != nil {
		l.metrics = map[string]bool{}
		for _, m := range o.Metrics {
			l.metrics[m] = true
		}
	}
	p := parser.NewParser(parser.Options{})
	for i := range files {
		for k := range files[i].Groups {
			group := &files[i].Groups[k]
			for _, one := range group.Rules {
				expr, err := p.ParseExpr(one.Expr)
				if err != nil {
					continue
				}
				r := &rule{Rule: one, group: group, expr: expr}
				l.rules = append(l.rules, r)
				if one.Record != "" {
					l.recorded[one.Record] = append(l.recorded[one.Record], r)
				}
			}
		}
	}
	for _, c := range Checks() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, c.ID) {
			continue
		}
		l.check = c.ID
		for _, r := range l.rules {
			c.run(l, r)
		}
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Position.File, b.Position.File), a.Position.Line-b.Position.Line,
			a.Position.Column-b.Position.Column, strings.Compare(a.Check, b.Check))
	})
	return slices.Compact(l.findings)
}

// A linter holds what the checks share.
type linter struct {
	options  Options
	catalog  known
	metrics  map[string]bool // nil: not known
	rules    []*rule
	recorded map[string][]*rule
	check    string // that runs
	findings []Finding
	firsts   map[string]*rule    // of rules with the same name and labels
	likely   map[string][]string // names that one was most likely meant to be
	depth    int                 // of recorded series that are made of others
}

// A rule is one of a group, its expression parsed.
type rule struct {
	alert.Rule
	group *alert.Group
	expr  parser.Expr
}

// interval is how far apart its evaluations lie.
func (l *linter) interval(r *rule) time.Duration {
	return cmp.Or(time.Duration(r.group.Interval), l.options.Interval)
}

// find adds a finding about a part of the rule's expression; nil: about the rule.
func (l *linter) find(r *rule, part parser.Node, severity Severity, hint, format string, args ...any) {
	at := r.Position
	if part != nil {
		at = r.At(int(part.PositionRange().Start))
	}
	l.findings = append(l.findings, Finding{l.check, severity, at, r.group.Name, r.Name(), fmt.Sprintf(format, args...), hint})
}

// inspect calls look for every part of an expression, with what it is part of, the
// outermost first.
func inspect(e parser.Expr, look func(n parser.Node, path []parser.Node)) {
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		if n != nil {
			look(n, path)
		}
		return nil
	})
}

// bare leaves out parentheses.
func bare(e parser.Expr) parser.Expr {
	for {
		switch x := e.(type) {
		case *parser.ParenExpr:
			e = x.Expr
		case *parser.StepInvariantExpr:
			e = x.Expr
		default:
			return e
		}
	}
}
