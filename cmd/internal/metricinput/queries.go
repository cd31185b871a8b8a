package metricinput

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/probes/prometheus"
	"llmops/rules/catalog"
)

// A question is what a command wants of a server.
type question struct {
	engine  *series.Engine
	catalog catalog.Catalog
	wants   Wants
	needs   series.Needs
	looked  map[string]time.Duration // see wanted
}

// A query is one thing that is asked for.
type query struct {
	text   string        // as it is asked
	raw    bool          // samples as they are stored
	before time.Duration // --start
}

// explicit are the queries of --query.
func (f *Flags) explicit(q question, evaluated bool) ([]query, error) {
	var list []query
	before := longest(q.looked)
	nameless := 0
	for _, text := range f.queries {
		name, expr := named(text)
		selector, ok, err := q.engine.Selector(expr)
		switch {
		case err != nil:
			return nil, cli.Usagef("--query: %w", err)
		case ok && !evaluated && name != "":
			return nil, cli.WithHint(cli.Usagef("--query %q: samples are read under the name that they are stored with", text), "leave %s= out, or add --step to have it evaluated", name)
		case ok && name == "":
			expr = selector.Text
		case !evaluated:
			return nil, cli.WithHint(cli.Usagef("--query %q is an expression, of which no samples are stored", expr), "add --step, such as --step 1m, to have it evaluated, or name a selector such as up{job=\"vllm\"}")
		case name != "":
			expr = fmt.Sprintf("label_replace(%s, \"__name__\", %q, \"\", \"\")", expr, name)
		default:
			nameless++
		}
		list = append(list, query{expr, !evaluated, before})
	}
	if nameless > 1 {
		return nil, cli.WithHint(cli.Usagef("--query: several expressions without a name would become one series"), "name them: --query 'NAME=EXPRESSION'")
	}
	return list, nil
}

// named takes a name from the front of an expression, whose own = are all inside of
// braces or doubled.
func named(text string) (name, expr string) {
	for i, r := range text {
		front := strings.TrimSpace(text[:i])
		if r == '=' && i+1 < len(text) && text[i+1] != '=' && model.LegacyValidation.IsValidMetricName(front) {
			return front, text[i+1:]
		}
	}
	return "", text
}

// known are the selectors of what the command looks at and the server has, by whatever
// name.
func (q question) known(ctx context.Context, client *prometheus.Client, start, end time.Time, evaluated bool, warnings *remarks) ([]query, error) {
	var list []query
	matching := map[string]string{} // the selectors of names that the catalogue has nothing to do with
	catalogued := map[string]time.Duration{}
	for _, s := range q.needs.Selectors {
		switch _, ok := q.catalog.Lookup(s.Name); {
		case s.Name == "":
			list = append(list, query{s.Text, !evaluated, s.Before})
		case !ok:
			matching[s.Name] = s.Text
		}
	}
	for name, before := range q.looked {
		if _, ok := q.catalog.Lookup(name); ok {
			catalogued[name] = before
		}
	}
	if len(q.looked) == 0 && len(list) == 0 {
		return nil, cli.WithHint(cli.Usagef("nothing to ask the server for"), "name it with --query, such as --query 'up{job=\"vllm\"}'")
	}
	origin, err := q.engine.Origins(q.catalog, catalogued)
	if err != nil {
		return nil, err
	}
	names, some, err := client.Names(ctx, start.Add(-longest(q.looked)).UnixMilli(), end.UnixMilli())
	if err != nil {
		return nil, err
	}
	for _, w := range some {
		warnings.add(w)
	}
	slices.Sort(names)
	for _, name := range names {
		before, looked := q.looked[name]
		more, source := origin(name)
		switch text, alone := matching[name]; {
		case !model.LegacyValidation.IsValidMetricName(name), !looked && !source:
		case alone && !source:
			list = append(list, query{text, !evaluated, before})
		default: // other labels of it may be what a metric is made of
			list = append(list, query{name, !evaluated, max(before, more)})
		}
	}
	return list, nil
}
