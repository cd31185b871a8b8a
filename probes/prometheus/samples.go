package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"llmops/probes/remote"
)

// A Question is about a range of time. Times are in ms since the epoch.
type Question struct {
	Expr       string
	Start, End int64
	// Step is the time between values, which the server evaluates at Start, Start+Step
	// and so on up to End. 0: the samples from Start to End, as they are stored, of
	// Expr, which is then a selector.
	Step int64
}

// Samples are the answer as the server writes it, JSON documents one after the other.
// It is asked for piece by piece while it is read: such pieces as the server gives in
// one answer (shorter ones where it refuses one as too much, 11,000 steps at most) and
// that are neither tiny nor huge. What a piece warns of is handed to warn.
//
// An error in reading is a *remote.Error, or that of ctx.
func (c *Client) Samples(ctx context.Context, q Question, warn func(string)) io.ReadCloser {
	return &samples{client: c, ctx: ctx, q: q, warn: warn, next: q.Start, length: firstPiece, longest: q.longest()}
}

const (
	firstPiece    = int64(10 * time.Minute / time.Millisecond)
	shortestPiece = int64(time.Minute / time.Millisecond)
	// Between these sizes, in bytes, the next piece is as long as the one before.
	smallPiece = 8 << 20
	largePiece = 32 << 20
	// maxSteps is what Prometheus evaluates at most for one question.
	maxSteps = 11_000
)

// longest is how long a piece may be.
func (q Question) longest() int64 {
	whole := max(q.End-q.Start+1, 1)
	if q.Step > 0 {
		return min(whole, (maxSteps-1)*q.Step)
	}
	return whole
}

// shortest is how short a piece may become.
func (q Question) shortest() int64 { return max(shortestPiece, q.Step) }

type samples struct {
	client *Client
	ctx    context.Context
	q      Question
	warn   func(string)

	next            int64 // where the next piece begins
	length, longest int64 // of the next piece, and of any
	piece           *piece
}

func (s *samples) Close() error {
	if s.piece != nil {
		s.piece.Close()
		s.piece = nil
	}
	return nil
}

func (s *samples) Read(p []byte) (int, error) {
	for {
		if s.piece == nil {
			if s.next > s.q.End {
				return 0, io.EOF
			}
			if err := s.open(); err != nil {
				return 0, err
			}
		}
		n, err := s.piece.Read(p)
		if err == nil || n > 0 {
			return n, nil // an error comes again
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		switch size := s.piece.size; {
		case size < smallPiece:
			s.length *= 2
		case size > largePiece:
			s.length = max(s.length/2, shortestPiece)
		}
		s.next = s.piece.next
		for _, w := range s.piece.warnings() {
			s.warn(w)
		}
		s.piece.Close()
		s.piece = nil
	}
}

// open asks for the next piece, for a shorter one where that is too much.
func (s *samples) open() (err error) {
	for {
		s.length = min(s.length, s.longest)
		path, form, next := s.q.piece(s.next, s.length)
		if s.piece, err = s.client.piece(s.ctx, path, form, next); err == nil {
			return nil
		}
		if e, ok := errors.AsType[*remote.Error](err); !ok || !tooMuch(e) || s.length <= s.q.shortest() {
			return err
		}
		s.longest = max(s.length/2, s.q.shortest())
	}
}

// tooMuch tells whether the server may answer for a shorter time: it says that there
// are too many samples, or that its own time is up.
func tooMuch(e *remote.Error) bool {
	return e.Kind == remote.Refused && e.Status == http.StatusUnprocessableEntity || e.Kind == remote.TimedOut && e.Status != 0
}

// piece is the question for what begins at start and is so long, and where the piece
// after it begins.
func (q Question) piece(start, length int64) (path string, form url.Values, next int64) {
	if q.Step > 0 {
		steps := min(length, q.End-start) / q.Step
		return "api/v1/query_range", url.Values{"query": {q.Expr}, "start": {seconds(start)}, "end": {seconds(start + steps*q.Step)}, "step": {seconds(q.Step)}}, start + (steps+1)*q.Step
	}
	// A range is open on its left since version 3, and closed before: there a sample
	// on the border of two pieces is given twice, which readers allow for.
	end := min(start-1+length, q.End)
	return "api/v1/query", url.Values{"query": {fmt.Sprintf("%s[%dms]", q.Expr, end-start+1)}, "time": {seconds(end)}}, end + 1
}

// piece is an answer that begins as one of Prometheus's does.
type piece struct {
	*answer
	next    int64  // where the piece after it begins
	head    []byte // what was read before anybody asked
	tail    []byte // the end of what was read
	size    int64
	partial bool // VictoriaMetrics says so, in the beginning
}

// tailSize bounds what is kept of an answer to find the warnings, which stand last.
const tailSize = 16 << 10

func (c *Client) piece(ctx context.Context, path string, form url.Values, next int64) (*piece, error) {
	form.Set("timeout", strconv.FormatFloat(c.cfg.Timeout.Seconds(), 'f', -1, 64)+"s")
	a, err := c.begin(ctx, http.MethodPost, path, form)
	if err != nil {
		return nil, err
	}
	if a.resp.StatusCode/100 != 2 {
		defer a.Close()
		r := &reply{visit: func(Series) error { return nil }}
		return nil, a.decode(r.decode, r)
	}
	p := &piece{answer: a, next: next, head: make([]byte, 512)}
	n, err := io.ReadFull(a.body, p.head)
	p.head = p.head[:n]
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		if start := bytes.TrimLeft(p.head, " \t\r\n"); len(start) == 0 || start[0] != '{' {
			err = c.fail(remote.BadReply, 0, "the answer is none of Prometheus's API: it begins with %q", start[:min(len(start), 20)])
		} else {
			err = nil
		}
	} else {
		err = p.fault(err)
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return p, nil
}

// fault is the error of a body.
func (p *piece) fault(err error) error {
	if errors.Is(err, remote.ErrTooLarge) {
		return p.tooLarge()
	}
	return p.broken(err)
}

func (p *piece) Read(b []byte) (n int, err error) {
	if len(p.head) > 0 {
		n = copy(b, p.head)
		p.head = p.head[n:]
	} else if n, err = p.body.Read(b); err != nil && !errors.Is(err, io.EOF) {
		err = p.fault(err)
	}
	if p.size == 0 {
		p.partial = bytes.Contains(b[:n], []byte(`"isPartial":true`))
	}
	p.size += int64(n)
	if p.tail = append(p.tail, b[:n]...); len(p.tail) > 2*tailSize {
		p.tail = append(p.tail[:0], p.tail[len(p.tail)-tailSize:]...)
	}
	return n, err
}

// warnings are the server's, once all is read. A quote inside of a string of JSON is
// escaped, so the key stands for itself.
func (p *piece) warnings() (list []string) {
	const key = `"warnings":`
	if p.partial {
		list = append(list, "the answer is partial: a part of the storage did not answer")
	}
	for rest := p.tail; ; {
		i := bytes.Index(rest, []byte(key))
		if i < 0 {
			return p.clean(list)
		}
		rest = rest[i+len(key):]
		var some []string
		if err := json.NewDecoder(bytes.NewReader(rest)).Decode(&some); err == nil {
			list = append(list, some[:min(len(some), maxWarnings)]...)
		}
	}
}
