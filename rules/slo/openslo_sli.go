package slo

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ownSource is the metricSource.type of what this program measures itself.
const ownSource = "llmops"

// indicator is an SLI: a share of good events, or a value to be compared with
// that of an objective.
type indicator struct {
	*object
	place *yaml.Node // of the metric
	ratio bool
	own   string // what a source of type llmops says it is; "" for other sources
	unit  *yaml.Node
	// source is what other monitoring is asked for.
	source Source
}

func (c *catalogue) addSource(o *object) error {
	e, err := fields(o.spec, "a DataSource", "description", "type", "connectionDetails")
	if err != nil {
		return err
	}
	c.sources[o.name] = e.text("type")
	return e.err
}

func (c *catalogue) addIndicator(o *object) error {
	i, err := c.readIndicator(o)
	c.indicators[o.name] = i
	return err
}

func (c *catalogue) readIndicator(o *object) (*indicator, error) {
	e, err := fields(o.spec, "an SLI", "description", "thresholdMetric", "ratioMetric")
	if err != nil {
		return nil, err
	}
	switch threshold, ratio := e.keys["thresholdMetric"], e.keys["ratioMetric"]; {
	case threshold != nil && ratio != nil:
		return nil, failAt(ratio, "an SLI with both thresholdMetric and ratioMetric", "remove one")
	case threshold != nil:
		return c.readThreshold(o, threshold)
	case ratio != nil:
		return c.readRatio(o, ratio)
	}
	return nil, failAt(e.node, "an SLI without a metric", "write ratioMetric for a share of good events, or thresholdMetric for a value")
}

func (c *catalogue) readThreshold(o *object, n *yaml.Node) (*indicator, error) {
	i := &indicator{object: o, place: n}
	source, err := c.readMetric(n, "a thresholdMetric", &i.source.Value)
	if err != nil || source == nil {
		return i, err
	}
	i.own, i.unit = source.text("metric"), source.keys["unit"]
	return i, source.err
}

// The names under which a source of type llmops has the parts of a ratio.
var (
	partNames = map[string]string{"good": "requests.good", "bad": "requests.bad", "total": "requests.total"}
	rawNames  = map[string][]string{"success": {"availability", "success_rate"}, "failure": {"error_rate"}}
)

func (c *catalogue) readRatio(o *object, n *yaml.Node) (*indicator, error) {
	e, err := fields(n, "a ratioMetric", "counter", "good", "bad", "total", "rawType", "raw")
	if err != nil {
		return nil, err
	}
	i := &indicator{object: o, place: n, ratio: true}
	i.source.Counter = e.flag("counter", false)
	parts := []string{"good", "bad", "total"}
	var given []string
	for _, p := range append(parts, "raw") {
		if e.has(p) {
			given = append(given, p)
		}
	}
	switch strings.Join(given, " ") {
	case "good total", "bad total":
		if e.has("rawType") {
			e.fail("rawType", "'rawType' belongs to 'raw'", "remove it")
		}
	case "raw":
		if !e.has("rawType") {
			e.fail("raw", "'raw' without 'rawType'", "write rawType: success for a share of good events, or failure for one of bad events")
		}
	default:
		e.fail("", "a ratioMetric of neither good and total, nor bad and total, nor raw", "write two of the three, or raw alone")
	}
	raw := e.choice("rawType", "success", "failure")
	names := rawNames[raw]
	i.source.RawBad = raw == "failure"
	queries := map[string]*Query{"good": &i.source.Good, "bad": &i.source.Bad, "total": &i.source.Total, "raw": &i.source.Raw}
	if e.err != nil {
		return nil, e.err
	}
	own := 0
	for _, p := range given {
		source, err := c.readMetric(e.keys[p], "'"+p+"'", queries[p])
		if err != nil {
			return nil, err
		}
		if source == nil {
			continue
		}
		own++
		want := names
		if p != "raw" {
			want = []string{partNames[p]}
		}
		if source.has("unit") {
			source.fail("unit", "a ratio has no unit", "remove it")
		}
		if source.choice("metric", want...); source.err != nil {
			return nil, source.err
		}
		i.own = "availability"
	}
	if own > 0 && own < len(given) {
		return nil, failAt(n, "a ratioMetric of which one part only is of type llmops", "both must be")
	}
	return i, nil
}

// readMetric reads one metricSource. It gives the spec where that is of type
// llmops; of other sources it keeps the query, whatever that means.
func (c *catalogue) readMetric(n *yaml.Node, what string, query *Query) (*entry, error) {
	outer, err := fields(n, what, "metricSource")
	if err != nil {
		return nil, err
	}
	if !outer.has("metricSource") {
		return nil, failAt(n, what+" without 'metricSource'", "write metricSource: {type: llmops, spec: {metric: ...}}, or that of your monitoring")
	}
	e, err := fields(outer.keys["metricSource"], "a metricSource", "metricSourceRef", "type", "spec")
	if err != nil {
		return nil, err
	}
	of, ref := e.text("type"), e.text("metricSourceRef")
	if e.err != nil {
		return nil, e.err
	}
	if of == "" {
		of = c.sources[ref] // not known: in a file of its own
	}
	if of != ownSource {
		*query = e.query(of)
		return nil, nil
	}
	if !e.has("spec") {
		return nil, failAt(e.node, "a metricSource of type llmops without 'spec'", "write spec: {metric: latency_ms}")
	}
	spec, err := fields(e.keys["spec"], "the spec of a metricSource of type llmops", "metric", "unit")
	if err == nil && !spec.has("metric") {
		err = failAt(spec.node, "a metricSource of type llmops without 'metric'", "write metric: latency_ms, say")
	}
	return spec, err
}

// flag reads a boolean.
func (e *entry) flag(key string, missing bool) bool {
	if !e.has(key) {
		return missing
	}
	switch e.text(key) {
	case "true":
		return true
	case "false":
		return false
	}
	e.fail(key, fmt.Sprintf("%q must be true or false", key), "write one of them")
	return false
}
