package slo

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// entry is one item of the list with a reader for each type of value. The
// first error sticks.
type entry struct {
	node *yaml.Node
	keys map[string]*yaml.Node
	err  error
}

func (e *entry) fail(key, msg, hint string, args ...any) {
	if e.err != nil {
		return
	}
	n := e.node
	if e.keys[key] != nil {
		n = e.keys[key]
	}
	e.err = failAt(n, msg, fmt.Sprintf(hint, args...))
}

func (e *entry) has(key string) bool { return e.keys[key] != nil }

func (e *entry) text(key string) string {
	n := e.keys[key]
	if n == nil || e.err != nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		e.fail(key, fmt.Sprintf("%q must be a text", key), "give it one value")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// share reads a ratio above 0, up to 1, as a decimal or in percent.
func (e *entry) share(key string) Decimal {
	text := e.text(key)
	if text == "" {
		return Decimal{}
	}
	digits, pct := strings.CutSuffix(text, "%")
	d, err := ParseDecimal(strings.TrimSpace(digits))
	if err == nil && pct {
		d = decimalOf(new(big.Rat).Quo(d.Rat, big.NewRat(100, 1)))
	}
	if err != nil || d.Rat.Sign() == 0 || !isRatio(d.Rat) {
		e.fail(key, fmt.Sprintf("%s %q is no share", key, text), "want a decimal above 0, at most 1, such as 0.999, or 99.9%%")
		return Decimal{}
	}
	return d
}

func (e *entry) duration(key string, missing time.Duration) time.Duration {
	text := e.text(key)
	if text == "" {
		return missing
	}
	d, err := ParseDuration(text)
	if err != nil {
		e.fail(key, fmt.Sprintf("%s %q is no duration", key, text), "%v", err)
	}
	return d
}

// choice reads one of a few words; the first is the default.
func (e *entry) choice(key string, words ...string) string {
	text := e.text(key)
	if text == "" {
		return words[0]
	}
	for _, w := range words {
		if w == text {
			return w
		}
	}
	hint := "want " + strings.Join(words, " or ")
	if hits := near.Names(text, slices.Values(words), 1); len(hits) > 0 {
		hint = "did you mean " + hits[0] + "? " + hint
	}
	e.fail(key, fmt.Sprintf("unknown %s %q", key, text), "%s", hint)
	return words[0]
}

func readObjective(n *yaml.Node) (Objective, error) {
	keys, err := mapping(n, "an objective", "name", "sli", "target", "window", "method", "errors",
		"slice", "slice_target", "min_events", "alerts")
	if err != nil {
		return Objective{}, err
	}
	e := &entry{node: n, keys: keys}
	o := e.sli()
	if name := e.text("name"); name != "" {
		o.Name = name
	}
	o.Window = e.duration("window", DefaultWindow)
	o.Errors = Errors(e.choice("errors", string(ErrorsExclude), string(ErrorsBad)))
	if o.Errors == ErrorsBad && (o.Statistic == Mean || o.Statistic == Min || o.Statistic == Max) {
		e.fail("errors", fmt.Sprintf("'errors: bad' cannot be said of %s: a failed request has no value for a %s", o.Expr, o.Statistic),
			"remove it and add an objective on error_rate, or write a percentile")
	}
	if o.Method.Sliced() {
		o.Slice = e.duration("slice", time.Minute)
		if e.err == nil && o.Slice < time.Second {
			e.fail("slice", "a slice is at least 1s", "want 10s or 1m, say")
		}
		o.MinEvents = e.minEvents()
	} else {
		for _, key := range []string{"slice", "slice_target", "min_events"} {
			if e.has(key) {
				e.fail(key, fmt.Sprintf("%q is for methods with slices", key), "remove it, or write method: timeslices")
			}
		}
	}
	if e.err == nil && e.has("alerts") {
		o.Alerts, e.err = readAlerts(e.keys["alerts"])
	}
	if e.err != nil {
		return Objective{}, e.err
	}
	return o, nil
}

// within takes over the error of an expression, at its place in the file.
func (e *entry) within(key string, err error) {
	inner, ok := errors.AsType[*Error](err)
	if !ok || e.err != nil {
		return
	}
	n := e.keys[key]
	column := n.Column + max(inner.Column-1, 0)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		column++
	}
	e.err = &Error{Line: n.Line, Column: column, Msg: inner.Msg, Hint: inner.Hint}
}

