package alert

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"llmops/rules/slo"
)

// The names of the alerts.
const (
	budgetBurn  = "ErrorBudgetBurn"
	notMeasured = "ErrorBudgetNotMeasured"
)

const (
	baseWindow = 5 * time.Minute
	// rawWindow is the longest over which counters are asked themselves; longer
	// ones add up the rates that were recorded.
	rawWindow = 3 * 24 * time.Hour
	// patience is how long the numbers of an objective may be missing.
	patience = 15 * time.Minute
)

// FromSLO makes the rules that watch the objectives, a group for each, and words
// of warning about them. The error is an *Error.
//
// Recorded are, all with the label slo:
//
//	slo:events:rate1h, slo:bad_events:rate1h           what is counted, per second, over each window (of slices: over the slice)
//	slo:bad_events_per_events:ratio_rate1h             the one by the other; absent without events
//	slo:slice_bad:ratio, slo:slice_bad:avg1h           of slices: whether, or how much, one is bad; their mean over each window
//	slo:objective:ratio, slo:error_budget_remaining:ratio   the target; 1 - bad share / (1 - target) over the window of the budget
//
// An alert fires while the bad share over both of its windows is above threshold
// * (1 - target), a number that is computed exactly here.
func FromSLO(objectives []slo.Objective, opt Options) (File, []string, error) {
	if err := opt.check(objectives); err != nil {
		return File{}, nil, err
	}
	var f File
	var warnings []string
	seen := map[string]bool{}
	for _, o := range objectives {
		if !opt.chosen(o) {
			continue
		}
		if seen[o.Name] {
			return File{}, nil, of(o.Name, failf("give each objective a name of its own", "another has the same name, and would record the same series"))
		}
		seen[o.Name] = true
		g, words, err := group(o, opt)
		if err != nil {
			return File{}, nil, of(o.Name, err)
		}
		f.Groups = append(f.Groups, g)
		for _, w := range words {
			if !slices.Contains(warnings, w) { // what is said of an engine
				warnings = append(warnings, w)
			}
		}
	}
	return f, warnings, nil
}

func (opt Options) chosen(o slo.Objective) bool {
	return len(opt.Only) == 0 || slices.Contains(opt.Only, o.Name)
}

// matchers are label matchers as they stand between the braces of a selector.
var matchers = regexp.MustCompile(`^\s*` + matcher + `(\s*,\s*` + matcher + `)*\s*,?\s*$`)

const matcher = `[a-zA-Z_][a-zA-Z0-9_]*\s*(=|!=|=~|!~)\s*"([^"\\\n]|\\.)*"`

// check refuses options that do not go with the objectives.
func (opt Options) check(objectives []slo.Objective) error {
	var names []string
	for _, o := range objectives {
		names = append(names, o.Name)
	}
	for _, name := range opt.Only {
		if !slices.Contains(names, name) {
			return failf("there are "+strings.Join(names, ", "), "no objective is called %q", name)
		}
	}
	chosen := 0
	var times []string // that are chosen
	for _, o := range objectives {
		if !opt.chosen(o) {
			continue
		}
		if chosen++; opt.Histogram != "" && o.Statistic == slo.Quantile {
			times = append(times, o.Metric)
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	switch {
	case opt.given() && opt.Histogram != "":
		return failf("remove one", "--latency-histogram and --good, --bad and --total both count events")
	case opt.Match != "" && opt.Engine == "" && opt.Histogram == "":
		return failf("write them into the queries", "--match is for the metrics of --engine and --latency-histogram")
	case len(times) > 1:
		return failf("choose objectives with --only", "--latency-histogram holds one time, and there are objectives on %s", strings.Join(times, " and "))
	case opt.given() && chosen != 1:
		return failf("choose one with --only", "--good, --bad and --total count the events of one objective, and there are %d", chosen)
	}
	if opt.Match != "" && !matchers.MatchString(opt.Match) {
		return failf(`write label matchers without braces: job="vllm",model_name="m"`, "%q are no label matchers", opt.Match)
	}
	return nil
}

// group makes the rules of one objective.
func group(o slo.Objective, opt Options) (Group, []string, error) {
	switch {
	case !o.Target.Given() || o.Statistic != slo.Ratio && o.Statistic != slo.Quantile && o.Statistic != slo.Rate:
		return Group{}, nil, failf("write a percentile, or a limit with a target", "a %s has no error budget", o.Statistic)
	case allowed(o).Sign() <= 0:
		return Group{}, nil, failf("write a target below 1, such as 0.999", "target %s leaves no error budget to burn", o.Target.Text)
	}
	c, err := opt.count(o, queryOf(o))
	if err != nil {
		return Group{}, nil, err
	}
	alerts, warnings, err := burns(o)
	if err != nil {
		return Group{}, nil, err
	}
	b := &builder{o: o, c: c, selector: `{slo="` + escape(o.Name) + `"}`, group: Group{Name: "slo:" + o.Name}}
	b.measured = badName(baseWindow) + b.selector
	if b.sliced() {
		for _, w := range windows(o, alerts) {
			if w < sliceOf(o) {
				return Group{}, nil, failf("lengthen it", "its window of %s holds no whole slice of %s", prom(w), prom(sliceOf(o)))
			}
		}
		if err := b.slices(); err != nil {
			return Group{}, nil, err
		}
	}
	b.shares(alerts)
	b.budget()
	for _, a := range alerts {
		b.alert(a)
	}
	b.absent()
	return b.group, slices.Concat(c.warnings, c.assumed, warnings, b.warnings), nil
}
