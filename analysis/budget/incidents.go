package budget

import (
	"cmp"
	"slices"
)

// incidentGap is how long an incident may pause, in ms.
const incidentGap = 5 * minute

// maxIncidents are listed, the largest ones.
const maxIncidents = 20

// incident is one while it is looked for; to and from are ms.
type incident struct {
	from, to int64
	points   []point
	tally
}

// incidents lists the runs of minutes, or slices, in the window that burn faster
// than the even pace.
func (j *judge) incidents(s *SLO, whole tally) {
	found := j.runs()
	slices.SortStableFunc(found, func(a, b incident) int { return cmp.Compare(b.bad, a.bad) })
	s.IncidentsOmitted = max(len(found)-maxIncidents, 0)
	for i, f := range found {
		share := j.ratioOf(tally{whole.total, f.bad})
		j.postmortem(s, &f, share)
		if i >= maxIncidents {
			continue
		}
		x := Incident{From: Time(f.from), To: Time(f.to)}
		if share != nil { // else there is no budget to have a share of
			x.Share = floatOf(share)
		}
		x.Total, x.Bad, x.Lost = j.counts(f.tally, f.points)
		s.Incidents = append(s.Incidents, x)
	}
}

// runs are the incidents, by time.
func (j *judge) runs() (found []incident) {
	minutes, length := j.minutes(), int64(minute)
	if j.slice > 0 {
		length = j.slice
	}
	begin := 0 // of the points of the current incident
	for i, p := range minutes {
		if p.total == 0 || !j.exceeds(p.tally, j.even, false) {
			continue
		}
		from := max(p.end-length, j.window.start)
		if n := len(found); n == 0 || from-found[n-1].to > incidentGap {
			found = append(found, incident{from: from})
			begin = i
		}
		f := &found[len(found)-1]
		f.to = min(p.end, j.now)
		f.points = minutes[begin : i+1]
	}
	for i := range found {
		for _, p := range found[i].points {
			found[i].tally = found[i].tally.plus(p.tally)
		}
	}
	return found
}

// minutes are the points in the window, of occurrences by whole minutes. What the
// first one counted before the begin of the window is left out.
func (j *judge) minutes() []point {
	if j.slice > 0 || j.bucket == minute && j.count.outside == (tally{}) {
		return j.within(j.window.start)
	}
	if j.byMinute == nil {
		j.byMinute = j.sumMinutes(j.within(j.window.start))
	}
	return j.byMinute
}

func (j *judge) sumMinutes(points []point) []point {
	out := make([]point, 0, len(points))
	for i, p := range points {
		if i == 0 && p.end == j.window.before*j.bucket {
			p.tally = p.tally.minus(j.count.outside)
		}
		p.end = roundUp(p.end, minute)
		if n := len(out); n > 0 && out[n-1].end == p.end {
			out[n-1].tally = out[n-1].tally.plus(p.tally)
			continue
		}
		out = append(out, p)
	}
	return out
}
