package loadreport

import (
	"math"
	"testing"
	"time"

	"llmops/probes/request"
)

// Three targets: one that fails half of its requests comes first, then the slower
// of the others; what the plan cancelled is in no figure and no verdict.
func TestByURL(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "error_rate < 90%")})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range int64(300) {
		r := request.Record{ID: i, URL: []string{"http://fast", "http://slow", "http://bad"}[i%3], ScheduledAt: at, SentAt: at, OK: true}
		latency := []time.Duration{10, 30, 5}[i%3] * time.Millisecond
		r.DoneAt, r.FirstTokenAt = at.Add(latency), at.Add(latency/2)
		switch {
		case i%3 == 2 && i%2 == 0:
			r.OK, r.Error = false, request.HTTP(503)
		case i >= 297:
			r.OK, r.Error, r.ByPlan, r.DoneAt = false, request.Cancelled, true, at.Add(7*time.Second)
		}
		r.Derive()
		a.Add(&r)
		at = at.Add(time.Millisecond)
	}
	s := a.Summary(Run{})
	if s.Requests != (Requests{Total: 300, Succeeded: 247, Failed: 50, Cancelled: 3, ByPlan: 3}) {
		t.Errorf("requests %+v", s.Requests)
	}
	if s.SLO[0].Verdict != Pass || s.SLO[0].CutOff != 0 || *s.MeasuredS > 1 {
		t.Errorf("what was cancelled by plan counts: %+v over %v s", s.SLO[0], *s.MeasuredS)
	}
	// 99 of 10 ms, 99 of 30, 99 of 5 and what the plan cut, in the 318 ms from the
	// first to the end of the slowest.
	if got, want := *s.Throughput.Concurrency, (99*.010+99*.030+99*.005+3*7) / *s.MeasuredS; math.Abs(got-want) > 1e-6 {
		t.Errorf("%v in flight on average, want %v", got, want)
	}
	var order []string
	for _, u := range s.ByURL {
		order = append(order, u.URL)
		if u.Requests.Total != 100 || u.Requests.ByPlan != 1 || u.Metrics.TPOT.Count != 0 {
			t.Errorf("%s: %+v", u.URL, u.Requests)
		}
		want := map[string]float64{"http://fast": 10, "http://slow": 30, "http://bad": 5}[u.URL]
		if got := *u.Metrics.Latency.P95; got < 0.999*want || got > 1.001*want || *u.Metrics.TTFT.P50 > 0.501*want {
			t.Errorf("%s: p95 latency %v ms, want %v; TTFT %v", u.URL, got, want, *u.Metrics.TTFT.P50)
		}
	}
	if len(order) != 3 || order[0] != "http://bad" || order[1] != "http://slow" || s.ByURL[0].Errors["http_503"] != 50 || len(s.ByURL[1].Errors) != 0 {
		t.Errorf("order %v, errors of the first %v", order, s.ByURL[0].Errors)
	}
	// Of one target there is no table.
	one := New(Config{})
	one.Add(&request.Record{OK: true, ScheduledAt: at, DoneAt: at})
	if got := one.Summary(Run{}).ByURL; got != nil {
		t.Errorf("%+v", got)
	}
}

func TestEmbeddingsThroughput(t *testing.T) {
	a := New(Config{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range int64(10) {
		a.Add(&request.Record{ID: i, OK: i > 0, Error: []request.Class{request.ParseError, ""}[min(i, 1)], Inputs: 4 * int(min(i, 1)), PromptTokens: new(int64(100)),
			ScheduledAt: at, SentAt: at, DoneAt: at.Add(2 * time.Second)})
	}
	s := a.Summary(Run{})
	if v := s.Throughput; *v.InputsPerSecond != 18 || *v.PromptTokensPerSecond != 450 || v.TokensPerSecond != nil {
		t.Errorf("%+v", v)
	}
	if s.Tokens.Source != "" || s.Tokens.Completion != nil || s.Metrics.TTFT.Count != 0 {
		t.Errorf("%+v", s.Tokens)
	}
}

// Forty sessions run beside each other for ten minutes, in the second half of which
// everything is slow. By their numbers every stretch of requests is alike; by the
// time they are not, and a verdict must not count them as independent.
func TestSessionsResembleEachOtherInTime(t *testing.T) {
	observed := func(session bool) (detail Judgement) {
		a := New(Config{Objectives: objectives(t, "p50_latency_ms < 100")})
		from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		a.Start(from)
		for s := range int64(40) {
			for turn := range int64(60) {
				r := request.Record{ID: 60*s + turn, OK: true, ScheduledAt: from.Add(time.Duration(turn) * 10 * time.Second)}
				if session {
					r.Session = "s"
				}
				// 46 % of all miss, all of them in the second half.
				latency := 50 * time.Millisecond
				if turn >= 32 {
					latency = 150 * time.Millisecond
				}
				r.SentAt, r.DoneAt = r.ScheduledAt, r.ScheduledAt.Add(latency)
				r.Derive()
				a.Add(&r)
			}
		}
		return a.Summary(Run{}).SLO[0]
	}
	if j := observed(false); j.Verdict != Pass {
		t.Errorf("independent: %s, %s", j.Verdict, j.Detail)
	}
	if j := observed(true); j.Verdict != Inconclusive {
		t.Errorf("sessions: %s, %s", j.Verdict, j.Detail)
	}
}
