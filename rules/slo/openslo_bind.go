package slo

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/rules/near"
)

// note is the annotation of an indicator, or else that of the SLO. The place of
// one that is absent is nil.
func note(i *indicator, o *object, name string) (annotation, error) {
	nearer, other := i.annotations[name], o.annotations[name]
	if nearer.at == nil {
		return other, nil
	}
	if other.at != nil && other.text != nearer.text {
		return nearer, failAt(other.at, fmt.Sprintf("annotation %s%s is %q here and %q at the SLI", prefix, name, other.text, nearer.text),
			fmt.Sprintf("remove one; the other is in line %d", nearer.at.Line))
	}
	return nearer, nil
}

// binding is which of our metrics an indicator is. For a ratio with a limit of
// its own, "latency_ms < 500", x is that; else it has a name only.
type binding struct {
	metric metric
	x      expression
}

// bind never looks at queries: what nobody says is an error.
func bind(i *indicator, o *object) (binding, error) {
	given, err := note(i, o, noteSLI)
	if err != nil {
		return binding{}, err
	}
	text, at := given.text, given.at
	switch {
	case at == nil && i.own == "":
		example := "llmops/sli: latency_ms"
		if i.ratio {
			example = "llmops/sli: availability"
		}
		hint := fmt.Sprintf("add under metadata of the SLI, or of the SLO: annotations: {%s}", example)
		if i.ratio {
			hint += "; where its good events are the fast ones, {llmops/sli: latency_ms < 500}"
		}
		return binding{}, inFile(i.file, failAt(i.place, "nothing says which metric of llmops this indicator is", hint))
	case at != nil && i.own != "":
		return binding{}, failAt(at, fmt.Sprintf("the source of type llmops says already what is measured: %s", i.own), "remove the annotation, or change the type of the source")
	case at == nil:
		text, at = i.own, i.place
	}
	e := entry{keys: map[string]*yaml.Node{"sli": at}}
	if i.ratio {
		return e.bindRatio(text)
	}
	return e.bindThreshold(text)
}

func (e *entry) bindRatio(text string) (binding, error) {
	m := lookupMetric(text)
	if m.statistic == Ratio && m.slices {
		return binding{metric: m}, nil
	}
	if m.events {
		e.fail("sli", fmt.Sprintf("a ratio of %s needs a limit", text), "say which events are good: llmops/sli: %s < 500", text)
		return binding{}, e.err
	}
	if m.name != "" || !strings.ContainsAny(text, "<>=") {
		e.fail("sli", fmt.Sprintf("%q is nothing that a ratioMetric can be", text), "want availability, or a metric of requests with a limit, such as latency_ms < 500")
		return binding{}, e.err
	}
	x, err := split(text)
	if err != nil {
		e.within("sli", err)
		return binding{}, e.err
	}
	if m = lookupMetric(x.name); !m.events {
		e.fail("sli", fmt.Sprintf("%q is no metric of single requests", x.name), "%s", bindable(x.name, func(m metric) bool { return m.events }))
		return binding{}, e.err
	}
	if _, err = x.threshold(m); err != nil {
		e.within("sli", err)
	}
	return binding{m, x}, e.err
}

func (e *entry) bindThreshold(text string) (binding, error) {
	m := lookupMetric(text)
	fits := func(m metric) bool { return m.events || m.statistic == Rate && m.slices }
	switch {
	case fits(m):
	case m.statistic == Ratio:
		e.fail("sli", fmt.Sprintf("%s is a ratio, and this a thresholdMetric", text), "make the SLI a ratioMetric; its limit is the target")
	case strings.ContainsAny(text, "<>="):
		e.fail("sli", fmt.Sprintf("%q has a limit, and so has the objective of a thresholdMetric", text), "leave the name of the metric alone: op and value of the objective say the rest")
	default:
		e.fail("sli", fmt.Sprintf("%q is nothing that a thresholdMetric can be", text), "%s", bindable(text, fits))
	}
	return binding{metric: m}, e.err
}

// bindable says in a hint what there is.
func bindable(name string, fits func(metric) bool) string {
	var names []string
	for _, m := range metrics {
		if fits(m) {
			names = append(names, m.name)
		}
	}
	if hits := near.Names(name, slices.Values(names), 1); len(hits) > 0 {
		return "did you mean " + hits[0] + "?"
	}
	return "known are " + strings.Join(names, ", ")
}
