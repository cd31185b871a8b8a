package loadreport

import (
	"testing"
	"time"

	"llmops/probes/request"
)

// However long the run, the course has at most 120 stretches, loses nothing, and
// each stretch holds what ended in it.
func TestCourse(t *testing.T) {
	for _, n := range []int{1, 119, 120, 121, 5000} {
		a := New(Config{})
		a.Start(epoch)
		for i := range n {
			at := epoch.Add(time.Duration(i) * 100 * time.Millisecond)
			ms := float64(1 + i)
			r := &request.Record{ID: int64(i), OK: i%10 != 0, ScheduledAt: at, SentAt: at, DoneAt: at, LatencyMs: &ms, CompletionTokens: new(int64(2))}
			if !r.OK {
				r.Error = request.HTTP(503)
			}
			a.Add(r)
		}
		moments := a.Course()
		if len(moments) > 120 || n > 120 && len(moments) < 50 {
			t.Errorf("%d requests: %d stretches", n, len(moments))
		}
		var succeeded, failed, classed, tokens int64
		for i, m := range moments {
			succeeded, failed, tokens = succeeded+m.Succeeded, failed+m.Failed, tokens+m.Tokens
			classed += m.Errors["http_503"]
			if i > 0 && m.From != moments[i-1].To {
				t.Fatalf("stretch %d begins at %v, the one before ends at %v", i, m.From, moments[i-1].To)
			}
			if m.Latency.Count > 0 {
				low, high := float64(m.From/(100*time.Millisecond)), float64(m.To/(100*time.Millisecond))+1
				if *m.Latency.Min < low || *m.Latency.Max > high {
					t.Errorf("stretch %v to %v holds latencies from %v to %v", m.From, m.To, *m.Latency.Min, *m.Latency.Max)
				}
			}
		}
		if succeeded+failed != int64(n) || classed != failed || tokens != 2*succeeded {
			t.Errorf("%d requests: %d succeeded, %d failed, %d classed, %d tokens", n, succeeded, failed, classed, tokens)
		}
	}
}
