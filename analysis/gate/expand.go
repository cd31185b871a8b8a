package gate

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// prelude are the names that Prometheus gives templates of rules.
const prelude = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// expand fills in a template of an annotation; one that is broken stays as it is
// written, since a message must not hide what it is about.
func expand(ctx context.Context, text string, labels map[string]string, value float64, at time.Time) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	noQuery := func(context.Context, string, time.Time) (promql.Vector, error) {
		return nil, errors.New("a message has no query")
	}
	data := template.AlertTemplateData(labels, nil, "", promql.Sample{F: value})
	out, err := template.NewTemplateExpander(ctx, prelude+text, "annotation", data, model.TimeFromUnixNano(at.UnixNano()), noQuery, &url.URL{}, nil).Expand()
	if err != nil {
		return text
	}
	return out
}
