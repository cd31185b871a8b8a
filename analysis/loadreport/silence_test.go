package loadreport

import (
	"strings"
	"testing"
	"time"

	"llmops/probes/request"
)

// A closed loop of 8: 3,000 good requests in 4 s, then a dead server for 6 s.
func TestSilenceIsNoPass(t *testing.T) {
	for name, tc := range map[string]struct {
		deadFor time.Duration
		want    Verdict
	}{
		"dead to the end": {6 * time.Second, Inconclusive},
		"a short wait":    {200 * time.Millisecond, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Config{Objectives: objectives(t, "p95_latency_ms < 3000", "error_rate < 5%")})
			a.Start(epoch)
			ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
			for i := range 3000 {
				at := ms(i * 4 / 3)
				a.Add(&request.Record{ID: int64(i), OK: true, ScheduledAt: at, SentAt: at, DoneAt: at.Add(10 * time.Millisecond), LatencyMs: new(10.0)})
			}
			for i := range 8 {
				at := ms(4000)
				a.Add(&request.Record{ID: int64(3000 + i), Error: request.Cancelled, ScheduledAt: at, SentAt: at, DoneAt: at.Add(tc.deadFor)})
			}
			s := a.Summary(Run{Window: 4*time.Second + tc.deadFor})
			for _, j := range s.SLO {
				if j.Verdict != tc.want {
					t.Errorf("%s: %s, want %s: %s", j.Objective, j.Verdict, tc.want, j.Detail)
				}
				if tc.want == Inconclusive && !strings.Contains(j.Detail, "nothing came back in the last") {
					t.Errorf("%s: %s", j.Objective, j.Detail)
				}
			}
		})
	}
}
