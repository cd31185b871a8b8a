package budget

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"llmops/rules/slo"
)

// A Minute is what another engine, a database say, counted for one objective of
// the events that ended in (End - 60 s, End].
type Minute struct {
	Objective int   // its index in Config.Objectives
	End       int64 // ms since the epoch, a multiple of 60,000
	Good, Bad int64 // the events that count
	Excluded  Excluded
	Tokens    int64 // output tokens of the good events; only of tokens_per_second
	// Moment: only the events that ended at End itself, in the last millisecond, which
	// is one of Minutes.Moments. The others of that minute then come without them.
	Moment bool
}

// Excluded are the events that count neither way, by reason.
type Excluded struct{ Unmeasured, Failed, Cancelled, ClientError, HealthCheck int64 }

// Minutes judges counts of whole minutes as a Counter judges events. What counts
// do not tell, such as percentiles, its report leaves out. It is for one
// goroutine at a time.
type Minutes struct {
	c   *Counter
	p   *pass
	any bool
}

// NewMinutes needs the time of judgement, Config.At, on a whole minute, and
// refuses windows and slices that are no whole minutes. Config.Spill plays no part.
func NewMinutes(cfg Config) (*Minutes, error) {
	if cfg.At == nil || *cfg.At%minute != 0 {
		return nil, errors.New("counts of minutes are judged at a whole minute: the time is missing or lies within one")
	}
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if err := c.WholeMinutes(); err != nil {
		return nil, err
	}
	for _, r := range c.rules {
		if r.Calendar == nil {
			continue
		}
		if from, _ := r.Calendar.Period(time.UnixMilli(*cfg.At)); from.UnixMilli()%minute != 0 {
			return nil, fmt.Errorf("objective %q: its period begins at %s: want a whole minute, as only counts of minutes are asked for", r.Name, from.Format(time.RFC3339))
		}
	}
	f := c.frame(*cfg.At, math.MaxInt64)
	f.since = new(c.since(&f))
	f.missing = make([]map[int64]struct{}, len(c.rules))
	return &Minutes{c: c, p: c.newPass(f, new([dimensions]weights))}, nil
}

