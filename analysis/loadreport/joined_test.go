package loadreport

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/probes/request"
	"llmops/rules/slo"
)

// lateReads is what a client that reads up to wait late records of a reply whose
// chunks really came at the given times: what is there at a read has the stamp of
// the newest.
func lateReads(rng *rand.Rand, r *request.Record, wait time.Duration) *request.Record {
	out := *r
	out.Chunks = slices.Clone(r.Chunks)
	for i := 0; i < len(out.Chunks); {
		read := out.Chunks[i].At
		if rng.IntN(3) == 0 { // most reads are in time
			read += time.Duration(rng.Int64N(int64(wait)))
		}
		last := i
		for last+1 < len(out.Chunks) && out.Chunks[last+1].At <= read {
			last++
		}
		for j := i; j <= last; j++ {
			out.Chunks[j].At, out.Chunks[j].Joined = out.Chunks[last].At, j > i
		}
		i = last + 1
	}
	out.FirstTokenAt = out.SentAt.Add(out.Chunks[0].At)
	out.Derive()
	return &out
}

// Whatever is not marked is within a hundredth of the truth, what is marked as
// an upper bound is one, and no verdict is the opposite of that on the truth.
func TestJoinedReadsAgainstTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for round := range 60 {
		wait := []time.Duration{ms(0.1), ms(2), ms(15), ms(80)}[round%4]
		texts := []string{"p50_ttft_ms < 32", "p95_ttft_ms < 55", "mean_ttft_ms < 35", "max_ttft_ms < 63", "p90_chunk_gap_ms < 11",
			"p99_itl_ms < 14", "p50_itl_ms < 8", "p10_ttft_ms > 13", "p10_chunk_gap_ms > 3",
			"mean_itl_ms < 7.4", "mean_itl_ms < 6.8", "p50_tpot_ms < 7", "p90_tpot_ms < 8", "mean_tpot_ms < 6.8", "mean_tpot_ms < 7.2"}
		measured, truth := New(Config{Objectives: objectives(t, texts...)}), New(Config{Objectives: objectives(t, texts...)})
		for i := range 400 {
			r := streamed(time.Duration(i)*ms(20), ms(5+60*rng.Float64()), 0, 30)
			at, tokens := r.Chunks[0].At, int64(0)
			for j := range r.Chunks {
				if round%2 == 1 && rng.IntN(4) == 0 { // as of speculative decoding
					r.Chunks[j].Tokens = 1 + rng.Int32N(9)
				}
				tokens += int64(r.Chunks[j].Tokens)
				r.Chunks[j].At = at
				at += ms(2 + 10*rng.Float64())
			}
			r.CompletionTokens = &tokens
			r.LastTokenAt = r.SentAt.Add(r.Chunks[29].At)
			r.DoneAt = r.LastTokenAt
			r.Derive()
			truth.Add(r)
			measured.Add(lateReads(rng, r, wait))
		}
		run := Run{Client: ClientFacts{TimestampSource: "kernel", LongestWait: &wait}}
		got, want := measured.Summary(run), truth.Summary(run)
		for _, m := range []struct {
			name      string
			got, want Distribution
		}{{"ttft", got.Metrics.TTFT, want.Metrics.TTFT}, {"chunk_gap", got.Metrics.ChunkGap, want.Metrics.ChunkGap},
			{"itl", got.Metrics.ITL, want.Metrics.ITL}, {"tpot", got.Metrics.TPOT, want.Metrics.TPOT}} {
			for _, p := range []struct {
				name      string
				got, want float64
			}{{"p50", *m.got.P50, *m.want.P50}, {"p90", *m.got.P90, *m.want.P90}, {"p95", *m.got.P95, *m.want.P95}, {"p99", *m.got.P99, *m.want.P99},
				{"p999", *m.got.P999, *m.want.P999}, {"max", *m.got.Max, *m.want.Max}, {"mean", *m.got.Mean, *m.want.Mean}} {
				switch {
				case slices.Contains(m.got.Unsure, p.name):
					seen["unsure"]++
				case slices.Contains(m.got.UpperBound, p.name):
					seen["bound"]++
					if p.got < p.want*0.998 {
						t.Errorf("wait %s: %s %s is given as at most %g, and is %g", wait, m.name, p.name, p.got, p.want)
					}
				default:
					seen["plain"]++
					if d := p.got/p.want - 1; d > 0.012 || d < -0.012 {
						t.Errorf("wait %s: %s %s is given as %g, and is %g", wait, m.name, p.name, p.got, p.want)
					}
				}
			}
			if len(m.want.UpperBound)+len(m.want.Unsure) > 0 {
				t.Errorf("%s: the truth is marked: %v %v", m.name, m.want.UpperBound, m.want.Unsure)
			}
		}
		for i, j := range got.SLO {
			seen[string(j.Verdict)]++
			if w := want.SLO[i].Verdict; w != j.Verdict && j.Verdict != Inconclusive && w != Inconclusive {
				t.Errorf("wait %s: %s: %s, but %s on the truth: %s", wait, j.Objective, j.Verdict, w, j.Detail)
			}
		}
	}
	for _, what := range []string{"unsure", "bound", "plain", "pass", "fail", "inconclusive"} {
		if seen[what] < 5 {
			t.Errorf("only %d times %s in all: the test shows nothing of it (%v)", seen[what], what, seen)
		}
	}
}

