package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

// Run diagnoses a store. The error is about an expression of the catalogue that cannot be
// evaluated.
func Run(ctx context.Context, s *series.Store, o Options) (Report, error) {
	r := Report{Schema: Schema, Incidents: []Incident{}, Verdict: Insufficient}
	first, last, ok := s.Bounds()
	if !ok {
		return r, nil
	}
	if o.From.IsZero() || o.From.UnixMilli() < first {
		o.From = time.UnixMilli(first)
	}
	if o.To.IsZero() || o.To.UnixMilli() > last {
		o.To = time.UnixMilli(last)
	}
	if o.To.Before(o.From) {
		return r, nil
	}
	w, err := measure(ctx, s, o)
	if err != nil {
		return r, err
	}
	if w.calibration, err = shippedCalibration(); err != nil {
		return r, err
	}
	r.Input = w.input(s, o)
	judged := false
	for _, sig := range o.Faults.Signals {
		m := w.signals[sig.Name]
		if len(m.tracks) == 0 {
			r.NotCollected = append(r.NotCollected, sig.Name)
		}
		judged = judged || slices.ContainsFunc(m.normal, func(n normal) bool { return n.n > 0 })
	}
	if judged {
		for i, e := range w.events(o.Faults) {
			r.Incidents = append(r.Incidents, w.incident(i+1, e, o.Faults))
		}
	}
	known := judged
	if o.Topology != nil || !judged {
		judged = w.walk(s, o, &r, judged) || judged
	}
	if o.Topology == nil {
		for i := range r.Incidents {
			if known {
				r.Incidents[i].Suspects = w.suspects(&r.Incidents[i])
			}
		}
	}
	switch {
	case len(r.Incidents) > 0:
		r.Verdict = IncidentSeen
	case judged:
		r.Verdict = OK
	}
	return r, nil
}

func (w *world) input(s *series.Store, o Options) Input {
	n := 0
	for _, x := range s.Series() {
		if x.Original() {
			n++
		}
	}
	in := Input{Series: n, Points: s.Points(), Start: o.From.UTC(), End: o.To.UTC(), Step: float64(w.grid.step) / 1000, Replicas: w.view.replicas}
	if w.base > 0 {
		in.Normal = &Period{in.Start, w.time(w.base - 1)}
	}
	return in
}

func (w *world) time(i int) time.Time {
	return time.UnixMilli(w.grid.at(max(0, min(w.grid.n-1, i)))).UTC()
}

// incident writes down an event.
func (w *world) incident(id int, e event, c fault.Catalogue) Incident {
	in := Incident{
		ID: fmt.Sprintf("inc-%d", id), End: w.time(e.to), Ongoing: e.to >= w.grid.n-1-gapSteps(w.grid), Severity: fault.Low,
		Entities: []string{}, Impact: []Evidence{}, Diagnoses: []Diagnosis{}, Suspects: []Suspect{},
	}
	onset := e.to
	var where []Entity
	for _, x := range e.faults {
		d := w.diagnosis(x, c)
		if x.sure() {
			onset = min(onset, w.onset(x))
			where = append(where, x.entity)
			if d.Severity.AtLeast(in.Severity) {
				in.Severity = d.Severity
			}
		}
		in.Diagnoses = append(in.Diagnoses, d)
	}
	slices.SortStableFunc(e.impact, func(a, b *candidate) int { return cmp.Compare(b.confidence, a.confidence) })
	felt := map[string]bool{}
	for _, x := range e.impact { // each once, where it is worst
		if s := x.symptoms[0].symptom.Expr; !felt[s] {
			felt[s] = true
			in.Impact = append(in.Impact, w.evidenceOf(x.symptoms[0], x.peak))
		}
	}
	in.Entities = wholes(where)
	if len(where) == 0 {
		u := w.unknown(e)
		in.Diagnoses = append([]Diagnosis{u}, in.Diagnoses...)
		in.Entities, in.Severity = []string{u.Entity}, u.Severity
		onset = w.grid.index(u.Onset.UnixMilli())
	} else if len(e.impact) == 0 && !w.telemetryOnly(e) && !w.stopped(e) {
		in.Severity = lower(in.Severity) // it is there, and nobody feels it yet
	}
	in.Diagnoses = in.Diagnoses[:min(len(in.Diagnoses), 6)]
	in.Tie = w.tie(e)
	in.Onset = w.time(onset)
	in.Curves = w.curves(e)
	return in
}

