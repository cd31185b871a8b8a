package budget

import (
	"math/big"
	"slices"
)

// Action is what the error budget policy asks for.
type Action string

// The actions, of the policy in the Site Reliability Workbook, appendix B, and one
// for when nobody can tell.
const (
	Proceed    Action = "proceed"
	Warn       Action = "warn"       // 75 % of a budget is spent
	Wait       Action = "wait"       // for more events: the verdict is undetermined
	Freeze     Action = "freeze"     // all of a budget is spent: no release but fixes
	Postmortem Action = "postmortem" // one incident spent over 20 % of a budget
)

// Policy is one action that the policy asks for, and why.
type Policy struct {
	Action Action   `json:"action"`
	When   string   `json:"when"`
	Value  *float64 `json:"value,omitempty"`
	From   *Time    `json:"from,omitempty"` // of the incident
}

func (j *judge) policy(s *SLO, t tally) {
	consumed := j.ratioOf(t)
	switch {
	case j.spent(t):
		s.Policy = append(s.Policy, Policy{Action: Freeze, When: "consumed >= 1", Value: s.Consumed})
	case consumed != nil && consumed.Cmp(big.NewRat(3, 4)) >= 0:
		s.Policy = append(s.Policy, Policy{Action: Warn, When: "consumed >= 0.75", Value: s.Consumed})
	}
	if s.Verdict == Undetermined && !j.spent(t) {
		s.Policy = append(s.Policy, Policy{Action: Wait, When: "verdict undetermined"})
	}
}

// postmortem asks for one if the incident alone has spent more than a fifth of
// the budget; share is nil where any bad event is more than all of it.
func (j *judge) postmortem(s *SLO, f *incident, share *big.Rat) {
	if share != nil && share.Cmp(big.NewRat(1, 5)) <= 0 {
		return
	}
	p := Policy{Action: Postmortem, When: "share of one incident > 0.2", From: new(Time(f.from))}
	if share != nil {
		p.Value = floatOf(share)
	}
	s.Policy = append(s.Policy, p)
}

// release is the strictest that the policies ask for.
func release(slos []SLO) Action {
	order := []Action{Proceed, Warn, Wait, Freeze}
	strictest := 0
	for _, s := range slos {
		for _, p := range s.Policy {
			strictest = max(strictest, slices.Index(order, p.Action)) // a postmortem stops no release
		}
	}
	return order[strictest]
}
