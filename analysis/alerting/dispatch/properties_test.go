package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

// What holds whatever the configuration: nobody is told of an alert before it
// fires, or within a silence; who is told of the end knew of the group; who is not
// to be told of the end is not; and an alert that stays audible is told within
// group_wait and group_interval of its beginning, to every receiver of its routes.
func TestProperties(t *testing.T) {
	for seed := range 400 {
		c, alerts := random(t, rand.New(rand.NewPCG(uint64(seed), 7)))
		plan := dispatch.Simulate(c, alerts, 0, 3000_000)
		byID := map[int]dispatch.Alert{}
		for _, a := range alerts {
			byID[a.ID] = a
		}
		silent := func(a dispatch.Alert, at int64) bool {
			return slices.ContainsFunc(c.Silences, func(s routing.Silence) bool {
				return routing.Matches(s.Matchers, a.Labels) && s.Start.UnixMilli() <= at && at < s.End.UnixMilli()
			})
		}
		fires := map[[2]string]bool{}
		for _, n := range plan.Notifications {
			key := [2]string{n.GroupKey, n.Receiver}
			receiver, ok := c.Receiver(n.Receiver)
			if !ok || !receiver.Sends() || len(n.Firing)+len(n.Resolved) == 0 {
				t.Fatalf("seed %d: %+v", seed, n)
			}
			for _, id := range n.Firing {
				if a := byID[id]; n.At < a.From || a.To != 0 && n.At >= a.To || silent(a, n.At) {
					t.Fatalf("seed %d: %d is told to fire: %+v", seed, id, n)
				}
				if a := byID[id]; n.After > 0 && n.At < a.From+n.After {
					t.Fatalf("seed %d: %d escalates too early: %+v", seed, id, n)
				}
			}
			for _, id := range n.Resolved {
				if a := byID[id]; a.To == 0 || n.At < a.To || silent(a, n.At) || !receiver.SendResolved {
					t.Fatalf("seed %d: %d is told to be resolved: %+v", seed, id, n)
				}
			}
			if n.Reason == dispatch.Resolved && (len(n.Firing) > 0 || !fires[key]) {
				t.Fatalf("seed %d: %+v", seed, n)
			}
			fires[key] = len(n.Firing) > 0
		}
		for _, a := range alerts {
			if slices.ContainsFunc(plan.Suppressed, func(s dispatch.Suppression) bool { return s.ID == a.ID }) {
				continue
			}
			for _, r := range c.Match(a.Labels) {
				by := a.From + (r.GroupWait + r.GroupInterval).Milliseconds()
				if a.To != 0 && a.To <= by {
					continue
				}
				for _, name := range r.Receivers {
					receiver, _ := c.Receiver(name)
					if !receiver.Sends() {
						continue
					}
					told := slices.Contains(plan.Receivers[a.ID], name)
					// It may count as known: the same labels fired before, and the end was not told.
					again := slices.ContainsFunc(alerts, func(b dispatch.Alert) bool {
						return b.From < a.From && dispatch.Fingerprint(b.Labels) == dispatch.Fingerprint(a.Labels)
					})
					if !told && !again {
						t.Fatalf("seed %d: %s is not told of %d by %v: %v", seed, name, a.ID, time.Duration(by)*time.Millisecond, lines(plan.Notifications))
					}
				}
			}
		}
	}
}
