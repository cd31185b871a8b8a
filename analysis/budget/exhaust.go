package budget

import (
	"math/big"
	"time"

	"llmops/rules/slo"
)

// exhaust says when the budget runs out.
func (j *judge) exhaust(s *SLO, t tally) {
	e := &s.Exhaustion
	e.Status = "exhausted"
	e.LinearS = nil
	if j.Calendar != nil {
		s.Period = j.period(t)
	}
	if s.Status == Exhausted {
		return
	}
	e.Status = "never"
	e.LinearS = map[string]*float64{}
	remaining := new(big.Rat).Sub(one(), j.ratioOf(t))
	for i, w := range j.burns {
		rate := j.ratioOf(j.since(j.now - w))
		switch {
		case rate == nil:
			continue
		case rate.Sign() == 0:
			e.LinearS[s.BurnRates[i].Window] = nil
			continue
		}
		e.Status = "burning"
		e.LinearS[s.BurnRates[i].Window] = floatOf(new(big.Rat).Quo(mul(remaining, big.NewRat(j.window.span, 1000)), rate))
	}
	if pace, ok := j.pace(); ok {
		e.Pace = slo.FormatDuration(millisOf(pace))
		if at, ok := j.runsOut(t, pace); ok && e.Status == "burning" {
			e.At = new(Time(at))
		}
	}
}

// pace is the burn window that stands for how things go at present: an hour, or
// the next longer one with data.
func (j *judge) pace() (int64, bool) {
	for _, w := range j.burns {
		if w >= time.Hour.Milliseconds() && j.since(j.now-w).total > 0 {
			return w, true
		}
	}
	return 0, false
}

// runsOut is the first whole minute from now on at which nothing is left. Each
// minute brings what the pace brought on average. From a rolling window the
// oldest minutes leave; of a calendar period the whole counts, whose traffic is
// taken to go on at the pace.
func (j *judge) runsOut(t tally, pace int64) (int64, bool) {
	per := j.since(j.now - pace)
	n := pace / minute // all is counted n times over, to stay whole
	if n*minute != pace || t.total > 1<<62/max(n, 1) || per.total > 1<<62/(j.window.span/minute+1) {
		return 0, false
	}
	sum := tally{t.total * n, t.bad * n}
	if !j.window.rolls {
		left := (j.window.end - j.now) / minute
		for k := range left {
			if j.compare(tally{sum.total + left*per.total, sum.bad + (k+1)*per.bad}, j.even) >= 0 {
				return j.now + (k+1)*minute, true
			}
		}
		return 0, false
	}
	points := j.minutes()
	more := points.next()
	for k := range j.window.span/minute + 1 {
		sum = sum.plus(per)
		at := j.now + (k+1)*minute
		for ; more && points.end <= at-j.window.span; more = points.next() {
			sum = sum.minus(tally{points.total * n, points.bad * n})
		}
		if j.compare(sum, j.even) >= 0 {
			return at, true
		}
	}
	return 0, false
}

// period describes the calendar period, with what is spent of the budget that
// it comes to if the traffic of its rest is as that since the logs begin.
func (j *judge) period(t tally) *Period {
	from, to := j.Calendar.Period(time.UnixMilli(j.now))
	p := &Period{From: from, To: to}
	seen := j.now - max(j.window.start, j.frame.first)
	if consumed := j.ratioOf(t); consumed != nil && seen > 0 {
		p.Consumed = floatOf(mul(consumed, big.NewRat(seen, seen+j.window.end-j.now)))
	}
	return p
}
