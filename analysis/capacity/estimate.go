package capacity

import (
	"math"
	"slices"
)

// view is what the valid probes show together.
type view struct {
	points      []point // by load
	near        []point // those whose load is near to the limit
	telling     int     // of them, those whose margin tells of the slope there
	sloped      bool    // there are enough of these, and on both sides
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
	// No load above what it can do is kept, however far above it the next probe was.
	if v.saturation > 0 {
		v.crossing = min(v.crossing, max(v.saturation, v.under.x))
	}
	under, over := false, false
	for _, p := range v.points {
		if math.Abs(math.Log(p.x/v.crossing)) >= reach || p.y == 1 { // what piles up has no end to measure
			continue
		}
		v.near = append(v.near, p)
		if math.Abs(p.y) <= near {
			v.telling++
			under, over = under || p.y < 0, over || p.y >= 0
		}
	}
	v.sloped = v.telling >= 3 && under && over
	return v
}

// line is that through the probes near the limit, where some tell of the slope
// there. What is farther from the crossing weighs less (local regression;
// Cleveland 1979), and where the points show by their distance from the line that it
// is none, only those count that are nearer still. inside: the root lies between the
// probes.
func (v view) line() (l line, ok, inside bool) {
	if !v.sloped {
		return l, false, false
	}
	low, high := slices.MinFunc(v.near, byLoad).x, slices.MaxFunc(v.near, byLoad).x
	for _, r := range []float64{reach, 0.6 * reach} {
		var points []point
		for _, p := range v.near {
			if far := math.Log(p.x/v.crossing) / r; math.Abs(far) < 1 {
				p.w *= 1 - far*far
				points = append(points, p)
			}
		}
		if closer, fits := fit(points); fits {
			l, ok = closer, true
		}
		if ok && l.straight() {
			break
		}
	}
	root := l.root()
	ok = ok && low*math.Exp(-reach) < root && root < high*math.Exp(reach)
	return l, ok, ok && low <= root && root <= high
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
		if l, _, straight = v.line(); straight {
			load = l.root()
		} else {
			load = v.crossing
		}
	}
	// The greatest load that looks as if it kept the objectives, the least that does
	// not: beyond them what another probe shows may be luck.
	var kept, broken *float64
	for _, p := range s.probes {
		x := p.point().x
		if p.Verdict == Invalid {
			continue
		}
		if v.over == nil { // nothing limits it but what was asked
			x = p.Load
			load = max(load, x)
		}
		if p.point().y < 0 {
			kept = most(kept, x, true)
		} else {
			broken = least(broken, x, true)
		}
	}
	for _, p := range s.probes {
		x := p.point().x
		if v.over == nil {
			x = p.Load
		}
		switch {
		case p.Verdict == Pass && !p.Diverged:
			e.Low = most(e.Low, x*(1-p.Unseen), v.over == nil || x <= load && x < *broken)
		case p.Verdict == Fail || p.Verdict != Invalid && p.Diverged:
			e.High = least(e.High, x, x >= load && (kept == nil || x > *kept))
		}
	}
	if high := s.above(); e.High != nil && high > load && (kept == nil || high > *kept) {
		e.High = new(min(*e.High, high))
	}
	if straight && l.n > 3 {
		if low, high, ok := l.interval(s.cfg.student(l.n-2), s.cfg.student(math.MaxInt32)); ok {
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

// above is a load that is more than the service can do, by what it did while
// requests piled up: three standard deviations of a Poisson count beyond. 0: not known.
func (s *Search) above() (high float64) {
	for _, p := range s.probes {
		if p.Verdict == Invalid || !p.Diverged || p.Completed <= 0 || p.Weight <= 0 {
			continue
		}
		if h := p.Completed * (1 + 3/math.Sqrt(p.Weight/2)); high == 0 || h < high { // half of them were judged
			high = h
		}
	}
	return high
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
