package loadreport

import (
	"testing"
	"time"

	"llmops/probes/request"
	"llmops/rules/slo"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ms(x float64) time.Duration { return time.Duration(x * 1e6) }

// plain is a succeeded request without a stream: scheduled and sent at, done
// after the latency. Its place in the schedule is by the millisecond.
func plain(at, latency time.Duration) *request.Record {
	r := &request.Record{ID: int64(at / time.Millisecond), ScheduledAt: epoch.Add(at), SentAt: epoch.Add(at), DoneAt: epoch.Add(at + latency), OK: true, Status: 200}
	r.Derive()
	return r
}

// streamed is a succeeded request of n tokens, one a chunk, the first after
// ttft, the others gap apart, done with the last.
func streamed(at, ttft, gap time.Duration, n int) *request.Record {
	r := plain(at, ttft+time.Duration(n-1)*gap)
	for i := range n {
		r.Chunks = append(r.Chunks, request.Chunk{At: ttft + time.Duration(i)*gap, Tokens: 1})
	}
	r.FirstTokenAt, r.LastTokenAt = r.SentAt.Add(ttft), r.DoneAt
	r.CompletionTokens, r.PromptTokens, r.TokensFrom = new(int64(n)), new(int64(10)), "usage"
	r.Derive()
	return r
}

func failing(at time.Duration, class request.Class) *request.Record {
	r := plain(at, 50*time.Millisecond)
	r.OK, r.Error = false, class
	return r
}

// cutAt is a request that was cut off at a time after the epoch.
func cutAt(scheduled, at time.Duration) *request.Record {
	return &request.Record{ID: int64(scheduled / time.Millisecond), ScheduledAt: epoch.Add(scheduled), SentAt: epoch.Add(scheduled),
		DoneAt: epoch.Add(at), Error: request.Cancelled}
}

func objectives(t testing.TB, texts ...string) []slo.Objective {
	t.Helper()
	var out []slo.Objective
	for _, text := range texts {
		o, err := slo.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, o)
	}
	return out
}
