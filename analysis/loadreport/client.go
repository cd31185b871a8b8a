package loadreport

import (
	"fmt"
	"math/big"
	"time"

	"llmops/analysis/stats"
)

// ClientVerdict says whether the client measured the service or itself.
type ClientVerdict string

// The verdicts on the client.
const (
	ClientValid   ClientVerdict = "valid"
	ClientSuspect ClientVerdict = "suspect" // read the numbers with care; objectives are judged
	ClientInvalid ClientVerdict = "invalid" // no objective can be judged
)

// The limits of JudgeClient. Lateness adds to TTFT and latency as they count
// from the scheduled time, so what matters is its size beside them.
const (
	// suspectLateness and suspectTTFTShare: a p99 above 10 ms, or above 5 % of
	// the median TTFT, shows in the percentiles that people read.
	suspectLateness  = 10 * time.Millisecond
	suspectTTFTShare = 0.05
	// latenessFloor is what a timer on an ordinary, busy host may take; a
	// service with a TTFT of 10 ms does not make the client suspect for it.
	latenessFloor = 2 * time.Millisecond
	// invalidLateness and invalidLatencyShare: only a client that is late by
	// both a human-visible time and a tenth of the median latency voids a run.
	invalidLateness     = 100 * time.Millisecond
	invalidLatencyShare = 0.10
	// lateShare is the share that the p99 leaves over. A run is void when the
	// late dispatches show, at lateConfidence, that more than this share is
	// late: one pause of a shared machine in a run of fifty requests does not.
	lateShare, lateConfidence = "0.01", "0.95"
	// suspectRate and invalidRate are shares of the asked rate.
	suspectRate = 0.99
	invalidRate = 0.90
	// rateSlack is the number of requests that may be missing at the edge of
	// the window whatever the share.
	rateSlack = 5
	// suspectCPU is the share of its cores above which a client's own queueing
	// shows in its time stamps. High load alone voids nothing.
	suspectCPU = 0.80
	// suspectCoalesced: when more token events than this share a read with an
	// earlier one, gaps between chunks are those of reads. A server that
	// writes several events at once causes the same, so it voids nothing.
	suspectCoalesced = 0.25
)

// Health is what the verdict on a client rests on; nil is "not measured".
type Health struct {
	Lateness                *stats.Sketch  // of dispatches, ns
	MedianTTFT              *time.Duration // of the service
	MedianLatency           *time.Duration
	AskedRate, AchievedRate *float64 // per second, waits for a concurrency cap left out
	Window                  time.Duration
	CPUShare                *float64 // of the cores the client may use
	CoalescedRatio          *float64
	// UserStamps: arrivals are stamped when this process comes to read them, so
	// that they wait for a processor as everything else here does.
	UserStamps       bool
	SchedP99         *time.Duration // wait for a processor
	PauseMax         *time.Duration // of the garbage collector
	ClockStep        *time.Duration // of the wall clock, either way
	Suspect, Invalid []string       // findings of the client itself
}

// JudgeClient tells whether the client kept its schedule and had the room to
// take time stamps. The reasons are for people, the worst first.
func JudgeClient(h Health) (ClientVerdict, []string) {
	invalid, suspect := append([]string{}, h.Invalid...), append([]string{}, h.Suspect...)
	h.judgeLate(&invalid, &suspect)
	h.judgeRate(&invalid, &suspect)
	h.judgeProcess(&invalid, &suspect)
	if h.CPUShare != nil && *h.CPUShare > suspectCPU {
		suspect = append(suspect, fmt.Sprintf("the client used %.0f%% of its cores, above %.0f%%", *h.CPUShare*100, suspectCPU*100))
	}
	if h.CoalescedRatio != nil && *h.CoalescedRatio > suspectCoalesced {
		suspect = append(suspect, fmt.Sprintf("%.0f%% of token events came in one read with an earlier one; chunk_gap_ms and itl_ms are those of reads", *h.CoalescedRatio*100))
	}
	switch {
	case len(invalid) > 0:
		return ClientInvalid, append(invalid, suspect...)
	case len(suspect) > 0:
		return ClientSuspect, suspect
	}
	return ClientValid, []string{}
}

