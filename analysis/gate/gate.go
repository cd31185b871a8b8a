// Package gate judges one snapshot: PromQL expressions, and rules of Prometheus's form,
// of which any result is a failure. It must not read files or the clock, and keeps
// nothing from one snapshot to the next.
package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/series"
	"llmops/probes/snapshot"
	"llmops/rules/alert"
)

// Verdict is what becomes of a gate.
type Verdict string

// The verdicts, worst first.
const (
	Fail   Verdict = "fail"
	NoData Verdict = "no_data" // the snapshot lacks a series that is compared
	Pass   Verdict = "pass"
)

// Gate is a condition that must give no result.
type Gate struct {
	Name       string // of the alert; "" for an expression of the user's own
	Expression string
	Severity   string // that of the rule's label; "" where it has none
	Pack       string // the rules that it is one of; "" for an expression of the user's own

	annotations map[string]string
}

// Parse takes an expression.
func Parse(expression string) (Gate, error) {
	g := Gate{Expression: strings.TrimSpace(expression)}
	return g, check(g.Expression)
}

// check refuses what can say nothing about one snapshot.
func check(expression string) error {
	if expression == "" {
		return errors.New("the expression is empty")
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		if said := series.NewEngine(series.Limits{}).Check(expression); said != nil {
			return said // the same, with the place
		}
		return err
	}
	if parsed.Type() != parser.ValueTypeVector {
		return fmt.Errorf("expression %q gives a %s: a gate compares series, such as gpu_utilization < 0.1", expression, parsed.Type())
	}
	var found error
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		switch x := n.(type) {
		case *parser.MatrixSelector, *parser.SubqueryExpr:
			found = fmt.Errorf("expression %q looks at a range of time, and a snapshot is one moment: take a series that is a rate already, with --window", expression)
		case *parser.VectorSelector:
			if found == nil && elsewhen(x) {
				found = fmt.Errorf("expression %q looks at another time, and a snapshot is one moment: leave out offset and @", expression)
			}
		}
		return nil
	})
	if found == nil && always(parsed) {
		found = fmt.Errorf("expression %q compares with bool, which always has a result: leave out bool", expression)
	}
	return found
}

// elsewhen tells whether a selector has offset or @: it would find nothing in a
// snapshot, and its gate would never fire.
func elsewhen(x *parser.VectorSelector) bool {
	return x.OriginalOffset != 0 || x.OriginalOffsetExpr != nil || x.Timestamp != nil || x.StartOrEnd != 0
}

// always tells whether an expression has a result, whatever the comparison in it says.
func always(e parser.Expr) bool {
	switch x := e.(type) {
	case *parser.ParenExpr:
		return always(x.Expr)
	case *parser.UnaryExpr:
		return always(x.Expr)
	case *parser.AggregateExpr:
		return always(x.Expr)
	case *parser.BinaryExpr:
		return x.ReturnBool || x.Op == parser.LOR && (always(x.LHS) || always(x.RHS))
	}
	return false
}

// ReadPack takes the alerts of a Prometheus rule file. Their "for" is passed over: a
// snapshot is one moment. Recording rules are none of them.
func ReadPack(name string, r io.Reader) ([]Gate, error) {
	file, err := alert.Read(name, r)
	if err != nil {
		return nil, err
	}
	var gates []Gate
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			g := Gate{Name: rule.Alert, Expression: strings.TrimSpace(rule.Expr), Severity: cmp.Or(rule.Severity(), group.Labels["severity"]), Pack: name, annotations: rule.Annotations}
			if err := check(g.Expression); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", rule.Position, rule.Alert, err)
			}
			gates = append(gates, g)
		}
	}
	if len(gates) == 0 {
		return nil, fmt.Errorf("%s: it holds no alert", name)
	}
	return gates, nil
}

// Row is one result of a gate: what is wrong, and with what.
type Row struct {
	Labels  map[string]string `json:"labels,omitempty"`
	Value   *float64          `json:"value,omitempty"` // absent when it is not finite
	Summary string            `json:"summary,omitempty"`
}

// Entity is what a row is about, such as gpu="3", server="http://…".
func (r Row) Entity() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
		list = append(list, fmt.Sprintf("%s=%q", name, r.Labels[name]))
	}
	return strings.Join(list, ", ")
}

// Result is a gate and what it gives.
type Result struct {
	Name       string  `json:"name,omitempty"`
	Expression string  `json:"expression"`
	Severity   string  `json:"severity,omitempty"`
	Pack       string  `json:"pack,omitempty"`
	Verdict    Verdict `json:"verdict"`
	Rows       []Row   `json:"results,omitempty"`
	// Missing are the selectors that no series of the snapshot matches.
	Missing []string `json:"missing,omitempty"`
}

// Title is how to call it: the alert's name, or the expression.
func (r Result) Title() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Expression
}

// Judge evaluates the gates over what a snapshot measured, in their order. A gate
// without a result passes when all that it compares was measured.
func Judge(ctx context.Context, gates []Gate, s snapshot.Snapshot) ([]Result, error) {
	b := series.NewBuilder()
	b.AddSnapshot(s)
	store := b.Store(nil)
	engine := series.NewEngine(series.Limits{Timeout: 10 * time.Second})
	at := s.TakenAt
	if _, last, ok := store.Bounds(); ok {
		at = time.UnixMilli(last) // the series have whole milliseconds
	}
	var results []Result
	for _, g := range gates {
		r := Result{Name: g.Name, Expression: g.Expression, Severity: g.Severity, Pack: g.Pack, Verdict: Pass}
		answer, err := engine.Instant(ctx, store, g.Expression, at)
		if err != nil {
			return nil, err
		}
		if r.Missing, err = engine.Unmatched(store, g.Expression); err != nil {
			return nil, err
		}
		for _, row := range answer.Rows {
			r.Rows = append(r.Rows, g.row(ctx, row, at))
		}
		switch {
		case len(r.Rows) > 0:
			r.Verdict, r.Missing = Fail, nil
		case len(r.Missing) > 0:
			r.Verdict = NoData
		}
		results = append(results, r)
	}
	return results, nil
}

// row describes one result. The summary is the rule's, expanded as Prometheus does.
func (g Gate) row(ctx context.Context, row series.Row, at time.Time) Row {
	out := Row{Labels: map[string]string{}}
	row.Labels.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			out.Labels[l.Name] = l.Value
		}
	})
	value := 0.0
	if len(row.Points) > 0 {
		value = row.Points[len(row.Points)-1].F
		if value-value == 0 { // neither NaN nor infinite
			out.Value = &value
		}
	}
	out.Summary = expand(ctx, g.annotations["summary"], out.Labels, value, at)
	return out
}

// Worst is the verdict of all. A pack is for machines of many kinds, and its rules
// about what this one does not have say nothing; it lacks data only when all its rules
// do.
func Worst(results []Result) Verdict {
	worst := Pass
	packs := map[string]bool{} // that judged something
	for _, r := range results {
		switch {
		case r.Verdict == Fail:
			return Fail
		case r.Pack != "":
			packs[r.Pack] = packs[r.Pack] || r.Verdict == Pass
		case r.Verdict == NoData:
			worst = NoData
		}
	}
	for _, judged := range packs {
		if !judged {
			worst = NoData
		}
	}
	return worst
}
