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

func sameThing(a, b dispatch.Alert) bool {
	common := false
	for _, label := range []string{"service", "replica", "pod", "instance", "node", "host"} {
		x, y := a.Labels[label], b.Labels[label]
		if x == "" || y == "" {
			continue
		}
		if x == y {
			return true
		}
		common = true
	}
	return !common || a.Labels["alertname"] == b.Labels["alertname"]
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
	parent := make([]int, len(alerts))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := 0
	for i, a := range alerts {
		for a.From-alerts[first].From > Near.Milliseconds() {
			first++
		}
		for j := first; j < i; j++ {
			if root(j) != root(i) && sameThing(alerts[j], a) {
				parent[root(i)] = root(j)
			}
		}
	}
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
