package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"llmops/probes/load/jsonscan"
	"llmops/probes/request"
)

// LineError is what is wrong with a line of requests.jsonl.
type LineError struct {
	Line   int64 // from 1
	Column int   // from 1; 0: the line as a whole
	Err    error
}

func (e *LineError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// store holds what the pointers of a record point to, from record to record.
type store struct {
	ints              [8]int64
	floats            [12]float64
	chunks            []request.Chunk
	bare              []time.Duration
	lateness, readLag time.Duration
	names             map[string]string
	text              []byte
}

// maxNames bounds the texts that are kept to be used again.
const maxNames = 4096

// name is the text b. Few texts occur in a run, most of them often.
func (s *store) name(b []byte) string {
	if text, ok := s.names[string(b)]; ok {
		return text
	}
	text := string(b)
	if s.names == nil {
		s.names = map[string]string{}
	}
	if len(s.names) < maxNames {
		s.names[text] = text
	}
	return text
}

// line reads one line of requests.jsonl into r. With times false those are left
// to events.bin.
func (s *store) line(line []byte, r *request.Record, times bool) error {
	*r = request.Record{}
	if s.quick(line, r, times) {
		return s.check(r)
	}
	// Anything that no run writes: what is wrong with it is said by encoding/json.
	*r = request.Record{}
	if err := json.Unmarshal(line, r); err != nil {
		e := &LineError{Err: err}
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			e.Column = int(syntax.Offset)
		} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			e.Column = int(kind.Offset)
			e.Err = fmt.Errorf("%s holds a %s", kind.Field, kind.Value)
		}
		return e
	}
	return s.check(r)
}

func (s *store) check(r *request.Record) error {
	if r.Schema != request.Schema {
		return &LineError{Err: fmt.Errorf("it is no request of a load test: its schema is %q, not %q", r.Schema, request.Schema)}
	}
	return nil
}

// quick reads a line as a run writes it; false for any other.
func (s *store) quick(line []byte, r *request.Record, times bool) bool {
	var c jsonscan.Cursor
	c.Reset(line)
	if c.Kind() != '{' {
		return false
	}
	ok, ints, floats := true, s.ints[:0], s.floats[:0]
	whole := func(to **int64) {
		v, found := c.Int()
		ok = ok && found && len(ints) < cap(ints)
		if ok {
			ints = append(ints, v)
			*to = &ints[len(ints)-1]
		}
	}
	number := func(to **float64) {
		raw := c.Raw()
		if string(raw) == "null" {
			*to = nil
			return
		}
		v, err := strconv.ParseFloat(string(raw), 64)
		ok = ok && err == nil && len(floats) < cap(floats)
		if ok {
			floats = append(floats, v)
			*to = &floats[len(floats)-1]
		}
	}
	text := func(to *string) {
		v, found := c.Text()
		if ok = ok && found; !ok {
			return
		}
		raw := v.Raw
		if v.Escaped || !utf8.Valid(raw) {
			s.text = v.Append(s.text[:0], len(raw)*utf8.UTFMax)
			raw = s.text
		}
		*to = s.name(raw)
	}
	moment := func(to *time.Time) {
		v, found := c.Text()
		ok = ok && found && !v.Escaped
		if ok && times {
			ok = to.UnmarshalText(v.Raw) == nil
		}
	}
	count := func(to *int) {
		v, found := c.Int()
		*to = int(v)
		ok = ok && found
	}
	flag := func(to *bool) {
		v, found := c.Bool()
		*to, ok = v, ok && found
	}
	for c.Object(); ok; {
		key, more := c.Key()
		if !more {
			break
		}
		switch string(key) {
		case "schema":
			text(&r.Schema)
		case "id":
			v, found := c.Int()
			r.ID, ok = v, ok && found
		case "scheduled_at":
			moment(&r.ScheduledAt)
		case "sent_at":
			moment(&r.SentAt)
		case "first_byte_at":
			moment(&r.FirstByteAt)
		case "first_token_at":
			moment(&r.FirstTokenAt)
		case "last_token_at":
			moment(&r.LastTokenAt)
		case "done_at":
			moment(&r.DoneAt)
		case "status":
			count(&r.Status)
		case "ok":
			flag(&r.OK)
		case "error":
			text((*string)(&r.Error))
		case "detail":
			text(&r.Detail)
		case "by_plan":
			flag(&r.ByPlan)
		case "prompt_tokens":
			whole(&r.PromptTokens)
		case "completion_tokens":
			whole(&r.CompletionTokens)
		case "reasoning_tokens":
			whole(&r.ReasoningTokens)
		case "cached_tokens":
			whole(&r.CachedTokens)
		case "tokens_from":
			text(&r.TokensFrom)
		case "finish_reason":
			text(&r.FinishReason)
		case "inputs":
			count(&r.Inputs)
		case "reasoning_chunks":
			count(&r.ReasoningChunks)
		case "ttft_ms":
			number(&r.TTFTms)
		case "tpot_ms":
			number(&r.TPOTms)
		case "latency_ms":
			number(&r.LatencyMs)
		case "queue_ms":
			number(&r.QueueMs)
		case "connect_ms":
			number(&r.ConnectMs)
		case "model":
			text(&r.Model)
		case "session":
			text(&r.Session)
		case "url":
			text(&r.URL)
		case "quality":
			number(&r.Quality)
		case "resent":
			count(&r.Resent)
		case "retry_after_s":
			number(&r.RetryAfterS)
		case "coalesced":
			count(&r.Coalesced)
		default:
			return false
		}
	}
	return ok && c.End() == nil
}
