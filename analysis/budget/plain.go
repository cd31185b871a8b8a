package budget

import (
	"encoding/binary"
	"math"
	"slices"

	"llmops/analysis/accesslog"
)

// Most events are plain: good, of no objective's budget, and of their values only
// latency and TTFT are looked at, both in whole microseconds of at most 71 minutes.
// They lie at the front of a block, all of one length, which is quick to write and
// to read; the records of all others lie behind them. The order of events within a
// block says nothing.
//
// A plain event is the difference of its end to base, as an int32, and latency and
// TTFT in µs, as two uint32.
type plains struct {
	buf  []byte // the front of a block
	base int64  // the end of the first one
}

const (
	plainHead = 8 + 4 // base, and how many there are
	plainLen  = 3 * 4
	noMicros  = math.MaxUint32 // not measured
)

func (p *plains) restart(buf []byte) { p.buf = append(buf[:0], make([]byte, plainHead)...) }

// add is false for an event that is not plain.
func (p *plains) add(end int64, latency, ttft accesslog.Fixed) bool {
	if len(p.buf) == plainHead {
		p.base = end
	}
	a, isA := microsOf(latency)
	b, isB := microsOf(ttft)
	after := int32(end - p.base)
	if !isA || !isB || p.base+int64(after) != end {
		return false
	}
	at := len(p.buf)
	p.buf = slices.Grow(p.buf, plainLen)[:at+plainLen]
	e := (*[plainLen]byte)(p.buf[at:])
	binary.LittleEndian.PutUint32(e[:], uint32(after))
	binary.LittleEndian.PutUint64(e[4:], uint64(b)<<32|uint64(a))
	return true
}

func microsOf(x accesslog.Fixed) (uint32, bool) {
	us := uint64(x) / inMicros // of one below zero, too many
	if us*inMicros == uint64(x) && us < noMicros {
		return uint32(us), true
	}
	return noMicros, x == accesslog.Absent
}

// seal ends the block, with records behind the plain events.
func (p *plains) seal(records []byte) []byte {
	binary.LittleEndian.PutUint64(p.buf, uint64(p.base))
	binary.LittleEndian.PutUint32(p.buf[8:], uint32((len(p.buf)-plainHead)/plainLen))
	return append(append(p.buf, records...), make([]byte, padding)...)
}

// A plainEvent is one that was read back.
type plainEvent struct {
	end           int64
	latency, ttft uint32 // µs, or noMicros
}

// parts gives the plain events of a block, and its records.
func parts(data []byte) (base int64, plain, records []byte) {
	base = int64(binary.LittleEndian.Uint64(data))
	n := plainHead + plainLen*int(binary.LittleEndian.Uint32(data[8:]))
	return base, data[plainHead:n], data[n:]
}

func plainAt(b *[plainLen]byte, base int64) plainEvent {
	both := binary.LittleEndian.Uint64(b[4:])
	return plainEvent{base + int64(int32(binary.LittleEndian.Uint32(b[:]))), uint32(both), uint32(both >> 32)}
}

// fixedMicros is what microsOf was made of.
func fixedMicros(us uint32) accesslog.Fixed {
	if us == noMicros {
		return accesslog.Absent
	}
	return accesslog.Fixed(us) * inMicros
}

// of is the value of the event that an objective looks at.
func (e *plainEvent) of(v value) accesslog.Fixed {
	switch v {
	case latency:
		return fixedMicros(e.latency)
	case ttft:
		return fixedMicros(e.ttft)
	}
	return accesslog.Absent
}

// A plainCount counts plain events of a segment of time.
type plainCount struct{ all, latency, ttft int64 } // of all, of those measured

// plains counts the plain events of a block.
func (p *pass) plains(base int64, data []byte) {
	var sliced []int // rules that plain events may be bad to
	for _, i := range p.rules {
		if rule := p.c.rules[i]; rule.slice > 0 && rule.value > timeout {
			sliced = append(sliced, i)
		}
	}
	for ; len(data) >= plainLen; data = data[plainLen:] {
		e := plainAt((*[plainLen]byte)(data), base)
		if e.end <= p.segment.low || e.end > p.segment.high {
			p.leave()
			p.enter(e.end)
		}
		n := &p.segment.plain
		n.all++
		metrics := p.metrics && e.end > p.f.metric.start
		if e.latency != noMicros {
			n.latency++
			if metrics {
				p.latency.addMicros(e.latency)
			}
		}
		if e.ttft != noMicros {
			n.ttft++
			if metrics {
				p.ttft.addMicros(e.ttft)
			}
		}
		for _, i := range sliced {
			rule := p.c.rules[i]
			if v := e.of(rule.value); v != accesslog.Absent && (v < rule.low || v > rule.high) {
				n := &p.segment.counts[i].outcomes
				n[bad]++
				n[good]-- // as which it is counted with the others
			}
		}
	}
}

// outcomes says how many of the plain events are good to a rule, and how many were
// not measured.
func (n *plainCount) outcomes(r *rule) (fine, unknown int64) {
	switch r.value {
	case none, timeout:
		return n.all, 0
	case latency:
		return n.latency, n.all - n.latency
	case ttft:
		return n.ttft, n.all - n.ttft
	}
	return 0, n.all
}
