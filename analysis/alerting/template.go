package alerting

import (
	"context"
	"fmt"
	"net/url"
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
	f := filling{r.templateName(), data, model.Time(t), r.plan.url, func(ctx context.Context, q string, at time.Time) (promql.Vector, error) {
		return r.plan.engine.Vector(ctx, r.view(t, nil), q, at)
	}}
	err := f.bounded(ctx, text)
	out := ""
	if err == nil {
		out, err = f.fill(ctx, prelude+text, nil)
	}
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return out
}

// A filling is what templates are filled in with.
type filling struct {
	name  string // of the template
	data  any
	at    model.Time
	url   *url.URL
	query template.QueryFunc
}

// fill fills in a template, and lets m count, unless it is nil.
func (f filling) fill(ctx context.Context, text string, m *meter) (string, error) {
	query := f.query
	if m != nil {
		query = func(ctx context.Context, q string, at time.Time) (promql.Vector, error) {
			if err := m.count(querySteps, 0, 0); err != nil {
				return nil, err
			}
			return f.query(ctx, q, at)
		}
	}
	x := template.NewTemplateExpander(ctx, text, f.name, f.data, f.at, query, f.url, nil)
	if m != nil {
		x.Funcs(m.functions())
	}
	return x.Expand()
}
