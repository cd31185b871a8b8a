package arrival

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Stage is a stretch of a run with its own rate of arrivals.
type Stage struct {
	Length   time.Duration
	From, To float64 // requests a second at the start and at the end, linear in between
	// Period makes it a sine instead, from From up to To and back.
	Period time.Duration
}

// Profile is a rate that changes with time: one stage after the other. Behind
// the last stage there are no arrivals, unless it has no length.
type Profile []Stage

// MaxRate bounds any rate, in requests a second.
const MaxRate = 1e6

// ParseStages reads stages with commas between them:
//
//	30s:20            20 requests a second for 30 s; several of them are steps and spikes
//	30s:0..50         a ramp from 0 to 50
//	5m:10~50/60s      a sine between 10 and 50 with a period of 60 s
func ParseStages(s string) (Profile, error) {
	var p Profile
	for part := range strings.SplitSeq(s, ",") {
		st, err := parseStage(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("stage %q: %w", strings.TrimSpace(part), err)
		}
		p = append(p, st)
	}
	return p, nil
}

func parseStage(s string) (st Stage, err error) {
	length, rate, ok := strings.Cut(s, ":")
	if !ok {
		return Stage{}, errors.New("want TIME:RATE, TIME:FROM..TO or TIME:LOW~HIGH/PERIOD")
	}
	if st.Length, err = time.ParseDuration(length); err != nil || st.Length <= 0 {
		return Stage{}, fmt.Errorf("%q is no time above 0", length)
	}
	from, to := rate, rate
	if low, rest, sine := strings.Cut(rate, "~"); sine {
		high, period, ok := strings.Cut(rest, "/")
		if !ok {
			return Stage{}, errors.New("a sine wants LOW~HIGH/PERIOD")
		}
		if st.Period, err = time.ParseDuration(period); err != nil || st.Period <= 0 {
			return Stage{}, fmt.Errorf("%q is no time above 0", period)
		}
		from, to = low, high
	} else if a, b, ramp := strings.Cut(rate, ".."); ramp {
		from, to = a, b
	}
	if st.From, err = parseRate(from); err != nil {
		return Stage{}, err
	}
	st.To, err = parseRate(to)
	return st, err
}

func parseRate(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v >= 0) || v > MaxRate {
		return 0, fmt.Errorf("%q is no rate from 0 to %d requests a second", strings.TrimSpace(s), int(MaxRate))
	}
	return v, nil
}

// Ramp rises linearly from 0 to rate over the time, and stays there.
func Ramp(over time.Duration, rate float64) Profile {
	return Profile{{Length: over, To: rate}, {From: rate, To: rate}}
}

// Length is the sum of the stages; 0 if the last one goes on without end.
func (p Profile) Length() time.Duration {
	var sum time.Duration
	for _, st := range p {
		if st.Length == 0 {
			return 0
		}
		sum += st.Length
	}
	return sum
}

// Peak is the highest rate.
func (p Profile) Peak() float64 {
	peak := 0.0
	for _, st := range p {
		peak = max(peak, st.From, st.To)
	}
	return peak
}

// inverse gives the time, in seconds, by which the profile has had n arrivals
// on average: the inverse of its cumulative rate. Arrivals of unit rate mapped
// through it have the profile's rate at every moment (time rescaling; Cox and
// Lewis, "The Statistical Analysis of Series of Events", 1966, section 2.3).
// ok is false when there are fewer in all. n must not fall from call to call.
type inverse struct {
	p      Profile
	start  float64 // of the current stage, s
	before float64 // arrivals before it
}

func (v *inverse) at(n float64) (t float64, ok bool) {
	for len(v.p) > 0 {
		st := v.p[0]
		x := st.solve(n - v.before)
		if st.Length == 0 || x <= st.Length.Seconds() {
			return v.start + x, !math.IsInf(x, 0)
		}
		v.before += st.mass(st.Length.Seconds())
		v.start += st.Length.Seconds()
		v.p = v.p[1:]
	}
	return 0, false
}

// mass is the number of arrivals in the first t seconds of the stage.
func (st Stage) mass(t float64) float64 {
	switch {
	case st.Period > 0:
		// low + (high-low) * (1 - cos(wt))/2, integrated
		w := 2 * math.Pi / st.Period.Seconds()
		return st.From*t + (st.To-st.From)/2*(t-math.Sin(w*t)/w)
	case st.From == st.To:
		return st.From * t
	}
	return st.From*t + (st.To-st.From)/(2*st.Length.Seconds())*t*t
}

// solve is the time by which the stage has had n arrivals, +Inf if never.
func (st Stage) solve(n float64) float64 {
	if n <= 0 {
		return 0
	}
	switch {
	case st.Period > 0:
		return st.bisect(n)
	case st.From == st.To:
		return n / st.From // +Inf for a rate of 0
	}
	// (k/2) t^2 + From t = n, in the form that does not cancel.
	k := (st.To - st.From) / st.Length.Seconds()
	d := st.From*st.From + 2*k*n
	if d < 0 {
		return math.Inf(1) // the rate falls to 0 before
	}
	return 2 * n / (st.From + math.Sqrt(d))
}

func (st Stage) bisect(n float64) float64 {
	low, high := 0.0, st.Length.Seconds()
	if st.mass(high) < n {
		return math.Inf(1)
	}
	for high-low > 1e-7 { // a tenth of the schedule's resolution
		mid := (low + high) / 2
		if st.mass(mid) < n {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}
