package slo

import (
	"fmt"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// condition is an AlertCondition.
type condition struct{ alert BurnAlert }

// policy is an AlertPolicy. It has no alert where it is not to fire on a breach.
type policy struct{ alerts []BurnAlert }

func (c *catalogue) addCondition(o *object) error {
	found, err := readCondition(o)
	c.conditions[o.name] = found
	return err
}

func (c *catalogue) addPolicy(o *object) error {
	found, err := c.readPolicy(o)
	c.policies[o.name] = found
	return err
}

// readPolicies reads the alert policies of an SLO, inline or by reference.
func (c *catalogue) readPolicies(file string, n *yaml.Node) ([]BurnAlert, error) {
	if n == nil {
		return nil, nil
	}
	items, err := sequence(n, "alertPolicies")
	if err != nil {
		return nil, err
	}
	var out []BurnAlert
	for _, item := range items {
		var p *policy
		if ref := value(item, "alertPolicyRef"); ref != nil {
			if _, err := fields(item, "an entry of alertPolicies", "alertPolicyRef"); err != nil {
				return nil, err
			}
			p, err = refer(c.policies, kindPolicy, ref)
		} else {
			var o *object
			if o, err = readObject(file, item, "an entry of alertPolicies", kindPolicy); err == nil {
				p, err = c.readPolicy(o)
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, p.alerts...)
	}
	return out, nil
}

func (c *catalogue) readPolicy(o *object) (*policy, error) {
	e, err := fields(o.spec, "an AlertPolicy", "description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets")
	if err != nil {
		return nil, err
	}
	e.flag("alertWhenNoData", false)
	e.flag("alertWhenResolved", false)
	breaching := e.flag("alertWhenBreaching", true)
	if e.err == nil && e.has("notificationTargets") {
		_, e.err = sequence(e.keys["notificationTargets"], "notificationTargets")
	}
	if !e.has("conditions") {
		e.fail("conditions", "an AlertPolicy without 'conditions'", "write conditions: [{conditionRef: ...}], or one in place")
	}
	if e.err != nil {
		return nil, e.err
	}
	items, err := sequence(e.keys["conditions"], "conditions")
	if err != nil {
		return nil, err
	}
	if len(items) != 1 {
		return nil, failAt(e.keys["conditions"], fmt.Sprintf("%d conditions in one AlertPolicy", len(items)),
			"OpenSLO allows one; for a second, shorter window that must burn too, annotate the AlertCondition with llmops/short-window: 5m")
	}
	found, err := c.condition(o.file, items[0])
	if err != nil || !breaching {
		return &policy{}, err
	}
	return &policy{alerts: []BurnAlert{found.alert}}, nil
}

// condition is one of a policy, inline or by reference.
func (c *catalogue) condition(file string, n *yaml.Node) (*condition, error) {
	if ref := value(n, "conditionRef"); ref != nil {
		if _, err := fields(n, "an entry of conditions", "conditionRef"); err != nil {
			return nil, err
		}
		return refer(c.conditions, kindCondition, ref)
	}
	o, err := readObject(file, n, "an entry of conditions", kindCondition)
	if err != nil {
		return nil, err
	}
	return readCondition(o)
}

// readCondition makes a burn rate over one window into a BurnAlert: both of its
// windows are that one, unless an annotation names a shorter one.
func readCondition(o *object) (*condition, error) {
	outer, err := fields(o.spec, "an AlertCondition", "description", "severity", "condition")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"severity", "condition"} {
		if !outer.has(key) {
			outer.fail(key, fmt.Sprintf("an AlertCondition without %q", key), "it needs severity and condition")
		}
	}
	a := BurnAlert{Severity: outer.text("severity")}
	if utf8.RuneCountInString(a.Severity) > 64 {
		outer.fail("severity", "a severity of more than 64 characters", "write page or ticket, say")
	}
	if outer.err != nil {
		return nil, outer.err
	}
	e, err := fields(outer.keys["condition"], "'condition'", "kind", "op", "threshold", "lookbackWindow", "alertAfter")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"op", "threshold", "lookbackWindow"} {
		if !e.has(key) {
			e.fail(key, fmt.Sprintf("a burn rate condition without %q", key), "it needs op, threshold and lookbackWindow")
		}
	}
	e.choice("kind", "burnrate")
	a.Op = e.operator("op")
	if e.err == nil && a.Op.Upper() {
		e.fail("op", fmt.Sprintf("op %s fires while the budget burns slowly: all the time that the service is healthy", e.keys["op"].Value),
			"write op: gt, or gte")
	}
	if a.Threshold, err = ParseDecimal(e.text("threshold")); err != nil || a.Threshold.Rat.Sign() == 0 {
		e.fail("threshold", "the threshold of a condition is a burn rate above 0", "want a number such as 14.4")
	}
	a.Long = e.shorthand("lookbackWindow")
	if text := e.text("alertAfter"); text != "0m" {
		a.For = e.shorthand("alertAfter")
	}
	if e.err != nil {
		return nil, e.err
	}
	a.Short = a.Long
	if short := o.annotations[noteShort]; short.at != nil {
		e = &entry{keys: map[string]*yaml.Node{noteShort: short.at}}
		if a.Short = e.shorthand(noteShort); e.err == nil && a.Short > a.Long {
			e.fail(noteShort, "the short window of a condition is longer than its lookbackWindow", "want a part of it, such as a twelfth")
		}
	}
	return &condition{a}, e.err
}

// operator reads the word for one.
func (e *entry) operator(key string) Op {
	switch e.choice(key, "gt", "gte", "lt", "lte") {
	case "gte":
		return GreaterEqual
	case "lt":
		return Less
	case "lte":
		return LessEqual
	}
	return Greater
}

// shorthand reads a duration of OpenSLO with the nominal length of its unit; 0
// where there is none.
func (e *entry) shorthand(key string) time.Duration {
	text := e.text(key)
	if text == "" {
		return 0
	}
	n, unit, err := parseShorthand(text)
	if err != nil {
		e.fail(key, fmt.Sprintf("%s %q is no duration", key, text), "%v", err)
		return 0
	}
	return time.Duration(n) * nominal(unit)
}