// sli reads sli, target, method and slice_target, which depend on each other.
func (e *entry) sli() Objective {
	text := e.text("sli")
	if text == "" {
		e.fail("sli", "an objective without 'sli'", "write, say, sli: availability, or sli: latency_ms < 500")
		return Objective{}
	}
	if m := lookupMetric(text); m.statistic == Ratio && m.slices {
		return e.availability(text)
	}
	x, err := split(text)
	if err != nil {
		e.within("sli", err)
		return Objective{}
	}
	m := lookupMetric(x.name)
	if e.has("target") && (m.events || m.slices && m.statistic == Rate) || m.quantiles {
		return e.counted(text, x, m)
	}
	return e.inline(text)
}

// inline is an entry whose sli is a whole objective.
func (e *entry) inline(text string) Objective {
	o, err := Parse(text)
	if err != nil {
		e.within("sli", err)
		return o
	}
	for _, key := range []string{"target", "slice_target", "method"} {
		if e.has(key) && e.text(key) != string(Occurrences) {
			e.fail(key, fmt.Sprintf("%q says by itself what it wants, over the whole period", text),
				"remove %q, or write a metric that can be counted, such as latency_ms < 500", key)
		}
	}
	return o
}

func (e *entry) availability(text string) Objective {
	o := Objective{Name: text, Expr: text, Metric: "success_rate", Statistic: Ratio, Op: GreaterEqual, Target: e.target(text)}
	o.Method = e.method(Occurrences, Timeslices, RatioTimeslices)
	o.Threshold = o.Target
	if o.SliceTarget = e.sliceTarget(o.Method, text); o.Method == Timeslices {
		o.Threshold = o.SliceTarget
	}
	return o
}

func (e *entry) method(methods ...Method) Method {
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = string(m)
	}
	return Method(e.choice("method", words...))
}

// sliceTarget is what makes a slice good; only Timeslices have it.
func (e *entry) sliceTarget(m Method, text string) Decimal {
	switch {
	case m == Timeslices:
		t := e.share("slice_target")
		if !t.Given() {
			e.fail("slice_target", "timeslices of "+text+" without 'slice_target'", "write slice_target: 0.9, the share of good requests that makes a slice good")
		}
		return t
	case m == RatioTimeslices && e.has("slice_target"):
		e.fail("slice_target", "ratio_timeslices has no 'slice_target': its slices are not good or bad", "remove it, or write method: timeslices")
	}
	return Decimal{}
}

// counted is an entry that counts events, or slices of a rate, against the
// threshold in its sli.
func (e *entry) counted(text string, x expression, m metric) Objective {
	o := Objective{Name: text, Expr: text, Metric: m.canonical(), Statistic: Quantile, Op: x.op, Target: e.target(text)}
	if m.statistic == Rate {
		o.Statistic, o.Method = Rate, e.method(Timeslices)
		if e.has("slice_target") {
			e.fail("slice_target", "a rate has no 'slice_target'", "the limit of %s stands in its sli", m.name)
		}
	} else {
		o.Method = e.method(Occurrences, Timeslices, RatioTimeslices)
		o.SliceTarget = e.sliceTarget(o.Method, x.name)
	}
	var err error
	if o.Threshold, err = x.threshold(m); err != nil {
		e.within("sli", err)
	}
	return o
}

func (e *entry) target(text string) Decimal {
	t := e.share("target")
	if !t.Given() {
		e.fail("target", fmt.Sprintf("an objective without 'target': %s", text), "write target: 0.99, the least share of what must be good")
	}
	return t
}

func (e *entry) minEvents() int {
	text := e.text("min_events")
	if text == "" {
		return 0
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 || v > 1_000_000_000 {
		e.fail("min_events", fmt.Sprintf("min_events %q is no count", text), "want a whole number from 1")
	}
	return v
}

func readAlerts(n *yaml.Node) ([]BurnAlert, error) {
	items, err := sequence(n, "alerts")
	if err != nil {
		return nil, err
	}
	var out []BurnAlert
	for _, item := range items {
		keys, err := mapping(item, "an alert", "severity", "long", "short", "threshold")
		if err != nil {
			return nil, err
		}
		e := &entry{node: item, keys: keys}
		for _, key := range []string{"severity", "long", "short", "threshold"} {
			if !e.has(key) {
				e.fail(key, fmt.Sprintf("an alert without %q", key), "it needs severity, long, short and threshold")
			}
		}
		a := BurnAlert{Severity: e.text("severity"), Long: e.duration("long", 0), Short: e.duration("short", 0), Op: Greater}
		a.Threshold, err = ParseDecimal(e.text("threshold"))
		if err != nil || a.Threshold.Rat.Sign() == 0 {
			e.fail("threshold", "the threshold of an alert is a burn rate above 0", "want a number such as 14.4")
		}
		if a.Short > a.Long || utf8.RuneCountInString(a.Severity) > 64 {
			e.fail("short", "the short window of an alert is longer than the long one", "swap them")
		}
		if e.err != nil {
			return nil, e.err
		}
		out = append(out, a)
	}
	return out, nil
}
