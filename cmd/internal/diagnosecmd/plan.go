package diagnosecmd

import (
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
	ID         string     `json:"id"`
	Fault      string     `json:"fault"`
	Entity     string     `json:"entity"`
	Onset      time.Time  `json:"onset"`
	Confidence float64    `json:"confidence"`
	Steps      []planStep `json:"steps"`
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
		for _, d := range x.Diagnoses {
			if d.Explained != "" || d.Confidence < 0.5 || d.Pattern == nil {
				continue
			}
			doc.Incidents = append(doc.Incidents, planOf(x, d))
		}
	}
	return doc
}

func planOf(x diagnose.Incident, d diagnose.Diagnosis) planItem {
	item := planItem{ID: x.ID, Fault: d.Fault, Entity: d.Entity, Onset: d.Onset, Confidence: d.Confidence, Steps: []planStep{}}
	for _, a := range d.Pattern.Actions {
		step := planStep{Do: a.Do, Kind: a.Kind, Risk: a.Risk, Precondition: a.Needs, BlastRadius: a.Blast, RollBack: a.Undo}
		for _, c := range a.Run {
			if step.Commands == nil {
				step.Commands = map[string]string{}
			}
			step.Commands[c.On] = c.For(d.Where.Name, d.Where.GPU)
		}
		item.Steps = append(item.Steps, step)
	}
	return item
}

// faultDoc is an entry of the catalogue in the JSON form.
func faultDoc(f *fault.Fault) any {
	type symptom struct {
		Name     string  `json:"name"`
		Expr     string  `json:"expr"`
		Test     string  `json:"test"`
		Weight   float64 `json:"weight"`
		Required bool    `json:"required,omitempty"`
	}
	list := func(in []fault.Symptom) []symptom {
		out := []symptom{}
		for _, s := range in {
			out = append(out, symptom{s.Name, s.Expr, s.Test.String(), s.Weight, s.Required})
		}
		return out
	}
	actions := []string{}
	for _, a := range f.Actions {
		actions = append(actions, a.Text("", ""))
	}
	return struct {
		Schema    string         `json:"schema"`
		ID        string         `json:"id"`
		Name      string         `json:"name"`
		NameZh    string         `json:"name_zh"`
		Severity  fault.Severity `json:"severity"`
		Scope     fault.Scope    `json:"scope"`
		RootCause string         `json:"root_cause"`
		Symptoms  []symptom      `json:"symptoms"`
		Against   []symptom      `json:"against"`
		Explains  []string       `json:"explains"`
		Actions   []string       `json:"actions"`
	}{"llmops.fault/v1", f.ID, f.En, f.Zh, f.Severity, f.Scope, f.Cause, list(f.Symptoms), list(f.Against), append([]string{}, f.Explains...), actions}
}
