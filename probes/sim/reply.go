package sim

import (
	"context"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"llmops/probes/sim/model"
)

// complete answers one completion request.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, a api) {
	n := s.newNote(w)
	if n != nil {
		w = n
	}
	c, no := s.read(w, r, a)
	if no != nil {
		refuse(w, *no, 0)
		n.file(model.Event{})
		return
	}
	id, box := s.submit(c.Request)
	stop := context.AfterFunc(r.Context(), func() { s.cancel(id) })
	defer stop()
	e := s.newEncoder(c, id)
	n.of(e)
	if c.stream {
		n.file(e.streamTo(w, box))
	} else {
		n.file(e.wholeTo(w, box))
	}
}

// streamTo writes each chunk when it is due and returns the event that ended
// the stream. A write that fails is left to the request's context, which ends
// the sequence and with it this loop.
func (e *encoder) streamTo(w http.ResponseWriter, box *mailbox) model.Event {
	out := http.NewResponseController(w)
	begun := false
	for {
		var last model.Event
		e.buf = e.buf[:0]
		for _, ev := range box.take() {
			switch ev.Kind {
			case model.Queued:
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				w.Header().Set("Cache-Control", "no-cache")
				w.WriteHeader(http.StatusOK)
				begun = true
			case model.Started:
				e.cached = ev.Cached
			case model.Token:
				e.token(ev)
			}
			if ev.Reason != model.None {
				last = ev
			}
		}
		if last.Reason != model.None {
			e.finish(w, last, begun)
			return last
		}
		if begun {
			w.Write(e.buf) //nolint:errcheck // see above
			out.Flush()    //nolint:errcheck // see above
		}
	}
}

// finish writes the end of a stream.
func (e *encoder) finish(w http.ResponseWriter, last model.Event, begun bool) {
	switch {
	case last.Reason == model.Cancelled:
		return
	case !begun:
		e.refuse(w, last)
		return
	case last.Reason == model.OutOfMemory:
		e.fail(http.StatusInternalServerError, outOfMemory)
	case last.Reason != model.Faulted:
		e.end()
	case last.Fault.Kind == model.StreamError:
		e.fail(http.StatusInternalServerError, "the simulated engine failed")
	case last.Fault.Kind == model.Reset:
		if len(e.buf) > 0 {
			w.Write(e.buf)                        //nolint:errcheck // the connection is about to go anyway
			http.NewResponseController(w).Flush() //nolint:errcheck // the same
		}
		reset(w)
		return
	}
	w.Write(e.buf) //nolint:errcheck // nobody is left to be told
}

// wholeTo writes the reply in one piece when its last token is due,
// and returns the event that ended it.
func (e *encoder) wholeTo(w http.ResponseWriter, box *mailbox) model.Event {
	for {
		for _, ev := range box.take() {
			if ev.Kind == model.Started {
				e.cached = ev.Cached
			}
			switch ev.Reason {
			case model.None:
				continue
			case model.Cancelled:
				return ev
			case model.Limit, model.Stop:
				body := e.whole(ev)
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				w.Write(body) //nolint:errcheck // nobody is left to be told
				return ev
			}
			if ev.Fault != nil && ev.Fault.Kind == model.Truncate {
				w.Header().Set("Content-Type", "application/json")
				w.Write(e.wholeUntil(ev.At, ev.Fault.After)) //nolint:errcheck // nobody is left to be told
				return ev
			}
			e.refuse(w, ev)
			return ev
		}
	}
}

const outOfMemory = "CUDA out of memory (simulated)"

// refuse turns the end of a sequence that gave no reply into an error reply.
func (e *encoder) refuse(w http.ResponseWriter, ev model.Event) {
	no := refusal{status: http.StatusInternalServerError}
	switch {
	case ev.Reason == model.TooLong:
		cfg := &e.server.cfg
		no = refusal{http.StatusBadRequest, "This model's maximum context length is " +
			strconv.Itoa(min(cfg.MaxModelLen, cfg.KVBlocks*cfg.BlockSize)) + " tokens, but the prompt has " +
			strconv.Itoa(e.PromptTokens) + " tokens and the output limit is " + strconv.Itoa(e.MaxTokens) + ".", "max_tokens"}
	case ev.Reason == model.QueueFull:
		no = refusal{http.StatusServiceUnavailable, "the waiting queue is full", ""}
	case ev.Reason == model.OutOfMemory:
		no.message = outOfMemory
	case ev.Fault.Kind == model.Reset:
		reset(w)
		return
	case ev.Fault.Kind == model.RateLimit:
		no = refusal{http.StatusTooManyRequests, "rate limit exceeded", ""}
	case ev.Fault.Kind == model.HTTPError:
		no.status, no.message = ev.Fault.Status, "simulated error "+strconv.Itoa(ev.Fault.Status)
	default:
		no.message = "the simulated engine failed"
	}
	refuse(w, no, ev.RetryAfter)
}

func refuse(w http.ResponseWriter, no refusal, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	w.Write(errorBody(no.status, no.message, no.param)) //nolint:errcheck // nobody is left to be told
}

// reset asks for the end of the connection with an RST, once the request has been
// noted and counted: whoever sees the end finds both.
func reset(w http.ResponseWriter) {
	for {
		switch v := w.(type) {
		case *note:
			w = v.ResponseWriter
		case *recorder:
			v.reset = true
			return
		default:
			return
		}
	}
}

// cutOff ends the connection with an RST: what the client has not read is lost.
func cutOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 cannot be taken over: net/http then resets the stream
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // without it the close is an ordinary one
	}
	_ = conn.Close()
}
