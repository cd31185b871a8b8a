package alerting

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// prelude are the names that Prometheus gives templates of rules.
const prelude = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// A dependence says on what it depends what a template gives, each on what those
// before it do too.
type dependence int

const (
	onLabels dependence = iota // of the result
	onValue                    // of the result
	onTime                     // and on what queries answer then
)

var (
	asksTime = regexp.MustCompile(`query|now`)
	// asksValue finds the value by its names, and the whole of the data, which has it.
	asksValue = regexp.MustCompile(`(?i)value|\$(\W|$)|(^|[^\w)\]])\.(\W|$)`)
)

// dependenceOf looks at the words of a template, and says rather too much than too
// little. To fill one in takes a tenth of a millisecond, mostly to parse it.
func dependenceOf(text string) dependence {
	switch {
	case !templated(text):
		return onLabels
	case asksTime.MatchString(text):
		return onTime
	case asksValue.MatchString(text):
		return onValue
	}
	return onLabels
}

func (r *rule) templateName() string { return "__alert_" + r.Alert }

// expand fills in a template for a result of the evaluation at t. One that is broken
// says so in its place, and is no error of the rule.
func (r *rule) expand(ctx context.Context, text string, of labels.Labels, value float64, t int64) string {
	if !templated(text) {
		return text
	}
	data := template.AlertTemplateData(of.Map(), r.plan.external, r.plan.options.ExternalURL, promql.Sample{F: value})
	fill := func(text string, m *meter) (string, error) {
		query := func(ctx context.Context, q string, at time.Time) (promql.Vector, error) {
			if m != nil {
				if err := m.count(querySteps, 0, 0); err != nil {
					return nil, err
				}
			}
			return r.plan.engine.Vector(ctx, r.view(t, nil), q, at)
		}
		x := template.NewTemplateExpander(ctx, text, r.templateName(), data, model.Time(t), query, r.plan.url, nil)
		if m != nil {
			x.Funcs(m.functions())
		}
		return x.Expand()
	}
	err := bounded(ctx, r.templateName(), text, fill)
	out := ""
	if err == nil {
		out, err = fill(prelude+text, nil)
	}
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return out
}