func (w *world) telemetryOnly(e event) bool {
	return len(e.faults) > 0 && e.faults[0].fault.Telemetry
}

// stopped tells whether a replica serves nothing at the worst time of an event: then
// there are no requests that end, and none whose times could tell of it.
func (w *world) stopped(e event) bool {
	return slices.ContainsFunc(w.signals[signalServing].tracks, func(t track) bool {
		return slices.ContainsFunc(t.v[e.from:min(e.to+1, len(t.v))], func(v float64) bool { return v == 0 })
	})
}

func lower(s fault.Severity) fault.Severity {
	all := fault.Severities()
	return all[min(len(all)-1, slices.Index(all, s)+1)]
}

// onset is when the required symptom that came first came.
func (w *world) onset(x *candidate) int {
	from := x.from
	for t := x.from; t >= max(0, x.from-max(x.held, holdSteps(w.grid))-2); t-- {
		weakest := 1.0
		for _, s := range x.symptoms {
			if s.symptom.Required && s.known && !math.IsNaN(s.v[t]) {
				weakest = min(weakest, s.v[t])
			}
		}
		if weakest < 0.2 {
			break
		}
		from = t
	}
	return max(0, from-1)
}

func (w *world) diagnosis(x *candidate, c fault.Catalogue) Diagnosis {
	f := x.fault
	d := Diagnosis{
		Fault: f.ID, Name: f.En, Confidence: round(w.calibration.at(x.confidence)), RootCause: f.Cause, Entity: x.entity.String(), Severity: f.Severity, Answer: x.sure(),
		Onset: w.time(w.onset(x)), Evidence: []Evidence{}, Against: []Evidence{}, NotCollected: []Missing{}, Actions: []string{}, Pattern: f, Where: x.entity, score: x.confidence,
	}
	if x.explained != nil {
		d.Explained = x.explained.fault.ID
	}
	for _, s := range x.symptoms {
		switch {
		case !s.known:
			d.NotCollected = append(d.NotCollected, Missing{s.symptom.Name, collect(s.symptom, c)})
		case !math.IsNaN(s.v[x.peak]) && s.v[x.peak] >= 0.05:
			d.Evidence = append(d.Evidence, w.evidenceOf(s, x.peak))
		case s.symptom.Required || s.symptom.Weight >= 1:
			if e := w.evidenceOf(s, x.peak); !math.IsNaN(s.v[x.peak]) {
				e.Symptom = "not seen: " + e.Symptom
				d.Against = append(d.Against, e)
			}
		}
	}
	for _, s := range x.against {
		if s.known && !math.IsNaN(s.v[x.peak]) && s.v[x.peak] >= 0.05 {
			d.Against = append(d.Against, w.evidenceOf(s, x.peak))
		}
	}
	for _, a := range f.Actions {
		d.Actions = append(d.Actions, a.Text(x.entity.Name, x.entity.GPU))
	}
	return d
}

// unknown is the diagnosis of an event that no pattern fits: users are hurt, and that is
// all that is certain.
func (w *world) unknown(e event) Diagnosis {
	worst := e.impact[0]
	d := Diagnosis{
		Fault: Unknown, Name: "Unknown fault", Answer: true, Confidence: round(w.calibration.at(0.9 * worst.confidence)), score: 0.9 * worst.confidence, Severity: fault.High, Entity: worst.entity.String(),
		RootCause: "no pattern fits what is seen; the suspects are ranked by how far they are off, and since when",
		Evidence:  []Evidence{}, Against: []Evidence{}, NotCollected: []Missing{}, Actions: []string{"look at the suspects, the first to change first, and at what was deployed or changed before the onset"},
	}
	from := worst.from
	many := map[Entity]bool{}
	for _, x := range e.impact {
		d.Evidence = append(d.Evidence, w.evidenceOf(x.symptoms[0], x.peak))
		from = min(from, x.from)
		many[x.entity] = true
	}
	if len(many) > 1 {
		d.Entity = fleetName
	}
	d.Onset = w.time(from - holdSteps(w.grid))
	return d
}
