package capacity

import (
	"math"
	"slices"
)

// fastest is by how much the load grows from probe to probe at most. What is
// above the capacity piles up at the service until the probe is broken off.
const fastest = 4

// Search is the state of one search.
type Search struct {
	cfg    Config
	probes []Probe
	ended  Ended
}

// New makes a search that has seen nothing.
func New(cfg Config) *Search { return &Search{cfg: cfg.withDefaults()} }

// Add tells the search what a probe gave.
func (s *Search) Add(p Probe) { s.probes = append(s.probes, p) }

// Stop ends the search where it is.
func (s *Search) Stop() { s.ended = Stopped }

// Probes is what was added, in that order.
func (s *Search) Probes() []Probe { return slices.Clone(s.probes) }

// Next is the load of the next probe; false when the search is over.
func (s *Search) Next() (float64, bool) {
	if s.ended != "" {
		return 0, false
	}
	n := len(s.probes)
	invalid := n > 0 && s.probes[n-1].Verdict == Invalid
	twice := invalid && n > 1 && s.probes[n-2].Verdict == Invalid
	switch {
	case twice && s.view().over == nil: // where more load was asked before, the client is not what limits it
		s.ended = ByClient
	case n >= s.cfg.MaxProbes:
		s.ended = Exhausted
	case invalid && !twice: // it may have been a moment of this machine
		return s.probes[n-1].Load, true
	}
	if s.ended != "" {
		return 0, false
	}
	load := s.next()
	if s.cfg.Whole {
		load = max(math.Round(load), 1)
	} else if s.ended == "" { // as many digits as mean something
		scale := math.Pow(10, 3-math.Floor(math.Log10(load)))
		load = min(max(math.Round(load*scale)/scale, s.cfg.Min), s.cfg.Max)
	}
	return load, s.ended == ""
}

// next chooses a load, or sets why there is none.
func (s *Search) next() float64 {
	v := s.view()
	switch {
	case len(v.points) == 0:
		return min(max(s.cfg.Start, s.cfg.Min), s.cfg.Max)
	case v.over == nil:
		at := v.points[len(v.points)-1]
		if at.asked >= s.cfg.Max {
			s.ended = AtMax
		}
		return min(s.grow(at), s.cfg.Max)
	case v.under == nil:
		at := v.points[0]
		if at.asked <= s.cfg.Min || s.cfg.Whole && at.asked <= 1 {
			s.ended = AtMin
		}
		return max(min(at.x, at.asked)/fastest, s.cfg.Min)
	}
	e := s.Estimate()
	l, ok, straight := v.line()
	if s.narrow(e) {
		again, doubt := s.doubtful(e, v)
		if doubt && !straight {
			return again
		}
		if !doubt {
			s.ended = Converged
			return 0
		}
	}
	switch {
	case e.Low == nil && v.telling >= stretch-1: // all so near to the limit that none is sure to keep them
		return max(0.8*v.near[0].x, s.cfg.Min)
	case ok:
		return s.around(v, l)
	}
	return s.between(v)
}

// grow follows the line from the margin without load, a little beyond its root.
func (s *Search) grow(at point) float64 {
	next := fastest * at.x
	if idle := s.cfg.Idle; idle != nil && at.y > *idle && *idle < 0 {
		next = min(next, 1.1*at.x**idle/(*idle-at.y))
	}
	next = max(next, 2*at.x)
	if s.cfg.Whole {
		next = max(next, at.x+1)
	}
	return next
}

// between is the crossing of the line between the two sides; or their middle,
// where the last two probes fell on the same side and moved one end only.
func (s *Search) between(v view) float64 {
	a, b := *v.under, *v.over
	sloped := b.y <= near // it tells of the slope
	if top := max(v.saturation, a.x*(1+1.5*s.cfg.Tolerance)); v.saturation > 0 && top < b.x {
		b.x, b.y, sloped = top, 1, true
	}
	lo, hi := math.Log(a.x), math.Log(b.x)
	at := a.x + (b.x-a.x)*(-a.y)/(b.y-a.y)
	n := len(s.probes)
	if again := n >= 3 && (s.probes[n-1].point().y < 0) == (s.probes[n-2].point().y < 0); again || !sloped {
		at = math.Exp((lo + hi) / 2)
	}
	const edge = 0.03
	at = math.Exp(min(max(math.Log(at), lo+edge*(hi-lo)), hi-edge*(hi-lo)))
	if s.cfg.Whole {
		at = min(max(math.Round(at), a.x+1), max(b.x-1, a.x+1))
	}
	return at
}

// around is a load beside the root of l, on the side that was measured less:
// far enough for the probes to show the slope, near enough for a straight line.
func (s *Search) around(v view, l line) float64 {
	root := l.root()
	off := min(max(0.8/(l.slope*root), s.cfg.Tolerance/2), 2*s.cfg.Tolerance)
	below, above := 0.0, 0.0
	for _, p := range v.near {
		if p.x < root {
			below += p.w
		} else {
			above += p.w
		}
	}
	if below <= above {
		off = -off
	}
	return min(max(root*(1+off), s.cfg.Min), s.cfg.Max)
}

// spare is what of the tolerance the interval may take: it rests on few probes,
// and a search that ends as soon as its interval is narrow enough picks those that
// are narrow by luck.
const spare = 0.8

// narrow tells whether the interval of e is as narrow as was asked.
func (s *Search) narrow(e Estimate) bool {
	if e.Load == nil || e.Low == nil || e.High == nil {
		return false
	}
	if s.cfg.Whole && *e.High-*e.Low <= 1 {
		return true
	}
	reach := spare * s.cfg.Tolerance
	return *e.Low >= *e.Load*(1-reach) && *e.High <= *e.Load*(1+reach)
}

// enough is how many probes near the limit make an interval that may end the
// search: of fewer, some lie on a line by luck.
const enough = 8

// stretch is how many show that there is no cliff, and a line to wait for.
const stretch = 4

// doubtful tells whether a narrow interval may be so by luck, and which load
// should be probed again. At a cliff, without a stretch near the limit, each side
// needs two probes: a short one just below saturation passes more often than its
// confidence says, since it ends before the queue is full. A queue that grew for
// the whole of a probe is beyond doubt.
func (s *Search) doubtful(e Estimate, v view) (again float64, doubt bool) {
	if s.cfg.Whole && *e.High-*e.Low <= 1 {
		return 0, false
	}
	if _, _, straight := v.line(); straight {
		return 0, len(v.near) < enough
	}
	below, above := 0, 0
	var low, high float64
	for _, p := range s.probes {
		pt := p.point()
		switch {
		case p.Verdict == Invalid, math.Abs(pt.x-*e.Load) > 2*s.cfg.Tolerance**e.Load:
		case p.Diverged:
			above += 2
		case pt.y < 0:
			below++
			low = max(low, pt.asked)
		default:
			above++
			high = max(high, pt.asked)
		}
	}
	switch {
	case below < 2:
		return low, true
	case above < 2:
		return high, true
	}
	return *e.Load, v.telling >= stretch
}

// Rough tells that the search does not know both sides of the limit yet: a probe
// need only tell on which it is.
func (s *Search) Rough() bool {
	v := s.view()
	return v.under == nil || v.over == nil
}
