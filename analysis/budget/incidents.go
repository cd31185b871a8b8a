package budget

import "slices"

// incidentGap is how long an incident may pause, in ms.
const incidentGap = 5 * minute

// maxIncidents are listed, the largest ones.
const maxIncidents = 20

// incident is one while it is looked for; to and from are ms.
type incident struct {
	from, to int64
	hit      int64 // points with something bad
	tally
}

// incidents lists the runs of minutes, or slices, in the window that burn faster
// than the even pace.
func (j *judge) incidents(s *SLO, whole tally) {
	found, most := 0, []incident(nil)
	for f := range j.runs {
		found++
		// The largest stay, of equals the older ones.
		i, _ := slices.BinarySearchFunc(most, f.bad, func(have incident, bad int64) int {
			if have.bad >= bad {
				return -1
			}
			return 1
		})
		if most = slices.Insert(most, i, f); len(most) > maxIncidents {
			most = most[:maxIncidents]
		}
	}
	s.IncidentsOmitted = found - len(most)
	for _, f := range most {
		share := j.ratioOf(tally{whole.total, f.bad})
		j.postmortem(s, &f, share)
		x := Incident{From: Time(f.from), To: Time(f.to)}
		if share != nil { // else there is no budget to have a share of
			x.Share = floatOf(share)
		}
		x.Total, x.Bad, x.Lost = j.counts(f.tally, f.hit)
		s.Incidents = append(s.Incidents, x)
	}
}

// runs yields the incidents, by time.
func (j *judge) runs(yield func(incident) bool) {
	var run incident // the last one; it may go on
	var pause incident
	for points := j.minutes(); points.next(); {
		pause.tally = pause.plus(points.tally)
		if points.bad > 0 {
			pause.hit++
		}
		if points.total == 0 || !j.exceeds(points.tally, j.even, false) {
			continue
		}
		from := max(points.end-points.length, j.window.start)
		if run.total == 0 || from-run.to > incidentGap {
			if run.total > 0 && !yield(run) {
				return
			}
			run, pause = incident{from: from}, incident{hit: 1, tally: points.tally}
		}
		run.to = min(points.end, j.now)
		run.tally, run.hit = run.plus(pause.tally), run.hit+pause.hit
		pause = incident{}
	}
	if run.total > 0 {
		yield(run)
	}
}
