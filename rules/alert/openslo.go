package alert

import (
	"slices"
	"strings"

	"llmops/rules/slo"
)

// compatible are the sources that are asked in PromQL.
var compatible = []string{"prometheus", "thanos", "cortex", "mimir", "victoriametrics"}

// queryOf puts together what the file of an objective asks Prometheus for: nothing
// if it is no OpenSLO.
func queryOf(o slo.Objective) (q Query) {
	s := o.Source
	if s == nil {
		return q
	}
	q.Counter, q.RawBad, q.Limit = s.Counter, s.RawBad, s.Limit
	for _, part := range []struct {
		to    *string
		query slo.Query
	}{{&q.Good, s.Good}, {&q.Bad, s.Bad}, {&q.Total, s.Total}, {&q.Raw, s.Raw}, {&q.Value, s.Value}} {
		switch kind := part.query.Type; {
		case part.query == slo.Query{}: // absent, or ours to measure
		case kind == "":
			q.Unknown = true
		case !slices.Contains(compatible, strings.ToLower(kind)):
			q.Type = kind
		default:
			*part.to = part.query.Text
		}
	}
	return q
}
