package loadreport

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"llmops/probes/request"
)

// A thousand good requests of 100 ms in 10 s, and some that the end of the run
// cut off: the passes that rest on their absence are none.
func TestCutRequestsUndoAPass(t *testing.T) {
	for _, c := range []struct {
		objective   string
		cut         int
		age         time.Duration
		interrupted bool
		want        Verdict
		cutOff      uint64
	}{
		{"p99_latency_ms < 500", 0, 0, false, Pass, 0},
		{"p99_latency_ms < 500", 8, 6 * time.Second, false, Inconclusive, 8},
		{"p99_latency_ms < 500", 3, 6 * time.Second, false, Pass, 0}, // 3 of 1003 pass too
		{"p99_latency_ms < 500", 8, 499 * time.Millisecond, false, Pass, 0},
		{"p99_latency_ms < 500", 8, 500 * time.Millisecond, false, Inconclusive, 8},
		{"p99_latency_ms <= 500", 8, 500 * time.Millisecond, false, Pass, 0},
		{"p99_latency_ms < 500", 8, 6 * time.Second, true, Inconclusive, 8},
		{"p99_latency_ms < 500", 8, 400 * time.Millisecond, true, Pass, 0},
		{"p5_latency_ms > 50", 100, 20 * time.Millisecond, false, Pass, 0}, // they only get longer
		{"p99_ttft_ms < 500", 8, 6 * time.Second, false, Inconclusive, 8},
		{"p99_queue_ms < 500", 8, 6 * time.Second, false, Pass, 0}, // they were sent
		{"p90_tpot_ms < 50", 150, 6 * time.Second, false, Inconclusive, 150},
		{"p90_tpot_ms < 50", 150, 50 * time.Millisecond, true, Pass, 0},
		{"p90_itl_ms < 50", 950, 6 * time.Second, false, Inconclusive, 950},
		{"p90_itl_ms < 50", 950, 6 * time.Second, true, Pass, 0}, // none had a token yet
		{"max_latency_ms < 500", 1, 6 * time.Second, false, Inconclusive, 1},
		{"max_latency_ms < 500", 1, 400 * time.Millisecond, false, Pass, 0},
		{"min_latency_ms > 50", 8, 6 * time.Second, false, Pass, 0},
		{"mean_latency_ms < 105", 8, 6 * time.Second, false, Inconclusive, 8},
		{"mean_latency_ms < 105", 8, 101 * time.Millisecond, false, Pass, 0},
		{"error_rate < 1%", 8, 50 * time.Millisecond, false, Inconclusive, 8},
		{"error_rate < 1%", 8, 6 * time.Second, false, Inconclusive, 8},
		{"error_rate < 1%", 8, 50 * time.Millisecond, true, Pass, 0},
		{"error_rate < 1%", 8, 6 * time.Second, true, Inconclusive, 8},
		{"error_rate <= 0", 1, 50 * time.Millisecond, false, Inconclusive, 1},
		{"success_rate >= 99%", 8, 50 * time.Millisecond, false, Inconclusive, 8},
		{"success_rate >= 99%", 2, 50 * time.Millisecond, false, Pass, 0},
		{"timeout_rate < 1%", 8, 6 * time.Second, false, Inconclusive, 8},
		{"p99_latency_ms < 90", 8, 6 * time.Second, false, Fail, 0},
		{"quality_score > 0.88", 30, 6 * time.Second, false, Inconclusive, 30},
		{"quality_score > 0.85", 30, 6 * time.Second, false, Pass, 0},
	} {
		t.Run(fmt.Sprintf("%s/%d after %s, %v", c.objective, c.cut, c.age, c.interrupted), func(t *testing.T) {
			a := New(Config{Objectives: objectives(t, c.objective)})
			for i := range 1000 {
				r := streamed(time.Duration(i)*ms(10), ms(10), ms(10), 10)
				r.Quality = new(0.89 + 0.02*float64(i%2))
				a.Add(r)
			}
			for range c.cut {
				a.Add(cutAt(10*time.Second-c.age, 10*time.Second))
			}
			s := a.Summary(Run{Interrupted: c.interrupted})
			j := s.SLO[0]
			if j.Verdict != c.want || j.CutOff != c.cutOff {
				t.Errorf("%s, %d cut off: %s", j.Verdict, j.CutOff, j.Detail)
			}
			if c.cutOff > 0 {
				advice := "raise --drain-timeout"
				if c.interrupted {
					advice = "let the run end"
				}
				want := fmt.Sprintf("%s cut off after up to %s; with them as misses it would not pass: %s", were(c.cutOff), short(c.age), advice)
				if !strings.HasSuffix(j.Detail, want) {
					t.Errorf("%q does not end with %q", j.Detail, want)
				}
			}
			if s.Requests.Cancelled != int64(c.cut) || s.Metrics.Latency.Count != 1000 || s.Requests.Failed != 0 {
				t.Errorf("the cut requests are in a figure: %+v", s.Requests)
			}
			if warned := len(s.Warnings) > 0; warned != (c.cut > 0 && !c.interrupted) {
				t.Errorf("warnings %q", s.Warnings)
			}
		})
	}
}

