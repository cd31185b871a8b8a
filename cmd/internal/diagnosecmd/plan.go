package diagnosecmd

import (
	"cmp"
	"slices"
	"time"

	"llmops/analysis/diagnose"
	"llmops/rules/fault"
)

// PlanSchema names the form of a remediation plan.
const PlanSchema = "llmops.plan/v1"

// planDoc is what --plan writes: steps for people to take, the safest first.
type planDoc struct {
	Schema    string     `json:"schema"`
	Verdict   string     `json:"verdict"`
	Incidents []planItem `json:"incidents"`
}

type planItem struct {
	ID         string    `json:"id"`
	Fault      string    `json:"fault"`
	Entity     string    `json:"entity"`
	Onset      time.Time `json:"onset"`
	Confidence float64   `json:"confidence"`
	// AsLikely is the other one of a tie: what would tell them apart comes first.
	AsLikely string `json:"as_likely,omitempty"`
	// Set are the variables that somebody has to set before commands can run, and what
	// they are: names that no label says.
	Set   map[string]string `json:"set,omitempty"`
	Steps []planStep        `json:"steps"`
}

type planStep struct {
	Do           string            `json:"do"`
	Kind         string            `json:"kind,omitempty"`
	Risk         fault.Risk        `json:"risk"`
	Precondition string            `json:"precondition,omitempty"`
	BlastRadius  string            `json:"blast_radius,omitempty"`
	RollBack     string            `json:"roll_back,omitempty"`
	Commands     map[string]string `json:"commands,omitempty"`
}

func (s shown) plan() planDoc {
	doc := planDoc{Schema: PlanSchema, Verdict: s.Verdict, Incidents: []planItem{}}
	for _, x := range s.Incidents {
		for i, d := range x.Diagnoses {
			if item, ok := s.planned(x, i, d); ok {
				doc.Incidents = append(doc.Incidents, item)
			}
		}
	}
	return doc
}

// planSure is the confidence from which a plan has the steps of a diagnosis that is
// neither the first of its incident nor tied with that.
const planSure = 0.5

// planned is what a plan has of the i-th diagnosis: a plan follows what the report names,
// however low its confidence, which it says.
func (s shown) planned(x diagnose.Incident, i int, d diagnose.Diagnosis) (planItem, bool) {
	tied := x.Tie != nil && slices.Contains(x.Tie.Between[:], d.Fault)
	if i > 0 && (d.Explained != "" || d.Confidence < planSure && !tied) {
		return planItem{}, false
	}
	item := planOf(x, d, s.names[d.Where])
	if tied {
		item.AsLikely = x.Tie.Between[0]
		if item.AsLikely == d.Fault {
			item.AsLikely = x.Tie.Between[1]
		}
	}
	return item, true
}

func planOf(x diagnose.Incident, d diagnose.Diagnosis, n fault.Names) planItem {
	item := planItem{ID: x.ID, Fault: d.Fault, Entity: d.Entity, Onset: d.Onset, Confidence: d.Confidence}
	if d.Pattern == nil { // nobody knows more than where to look
		item.Steps = []planStep{}
		for _, a := range d.Actions {
			item.Steps = append(item.Steps, planStep{Do: a, Risk: fault.Look})
		}
		return item
	}
	item.Steps = stepsOf(d.Pattern, n, func(b fault.Blank) {
		if item.Set == nil {
			item.Set = map[string]string{}
		}
		item.Set[b.Variable] = b.About
	})
	return item
}

// stepsOf are the actions of a fault, with commands about n; unset, if not nil, is told
// what has to be set before.
func stepsOf(f *fault.Fault, n fault.Names, unset func(fault.Blank)) []planStep {
	steps := []planStep{}
	for _, a := range f.Actions {
		step := planStep{Do: a.Do, Kind: a.Kind, Risk: a.Risk, Precondition: a.Needs, BlastRadius: a.Blast, RollBack: a.Undo}
		if a.Risk != fault.Look { // what changes something says all three
			step.Precondition, step.BlastRadius, step.RollBack = cmp.Or(a.Needs, "none"), cmp.Or(a.Blast, "nothing else"), cmp.Or(a.Undo, "nothing to take back")
		}
		for _, c := range fitting(a.Run, n) {
			if step.Commands == nil {
				step.Commands = map[string]string{}
			}
			step.Commands[c.On] = c.With(n)
			for _, b := range c.Blanks(n) {
				if unset != nil {
					unset(b)
				}
			}
		}
		steps = append(steps, step)
	}
	return steps
}
