package load

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
)

// Graded is what became of the checks of one request that succeeded.
type Graded struct {
	ID int64
	// Results are in the order of the checks; none when the answer was not checked.
	Results []check.Result
	// NotChecked says why the answer was not checked, "" when it was.
	NotChecked Unchecked
	// Answer is how the answer begins, if a check failed: one line, without
	// control characters and secrets.
	Answer string
}

// Unchecked is a reason not to check an answer.
type Unchecked string

// The reasons.
const (
	TooLong     Unchecked = "too_long"    // longer than check.MaxAnswer: the end of it is not known
	TooComplex  Unchecked = "too_complex" // check.ErrTooComplex
	Behind      Unchecked = "behind"      // the checks are slower than the requests, and too many answers wait
	Interrupted Unchecked = "interrupted" // the run was broken off
)

const (
	// keepText tells an answer that is too long from one that just fits.
	keepText = check.MaxAnswer + utf8.UTFMax
	// What may wait to be checked: answers, and bytes of them. Beyond that answers
	// go unchecked, for a request must never wait for a check.
	waitingAnswers = 1024
	waitingBytes   = 64 << 20
	// excerptFrom is how much of an answer is looked through for its first line:
	// far more than is shown, so that no secret is cut in two.
	excerptFrom = 64 << 10
)

// grader checks answers after their requests are over, in goroutines of its
// own that take no time stamps.
type grader struct {
	client  *client
	queue   chan *call
	waiting atomic.Int64 // bytes of text in queue
	done    chan<- *call
	workers sync.WaitGroup
}

// newGrader sends calls on to done once they are checked. What is waiting or
// being checked when ctx ends is not.
func newGrader(ctx context.Context, cl *client, done chan<- *call) *grader {
	g := &grader{client: cl, queue: make(chan *call, waitingAnswers), done: done}
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		g.workers.Go(func() {
			for c := range g.queue {
				g.waiting.Add(-int64(len(c.text)))
				g.grade(ctx, c)
				done <- c
			}
		})
	}
	return g
}

// take hands a call over. It never waits for a check.
func (g *grader) take(c *call) {
	c.graded = &Graded{ID: c.rec.ID}
	n := int64(len(c.text))
	switch {
	case n > check.MaxAnswer:
		c.graded.NotChecked = TooLong
		g.done <- c
		return
	case g.waiting.Add(n) <= waitingBytes:
		select {
		case g.queue <- c:
			return
		default:
		}
	}
	g.waiting.Add(-n)
	c.graded.NotChecked = Behind
	g.done <- c
}

// finish waits until everything that was taken is checked, or about a second
// beyond the end of ctx: only a schema cannot be interrupted, and it is bounded.
func (g *grader) finish() {
	close(g.queue)
	g.workers.Wait()
}

func (g *grader) grade(ctx context.Context, c *call) {
	score, results, err := c.checks.Score(ctx, c.text)
	switch {
	case errors.Is(err, check.ErrTooComplex):
		c.graded.NotChecked = TooComplex
		return
	case err != nil: // that of ctx
		c.graded.NotChecked = Interrupted
		return
	}
	c.rec.Quality = &score
	for i := range results {
		if r := &results[i]; !r.Passed {
			r.Why = g.client.excerpt([]byte(r.Why))
			if c.graded.Answer == "" {
				c.graded.Answer = g.client.excerpt(c.text)
			}
		}
	}
	c.graded.Results = results
}

// excerpt makes the beginning of what a server said fit for a report.
func (cl *client) excerpt(text []byte) string {
	text = text[:min(len(text), excerptFrom)]
	return cl.detail(api.Sanitize([]byte(cl.redact.Replace(string(text)))))
}
