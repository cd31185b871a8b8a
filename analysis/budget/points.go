package budget

import "math"

// Points are read from the cells each time anew: a list of them would take many
// times the memory of the table.

// points reads those of a rule with events, the oldest first; a slice that still
// runs is the last.
type points struct {
	cells cursor
	j     *judge
	ok    bool // there is one: the point
	point
}

// after are the points in (start, now].
func (j *judge) after(start int64) points { return points{cells: j.cellsAfter(start), j: j} }

// cellsAfter are the cells of the buckets or slices that end later than start.
func (j *judge) cellsAfter(start int64) cursor {
	if start == math.MinInt64 {
		return j.count.cells.cursor(j.order, start)
	}
	return j.count.cells.cursor(j.order, bucketOf(start+1, j.bucket))
}

// next goes to the next point. False at the end.
func (p *points) next() bool {
	for {
		k, x, ok := p.cells.next()
		p.ok = ok
		if !ok {
			return false
		}
		p.end, p.events, p.tally = k*p.j.bucket, x.valid, tally{x.valid, x.bad}
		if p.j.slice > 0 {
			if p.tally, ok = p.j.judged(x); !ok {
				continue
			}
		}
		return true
	}
}

// steps reads points by whole minutes, or slices.
type steps struct {
	points points
	length int64 // ms
	point
}

// minutes are the minutes, or slices, in the window. What the first minute
// counted before the begin of the window is left out.
func (j *judge) minutes() steps {
	s := steps{points: j.after(j.window.start), length: minute}
	if j.slice > 0 {
		s.length = j.slice
	}
	s.points.next()
	return s
}

// next goes to the next minute, which may have nothing left. False at the end.
func (s *steps) next() bool {
	p := &s.points
	if !p.ok {
		return false
	}
	s.point = point{end: roundUp(p.end, s.length)}
	for p.ok && roundUp(p.end, s.length) == s.end {
		if p.j.slice == 0 && p.end == p.j.window.before*p.j.bucket {
			p.tally = p.tally.minus(p.j.count.outside)
		}
		s.tally = s.tally.plus(p.tally)
		p.next()
	}
	return true
}
