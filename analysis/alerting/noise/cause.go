package noise

import (
	"cmp"
	"slices"
	"time"

	"llmops/analysis/alerting/dispatch"
)

// Near is how close two alerts must begin to have one cause.
const Near = 5 * time.Minute

// Cause is alerts that seem to have one cause: each began within Near of another
// of them and is of the same thing. Two alerts are of the same thing if they have
// the same name, or the same value of one of the labels service, replica, pod,
// instance, node and host; or if none of these labels is on both.
type Cause struct {
	First         int   `json:"first"` // the ID of the alert that began first; of several the most severe
	IDs           []int `json:"ids"`   // all of them, by their beginning
	From          int64 `json:"from"`  // Unix ms
	To            int64 `json:"to"`    // when the last was resolved; 0: one still fires
	Notifications int   `json:"notifications"`
}

// entities are the labels that say what an alert is of.
var entities = [...]string{"service", "replica", "pod", "instance", "node", "host"}

// A joiner finds the alerts that belong together, in one pass over alerts by From: of
// those with a name or a label in common it is enough to look at the last one, since the
// ones before it belong to that already.
type joiner struct {
	alerts []dispatch.Alert
	parent []int
	last   map[[2]string]int // the last alert of a name (label alertname) or of a label's value
	// open are those of each set of entity labels that no alert without a label in common
	// has joined yet, and the last that one did.
	open [1 << len(entities)][]int
}

func (j *joiner) root(i int) int {
	for j.parent[i] != i {
		j.parent[i] = j.parent[j.parent[i]]
		i = j.parent[i]
	}
	return i
}

// near joins two alerts that are of one thing, if the second begins soon enough.
func (j *joiner) near(before, i int) {
	if j.alerts[i].From-j.alerts[before].From > Near.Milliseconds() {
		return
	}
	j.parent[j.root(i)] = j.root(before)
}

func (j *joiner) add(i int) {
	labels, set := j.alerts[i].Labels, 0
	common := func(label string) {
		key := [2]string{label, labels[label]}
		if before, ok := j.last[key]; ok {
			j.near(before, i)
		}
		j.last[key] = i
	}
	common("alertname")
	for bit, label := range entities {
		if labels[label] != "" {
			set |= 1 << bit
			common(label)
		}
	}
	for other := range j.open {
		if other&set != 0 || len(j.open[other]) == 0 {
			continue
		}
		for _, before := range j.open[other] {
			j.near(before, i)
		}
		j.open[other] = j.open[other][len(j.open[other])-1:]
	}
	j.open[set] = append(j.open[set], i)
}

// rank is lower for what is more severe.
func rank(severity string) int {
	levels := []string{"critical", "page", "warning", "ticket", "info"}
	if i := slices.Index(levels, severity); i >= 0 {
		return i
	}
	return len(levels)
}

// causes expects alerts by From.
func causes(alerts []dispatch.Alert, plan dispatch.Plan) []Cause {
	j := joiner{alerts: alerts, parent: make([]int, len(alerts)), last: map[[2]string]int{}}
	for i := range alerts {
		j.parent[i] = i
		j.add(i)
	}
	root := j.root
	by, cause := map[int][]int{}, map[int]int{}
	for i, a := range alerts {
		by[root(i)] = append(by[root(i)], i)
		cause[a.ID] = root(i)
	}
	told := map[int]int{}
	for _, n := range plan.Notifications {
		listed := map[int]bool{}
		for _, id := range slices.Concat(n.Firing, n.Resolved) {
			if r, ok := cause[id]; ok {
				listed[r] = true
			}
		}
		for r := range listed {
			told[r]++
		}
	}
	out := []Cause{}
	for r, members := range by {
		if len(members) > 1 {
			out = append(out, describe(alerts, members, told[r]))
		}
	}
	slices.SortFunc(out, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(len(b.IDs), len(a.IDs)), cmp.Compare(a.From, b.From), cmp.Compare(a.First, b.First))
	})
	return out
}

func describe(alerts []dispatch.Alert, members []int, told int) Cause {
	head := slices.MinFunc(members, func(i, j int) int {
		a, b := alerts[i], alerts[j]
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(rank(a.Labels["severity"]), rank(b.Labels["severity"])), cmp.Compare(a.ID, b.ID))
	})
	c := Cause{First: alerts[head].ID, From: alerts[head].From, Notifications: told}
	open := false
	for _, i := range members {
		c.IDs = append(c.IDs, alerts[i].ID)
		c.To = max(c.To, alerts[i].To)
		open = open || alerts[i].To == 0
	}
	if open {
		c.To = 0
	}
	return c
}
