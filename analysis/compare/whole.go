package compare

import "slices"

// distrust takes back what failed requests flatter: they are in no latency, and those
// that would have been slowest may be the ones that failed.
func (c *Comparison) distrust() {
	if !c.failsMore && !slices.ContainsFunc(c.Metrics, func(m Metric) bool { return m.Name == errorRateName && m.Verdict == Worse }) {
		return
	}
	for j := range c.Metrics {
		m := &c.Metrics[j]
		if !m.statistic.latency() || m.Verdict == Worse {
			continue
		}
		m.Verdict, m.Detail = Undetermined, "the candidate fails more requests, and those are in no latency"
		if m.Gate == Pass {
			m.Gate = Undetermined
		}
	}
}

const errorRateName = "error_rate"

// failing looks at the failed requests also where nobody asked for their share.
func (c *Comparison) failing(before, after []prepared, o Options, t *tables) {
	st, _ := Lookup(errorRateName)
	if slices.ContainsFunc(c.Metrics, func(m Metric) bool { return m.Name == st.Name }) {
		return
	}
	if a, b, ok := measure(st, before, after); ok {
		m := o.weighed(st, a, b, t)
		m.Adjusted = m.P
		m.judge()
		c.failsMore = m.Verdict == Worse
	}
}

// conclude gives the verdict of the whole: of the gates, if there are any, else of
// what is judged. Without gates a tail that is undetermined does not keep the whole
// from passing, but a median does, and so does knowing nothing.
func (c *Comparison) conclude() {
	var open, worse []string
	known := false
	for i := range c.Metrics {
		m := &c.Metrics[i]
		if !m.Judged {
			continue
		}
		verdict := m.Verdict
		if m.Limit != nil {
			verdict = m.Gate
		}
		switch {
		case verdict == Worse || verdict == Fail:
			worse = append(worse, m.Name)
		case verdict == Undetermined && (m.Limit != nil || m.weight > 1):
			open = append(open, m.Name)
		case verdict != Undetermined && m.Name != errorRateName || m.Limit != nil:
			known = true
		}
	}
	switch {
	case len(c.Invalid) > 0:
		c.Verdict = Undetermined
	case len(worse) > 0:
		c.Verdict, c.Reasons = Fail, worse
	case len(open) > 0 || !known:
		c.Verdict, c.Reasons = Undetermined, open
	default:
		c.Verdict = Pass
	}
}
