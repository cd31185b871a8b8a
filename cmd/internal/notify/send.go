package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"llmops/probes/remote"
)

// Options say how to send. The zero value works.
type Options struct {
	Client  *http.Client   // nil: one that verifies certificates. Its Transport is used; it follows no redirects
	TLS     *tls.Config    // of mail servers; nil: certificates are verified
	Attempt time.Duration  // for one request; 0: 10 s
	Total   time.Duration  // for one message to one receiver, with all its tries; 0: 30 s
	Tries   int            // 0: 3
	Jitter  func() float64 // 0 <= x < 1, spreads the waits between tries; nil: random
	Agent   string         // User-Agent
	// Done is called after each delivery, one at a time, such as to keep the history.
	Done func(Result)
}

// Delivery is a message for a channel.
type Delivery struct {
	Channel *Channel
	Message Message
}

// Result is what came of a delivery.
type Result struct {
	Delivery
	Tries int
	Err   error // an *Error, or nil
}

// Error is a message that was not sent, or not to all of its recipients. It holds no
// secret.
type Error struct {
	Receiver, Kind string
	Status         int // of HTTP or SMTP; 0: there was no answer
	Tries          int
	Msg            string
	interrupted    error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("receiver %s: %s: %s", e.Receiver, e.Kind, e.Msg)
	if e.Tries > 1 {
		text += fmt.Sprintf(" (%d tries)", e.Tries)
	}
	return text
}

// Unwrap tells an interrupt.
func (e *Error) Unwrap() error { return e.interrupted }

// Send sends all messages and returns what came of each, in their order. Channels are
// independent of each other: each sends its own messages one after the other, while the
// others do the same. Once a channel has lost as much time as one message may take on
// messages that it did not get through, each of the rest is tried once, and none once as
// much as one try may take was lost on that too: with many groups it would keep the
// program, and the history that the next run waits for, for hours; but a message that
// hangs or is refused is no channel that does. It returns when all are through, or soon
// after ctx ends.
func Send(ctx context.Context, deliveries []Delivery, o Options) []Result {
	l, shut := o.line()
	defer shut()
	results := make([]Result, len(deliveries))
	queues := map[*Channel][]int{}
	var order []*Channel
	for i, d := range deliveries {
		if queues[d.Channel] == nil {
			order = append(order, d.Channel)
		}
		queues[d.Channel] = append(queues[d.Channel], i)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, ch := range order {
		wg.Go(func() {
			var lost time.Duration
			l := l
			for _, i := range queues[ch] {
				r := Result{Delivery: deliveries[i]}
				begun := time.Now()
				if lost >= l.options.Total {
					o := *l.options
					o.Tries, l.options = 1, &o
				}
				if lost >= l.options.Total+l.attempt {
					r.Err = &Error{Receiver: ch.Receiver, Kind: ch.Kind, Msg: fmt.Sprintf("not tried, since %v were lost on messages before it", lost.Round(time.Second)), interrupted: ctx.Err()}
				} else {
					r.Tries, r.Err = ch.send(ctx, l, deliveries[i].Message)
				}
				if r.Err != nil {
					lost += time.Since(begun)
				}
				mu.Lock()
				results[i] = r
				if o.Done != nil {
					o.Done(r)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return results
}

// line opens the door for services that take no client.
func (o Options) line() (line, func()) {
	l := o.direct()
	var shut func()
	l.door, shut = openDoor()
	return l, func() {
		shut()
		if o.Client == nil {
			l.client.CloseIdleConnections()
		}
	}
}

// direct fills in what is left open.
func (o Options) direct() line {
	if o.Attempt <= 0 {
		o.Attempt = 10 * time.Second
	}
	if o.Total <= 0 {
		o.Total = 30 * time.Second
	}
	if o.Tries <= 0 {
		o.Tries = 3
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	client := remote.Access{}.Client()
	if o.Client != nil {
		c := *o.Client
		client = &c
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport // what it is before the door stands there
	}
	return line{client: client, attempt: o.Attempt, agent: o.Agent, options: &o}
}

// send sends a message, in several tries where that may help.
func (ch *Channel) send(ctx context.Context, l line, m Message) (tries int, err error) {
	try := ch.begin(m)
	tries, err = l.options.retry(ctx, func(ctx context.Context) error { return try(ctx, l) })
	if err == nil {
		return tries, nil
	}
	e := &Error{Receiver: ch.Receiver, Kind: ch.Kind, Tries: tries, Msg: ch.clean.Clean(err.Error()), interrupted: ctx.Err()}
	if f, ok := errors.AsType[*failure](err); ok {
		e.Status = f.status
	}
	return tries, e
}

// firstWait is how long the second try waits, each further one twice as long.
const firstWait = time.Second

// retry calls try until it succeeds, fails for good, or the tries or the time are used
// up. The waits double, spread by half in both directions, and are at least what the
// server asks for; if that is more than there is left, it gives up at once.
func (o Options) retry(ctx context.Context, try func(context.Context) error) (tries int, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Total)
	defer cancel()
	for tries, wait := 1, firstWait; ; tries, wait = tries+1, 2*wait {
		err := try(ctx)
		f, ok := errors.AsType[*failure](err)
		if err == nil || !ok || !f.temporary || tries >= o.Tries || ctx.Err() != nil {
			return tries, err
		}
		pause := max(time.Duration(float64(wait)*(0.5+o.Jitter())), f.after)
		if end, _ := ctx.Deadline(); time.Now().Add(pause).After(end) {
			if f.after > 0 {
				return tries, &failure{msg: fmt.Sprintf("%s; it asks to wait for %v, and no more than %v is spent on a message", f.msg, f.after, o.Total), status: f.status}
			}
			return tries, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return tries, err
		}
	}
}
