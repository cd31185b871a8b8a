package pushdown

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"llmops/analysis/budget"
	"llmops/rules/alert"
)

const minute = 60_000 // ms

// selectors are the counters to ask a Prometheus-compatible server for, each once.
// With roles only those of them.
func selectors(list []alert.Counters, roles ...alert.Role) (out []string) {
	for _, c := range list {
		for _, p := range c.Parts {
			if (len(roles) == 0 || slices.Contains(roles, p.Role)) && !slices.Contains(out, p.Selector) {
				out = append(out, p.Selector)
			}
		}
	}
	return out
}

// counting makes counts of minutes out of counters that are read at every whole
// minute. Numbers are differences of what the counters show, never extrapolated:
//
//   - A counter that is lower than before began anew, and has increased by what it shows.
//   - A series that appears where its target (job and instance) was seen before has
//     increased by what it shows: a counter of failures appears with the first failure.
//     Of a new target, and of series without an instance, the first value is only where
//     counting begins, since they may have run for long.
//   - What a counter increased by while it was not seen is of the minute in which it is
//     seen again. If its target was seen meanwhile, it began anew.
type counting struct {
	list    []alert.Counters
	m       *budget.Minutes
	keys    bool
	readers []*reader
	renamed int // series that seem to have got another label
}

// newCounting counts for the objectives of the list, which are those of m in their order.
// byKey lists contributors by the label of a caller too.
func newCounting(list []alert.Counters, m *budget.Minutes, byKey bool) *counting {
	c := &counting{list: list, m: m, keys: byKey}
	minutes := (m.Now() - m.Since()) / minute
	for _, s := range selectors(list) {
		r := &reader{selector: s, series: map[string]*series{}, increases: make([]int64, minutes+1), seen: make([]bool, minutes+1)}
		for i, o := range list {
			for _, p := range o.Parts {
				if sign := shareSign(o, p.Role); p.Selector == s && sign != 0 {
					r.shares = append(r.shares, share{objective: i, sign: sign, start: floorMinute(m.Start(i) + minute - 1)})
				}
			}
		}
		c.readers = append(c.readers, r)
	}
	return c
}

// shareSign is what an increase is to the bad events of a key: all that are bad, or all
// less those that are good.
func shareSign(c alert.Counters, role alert.Role) int64 {
	byGood := slices.ContainsFunc(c.Parts, func(p alert.Part) bool { return p.Role == alert.Good })
	switch {
	case c.Objective.Method.Sliced():
		return 0
	case role == alert.Bad, role == alert.Events && byGood:
		return 1
	case role == alert.Good:
		return -1
	}
	return 0
}

// add takes a part of a series of the selector: its values at whole minutes (ms),
// ascending. Parts of a selector come in the order of time; what was seen already is
// passed over, so that a part may be read again. Two selectors may be added to at once.
func (c *counting) add(selector string, labels map[string]string, times []int64, values []float64) error {
	i := slices.IndexFunc(c.readers, func(r *reader) bool { return r.selector == selector })
	if i < 0 {
		return fmt.Errorf("series of %s, which was not asked for", selector)
	}
	r := c.readers[i]
	s, err := r.at(labels, c.keys)
	if err != nil {
		return err
	}
	for k, t := range times {
		n := (t - c.m.Since()) / minute
		last := s.last()
		if t%minute != 0 || n < 0 || n >= int64(len(r.seen)) || last != nil && t <= last.to {
			continue
		}
		v, ok := whole(values[k])
		if !ok {
			return fmt.Errorf("%s is %v at %s: a counter of events has whole numbers up to 2^53", show(labels), values[k], budget.Time(t))
		}
		r.seen[n] = true
		switch {
		case last == nil:
			s.first = v
		case v < s.value:
			r.resets++
			r.increase(s, t, n, v)
		case t == last.to+minute:
			r.increase(s, t, n, v-s.value)
		default:
			s.returns = append(s.returns, comeback{left: last.to, at: t, before: s.value, after: v})
		}
		if s.value = v; last != nil && t == last.to+minute {
			last.to = t
		} else {
			s.runs = append(s.runs, run{t, t})
		}
	}
	return nil
}

// whole tells whether a value counts events.
func whole(v float64) (int64, bool) {
	if !(v >= 0 && v <= 1<<53) || v != math.Trunc(v) {
		return 0, false
	}
	return int64(v), true
}

// reader is what became of one selector.
type reader struct {
	selector  string
	series    map[string]*series
	increases []int64 // by minute; that at 0 ends at Since
	seen      []bool
	resets    int
	shares    []share
}

// share adds up increases by key.
type share struct {
	objective   int
	sign, start int64
	bad         [len(dimensions)]map[string]int64
}

type series struct {
	runs         []run // when it was seen; apart by more than a minute
	first, value int64 // the first value, and the last
	returns      []comeback
	target       string // "": not known
	keys         [len(dimensions)]string
}

func (s *series) last() *run {
	if len(s.runs) == 0 {
		return nil
	}
	return &s.runs[len(s.runs)-1]
}

// maxSeries bounds those of a selector, over all of the time.
const maxSeries = 100_000

func (r *reader) at(labels map[string]string, byKey bool) (*series, error) {
	id := identity(labels)
	s := r.series[id]
	if s == nil {
		if len(r.series) >= maxSeries {
			return nil, fmt.Errorf("%s has more than %d series", r.selector, maxSeries)
		}
		s = &series{}
		if instance := labels["instance"]; instance != "" {
			s.target = labels["job"] + "\x00" + instance
		}
		for d := range dimensions {
			if d != keyDimension || byKey {
				s.keys[d] = dimensions[d].key(labels)
			}
		}
		r.series[id] = s
	}
	return s, nil
}

// identity is a text that no other labels have.
func identity(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name + "\x00" + labels[name] + "\x00")
	}
	return b.String()
}

// show is a series as PromQL has it.
func show(labels map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			list = append(list, fmt.Sprintf("%s=%q", name, labels[name]))
		}
	}
	return labels["__name__"] + "{" + strings.Join(list, ",") + "}"
}

func (r *reader) increase(s *series, t, n, by int64) {
	r.increases[n] += by
	for i := range r.shares {
		x := &r.shares[i]
		if t <= x.start {
			continue
		}
		for d, key := range s.keys {
			if key == "" || by == 0 {
				continue
			}
			if x.bad[d] == nil {
				x.bad[d] = map[string]int64{}
			}
			x.bad[d][key] += x.sign * by
		}
	}
}
