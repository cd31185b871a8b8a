package slo

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readSLO reads an SLO into an Objective for each of its objectives.
func (c *catalogue) readSLO(o *object) ([]Objective, error) {
	e, err := fields(o.spec, "an SLO", "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies")
	if err != nil {
		return nil, err
	}
	if e.has("service") {
		e.text("service")
	}
	base := Objective{Window: DefaultWindow}
	if !e.has("budgetingMethod") {
		e.fail("budgetingMethod", "an SLO without 'budgetingMethod'", "write budgetingMethod: Occurrences, Timeslices or RatioTimeslices")
	}
	base.Method = map[string]Method{"Occurrences": Occurrences, "Timeslices": Timeslices, "RatioTimeslices": RatioTimeslices}[e.choice("budgetingMethod", "Occurrences", "Timeslices", "RatioTimeslices")]
	if !e.has("objectives") {
		e.fail("objectives", "an SLO without 'objectives'", "write objectives: [{target: 0.99}]")
	}
	if e.err != nil {
		return nil, e.err
	}
	if n := e.keys["timeWindow"]; n != nil {
		if base.Window, base.Calendar, err = readWindow(n); err != nil {
			return nil, err
		}
	}
	if base.Alerts, err = c.readPolicies(o.file, e.keys["alertPolicies"]); err != nil {
		return nil, err
	}
	shared, err := c.indicator(e, o.file)
	if err != nil {
		return nil, err
	}
	items, err := sequence(e.keys["objectives"], "objectives")
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, failAt(e.keys["objectives"], "'objectives' is empty", "write at least one, such as {target: 0.99}")
	}
	var out []Objective
	named := map[string]bool{}
	for at, item := range items {
		x, title, err := c.readObjective(o, base, shared, item)
		if err != nil {
			return nil, err
		}
		x.Name = o.name
		if title == "" || named[title] {
			title = strings.TrimSpace(title + " " + strconv.Itoa(at+1))
		}
		named[title] = true
		if len(items) > 1 || title != "1" {
			x.Name += "/" + title
		}
		out = append(out, x)
	}
	return out, nil
}

// indicator is that of an SLO or of an objective; nil where there is none.
func (c *catalogue) indicator(e *entry, file string) (*indicator, error) {
	inline, ref := e.keys["indicator"], e.keys["indicatorRef"]
	switch {
	case inline != nil && ref != nil:
		return nil, failAt(ref, "both 'indicator' and 'indicatorRef'", "remove one")
	case ref != nil:
		return refer(c.indicators, kindSLI, ref)
	case inline != nil:
		o, err := readObject(file, inline, "'indicator'", kindSLI)
		if err != nil {
			return nil, err
		}
		c.inline = append(c.inline, o)
		return c.readIndicator(o)
	}
	return nil, nil
}

// readObjective reads one objective, and its displayName.
func (c *catalogue) readObjective(o *object, base Objective, shared *indicator, n *yaml.Node) (Objective, string, error) {
	e, err := fields(n, "an objective", "displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow",
		"indicator", "indicatorRef", "compositeWeight")
	if err != nil {
		return base, "", err
	}
	title := e.text("displayName")
	if e.has("compositeWeight") {
		e.fail("compositeWeight", "composite SLOs are not read: each objective is judged by itself", "remove 'compositeWeight'")
	}
	if e.err != nil {
		return base, "", e.err
	}
	i, err := c.indicator(e, o.file)
	if err != nil {
		return base, "", err
	}
	switch {
	case i != nil && shared != nil:
		return base, "", failAt(i.place, "an indicator of the objective, and one of the SLO", "keep one of the two")
	case i == nil && shared == nil:
		return base, "", failAt(e.node, "an objective without an indicator", "write indicator or indicatorRef, in the SLO's spec or here")
	case i == nil:
		i = shared
	}
	b, err := bind(i, o)
	if err != nil {
		return base, "", err
	}
	x := base
	x.Source = new(i.source)
	if e.has("value") {
		x.Source.Limit = e.text("value")
	}
	x.Metric, x.Target = b.metric.canonical(), e.budgetTarget()
	e.compare(&x, i, o, b)
	e.slices(&x, i, o, b)
	e.failures(&x, i, o)
	return x, title, e.err
}

