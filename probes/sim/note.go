package sim

import (
	"net/http"
	"time"

	"llmops/probes/request"
	"llmops/probes/sim/model"
)

// note is the writer of one reply that also notes when what was written: the
// record of a request as this side saw it. A time is taken just before the
// bytes go to the kernel, so a client on the same machine that measures well
// never sees less than the record says. A nil note notes nothing.
type note struct {
	recorder
	server *Server
	reply  *encoder // nil: the request was refused before there was one
	tokens int      // of the reply, already written
	rec    request.Record
}

// newNote begins the record of a request whose head has just been read; nil
// when nobody asked for it.
func (s *Server) newNote(w http.ResponseWriter) *note {
	if s.cfg.Log == nil {
		return nil
	}
	now := s.clock()
	return &note{recorder: recorder{ResponseWriter: w}, server: s, rec: request.Record{
		Schema: request.Schema, ID: s.noted.Add(1) - 1, ScheduledAt: now, SentAt: now, Model: s.cfg.Model,
	}}
}

// of says whose reply is written from now on.
func (n *note) of(e *encoder) {
	if n != nil {
		n.reply = e
	}
}

func (n *note) Write(b []byte) (int, error) {
	now := n.server.clock()
	if n.rec.FirstByteAt.IsZero() {
		n.rec.FirstByteAt = now
	}
	// A reply in one piece has no first token that could be timed.
	if e := n.reply; e != nil && e.stream && e.tokens > n.tokens {
		if n.tokens == 0 {
			n.rec.FirstTokenAt = now
		}
		n.rec.LastTokenAt, n.tokens = now, e.tokens
	}
	n.rec.DoneAt = now
	return n.recorder.Write(b)
}

// file completes the record with the event that ended the reply, if one did,
// and hands it over.
func (n *note) file(last model.Event) {
	if n == nil {
		return
	}
	r := &n.rec
	if r.DoneAt.IsZero() || last.Reason == model.Cancelled {
		r.DoneAt = n.server.clock()
	}
	r.Status, r.Error = n.status, ended(n.status, last)
	r.OK = r.Error == request.OK
	if r.OK {
		r.FinishReason = last.Reason.String()
	}
	r.Derive()
	r.QueueMs = nil // the client's own, which is not seen from here
	if e := n.reply; e != nil {
		tokens := e.tokens
		if e.stream {
			tokens = n.tokens
		}
		if tokens > 0 {
			r.PromptTokens, r.CompletionTokens, r.CachedTokens = new(int64(e.PromptTokens)), new(int64(tokens)), new(int64(e.cached))
		}
		// Every token is an event of its own, also when several are written at once.
		if e.stream && tokens > 1 {
			r.TPOTms = new(request.Ms(r.LastTokenAt.Sub(r.FirstTokenAt)) / float64(tokens-1))
		}
	}
	n.server.cfg.Log(r)
}

// ended is the class that a client without limits of its own would find.
func ended(status int, last model.Event) request.Class {
	switch {
	case last.Reason == model.Limit, last.Reason == model.Stop:
		return request.OK
	case last.Reason == model.Cancelled:
		return request.Cancelled
	case status == 0:
		return request.Connect
	case status >= 400:
		return request.HTTP(status)
	case last.Fault != nil && (last.Fault.Kind == model.Truncate || last.Fault.Kind == model.Reset):
		return request.Truncated
	}
	return request.StreamError
}

// clock is the present, free of clock steps since the start.
func (s *Server) clock() time.Time { return s.wall.Add(s.now()) }
