package slo

import "strings"

// Source is what an OpenSLO indicator asks some monitoring for. This package does
// not know what the queries mean.
type Source struct {
	Good, Bad, Total Query // of a ratioMetric
	Raw              Query // or this: a share, of bad events if RawBad
	RawBad           bool
	Counter          bool
	Value            Query  // of a thresholdMetric
	Limit            string // what the objective compares Value with, in the unit of the query
}

// Query is one metricSource. Its zero value is one that is absent, or of type
// llmops.
type Query struct {
	Type string // as the file, or the DataSource that it names, has it; "": nothing says it
	Text string // spec.query; "": there is none
}

// query is the query of a metricSource that is not of type llmops.
func (e *entry) query(of string) Query {
	q := Query{Type: of}
	if e.has("spec") {
		if n := value(e.keys["spec"], "query"); n != nil && n.Tag != "!!null" {
			q.Text = strings.TrimSpace(n.Value)
		}
	}
	return q
}
