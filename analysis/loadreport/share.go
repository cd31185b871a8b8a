package loadreport

import (
	"fmt"
	"math"
	"math/big"

	"llmops/analysis/stats"
)

// share asks whether k bad ones among n stay within a limit.
type share struct {
	k, n   uint64
	trials float64 // what the n are worth as independent trials; up to n
	units  uint64  // the requests or slices that the n came from
	limit  *big.Rat
	strict bool   // the share must be below the limit, not at it
	noun   noun   // of n
	unit   noun   // of units
	bad    string // what the k did: "failed", "at 500 ms or more"
}

// noticeable is the design effect from which on the detail speaks of it.
const noticeable = 1.05

// decide tests the share both ways, each by the exact one-sided test.
func (a report) decide(j *Judgement, s share) {
	j.N = s.n
	if s.n == 0 {
		j.unmeasured("no " + s.noun.many + " to judge by")
		return
	}
	j.Bad = new(s.k)
	allowed := pctRat(s.limit)
	if s.strict {
		allowed = "less than " + allowed
	}
	j.Detail = fmt.Sprintf("%d of %s %s: %s, %s allowed", s.k, s.noun.of(s.n), s.bad, pct(float64(s.k)/float64(s.n)), allowed)
	if s.limit.Sign() <= 0 || s.limit.Cmp(big.NewRat(1, 1)) >= 0 {
		// No number of trials can show a share of exactly 0 or 1: such an
		// objective is about this run.
		sign := new(big.Rat).SetFrac(new(big.Int).SetUint64(s.k), new(big.Int).SetUint64(s.n)).Cmp(s.limit)
		j.Verdict = verdictIf(sign < 0 || sign == 0 && !s.strict)
		j.Detail += "; by the count itself"
		return
	}
	// Both counts are rounded against either claim. What resembles each other
	// weighs less when it speaks for the service. Against it every miss counts:
	// a burst of them is a broken objective, not a doubtful one. Gaps of one
	// request are one observation either way.
	most, least, trials, above := s.k, s.k, s.n, s.n
	if s.trials < float64(s.n) {
		exact := float64(s.k) / float64(s.n) * s.trials
		most, least = uint64(math.Ceil(exact-1e-9)), uint64(math.Floor(exact+1e-9))
		trials, above = uint64(s.trials+1e-9), uint64(math.Ceil(s.trials-1e-9))
	}
	if s.n == s.units {
		least, above = s.k, s.n
	}
	fails := stats.RateAbove(least, above, s.limit, a.conf)
	if float64(s.n) > noticeable*s.trials {
		if fails && s.n == s.units {
			j.Detail += fmt.Sprintf("; the %s resemble each other, so that this speaks of the run more than of the service", s.noun.many)
		} else {
			j.Detail += fmt.Sprintf("; the %s resemble each other and are worth %d independent ones", s.noun.many, trials)
		}
	}
	switch {
	case stats.RateBelow(most, trials, s.limit, a.conf):
		j.Verdict = Pass
		j.Detail += fmt.Sprintf("; at %s confidence the true share is at most %s", pct(a.confidence), pct(stats.UpperBound(most, trials, a.confidence)))
	case fails:
		j.Verdict = Fail
		j.Detail += fmt.Sprintf("; at %s confidence the true share is at least %s", pct(a.confidence), pct(stats.LowerBound(least, above, a.confidence)))
	default:
		j.Verdict = Inconclusive
		j.Detail += fmt.Sprintf("; at %s confidence on each side the true share is from %s to %s: not decided, ", pct(a.confidence),
			pct(stats.LowerBound(least, above, a.confidence)), pct(stats.UpperBound(most, trials, a.confidence)))
		need, ok := stats.TrialsToDecide(s.k, s.n, trials, s.limit, a.conf)
		if !ok {
			j.Detail += "and too near to the limit for any number of " + s.unit.many
			return
		}
		more := max(uint64(math.Ceil((float64(need)-s.trials)*float64(s.units)/s.trials)), 1)
		j.MoreNeeded = new(more)
		j.Detail += s.unit.more(more) + " would decide if the share held"
	}
}
