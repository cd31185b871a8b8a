package budget

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"llmops/rules/slo"
)

// A judge has what one pass counted for one rule and answers from it.
type judge struct {
	*rule
	index  int // of the rule
	now    int64
	window window
	frame  *frame
	count  *count
	order  []int64 // of the chunks of the cells
	bucket int64   // ms of a point
}

func (c *Counter) judge(i int, p *pass) *judge {
	j := &judge{rule: c.rules[i], index: i, now: p.f.now, window: p.f.own[i], frame: &p.f, count: &p.counts[i], bucket: c.rules[i].length(c)}
	j.order = slices.Sorted(maps.Keys(j.count.cells.chunks))
	return j
}

// since counts what lies in (start, now]; start is one of the frame's. A slice
// lies where it ends; one that still runs is taken to end at now.
func (j *judge) since(start int64) tally {
	if j.slice == 0 {
		o := j.count.since(j.frame, start)
		return tally{o[good] + o[bad], o[bad]}
	}
	var t tally
	for points := j.after(start); points.next(); {
		t = t.plus(points.tally)
	}
	return t
}

// counts are what is shown of a tally: whole events or slices, and the sum of
// shares where that is what counts; then the bad slices are those with some bad
// event.
func (j *judge) counts(t tally, hit int64) (total, bad int64, lost *float64) {
	if j.unit == 1 {
		return t.total, t.bad, nil
	}
	return t.total / j.unit, hit, new(fraction(t.bad, j.unit))
}

// hit counts the slices in (start, now] with some bad event, where that is shown.
func (j *judge) hit(start int64) (n int64) {
	if j.unit == 1 {
		return 0
	}
	for points := j.after(start); points.next(); {
		if points.bad > 0 {
			n++
		}
	}
	return n
}

// burnOf is (bad/total)/(1-target); nil without data, and where no budget is
// there to burn.
func (j *judge) burnOf(t tally) *float64 {
	r := j.ratioOf(t)
	if r == nil {
		return nil
	}
	f, _ := r.Float64()
	return &f
}

func (j *judge) ratioOf(t tally) *big.Rat {
	switch {
	case t.total == 0, j.allowed.Sign() == 0 && t.bad > 0:
		return nil
	case t.bad == 0:
		return new(big.Rat)
	}
	r := big.NewRat(t.bad, t.total)
	return r.Quo(r, j.allowed)
}

// slo is the whole of the result but for the course.
func (j *judge) slo() SLO {
	s := j.head()
	t := j.since(j.window.start)
	s.Total, s.Bad, s.Lost = j.counts(t, j.hit(j.window.start))
	s.Good = s.Total - s.Bad
	j.leaveOut(&s)
	s.Coverage = new(j.coverage())
	if j.slice > 0 {
		s.AllowedS = floatOf(mul(j.allowed, big.NewRat(j.window.span, 1000)))
	}
	j.burnRates(&s)
	for _, a := range j.alerts {
		s.Alerts = append(s.Alerts, j.alert(a))
	}
	if t.total == 0 {
		s.Exhaustion.Status, s.Verdict = "no_data", NoData
		return s
	}
	j.spend(&s, t)
	j.exhaust(&s, t)
	j.policy(&s, t)
	j.incidents(&s, t)
	return s
}

// coverage is how much of the window there are events or counts for.
func (j *judge) coverage() float64 {
	seen := j.now - max(j.frame.first, j.window.start)
	if missing := j.frame.missingSince(j.index, j.window.start); missing > 0 {
		seen = max(seen-missing, 0)
	}
	return min(fraction(seen, j.window.span), 1)
}

// head is what is known without any event.
func (r *rule) head() SLO {
	s := SLO{Name: r.Name, Objective: r.String(), Target: r.Target.Float64(), Window: r.name(), Method: string(r.Method),
		Excluded: map[string]int64{}, BurnRates: []Burn{}, Alerts: []Alert{}, Incidents: []Incident{}, Exhaustion: Exhaustion{Status: "no_data"}, Verdict: NoData}
	if r.slice > 0 {
		s.Slice = slo.FormatDuration(r.Slice)
	}
	s.Warnings = r.warnings()
	return s
}

// warnings are about alerts that say nothing.
func (r *rule) warnings() (out []string) {
	for _, a := range r.alerts {
		name := fmt.Sprintf("%s alert over %s and %s", a.Severity, slo.FormatDuration(a.Long), slo.FormatDuration(a.Short))
		greatest := new(big.Rat).Mul(a.Threshold.Rat, r.allowed).Cmp(one())
		switch {
		case greatest > 0 || greatest == 0 && a.Op != slo.GreaterEqual:
			out = append(out, fmt.Sprintf("%s can never fire: at target %s no burn rate is above %s", name, r.Target.Text,
				new(big.Rat).Inv(r.allowed).FloatString(2)))
		case a.Threshold.Rat.Cmp(one()) < 0:
			out = append(out, fmt.Sprintf("%s fires while the budget lasts: its threshold %s is below the even pace 1", name, a.Threshold.Text))
		}
	}
	return out
}

func (j *judge) leaveOut(s *SLO) {
	if j.slice == 0 {
		for o, n := range j.count.since(j.frame, j.window.start) {
			if n > 0 && excluded[o] != "" {
				s.Excluded[excluded[o]] = n
			}
		}
		return
	}
	j.leaveOutSlices(s)
}

func (j *judge) burnRates(s *SLO) {
	for _, w := range j.burns {
		start := j.now - w
		t := j.since(start)
		b := Burn{Window: slo.FormatDuration(millisOf(w)), Rate: j.burnOf(t)}
		b.Total, b.Bad, b.Lost = j.counts(t, j.hit(start))
		s.BurnRates = append(s.BurnRates, b)
	}
}

func millisOf(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// spend fills in ratios, interval, status, policy and verdict.
func (j *judge) spend(s *SLO, t tally) {
	s.SLI = new(fraction(t.total-t.bad, t.total))
	s.Allowed = floatOf(mul(j.allowed, big.NewRat(t.total, j.unit)))
	total, bad := float64(t.total), float64(t.bad)
	if j.unit > 1 {
		total = j.worth()
		bad = total * fraction(t.bad, t.total)
	}
	low, high := wilson(bad, total)
	s.BadRatioInterval = &Interval{level, low, high}
	s.Confidence = &Interval{level, 1 - high, 1 - low}
	if s.Verdict = weigh(t.bad, t.total, j.allowed); j.unit > 1 {
		s.Verdict = weighFloat(low, high, j.allowed)
	}
	consumed := j.ratioOf(t)
	if consumed != nil {
		remaining := new(big.Rat).Sub(one(), consumed)
		s.Consumed, s.Remaining = floatOf(consumed), floatOf(remaining)
	}
	switch {
	case j.spent(t):
		s.Status = Exhausted
	case consumed.Cmp(big.NewRat(4, 5)) > 0:
		s.Status = AtRisk
	default:
		s.Status = Healthy
	}
}

// spent tells whether nothing of the budget is left.
func (j *judge) spent(t tally) bool {
	return t.total > 0 && j.compare(t, j.even) >= 0 && (t.bad > 0 || j.allowed.Sign() > 0)
}

func floatOf(r *big.Rat) *float64 {
	f, _ := r.Float64()
	return &f
}
