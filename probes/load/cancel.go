package load

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"llmops/probes/request"
)

// Cancellation is when the client breaks off a request on purpose, as people do who
// have seen enough. The zero value never does. With both, the first that comes counts.
type Cancellation struct {
	After  time.Duration // after it was handed to its connection, on a busy client a moment before SentAt; 0: whenever
	Events int           // once so many token events came; 0: however many
}

// planned is the cause of a request that was broken off on purpose.
type planned struct{ why string }

func (p *planned) Error() string { return "cancelled by plan " + p.why }

func (c Cancellation) timed() *planned {
	return &planned{fmt.Sprintf("%s after it was sent", c.After)}
}

func (c Cancellation) counted() *planned {
	return &planned{fmt.Sprintf("after %d token events", c.Events)}
}

// breakOff ends a request as its plan says. Its connection must not be used again.
func (cl *client) breakOff(rec *request.Record, p *planned) {
	cl.fail(rec, request.Cancelled, p)
	rec.ByPlan = true
}

// Quitters are people of whom a share breaks off, chosen by the seed and the number
// of the request alone.
type Quitters struct {
	Seed  uint64
	Share float64 // 0 to 1
	Cancellation
}

// quitStream keeps the choice apart from what else is drawn.
const quitStream = 0x71756974_74657273

// Cancel is Config.Cancel.
func (q Quitters) Cancel(i int64) Cancellation {
	if rand.New(rand.NewPCG(q.Seed^quitStream, uint64(i))).Float64() < q.Share {
		return q.Cancellation
	}
	return Cancellation{}
}

// ParseQuitters reads a share and when it breaks off: "5%:after=2s", after so long,
// or "0.05:after=20tok", after so many token events. The seed is the caller's.
func ParseQuitters(s string) (Quitters, error) {
	var q Quitters
	share, when, ok := strings.Cut(s, ":after=")
	if !ok {
		return q, fmt.Errorf("%q is no plan: want 5%%:after=2s or 5%%:after=20tok", s)
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(share), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) {
		return q, fmt.Errorf("share %q must be above 0 and at most 100%%", share)
	}
	q.Share = v
	when = strings.TrimSpace(when)
	if n, ok := strings.CutSuffix(when, "tok"); ok {
		if q.Events, err = strconv.Atoi(strings.TrimSpace(n)); err != nil || q.Events < 1 {
			return q, fmt.Errorf("%q must be a number of token events from 1, such as 20tok", when)
		}
		return q, nil
	}
	if q.After, err = time.ParseDuration(when); err != nil || q.After <= 0 {
		return q, fmt.Errorf("%q is neither a time above 0, such as 2s, nor a number of token events, such as 20tok", when)
	}
	return q, nil
}