// voidAt is the delay at which a run is void; false when no latency is known to
// compare with.
func (h Health) voidAt() (time.Duration, bool) {
	if h.MedianLatency == nil {
		return 0, false
	}
	return max(invalidLateness, time.Duration(invalidLatencyShare*float64(*h.MedianLatency))), true
}

// shownAt is the delay at which it shows in the percentiles.
func (h Health) shownAt() time.Duration {
	if h.MedianTTFT == nil {
		return suspectLateness
	}
	return min(suspectLateness, max(latenessFloor, time.Duration(suspectTTFTShare*float64(*h.MedianTTFT))))
}

func (h Health) judgeLate(invalid, suspect *[]string) {
	if h.Lateness == nil || h.Lateness.Count() == 0 {
		return
	}
	p99, _ := h.Lateness.Quantile(0.99)
	late := time.Duration(p99)
	if limit, ok := h.voidAt(); ok {
		share, _ := new(big.Rat).SetString(lateShare)
		confidence, _ := new(big.Rat).SetString(lateConfidence)
		over := h.Lateness.Above(int64(limit))
		if stats.RateAbove(over, h.Lateness.Count(), share, confidence) {
			*invalid = append(*invalid, fmt.Sprintf("%d of %d requests were sent more than %s late (p99 %s): the client could not keep up",
				over, h.Lateness.Count(), short(limit), short(late)))
			return
		}
	}
	if limit := h.shownAt(); late > limit {
		*suspect = append(*suspect, fmt.Sprintf("requests were sent late, p99 %s, above %s", short(late), short(limit)))
	}
}

// judgeProcess judges what the process says of itself. With stamps from the
// kernel a wait for a processor moves no arrival, and what it does to sending
// is measured there: only a starved client is suspect for it.
func (h Health) judgeProcess(invalid, suspect *[]string) {
	if d := h.SchedP99; d != nil {
		void, ok := h.voidAt()
		limit := suspectLateness
		if h.UserStamps {
			limit = h.shownAt()
		}
		switch {
		case h.UserStamps && ok && *d > void:
			*invalid = append(*invalid, fmt.Sprintf("what arrived waited for a processor, p99 %s, above %s: time stamps are the client's own", short(*d), short(void)))
		case *d > limit:
			*suspect = append(*suspect, fmt.Sprintf("the client waited for a processor, p99 %s, above %s", short(*d), short(limit)))
		}
	}
	if d, limit := h.PauseMax, h.shownAt(); d != nil && *d > limit {
		*suspect = append(*suspect, fmt.Sprintf("the client's garbage collector paused it for %s, above %s", short(*d), short(limit)))
	}
	if d := h.ClockStep; d != nil {
		*suspect = append(*suspect, fmt.Sprintf("the clock of this machine was set during the run, by %s: times of day before and after do not fit together", short(*d)))
	}
}

func (h Health) judgeRate(invalid, suspect *[]string) {
	if h.AskedRate == nil || h.AchievedRate == nil || *h.AskedRate <= 0 {
		return
	}
	if (*h.AskedRate-*h.AchievedRate)*h.Window.Seconds() < rateSlack {
		return
	}
	share := *h.AchievedRate / *h.AskedRate
	reason := fmt.Sprintf("the client sent %.4g requests/s of %.4g asked, %.1f%%", *h.AchievedRate, *h.AskedRate, share*100)
	switch {
	case share < invalidRate:
		*invalid = append(*invalid, reason)
	case share < suspectRate:
		*suspect = append(*suspect, reason)
	}
}

// short is d with three digits or so.
func short(d time.Duration) string {
	switch {
	case max(d, -d) >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case max(d, -d) >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Nanosecond).String()
}
