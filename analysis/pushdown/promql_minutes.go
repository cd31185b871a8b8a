package pushdown

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"llmops/analysis/budget"
	"llmops/rules/alert"
)

// counted is what became of it all, for the source of a report.
type counted struct {
	events   int64 // the most that one objective counted, those left out too
	first    int64 // ms: since when there are counters; only if any
	any      bool
	warnings []string
}

// fill hands what was counted to the budget. Nothing may be added after it.
func (c *counting) fill() (counted, error) {
	c.settle()
	var out counted
	resets := 0
	for _, sel := range selectors(c.list, alert.Events) { // the others have the same ones
		resets += c.reader(sel).resets
	}
	if resets > 0 {
		out.warnings = append(out.warnings, fmt.Sprintf("%d times a counter began anew: what it counted after it was last read is lost, as it is to rate()", resets))
	}
	if c.renamed > 0 {
		out.warnings = append(out.warnings, fmt.Sprintf("%d times a series began where another one of its target ended, with another label it seems: what they counted in that minute is lost", c.renamed))
	}
	for i := range c.list {
		if err := c.objective(i, &out); err != nil {
			return counted{}, err
		}
	}
	slices.Sort(out.warnings)
	out.warnings = slices.Compact(out.warnings)
	return out, nil
}

// sum adds up the increases of the parts of a role in minute n.
func (c *counting) sum(parts []alert.Part, role alert.Role, n int) (sum int64) {
	for _, p := range parts {
		if p.Role == role {
			sum += c.reader(p.Selector).increases[n]
		}
	}
	return sum
}

func (c *counting) reader(selector string) *reader {
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.selector == selector })
	return c.readers[i]
}

// objective hands over the minutes of one objective.
func (c *counting) objective(i int, out *counted) error {
	o := c.list[i]
	name := o.Objective.Name
	first := c.firstSeen(o)
	if first < 0 {
		out.warnings = append(out.warnings, fmt.Sprintf("%s: the server has no series of %s in the time that is looked at", name, listed(selectors([]alert.Counters{o}, alert.Events))))
		return nil
	}
	since := first // a minute more if something was counted in the first already
	if c.sum(o.Parts, alert.Events, first) > 0 {
		since--
	}
	if at := c.m.Since() + int64(since)*minute; !out.any || at < out.first {
		out.any, out.first = true, at
	}
	part, byGood := alert.Bad, false
	if slices.ContainsFunc(o.Parts, func(p alert.Part) bool { return p.Role == alert.Good }) {
		part, byGood = alert.Good, true
	}
	var all, ahead, missing int64
	told := int64(-1) // the slice whose tokens were handed over
	for n := since + 1; n <= int((c.m.Now()-c.m.Since())/minute); n++ {
		end := c.m.Since() + int64(n)*minute
		if !c.seen(o, n) {
			missing++
			if err := c.m.AddMissing(i, end); err != nil {
				return err
			}
		}
		total, some := c.sum(o.Parts, alert.Events, n), c.sum(o.Parts, part, n)+ahead
		ahead = max(some-total, 0) // read at another moment, or of another server
		some -= ahead
		m := budget.Minute{Objective: i, End: end, Good: total - some, Bad: some, Excluded: budget.Excluded{
			Failed: c.sum(o.Parts, alert.Failed, n), Cancelled: c.sum(o.Parts, alert.Cancelled, n), ClientError: c.sum(o.Parts, alert.ClientError, n)}}
		if byGood {
			m.Good, m.Bad = m.Bad, m.Good
		}
		if slice := o.Objective.Slice.Milliseconds(); o.Objective.Metric == "tokens_per_second" && total > 0 && (end-1)/slice != told {
			m.Tokens, told = c.tokens(o, end), (end-1)/slice
		}
		if err := c.m.Add(m); err != nil {
			return fmt.Errorf("objective %q: %w", name, err)
		}
		all += total + m.Excluded.Failed + m.Excluded.Cancelled + m.Excluded.ClientError
	}
	if missing > 0 {
		out.warnings = append(out.warnings, fmt.Sprintf("%s: in %d minutes no counter was there to be read", name, missing))
	}
	if ahead > 0 {
		out.warnings = append(out.warnings, fmt.Sprintf("%s: %d %s events more than events: do both counters count the same requests?", name, ahead, part))
	}
	out.events = max(out.events, all)
	return c.contributors(i)
}

func listed(selectors []string) string { return strings.Join(selectors, " nor of ") }

// firstSeen is the first minute in which there is a counter of all events; -1: never.
func (c *counting) firstSeen(o alert.Counters) int {
	for n := range c.readers[0].seen {
		if c.seen(o, n) {
			return n
		}
	}
	return -1
}

func (c *counting) seen(o alert.Counters, n int) bool {
	return slices.ContainsFunc(o.Parts, func(p alert.Part) bool { return p.Role == alert.Events && c.reader(p.Selector).seen[n] })
}

// tokens are those of the slice that the minute up to end is in: requests end once, but
// tokens come in all of its minutes.
func (c *counting) tokens(o alert.Counters, end int64) (sum int64) {
	slice := o.Objective.Slice.Milliseconds()
	last := (end + slice - 1) / slice * slice
	for at := max(last-slice, c.m.Since()) + minute; at <= min(last, c.m.Now()); at += minute {
		sum += c.sum(o.Parts, alert.Amount, int((at-c.m.Since())/minute))
	}
	return sum
}

// contributors hands over who spent the budget of an objective.
func (c *counting) contributors(i int) error {
	var bad [len(dimensions)]map[string]int64
	for _, r := range c.readers {
		for _, x := range r.shares {
			if x.objective != i {
				continue
			}
			for d, keys := range x.bad {
				if bad[d] == nil {
					bad[d] = map[string]int64{}
				}
				for key, n := range keys {
					bad[d][key] += n
				}
			}
		}
	}
	for d, keys := range bad {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if keys[key] <= 0 {
				continue
			}
			if err := c.m.AddShare(budget.Share{Objective: i, By: dimensions[d].name, Key: key, Bad: keys[key]}); err != nil {
				return err
			}
		}
	}
	return nil
}
