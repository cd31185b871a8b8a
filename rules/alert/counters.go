package alert

import (
	"slices"
	"strconv"
	"strings"

	"llmops/rules/slo"
)

// A Role says what the increases of a counter are to an objective.
type Role string

// The roles. Of an objective's parts, those in Events add up to all events, and those
// in one of Good and Bad are a part of them; Amount is what a slice is judged by where
// that is not events. The others are no events, and are named as a budget names what
// it leaves out.
const (
	Events      Role = "events"
	Good        Role = "good"
	Bad         Role = "bad"
	Amount      Role = "amount"
	ClientError Role = "client_error"
	Cancelled   Role = "cancelled"
	Failed      Role = "failed"
)

// A Part is a counter: the sum of all series of a selector.
type Part struct {
	Role     Role
	Selector string // NAME{MATCHERS}
}

// Counters are how an objective is counted by whoever reads counters themselves and
// asks for no rates.
type Counters struct {
	Objective slo.Objective
	Parts     []Part
	// Buckets selects all buckets of the histogram in whose bucket at Limit, in the
	// unit of the histogram, the Good or Bad events are; "" without a histogram.
	Buckets, Limit string
}

// CountersOf finds the counters of the objectives that are chosen, as FromSLO finds
// their rates: from the same options, with the same words of warning. A query must be
// the rate of one counter, since nothing else has whole numbers of events. The error
// is an *Error.
func CountersOf(objectives []slo.Objective, opt Options) ([]Counters, []string, error) {
	if err := opt.check(objectives); err != nil {
		return nil, nil, err
	}
	var out []Counters
	var warnings []string
	for _, o := range objectives {
		if !opt.chosen(o) {
			continue
		}
		q := queryOf(o)
		c, err := opt.count(o, q)
		if err != nil {
			return nil, nil, of(o.Name, err)
		}
		parts, err := c.parts()
		if err != nil {
			return nil, nil, of(o.Name, err)
		}
		if !opt.given() && !q.promQL() && !(opt.Histogram != "" && o.Statistic == slo.Quantile) {
			parts = append(parts, opt.leftOut(o)...)
		}
		out = append(out, Counters{Objective: o, Parts: parts, Buckets: c.buckets, Limit: c.limit})
		for _, w := range c.warnings {
			if !slices.Contains(warnings, w) { // what is said of an engine
				warnings = append(warnings, w)
			}
		}
	}
	return out, warnings, nil
}

// parts are the counters whose rates c has.
func (c counts) parts() (out []Part, err error) {
	if c.value != "" || c.badShare != "" {
		return nil, failf("write good or bad and total as counters", "its query gives a value and no events, and only events can be counted minute by minute")
	}
	for _, x := range []struct {
		role  Role
		rates []string
	}{{Events, c.events}, {Good, []string{c.good}}, {Bad, []string{c.bad}}, {Amount, []string{c.amount}}} {
		for _, rate := range x.rates {
			if rate == "" {
				continue
			}
			selector, ok := counterOf(rate)
			if !ok {
				return nil, failf("write sum(rate(NAME{...}[{{.window}}])), one counter in each query", "the query %s is not the rate of one counter", fill(rate, "5m"))
			}
			out = append(out, Part{x.role, selector})
		}
	}
	return out, nil
}

// counterOf is the counter of whose rate the query is the sum over all series.
func counterOf(query string) (string, bool) {
	text := strings.TrimSpace(query)
	for {
		inner, ok := summand(text)
		if !ok {
			break
		}
		text = inner
	}
	text, ok := strings.CutPrefix(text, "rate")
	if !ok {
		return "", false
	}
	text, ok = parenthesised(text)
	if !ok {
		return "", false
	}
	text, ok = strings.CutSuffix(text, "["+hole+"]")
	text = strings.TrimSpace(text)
	if s, err := scan(text); !ok || err != nil || len(s.spans) > 0 || !s.plain(text) {
		return "", false
	}
	return text, true
}

// summand is what is added up by a sum, with any labels: sum by (a) (…), sum(…) by (a),
// or what stands in brackets.
func summand(text string) (string, bool) {
	if inner, ok := parenthesised(text); ok {
		return inner, true
	}
	rest, ok := strings.CutPrefix(text, "sum")
	if !ok {
		return "", false
	}
	rest = strings.TrimSpace(rest)
	for _, word := range []string{"by", "without"} {
		if labels, ok := strings.CutPrefix(rest, word); ok {
			end := strings.IndexByte(labels, ')')
			if end < 0 || !strings.HasPrefix(strings.TrimSpace(labels), "(") {
				return "", false
			}
			return parenthesised(labels[end+1:])
		}
	}
	// The labels may stand behind the sum too.
	if end := strings.LastIndexByte(rest, '('); end > 0 {
		before := strings.TrimSpace(rest[:end])
		for _, word := range []string{"by", "without"} {
			if sum, ok := strings.CutSuffix(before, word); ok {
				if inner, ok := parenthesised(sum); ok {
					return inner, true
				}
			}
		}
	}
	return parenthesised(rest)
}

// parenthesised is what stands between a bracket at the beginning and its
// counterpart at the end.
func parenthesised(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "(") {
		return "", false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'', '`':
			if i = closing(text, i); i < 0 {
				return "", false
			}
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return strings.TrimSpace(text[1:i]), i == len(text)-1
			}
		}
	}
	return "", false
}

// leftOut are the requests that the engine counts and that are no events of o.
func (opt Options) leftOut(o slo.Objective) (out []Part) {
	at := slices.IndexFunc(engines, func(e engine) bool { return e.name == opt.Engine })
	if at < 0 {
		return nil
	}
	e := engines[at]
	add := func(role Role, c counter, more ...string) {
		out = append(out, Part{role, selectorOf(c.name, append(slices.Clone(c.matchers), more...), opt.Match)})
	}
	if s := e.statuses; s != nil {
		c := counter{s.name, s.matchers}
		client, cancelled := `=~"4.."`, ""
		if !s.classes {
			client, cancelled = `=~"`+clientErrors(opt.ExcludeStatus)+`"`, `="499"`
		}
		if client != `=~""` {
			add(ClientError, c, s.label+client)
		}
		if cancelled != "" {
			add(Cancelled, c, s.label+cancelled)
		}
		if o.Statistic == slo.Quantile && o.Errors != slo.ErrorsBad && e.histograms[o.Metric].failures != failuresMixed {
			_, bad := s.matching(opt.ExcludeStatus)
			add(Failed, counter{s.name, bad})
		}
	}
	if e.failed.name != "" {
		for _, x := range e.refused {
			add(x.role, counter{name: e.failed.name}, x.matcher)
		}
		if o.Statistic == slo.Quantile && o.Errors != slo.ErrorsBad {
			add(Failed, e.failed)
		}
	}
	return out
}

// clientErrors are the statuses that are the caller's mistake, but for a client
// that left.
func clientErrors(exclude []int) string {
	list := slices.DeleteFunc(slices.Clone(exclude), func(s int) bool { return s == 499 })
	slices.Sort(list)
	var texts []string
	for _, s := range slices.Compact(list) {
		texts = append(texts, strconv.Itoa(s))
	}
	return strings.Join(texts, "|")
}
