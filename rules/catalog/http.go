package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// answers is a counter of HTTP answers by status, as http.yaml lists them. What can
// be computed of one can be computed of each.
type answers struct {
	System  string   `yaml:"system"`
	Name    string   `yaml:"name"`
	Status  string   `yaml:"status"`  // the label with the status
	Classes bool     `yaml:"classes"` // it has no more than the class: 5 or 5xx
	Where   string   `yaml:"where"`   // matchers of the series that count
	Paths   []string `yaml:"paths"`   // labels with the path of the request; they are not kept
	Without []string `yaml:"without"` // other labels that are not kept
	// Unless are series of which the same job and instance must have none: those
	// count the same requests better.
	Unless string `yaml:"unless"`
	Shares bool   `yaml:"shares"` // it is for shares alone: the system counts requests elsewhere
	Sure   string `yaml:"sure"`
	Note   string `yaml:"note"`
}

// Which answers are whose fault, as llmops budget has it by default: some 4xx are the
// caller's mistake and no request to judge by; where a counter has classes alone, all
// of them. Every other 4xx, such as 429, and 5xx is a failure.
const (
	callers  = `"4(0[01345]|1[35]|22|99|xx)?"`
	failures = `"[45](..)?"`
	timeouts = `"408|504"`
	codes    = `"[1-5][0-9]+"`
)

// checks are the paths that are no requests of a caller.
const checks = "/(health|healthz|livez|metrics|ping|ready|readyz)"

// of is PromQL for what an entry asks for of a counter, over five minutes; "" where the
// counter cannot tell.
func (a answers) of(what string) (string, error) {
	var given []string
	if a.Where != "" {
		given = append(given, a.Where)
	}
	for _, label := range a.Paths {
		given = append(given, fmt.Sprintf("%s!~%q", label, checks))
	}
	gone := strings.Join(slices.Sorted(slices.Values(slices.Concat(a.Without, a.Paths, []string{a.Status}))), ", ")
	rate := func(matchers ...string) string {
		return fmt.Sprintf("sum without (%s) (rate(%s{%s}[5m]))", gone, a.Name, strings.Join(slices.Concat(given, matchers), ","))
	}
	all := func(judged ...string) string {
		if a.Unless == "" {
			return rate(judged...)
		}
		return fmt.Sprintf("(%s unless on (job, instance) (%s))", rate(judged...), a.Unless)
	}
	share := func(bad string, judged ...string) string {
		return fmt.Sprintf("(%s or 0 * %s) / (%s > 0)", rate(append([]string{a.Status + "=~" + bad}, judged...)...), all(judged...), all(judged...))
	}
	judged := a.Status + "!~" + callers
	switch {
	case what == "all" && a.Shares, what == "timed out" && a.Classes:
		return "", nil
	case what == "all":
		return all(judged), nil
	case what == "failed":
		return share(failures, judged), nil
	case what == "timed out": // where statuses are no classes
		return share(timeouts, a.Status+"=~"+codes, judged), nil
	}
	return "", fmt.Errorf("nothing of HTTP answers is called %q", what)
}

// httpAliases are those of the metric that is what of every counter.
func httpAliases(counters []answers, what string, systems []System) ([]Alias, error) {
	var all []Alias
	for _, a := range counters {
		expr, err := a.of(what)
		if err != nil {
			return nil, err
		}
		if expr == "" {
			continue
		}
		alias, err := aliasEntry{System: a.System, Name: a.Name, Expr: expr, Sure: a.Sure, Note: a.Note}.alias(systems)
		if err != nil {
			return nil, err
		}
		all = append(all, alias)
	}
	return all, nil
}
