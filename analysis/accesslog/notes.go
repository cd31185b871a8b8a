package accesslog

import (
	"bytes"
	"strings"
)

// Notes are what a row tells of a request beside how it ended: they change nothing
// in what counts as good or bad. Where a row does not tell, no bit is set.
type Notes uint8

// The notes.
const (
	RetryTold       Notes = 1 << iota // the row tells how many attempts there were
	Retried                           // there was more than one
	CacheTold                         // the row tells whether the reply is from a cache
	CacheHit                          // it is
	LimitedOwn                        // a 429 of the gateway itself: its quota
	LimitedProvider                   // a 429 that came from behind the gateway
)

const statusTooMany = 429

// attempts notes whether there was more than one attempt.
func (e *Event) attempts(more bool) {
	e.Notes |= RetryTold
	if more {
		e.Notes |= Retried
	}
}

// cached notes whether the reply is from a cache.
func (e *Event) cached(hit bool) {
	e.Notes |= CacheTold
	if hit {
		e.Notes |= CacheHit
	}
}

// limited notes whose quota a 429 is of.
func (e *Event) limited(provider bool) {
	switch {
	case e.Status != statusTooMany:
	case provider:
		e.Notes |= LimitedProvider
	default:
		e.Notes |= LimitedOwn
	}
}

// noteCache reads a truth value, also as the text that Python writes. "None" says
// nothing.
func (p *rows) noteCache(f field) {
	switch {
	case f.missing():
	case f.is("true"), f.is("True"):
		p.e.cached(true)
	case f.is("false"), f.is("False"):
		p.e.cached(false)
	}
}

// noteCount reads a number of attempts, of which the first least are no retry.
func (p *rows) noteCount(f field, least int64) {
	if text, ok := f.plain(); ok && !unmeasured(text) {
		if n, ok := parseInt(text); ok && n >= 0 {
			p.e.attempts(n > least)
		}
	}
}

// noteTries tells from a list of nginx, one entry for each upstream that was tried,
// whether there was more than one. Colons part what an internal redirect did.
func (e *Event) noteTries(list []byte) {
	if !unmeasured(list) {
		e.attempts(bytes.IndexByte(list, ',') >= 0)
	}
}

// noteEnvoy tells from flags and details, where there are some, about retries and
// whose quota a 429 is of. answered: something behind Envoy did.
func (e *Event) noteEnvoy(flags, details []byte, answered bool) {
	if hasFlag(flags, "URX") { // the limit of retries was reached
		e.attempts(true)
	}
	if e.Status != statusTooMany {
		return
	}
	switch detail := string(details); {
	case hasFlag(flags, "RL"), strings.HasSuffix(detail, "rate_limited"):
		e.limited(false)
	case detail == "via_upstream", unmeasured(details) && answered:
		e.limited(true)
	}
}

func hasFlag(flags []byte, flag string) bool {
	for len(flags) > 0 {
		first, rest, _ := bytes.Cut(flags, []byte{','})
		if string(first) == flag {
			return true
		}
		flags = rest
	}
	return false
}
