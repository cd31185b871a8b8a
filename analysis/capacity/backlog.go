package capacity

import (
	"math"
	"slices"
	"time"

	"llmops/analysis/stats"
)

// The test of Backlog. The numbers were chosen on simulated queues of 1 to 100
// servers: at 95 % of the capacity none of 400 probes of 30 s was broken off,
// at 99 % three were, at 130 % all.
const (
	blocks      = 16    // increments that are compared
	significant = 2e-5  // of one look of many
	material    = 0.03  // least growth, as a share of what was sent
	atEnd       = 0.01  // significance of the one look at the end
	atEndLeast  = 0.015 // least growth then
	steady      = 0.6   // least growth of the later half, as a share of that of the earlier
	startUp     = 8     // times the latency without load
	fewest      = 100   // requests in the stretch that is judged
	keep        = 16384 // samples; more are thinned out
)

// Backlog watches requests in flight while a probe goes on, and tells whether
// they pile up for as long as requests are sent: whether the load is above what
// the service can do, so that going on would show nothing more.
//
// It looks at the later half of the time so far, so that a queue that only fills
// at the start is not taken for one without end. In it the growth must be
// significant: the increments of 16 blocks have a mean above 0 by Student's t, at a
// level that a queue just at its capacity, a random walk, does not reach either; it
// must matter (3 % of what was sent), and the last quarter must grow at
// least 0.6 times as much as the one before, as a queue that settles does not.
// The zero value is ready.
type Backlog struct {
	// Idle is the latency without load: nothing is said before 8 times that.
	Idle    time.Duration
	samples []sample
	every   int // of the samples that come, one in so many is kept
	skipped int
}

type sample struct {
	at         time.Duration
	sent, done int64
}

// Add tells how many requests were sent and how many of them had ended at a
// time since the start of the probe. Times ascend.
func (b *Backlog) Add(at time.Duration, sent, done int64) {
	b.skipped++
	if b.skipped < b.every {
		return
	}
	b.skipped = 0
	b.samples = append(b.samples, sample{at, sent, done})
	if len(b.samples) >= keep {
		for i := range keep / 2 {
			b.samples[i] = b.samples[2*i+1]
		}
		b.samples = b.samples[:keep/2]
		b.every = max(b.every, 1) * 2
	}
}

// Growing tells whether requests pile up, and if so how many a second were done
// in the stretch that was judged. It may be asked after each sample.
func (b *Backlog) Growing() (completed float64, growing bool) { return b.grows(significant, material) }

// Grew is Growing for the end of the probe, when there is one look only and
// so less has to be shown: at 99 % confidence, and 1.5 % of what was sent.
func (b *Backlog) Grew() (completed float64, grew bool) { return b.grows(atEnd, atEndLeast) }

func (b *Backlog) grows(level, share float64) (completed float64, growing bool) {
	n := len(b.samples)
	if n < 2*blocks {
		return 0, false
	}
	end := b.samples[n-1]
	half := b.after(end.at / 2)
	if end.at < startUp*b.Idle || end.sent-half.sent < fewest {
		return 0, false
	}
	queue := func(s sample) float64 { return float64(s.sent - s.done) }
	var growth stats.Welford
	last, middle := half, half
	for i := 1; i <= blocks; i++ {
		s := b.after(half.at + (end.at-half.at)*time.Duration(i)/blocks)
		growth.Add(queue(s) - queue(last))
		last = s
		if i == blocks/2 {
			middle = s
		}
	}
	variance, _ := growth.Variance()
	earlier, later := queue(middle)-queue(half), queue(end)-queue(middle)
	switch {
	case growth.Mean <= stats.StudentT(1-level, blocks-1)*math.Sqrt(variance/blocks),
		earlier+later < share*float64(end.sent-half.sent),
		later < steady*earlier, earlier <= 0:
		return 0, false
	}
	return float64(end.done-half.done) / (end.at - half.at).Seconds(), true
}

// after is the first sample at a time or later.
func (b *Backlog) after(at time.Duration) sample {
	i, _ := slices.BinarySearchFunc(b.samples, at, func(s sample, at time.Duration) int { return int(s.at - at) })
	return b.samples[min(i, len(b.samples)-1)]
}