func were(n uint64) string {
	if n == 1 {
		return "1 request was"
	}
	return fmt.Sprintf("%d requests were", n)
}

// A first token that came counts as it came; a request that was never sent is
// as old as its arrival.
func TestReached(t *testing.T) {
	sent := cutAt(0, 6*time.Second)
	sent.FirstTokenAt, sent.LastTokenAt = epoch.Add(200*time.Millisecond), epoch.Add(4*time.Second)
	queued := cutAt(0, 6*time.Second)
	queued.SentAt = time.Time{}
	for _, c := range []struct {
		r      *request.Record
		metric int
		want   float64
		ok     bool
	}{
		{sent, latency, 6000, true}, {sent, ttft, 200, true}, {sent, queue, 0, true}, {sent, itl, 2000, true}, {sent, chunkGap, 2000, true}, {sent, tpot, 0, false},
		{queued, latency, 6000, true}, {queued, ttft, 6000, true}, {queued, queue, 6000, true}, {queued, itl, 0, false},
	} {
		if got, ok := reached(c.r, c.metric); got != c.want || ok != c.ok {
			t.Errorf("%s of %+v: %v %v", metricNames[c.metric], c.r, got, ok)
		}
	}
}

// A server that answers for 20 s of 60 and then hangs: eight requests wait
// until the drain is over at 90 s.
func TestDeadServerShows(t *testing.T) {
	texts := []string{"requests_per_second > 80", "tokens_per_second > 800", "goodput > 80", "concurrent_requests >= 7", "p95_latency_ms < 1000", "error_rate < 1%"}
	run := func(window time.Duration, interrupted bool) Summary {
		all := append(objectives(t, texts...), file(t, `slos:
  - {sli: requests_per_second > 50, target: 0.5, method: timeslices, slice: 1s}
  - {sli: requests_per_second > 50, target: 0.5, method: timeslices, slice: 1s, min_events: 1}
  - {sli: availability, target: 0.5, method: timeslices, slice: 1s, slice_target: 0.9}
`)...)
		a := New(Config{Objectives: all})
		a.Start(epoch)
		for i := range 2000 {
			a.Add(streamed(time.Duration(i)*ms(10), ms(10), ms(7), 10))
		}
		for range 8 {
			a.Add(cutAt(20*time.Second, 90*time.Second))
		}
		return a.Summary(Run{Window: window, Interrupted: interrupted})
	}
	for _, c := range []struct {
		window, measured time.Duration
	}{{0, 90 * time.Second}, {60 * time.Second, 60 * time.Second}} {
		s := run(c.window, false)
		if *s.MeasuredS != c.measured.Seconds() || math.Abs(*s.Throughput.RequestsPerSecond-2000/c.measured.Seconds()) > 1e-5 {
			t.Errorf("window %s: measured %v s, %v requests/s", c.window, *s.MeasuredS, *s.Throughput.RequestsPerSecond)
		}
		// 2000 requests of 73 ms, and eight that wait from 20 s on.
		inFlight := (2000*0.073 + 8*(c.measured.Seconds()-20)) / c.measured.Seconds()
		if got := *s.Throughput.Concurrency; math.Abs(got-inFlight) > 1e-5 {
			t.Errorf("window %s: %v in flight, want %v", c.window, got, inFlight)
		}
		for i, want := range []Verdict{Fail, Fail, Fail, Inconclusive, Inconclusive, Inconclusive, Fail, Inconclusive, Inconclusive} {
			if j := s.SLO[i]; j.Verdict != want {
				t.Errorf("window %s: %s: %s, want %s: %s", c.window, j.Objective, j.Verdict, want, j.Detail)
			}
		}
		if s.Verdict != Fail {
			t.Errorf("%s", s.Verdict)
		}
	}
	// Broken off, it shows all the same.
	if s := run(0, true); s.SLO[0].Verdict != Fail || s.SLO[8].Verdict != Inconclusive || s.SLO[8].CutOff != 8 {
		t.Errorf("%+v", s.SLO)
	}
}

// What is still under way when a run is broken off is no finding.
func TestInterruptedHealthyRun(t *testing.T) {
	a := New(Config{Objectives: append(objectives(t, "p95_latency_ms < 500", "error_rate < 1%", "requests_per_second > 50", "max_ttft_ms < 50"), file(t, `slos:
  - {sli: availability, target: 0.5, method: timeslices, slice: 1s, slice_target: 0.9}`)...)})
	for i := range 1000 {
		a.Add(streamed(time.Duration(i)*ms(10), ms(10), ms(10), 10))
	}
	for i := range 64 {
		r := cutAt(10*time.Second-ms(float64(i)), 10*time.Second)
		if i > 10 {
			r.FirstTokenAt = r.SentAt.Add(ms(10))
		}
		a.Add(r)
	}
	s := a.Summary(Run{Interrupted: true})
	if s.Verdict != Pass || len(s.Warnings) != 0 {
		t.Errorf("%s %q %+v", s.Verdict, s.Warnings, s.SLO)
	}
}
