package budget

// course is how the budget went down over the window, in at most n points of
// equal whole minutes, or slices.
func (j *judge) course(n int, t tally) []CoursePoint {
	points := j.minutes()
	if n <= 0 || len(points) == 0 {
		return nil
	}
	length := int64(minute)
	if j.slice > 0 {
		length = j.slice
	}
	end := roundUp(j.now, length)
	begin := points[0].end - length
	steps := (end - begin) / length
	step := length * ((steps + int64(n) - 1) / int64(n))
	var out []CoursePoint
	var sum tally
	for at := begin + step; len(points) > 0; at += step {
		i := 0
		var part tally
		for ; i < len(points) && points[i].end <= at; i++ {
			part = part.plus(points[i].tally)
		}
		x := CoursePoint{At: Time(min(at, j.now)), Burn: j.burnOf(part)}
		x.Total, x.Bad, x.Lost = j.counts(part, points[:i])
		sum = sum.plus(part)
		if spent := j.ratioOf(tally{t.total, sum.bad}); spent != nil {
			x.Remaining = floatOf(spent.Sub(one(), spent))
		}
		out, points = append(out, x), points[i:]
	}
	return out
}
