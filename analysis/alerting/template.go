package alerting

import (
	"context"
	"fmt"
	"regexp"
	textTemplate "text/template"
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

// expand fills in a template for a result of the evaluation at t. One that is broken
// says so in its place, and is no error of the rule.
func (r *rule) expand(ctx context.Context, text string, of labels.Labels, value float64, t int64) string {
	if !templated(text) {
		return text
	}
	data := template.AlertTemplateData(of.Map(), r.plan.external, r.plan.options.ExternalURL, promql.Sample{F: value})
	query := func(ctx context.Context, q string, at time.Time) (promql.Vector, error) {
		return r.plan.engine.Vector(ctx, r.view(t, nil), q, at)
	}
	fill := func(text string, functions textTemplate.FuncMap) (string, error) {
		x := template.NewTemplateExpander(ctx, text, "__alert_"+r.Alert, data, model.Time(t), query, r.plan.url, nil)
		x.Funcs(functions)
		return x.Expand()
	}
	err := bounded(ctx, text, fill)
	out := ""
	if err == nil {
		out, err = fill(prelude+text, nil)
	}
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return out
}
