package pushdown

import (
	"fmt"
	"slices"
	"strings"

	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// A plan is how the rows of a table are counted.
type plan struct {
	table      string // quoted
	fields     map[string]field
	time       *clock
	exclude    []int
	objectives []slo.Objective
	byKey      bool
}

// roleOf is the column that an objective on a value looks at.
var roleOf = map[string]string{"latency_ms": "latency", "ttft_ms": "ttft", "tpot_ms": "tpot", "cost_per_request": "cost", "quality_score": "quality"}

func newPlan(table string, columns []column, names map[string]string, cfg budget.Config) (*plan, error) {
	fields, err := fieldsOf(columns, names)
	if err != nil {
		return nil, err
	}
	p := &plan{table: table, fields: fields, time: clockOf(fields), exclude: cfg.ExcludeStatus, objectives: cfg.Objectives, byKey: slices.Contains(cfg.By, "key")}
	for _, o := range cfg.Objectives {
		role, known := roleOf[o.Metric]
		if o.Metric == "tokens_per_second" {
			role, known = "tokens", true
		}
		if _, ok := fields[role]; known && !ok {
			return nil, fmt.Errorf("objective %q: the table has no column for it: name one with --map %s=…", o.Name, role)
		}
		_, status := fields["status"]
		_, mark := fields["error"]
		if !known && !status && !mark {
			return nil, fmt.Errorf("objective %q: the table has no column for how a request ended: name one with --map status=… or --map error=…", o.Name)
		}
	}
	return p, nil
}

// Classes of events, in the order in which the first one applies but for good.
const (
	isGood = iota
	isBad
	isCancelled
	isClientError
	isHealthCheck
)

// probes are the paths of requests that only ask whether the service lives.
const probes = "'/health', '/healthz', '/ping', '/metrics', '/ready', '/readyz', '/livez'"

// class is the expression of an event's class.
func (p *plan) class(b *binder) string {
	var cases []string
	when := func(condition string, class int) { cases = append(cases, fmt.Sprintf("%s, %d", condition, class)) }
	if path, ok := p.fields["path"]; ok {
		when(path.route()+" IN ("+probes+")", isHealthCheck)
	}
	if _, ok := p.fields["status"]; ok {
		when(p.status()+" = 499", isCancelled)
		if len(p.exclude) > 0 {
			when(fmt.Sprintf("has(%s, %s)", b.bind("Array(Int32)", integerList(p.exclude)), p.status()), isClientError)
		}
		when(p.status()+" >= 400", isBad)
	}
	if mark, ok := p.fields["error"]; ok {
		when(mark.failed(), isBad)
	}
	if len(cases) == 0 {
		return fmt.Sprint(isGood)
	}
	return fmt.Sprintf("multiIf(%s, %d)", strings.Join(cases, ", "), isGood)
}

// status is 0 where there is none.
func (p *plan) status() string {
	f := p.fields["status"]
	return "toInt32(ifNull(" + f.sql + ", 0))"
}

// timedOut tells of a bad event whether it ran out of time.
func (p *plan) timedOut() string {
	var ways []string
	_, status := p.fields["status"]
	if status {
		ways = append(ways, p.status()+" IN (408, 504)")
	}
	if mark, ok := p.fields["error"]; ok {
		way := "positionCaseInsensitive(" + mark.reason() + ", 'timeout') > 0"
		if status { // which names the failure from 400 on, whatever the text is
			way = "(" + p.status() + " < 400 AND " + way + ")"
		}
		ways = append(ways, way)
	}
	return strings.Join(ways, " OR ")
}

// errorKey names the failure of a bad event, and is empty of others.
func (p *plan) errorKey() string {
	key := "'stream_error'"
	if mark, ok := p.fields["error"]; ok {
		key = fmt.Sprintf("if(notEmpty(%[1]s), %[1]s, %[2]s)", mark.reason(), key)
	}
	if _, ok := p.fields["status"]; ok {
		key = fmt.Sprintf("if(%[1]s >= 400, concat('http_', toString(%[1]s)), %[2]s)", p.status(), key)
	}
	return fmt.Sprintf("if(llmops_class = %d, %s, '')", isBad, key)
}

// tally is the conditions of the outcomes of one objective, "" for those that it
// does not have.
type tally struct{ good, bad, unmeasured, failed string }

func (p *plan) tally(b *binder, o slo.Objective) tally {
	good, bad := fmt.Sprintf("llmops_class = %d", isGood), fmt.Sprintf("llmops_class = %d", isBad)
	role, measures := roleOf[o.Metric]
	switch {
	case o.Metric == "timeout_rate":
		late := "(" + bad + " AND (" + p.timedOut() + "))"
		return tally{good: fmt.Sprintf("llmops_class <= %d AND NOT %s", isBad, late), bad: late}
	case !measures:
		return tally{good: good, bad: bad}
	}
	f := p.fields[role]
	holds, measured := f.holds(b, o.Op, o.Threshold.Rat), f.measured()
	t := tally{
		good:       fmt.Sprintf("%s AND %s AND %s", good, measured, holds),
		bad:        fmt.Sprintf("(%s AND %s AND NOT %s)", good, measured, holds),
		unmeasured: fmt.Sprintf("%s AND NOT %s", good, measured),
	}
	if o.Errors == slo.ErrorsBad {
		t.bad = fmt.Sprintf("(%s OR %s)", bad, t.bad)
	} else {
		t.failed = bad
	}
	return t
}