// WholeMinutes refuses windows and slices that counts of whole minutes cannot
// tell of, before any count is asked for.
func (c *Counter) WholeMinutes() error {
	for _, r := range c.rules {
		if err := r.wholeMinutes(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rule) wholeMinutes() error {
	refuse := func(what string, ms int64) error {
		return fmt.Errorf("objective %q: a %s of %s: want whole minutes, as only counts of minutes are asked for", r.Name, what, slo.FormatDuration(millisOf(ms)))
	}
	if r.slice%minute != 0 {
		return refuse("slice", r.slice)
	}
	if r.Calendar == nil && r.span%minute != 0 {
		return refuse("window", r.span)
	}
	for _, a := range r.alerts {
		for _, w := range []int64{a.long, a.short} {
			if w%minute != 0 {
				return refuse("window of an alert", w)
			}
		}
	}
	return nil
}

// since is the time from which on counts are needed: for all windows, for the
// whole of the slices that end in them, and for alerts to be replayed over the
// window of their objective.
func (c *Counter) since(f *frame) int64 {
	since := f.now
	for i, r := range c.rules {
		start := min(f.own[i].start, f.now-slices.Max(r.burns))
		for _, a := range r.alerts {
			start = min(start, f.own[i].start-a.long-a.hold)
		}
		since = min(since, start-r.slice)
	}
	return (bucketOf(since+1, minute) - 1) * minute // the last whole minute up to there
}

// Now is the time of judgement in ms.
func (m *Minutes) Now() int64 { return m.p.f.now }

// Since is the time in ms after which counts are needed: those of the minutes
// that end in (Since, Now].
func (m *Minutes) Since() int64 { return *m.p.f.since }

// Start is when the window (Start, Now] of an objective begins, in ms. A calendar's
// period holds its first moment, a whole minute, so Start is the millisecond before.
func (m *Minutes) Start(objective int) int64 { return m.p.f.own[objective].start }

// Moments are the first moments of calendar periods in ms, ascending. Each lies in the
// last minute of the period before: without counts of its own, see Minute.Moment, what
// ended in it counts in that period.
func (m *Minutes) Moments() (at []int64) {
	for i, r := range m.c.rules {
		if r.Calendar != nil {
			at = append(at, m.Start(i)+1)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

func (m *Minutes) check(objective int, end int64) error {
	switch {
	case objective < 0 || objective >= len(m.c.rules):
		return fmt.Errorf("counts of objective %d of %d", objective, len(m.c.rules))
	case end%minute != 0:
		return fmt.Errorf("counts up to %s, which is no whole minute", Time(end))
	}
	return nil
}

// Add takes what was counted of a minute; counts of the same minute add up. What
// lies outside (Since, Now] is passed over. It is an error if a number is
// negative, or greater than a minute can have.
func (m *Minutes) Add(x Minute) error {
	if err := m.check(x.Objective, x.End); err != nil {
		return err
	}
	if x.End <= m.Since() || x.End > m.Now() {
		return nil
	}
	by := [outcomes]int64{good: x.Good, bad: x.Bad, unmeasured: x.Excluded.Unmeasured, failed: x.Excluded.Failed,
		cancelled: x.Excluded.Cancelled, clientError: x.Excluded.ClientError, healthCheck: x.Excluded.HealthCheck}
	var all int64
	for _, n := range by {
		if n < 0 || n > math.MaxUint32 {
			return fmt.Errorf("%d events in the minute up to %s: want 0 to %d", n, Time(x.End), uint32(math.MaxUint32))
		}
		all += n
	}
	if x.Tokens < 0 {
		return fmt.Errorf("%d tokens in the minute up to %s", x.Tokens, Time(x.End))
	}
	if all == 0 {
		return nil
	}
	m.any = true
	f, rule, c := &m.p.f, m.c.rules[x.Objective], &m.p.counts[x.Objective]
	from, last := x.End-minute+1, x.End-1 // of whole minutes, windows end with the last moment
	if x.Moment {
		from, last = x.End, x.End
	}
	f.first = min(f.first, from)
	age := 0
	for age < len(f.starts) && last > f.starts[age] {
		age++
	}
	for o, n := range by {
		c.ages[age][o] += n
	}
	total := x.Good + x.Bad
	if total == 0 {
		return nil
	}
	at := bucketOf(x.End, rule.length(m.c))
	if w := &f.own[x.Objective]; rule.slice == 0 && last <= w.start && at == w.before {
		c.outside = c.outside.plus(tally{total: total, bad: x.Bad})
	}
	if at < m.p.oldest[x.Objective] {
		return nil
	}
	count := cell{valid: total, bad: x.Bad}
	if rule.rate == tokens {
		count.amount = x.Tokens
	}
	c.cells.add(at, count)
	return nil
}

// AddMissing tells that for an objective nothing is known of the minute up to
// end, which its coverage then leaves out.
func (m *Minutes) AddMissing(objective int, end int64) error {
	if err := m.check(objective, end); err != nil {
		return err
	}
	missing := &m.p.f.missing[objective]
	if *missing == nil {
		*missing = map[int64]struct{}{}
	}
	(*missing)[end] = struct{}{}
	return nil
}

// Report judges all that was added. source.First, where it is known, is the
// oldest event in (Since, Now]; else coverage begins with the first minute that
// has any.
func (m *Minutes) Report(source Source) (Report, error) {
	out := m.c.blank(source)
	out.Source.Resolution, out.Source.Since = "1m", new(Time(m.Since()))
	out.Metrics.Unmeasured = true
	out.Now = new(Time(m.Now()))
	if !m.any {
		return out, nil
	}
	if source.First != nil {
		m.p.f.first = int64(*source.First)
	}
	for _, g := range m.p.groups {
		g.weigh()
		g.prune(maxGroups)
	}
	m.c.judgeAll(&out, m.p)
	return out, nil
}

// missingSince counts the milliseconds from start on of which nothing is known.
func (f *frame) missingSince(objective int, start int64) (ms int64) {
	if f.missing == nil {
		return 0
	}
	for end := range f.missing[objective] {
		if end > max(start, f.first) && end <= f.now {
			ms += minute
		}
	}
	return ms
}