// Without a word of how late the client can have been, a read of several chunks
// may hide any time.
func TestJoinedReadsWithoutABound(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "p50_ttft_ms < 50", "p50_ttft_ms < 200")})
	for i := range 100 {
		r := streamed(time.Duration(i)*ms(20), ms(100), 0, 2)
		r.Chunks[1].Joined = true
		a.Add(r)
	}
	s := a.Summary(Run{})
	if !slices.Contains(s.Metrics.TTFT.UpperBound, "p50") {
		t.Errorf("p50 is not marked: %v", s.Metrics.TTFT.UpperBound)
	}
	if s.SLO[0].Verdict != Inconclusive || s.SLO[1].Verdict != Pass {
		t.Errorf("%s %s, %s %s", s.SLO[0].Verdict, s.SLO[0].Detail, s.SLO[1].Verdict, s.SLO[1].Detail)
	}
}

// Objectives by time slices rest on the same stamps.
func TestJoinedReadsInSlices(t *testing.T) {
	f, err := slo.Load("x", strings.NewReader(`slos:
  - {name: slices, sli: ttft_ms < 100, method: timeslices, slice: 1s, slice_target: 0.9, target: 0.9}
  - {name: ratio, sli: ttft_ms < 100, method: ratio_timeslices, slice: 1s, target: 0.9}
  - {name: tpot, sli: tpot_ms < 10.5, method: timeslices, slice: 1s, slice_target: 0.5, target: 0.9}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[bool][]Verdict{false: {Pass, Pass, Fail}, true: {Inconclusive, Inconclusive, Inconclusive}}
	for late, verdicts := range want {
		a := New(Config{Objectives: f.Objectives})
		a.Start(epoch)
		for i := range 4000 {
			r := streamed(time.Duration(i)*ms(10), ms(95), ms(11), 5)
			if late { // the first two are read together
				r.Chunks[0].At, r.Chunks[1].Joined = r.Chunks[1].At, true
				r.FirstTokenAt = r.SentAt.Add(r.Chunks[0].At)
				r.Derive()
			}
			a.Add(r)
		}
		wait := ms(15)
		for i, j := range a.Summary(Run{Client: ClientFacts{TimestampSource: "kernel", LongestWait: &wait}}).SLO {
			if j.Verdict != verdicts[i] {
				t.Errorf("late %v: %s: %s, want %s: %s", late, j.Name, j.Verdict, verdicts[i], j.Detail)
			}
		}
	}
}
