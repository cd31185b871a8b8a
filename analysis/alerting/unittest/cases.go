package unittest

import (
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"
)

func (r *reader) alertCase(n *yaml.Node) AlertCase {
	c := AlertCase{Position: r.at(n)}
	ours := false
	var firing, pending []Expected
	read := func(into *[]Expected) func(*yaml.Node) {
		return func(n *yaml.Node) {
			*into = []Expected{}
			r.each(n, "expected alerts", func(n *yaml.Node) { *into = append(*into, r.expected(n)) })
		}
	}
	r.mapping(n, "an item of alert_rule_test",
		field{"eval_time", func(n *yaml.Node) { c.At = r.duration(n, "eval_time") }},
		field{"alertname", func(n *yaml.Node) { c.Alert, _ = r.text(n, "alertname") }},
		field{"exp_alerts", read(&firing)},
		field{"exp_pending", func(n *yaml.Node) { ours = true; read(&pending)(n) }},
		field{"exp_receivers", func(n *yaml.Node) {
			ours, c.Receivers = true, []string{}
			r.each(n, "exp_receivers", func(n *yaml.Node) {
				name, _ := r.text(n, "a receiver")
				c.Receivers = append(c.Receivers, name)
			})
		}})
	if firing == nil && !ours {
		firing = []Expected{} // what is not said is not expected
	}
	if c.Alert == "" {
		r.failf(n, "name the alert that it is about", "an item of alert_rule_test without alertname")
	}
	for _, list := range [][]Expected{firing, pending} {
		for i := range list {
			ls := list[i].Labels.Map() // a builder would drop empty labels, with which nothing is equal
			ls[labels.AlertName] = c.Alert
			list[i].Labels = labels.FromMap(ls)
		}
	}
	c.Firing, c.Pending = firing, pending
	return c
}

func (r *reader) expected(n *yaml.Node) (e Expected) {
	read := func(into *labels.Labels, what string) field {
		return field{what, func(n *yaml.Node) {
			m := r.strings(n, what)
			for name, value := range m {
				if value == "" {
					r.notef(n, "leave it out: an empty label is none", "%s: %q is empty, and no alert has an empty label", what, name)
				}
			}
			*into = labels.FromMap(m)
		}}
	}
	annotations := field{"exp_annotations", func(n *yaml.Node) { e.Annotations = labels.FromMap(r.strings(n, "exp_annotations")) }}
	r.mapping(n, "an expected alert", read(&e.Labels, "exp_labels"), annotations)
	return e
}

func (r *reader) exprCase(n *yaml.Node) ExprCase {
	c := ExprCase{Position: r.at(n)}
	r.mapping(n, "an item of promql_expr_test",
		field{"expr", func(n *yaml.Node) {
			c.Expr, _ = r.text(n, "expr")
			if _, err := r.promql.ParseExpr(c.Expr); err != nil {
				r.failf(n, "", "expr: %v", plain(err))
			}
		}},
		field{"eval_time", func(n *yaml.Node) { c.At = r.duration(n, "eval_time") }},
		field{"exp_samples", func(n *yaml.Node) {
			r.each(n, "exp_samples", func(n *yaml.Node) { c.Samples = append(c.Samples, r.sample(n)) })
		}})
	if c.Expr == "" {
		r.failf(n, "write an expression", "an item of promql_expr_test without expr")
	}
	return c
}

func (r *reader) sample(n *yaml.Node) (s Sample) {
	r.mapping(n, "an expected sample",
		field{"labels", func(n *yaml.Node) {
			text, _ := r.text(n, "labels")
			ls, err := r.promql.ParseMetric(text)
			if err != nil {
				r.failf(n, "write a series such as 'up{job=\"a\"}'", "labels %q: %v", shorten(text), plain(err))
			}
			s.Labels = ls
		}},
		field{"value", func(n *yaml.Node) {
			if err := n.Decode(&s.Value); err != nil {
				r.failf(n, "YAML writes the infinities .inf and -.inf", "value must be a number, not %q", n.Value)
			}
			if math.IsNaN(s.Value) {
				r.notef(n, "test an expression such as (x != bool x), which is 1 for NaN", "NaN is equal to no value, so that this never holds")
			}
		}},
		field{"histogram", func(n *yaml.Node) {
			if n.Value != "" {
				r.failf(n, "", "a native histogram: they are not read")
			}
		}})
	return s
}
