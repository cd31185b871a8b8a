package noise

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"llmops/analysis/alerting/dispatch"
)

// The definition, pair by pair.
func TestCausesAreThoseOfPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		var alerts []dispatch.Alert
		from := int64(0)
		for i := range 1 + r.IntN(30) {
			from += r.Int64N(2 * Near.Milliseconds())
			if r.IntN(3) > 0 {
				from -= r.Int64N(from+1) / 4
			}
			labels := map[string]string{"alertname": fmt.Sprint("A", r.IntN(8))}
			for _, label := range entities {
				if r.IntN(3) == 0 {
					labels[label] = fmt.Sprint(r.IntN(6))
				}
			}
			alerts = append(alerts, dispatch.Alert{ID: i, Labels: labels, From: from, To: from + 1})
		}
		slices.SortStableFunc(alerts, func(a, b dispatch.Alert) int { return cmp.Compare(a.From, b.From) })
		group := make([]int, len(alerts))
		for i := range group {
			group[i] = i
		}
		join := func(a, b int) {
			for i, g := range group {
				if g == b {
					group[i] = a
				}
			}
		}
		for i, a := range alerts {
			for j, b := range alerts[:i] {
				if a.From-b.From > Near.Milliseconds() {
					continue
				}
				same, common := a.Labels["alertname"] == b.Labels["alertname"], false
				for _, label := range entities {
					if x, y := a.Labels[label], b.Labels[label]; x != "" && y != "" {
						same, common = same || x == y, true
					}
				}
				if (same || !common) && group[i] != group[j] {
					join(group[j], group[i])
				}
			}
		}
		sizes, want := map[int]int{}, []int{}
		for _, g := range group {
			sizes[g]++
		}
		for _, n := range sizes {
			if n > 1 {
				want = append(want, n)
			}
		}
		var got []int
		for _, c := range causes(alerts, dispatch.Plan{}) {
			got = append(got, len(c.IDs))
			for _, id := range c.IDs {
				at := func(id int) int { return slices.IndexFunc(alerts, func(a dispatch.Alert) bool { return a.ID == id }) }
				if group[at(id)] != group[at(c.First)] {
					t.Fatalf("alert %d is no relation of %d", id, c.First)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("sizes %v, want %v", got, want)
		}
	}
}
