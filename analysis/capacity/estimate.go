package capacity

import (
	"math"
	"slices"
)

// view is what the valid probes show together.
type view struct {
	points      []point // by load
	near        []point // those that tell of the slope at the limit
	under, over *point  // the isotonic fit beside the crossing; nil: none on this side
	crossing    float64 // of the line between these two
	saturation  float64 // the least load that a probe completed while its requests piled up; 0: not known
}

func (s *Search) view() view {
	var v view
	for _, p := range s.probes {
		if p.Verdict == Invalid {
			continue
		}
		pt := p.point()
		v.points = append(v.points, pt)
		if p.Diverged && p.Completed > 0 && (v.saturation == 0 || p.Completed < v.saturation) {
			v.saturation = p.Completed
		}
	}
	slices.SortStableFunc(v.points, byLoad)
	for _, b := range isotonic(v.points) {
		if b.y < 0 {
			v.under = &point{x: b.last, y: b.y, w: b.w}
		} else if v.over == nil {
			v.over = &point{x: b.first, y: b.y, w: b.w}
		}
	}
	if v.under == nil || v.over == nil {
		return v
	}
	v.crossing = v.under.x + (v.over.x-v.under.x)*(-v.under.y)/(v.over.y-v.under.y)
	for _, p := range v.points {
		if far := math.Log(p.x/v.crossing) / reach; math.Abs(p.y) <= near && math.Abs(far) < 1 {
			p.w *= 1 - far*far
			v.near = append(v.near, p)
		}
	}
	return v
}

// line is that through the probes near the limit, if they lie on both sides of
// its root. What is farther from the crossing weighs less (local regression;
// Cleveland 1979).
func (v view) line() (line, bool) {
	l, ok := fit(v.near)
	if !ok {
		return l, false
	}
	root := l.root()
	return l, slices.MinFunc(v.near, byLoad).x <= root && root <= slices.MaxFunc(v.near, byLoad).x
}

// Estimate is what the probes so far say. Load is the root of the line through
// the probes near the limit, or where there is none the crossing between the
// greatest load that kept the objectives and the least that broke them. There
// is a figure only where something shows, at the confidence, that a load keeps
// them: a probe that passed, or the line.
func (s *Search) Estimate() Estimate {
	e := Estimate{Ended: s.ended}
	v := s.view()
	if v.under == nil {
		return e
	}
	load := v.under.x
	l, straight := line{}, false
	if v.over != nil {
		if l, straight = v.line(); straight {
			load = l.root()
		} else {
			load = v.crossing
		}
	}
	var passed, failed *float64 // the greatest load that passed, the least that failed
	for _, p := range s.probes {
		x := p.point().x
		if p.Verdict == Invalid {
			continue
		}
		if v.over == nil { // nothing limits it but what was asked
			x = p.Load
			load = max(load, x)
		}
		switch {
		case p.Verdict == Pass && !p.Diverged:
			e.Low = most(e.Low, x, x <= load)
			passed = most(passed, x, true)
		case p.Verdict == Fail || p.Diverged:
			e.High = least(e.High, x, x >= load)
			failed = least(failed, x, true)
		}
	}
	// Where a probe passed above one that failed, one of them was luck.
	if e.Low != nil && failed != nil {
		e.Low = new(min(*e.Low, *failed))
	}
	if e.High != nil && passed != nil {
		e.High = new(max(*e.High, *passed))
	}
	if straight && l.n > 3 {
		if low, high, ok := l.interval(s.cfg.student(l.n - 2)); ok {
			e.Low, e.High = new(low), new(high)
		}
	}
	if e.Low == nil {
		return e
	}
	if s.cfg.Whole {
		if !straight { // the last that was seen to hold: nothing tells of those between
			load = v.under.x
		}
		load = math.Floor(load + 1e-9)
		e.Low = new(math.Floor(*e.Low))
		if e.High != nil {
			e.High = new(math.Ceil(*e.High))
		}
	}
	e.Load = new(load)
	return e
}

func most(a *float64, x float64, counts bool) *float64 {
	if counts && (a == nil || x > *a) {
		return &x
	}
	return a
}

func least(a *float64, x float64, counts bool) *float64 {
	if counts && (a == nil || x < *a) {
		return &x
	}
	return a
}
