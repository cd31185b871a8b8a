package alerting

import (
	"slices"

	"llmops/analysis/series"
)

// A unit is rules that must be evaluated together, time by time: each needs what
// another recorded the time before, or writes the same series. Mostly it is one rule.
type unit struct {
	rules []*rule            // in the order in which they take their turns
	after []*unit            // those that it depends on
	last  map[string]*newest // of the series that several rules may write
	// decoded are samples that the rules look at; they do so at the same times.
	decoded series.Ahead
	done    chan struct{}
}

// tarjan finds the strongly connected components of the rules: edges lead from a rule
// to those that it needs, and both ways between those that may write the same series.
// Components come after those that they lead to (Tarjan 1972).
type tarjan struct {
	plan  *plan
	state []visit
	stack []int
	count int
}

type visit struct {
	number, low int
	open        bool
}

func (t *tarjan) visit(i int) {
	t.count++
	t.state[i] = visit{t.count, t.count, true}
	t.stack = append(t.stack, i)
	r := t.plan.rules[i]
	for _, other := range slices.Concat(r.needs, t.plan.writers[r.names()[0]]) {
		k := other.index
		if !slices.Contains(r.needs, other) && !r.mayShare(other) {
			continue
		}
		switch next := t.state[k]; {
		case next.number == 0:
			t.visit(k)
			t.state[i].low = min(t.state[i].low, t.state[k].low)
		case next.open:
			t.state[i].low = min(t.state[i].low, next.number)
		}
	}
	if t.state[i].low < t.state[i].number {
		return
	}
	u := &unit{done: make(chan struct{})}
	for {
		k := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.state[k].open = false
		u.rules = append(u.rules, t.plan.rules[k])
		if k == i {
			break
		}
	}
	t.plan.units = append(t.plan.units, u)
}
