package notify

import (
	"context"
	"errors"
	"net/http"
	"sync"
)

// Most services of shoutrrr make their requests with clients that nobody can replace:
// http.DefaultClient, or one of their own without a Transport. They have no context,
// some no time-out, some wait and try again by themselves, one (Telegram) reports
// success when the network fails and one (Zulip) panics then. What all of them have in
// common is that they end up in http.DefaultTransport. So a door stands there while
// messages are sent, and only then: it gives every request the context, the time limit,
// certificates and proxy of ours, and it knows better than the service whether the
// request succeeded.
//
// A request does not say which message it belongs to. The one that it belongs to is
// found by turns: a send takes the turn, has the service build its request, and hands
// the turn on as soon as the request arrives at the door, long before the answer. This
// holds for services that make one request a message in the goroutine that called them;
// the services of this package are of that kind, and a test holds them to it. Those
// that take a client are given one, and need no turn.
type door struct {
	turn chan struct{} // holds one token
	mu   sync.Mutex
	next *parcel
}

// standing excludes two doors at a time, for there is one http.DefaultTransport.
var standing sync.Mutex

// openDoor puts a door into place, until shut is called. Nothing else in the process may
// use http.DefaultTransport meanwhile, and every send must have returned before shut.
func openDoor() (d *door, shut func()) {
	standing.Lock()
	d = &door{turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	was := http.DefaultTransport
	http.DefaultTransport = d
	return d, func() {
		http.DefaultTransport = was
		standing.Unlock()
	}
}

// RoundTrip sends a request for the parcel whose turn it is.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	p := d.next
	d.next = nil
	d.mu.Unlock()
	if p == nil {
		return nil, errors.New("a request that belongs to no message")
	}
	d.turn <- struct{}{}
	return p.RoundTrip(req)
}

// pass calls send in turn.
func (d *door) pass(ctx context.Context, p *parcel, send func() error) error {
	select {
	case <-d.turn:
	case <-ctx.Done():
		return &failure{msg: "no time was left", temporary: true}
	}
	d.mu.Lock()
	d.next = p
	d.mu.Unlock()
	err := send()
	d.mu.Lock()
	unused := d.next == p
	if unused {
		d.next = nil
	}
	d.mu.Unlock()
	if unused { // it made no request
		d.turn <- struct{}{}
	}
	return err
}

// parcel is one try of one message, as the transport of the requests that it makes.
type parcel struct {
	ctx  context.Context
	line line

	mu       sync.Mutex
	requests int
	failed   error // of the first request that failed; those after it are not sent
}

func (p *parcel) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.requests++
	failed := p.failed
	p.mu.Unlock()
	if failed != nil {
		return nil, failed // the service tries again by itself; we do that, with a limit
	}
	res, err := p.line.exchange(p.ctx, req)
	if err != nil {
		p.mu.Lock()
		p.failed = err
		p.mu.Unlock()
	}
	return res, err
}

// outcome is what came of the requests, or else what the service says.
func (p *parcel) outcome(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failed != nil:
		return p.failed
	case err != nil:
		return &failure{msg: err.Error()}
	case p.requests == 0:
		return &failure{msg: errNoSend.Error()}
	}
	return nil
}
