package budget

// course is how the budget went down over the window, in at most n points of
// equal whole minutes, or slices.
func (j *judge) course(n int, t tally) []CoursePoint {
	points := j.minutes()
	if n <= 0 || !points.next() {
		return nil
	}
	begin := points.end - points.length
	steps := (roundUp(j.now, points.length) - begin) / points.length
	step := points.length * ((steps + int64(n) - 1) / int64(n))
	var out []CoursePoint
	var sum tally
	for at, more := begin+step, true; more; at += step {
		var part tally
		var hit int64
		for ; more && points.end <= at; more = points.next() {
			part = part.plus(points.tally)
			if points.bad > 0 {
				hit++
			}
		}
		x := CoursePoint{At: Time(min(at, j.now)), Burn: j.burnOf(part)}
		x.Total, x.Bad, x.Lost = j.counts(part, hit)
		sum = sum.plus(part)
		if spent := j.ratioOf(tally{t.total, sum.bad}); spent != nil {
			x.Remaining = floatOf(spent.Sub(one(), spent))
		}
		out = append(out, x)
	}
	return out
}