// budgetTarget is target, or targetPercent, above 0 and below 1.
func (e *entry) budgetTarget() Decimal {
	key, most := "target", big.NewRat(1, 1)
	switch {
	case e.has("target") && e.has("targetPercent"):
		e.fail("targetPercent", "both 'target' and 'targetPercent'", "remove one")
	case e.has("targetPercent"):
		key, most = "targetPercent", big.NewRat(100, 1)
	case !e.has("target"):
		e.fail("target", "an objective without 'target'", "write target: 0.99, or targetPercent: 99")
	}
	return e.part(key, most, false)
}

// part reads a number above 0 and below most, or up to it, and divides by it.
func (e *entry) part(key string, most *big.Rat, whole bool) Decimal {
	text := e.text(key)
	if e.err != nil {
		return Decimal{}
	}
	d, err := ParseDecimal(text)
	end, last := "below", -1
	if whole {
		end, last = "up to", 0
	}
	if err != nil || d.Rat.Sign() == 0 || d.Rat.Cmp(most) > last {
		e.fail(key, fmt.Sprintf("%s %q is no share", key, text), "want a decimal above 0 and %s %s", end, most.RatString())
		return Decimal{}
	}
	if most.Cmp(big.NewRat(1, 1)) == 0 {
		return d
	}
	return decimalOf(new(big.Rat).Quo(d.Rat, most))
}

// compare sets what makes an event or a slice good.
func (e *entry) compare(x *Objective, i *indicator, o *object, b binding) {
	unit, err := note(i, o, noteUnit)
	if err != nil && e.err == nil {
		e.err = err
	}
	if i.unit != nil {
		if unit.at != nil && e.err == nil {
			e.err = failAt(unit.at, "the source of type llmops says already what the unit is", "remove the annotation")
		}
		unit = annotation{text: i.unit.Value, at: i.unit}
	}
	if i.ratio {
		if unit.at != nil && e.err == nil {
			e.err = failAt(unit.at, "a ratio has no unit", "remove it")
		}
		if op := e.operator("op"); e.has("op") && op.Upper() {
			e.fail("op", "the objective of a ratioMetric asks for at least the target", "remove 'op'")
		}
		if e.has("value") {
			if _, err := ParseDecimal(e.text("value")); err != nil {
				e.fail("value", fmt.Sprintf("value %q is no number", e.text("value")), "remove it: a ratioMetric has none")
			}
		}
		if b.x.name == "" {
			x.Expr, x.Statistic, x.Op, x.Threshold = b.metric.name, Ratio, GreaterEqual, x.Target
			return
		}
		x.Statistic, x.Op = Quantile, b.x.op
		x.Threshold, _ = b.x.threshold(b.metric) // bind has looked
		x.Expr = strings.TrimSpace(b.x.text)
		return
	}
	for _, key := range []string{"op", "value"} {
		if !e.has(key) {
			e.fail(key, fmt.Sprintf("the objective of a thresholdMetric without %q", key), "write op: lt and value: 500, say")
		}
	}
	x.Op, x.Statistic = e.operator("op"), Quantile
	if b.metric.statistic == Rate {
		x.Statistic = Rate
	}
	text := e.text("value")
	if e.err != nil {
		return
	}
	limit := expression{text: text, name: b.metric.name, op: x.Op, number: text, unit: unit.text}
	if _, ok := units[b.metric.dim][unit.text]; unit.at != nil && !ok {
		e.err = failAt(unit.at, fmt.Sprintf("%s has no unit %q", b.metric.name, unit.text), unitHint(b.metric.dim))
		return
	}
	if x.Threshold, err = limit.threshold(b.metric); err != nil {
		e.within("value", err)
		return
	}
	x.Expr = fmt.Sprintf("%s %s %s", b.metric.name, x.Op, x.Threshold.Text)
}
