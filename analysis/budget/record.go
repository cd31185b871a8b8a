package budget

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"llmops/analysis/accesslog"
)

// class is the first that applies of those in the definitions.
type class uint8

const (
	classGood class = iota
	classBad
	classCancelled
	classClientError
	classHealthCheck
)

// A record is what is kept of an event.
type record struct {
	end     int64
	class   class
	timeout bool
	fixed   [values]accesslog.Fixed // by value; only of good events
	tokens  int64                   // of good events
	keys    [dimensions]string      // of events that are bad to some objective; kept is whether they are
	kept    bool
}

// The layout of a record: four bytes that say what follows, then
//
//	end of the request, as the zigzag difference to the record before
//	values (zigzag; those in whole µs as such, which is shorter) and tokens that
//	there are, in order
//	how many bytes of keys follow, in two bytes
//	keys, by dimension a uvarint: 0 none, 1 a new one (length, bytes), else 2 +
//	its number among the new ones of its dimension in the block
//
// Numbers take as many bytes, the least first, as they need; how many stands in
// the head, which spares a decoder the search for their ends. Blocks are read on
// their own, in any order: differences and numbers of keys begin anew in each.
const (
	headLen     = 4
	classBits   = 7
	timeoutFlag = 1 << 3
	keysFlag    = 1 << 4
	endAt       = 5 // 3 bits: bytes of the end less 1
	valuesAt    = 8 // 4 bits each: bytes of a value; 0: there is none; microsFrom more: it is in µs
	tokensAt    = valuesAt + 4*int(values-latency)
	microsFrom  = 8
	inMicros    = 2_000 // of a Fixed in ms, for one in µs
	// padding follows the last record, for numbers are read eight bytes at once.
	padding = 8
)

// maxKey bounds the text of a key, in bytes.
const maxKey = 256

// An encoder appends records to a block.
type encoder struct {
	buf  []byte
	prev int64
	seen [dimensions]map[string]uint64
	last [dimensions]struct { // the last one of seen, which comes again mostly
		key string
		n   uint64
	}
	dirty bool
}

func (e *encoder) restart(buf []byte) {
	e.buf, e.prev = buf[:0], 0
	if e.dirty {
		for i := range e.seen {
			clear(e.seen[i])
			e.last[i].key = ""
		}
		e.dirty = false
	}
}

func (e *encoder) append(r *record) {
	// Room for the numbers, so that they are written without a look at it.
	e.buf = slices.Grow(e.buf, headLen+8*int(values))
	at := len(e.buf)
	buf := e.buf[at:cap(e.buf)]
	n, head := put(buf[headLen:], zigzag(r.end-e.prev))
	head = uint32(r.class) | (head-1)<<endAt
	n += headLen
	e.prev = r.end
	if r.timeout {
		head |= timeoutFlag
	}
	if r.class == classGood {
		for v := latency; v < values; v++ {
			x := r.fixed[v]
			if x == accesslog.Absent {
				continue
			}
			var k int
			var length uint32
			if us := x / inMicros; x >= 0 && us*inMicros == x && us < 1<<56 {
				k, length = put(buf[n:], uint64(us))
				length += microsFrom
			} else {
				k, length = put(buf[n:], zigzag(int64(x)))
			}
			n += k
			head |= length << (valuesAt + 4*(v-latency))
		}
		if r.tokens > 0 {
			k, length := put(buf[n:], uint64(r.tokens))
			n += k
			head |= length << tokensAt
		}
	}
	if r.kept {
		head |= keysFlag
	}
	binary.LittleEndian.PutUint32(buf, head)
	e.buf = e.buf[:at+n]
	if r.kept {
		e.buf = append(e.buf, 0, 0)
		from := len(e.buf)
		for d, key := range r.keys {
			e.key(d, key)
		}
		binary.LittleEndian.PutUint16(e.buf[from-2:], uint16(len(e.buf)-from)) // maxKey bytes and a few each
	}
}

// put writes u to b, of which it may use eight bytes, and tells in how many bytes
// it is, from 1 to 8.
func put(b []byte, u uint64) (int, uint32) {
	binary.LittleEndian.PutUint64(b, u)
	n := (bits.Len64(u|1) + 7) / 8
	return n, uint32(n)
}

func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// seal ends the block.
func (e *encoder) seal() []byte { return append(e.buf, make([]byte, padding)...) }

func (e *encoder) key(d int, key string) {
	if key == "" {
		e.buf = append(e.buf, 0)
		return
	}
	last := &e.last[d]
	if last.key == key {
		e.buf = binary.AppendUvarint(e.buf, last.n)
		return
	}
	if n, ok := e.seen[d][key]; ok {
		last.key, last.n = key, n
		e.buf = binary.AppendUvarint(e.buf, n)
		return
	}
	if e.seen[d] == nil {
		e.seen[d] = map[string]uint64{}
	}
	e.seen[d][key] = uint64(len(e.seen[d])) + 2
	e.dirty = true
	e.buf = append(e.buf, 1)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(key)))
	e.buf = append(e.buf, key...)
}

// A decoder reads the records of a block. What it reads was written by an
// encoder of this process.
type decoder struct {
	buf  []byte // sealed
	at   int
	prev int64
	text func(d int, key []byte) // takes a new key of dimension d; nil: keys are passed over
	ref  func(d int, n uint64)   // names key n, from 0, of dimension d
	none func(d int)             // there is no key of dimension d
}

// next reads one record into r, but for r.keys. False at the end.
func (d *decoder) next(r *record) bool {
	buf, at := d.buf, d.at
	if len(buf)-at <= padding {
		return false
	}
	head := binary.LittleEndian.Uint32(buf[at:])
	at += headLen
	n := int(head>>endAt&7 + 1)
	d.prev += unzigzag(number(buf[at:], n))
	at += n
	r.end, r.class, r.timeout, r.kept = d.prev, class(head&classBits), head&timeoutFlag != 0, head&keysFlag != 0
	if r.class == classGood {
		for v := latency; v < values; v++ {
			r.fixed[v] = accesslog.Absent
			if n := int(head >> (valuesAt + 4*(v-latency)) & 15); n > microsFrom {
				n -= microsFrom
				r.fixed[v] = accesslog.Fixed(number(buf[at:], n)) * inMicros
				at += n
			} else if n > 0 {
				r.fixed[v] = accesslog.Fixed(unzigzag(number(buf[at:], n)))
				at += n
			}
		}
		r.tokens = 0
		if n := int(head >> tokensAt); n > 0 {
			r.tokens = int64(number(buf[at:], n))
			at += n
		}
	}
	d.at = at
	if !r.kept {
		return true
	}
	d.at += 2
	if d.text == nil {
		d.at += int(binary.LittleEndian.Uint16(buf[at:]))
	} else {
		for i := range int(dimensions) {
			d.key(i)
		}
	}
	return true
}

// number is that of n bytes at the beginning of b, which has at least eight.
func number(b []byte, n int) uint64 {
	return binary.LittleEndian.Uint64(b) & (math.MaxUint64 >> (64 - 8*n))
}

func (d *decoder) key(i int) {
	switch n := d.uvarint(); n {
	case 0:
		d.none(i)
	case 1:
		end := d.uvarint() + uint64(d.at)
		d.text(i, d.buf[d.at:end])
		d.at = int(end)
	default:
		d.ref(i, n-2)
	}
}

func (d *decoder) uvarint() uint64 {
	u, n := binary.Uvarint(d.buf[d.at:])
	d.at += n
	return u
}

// cut bounds the text of a key, at the begin of a character.
func cut(key string) string {
	if len(key) <= maxKey {
		return key
	}
	n := maxKey
	for n > 0 && !utf8.RuneStart(key[n]) {
		n--
	}
	return key[:n]
}

// timedOut tells by status and error whether a failure was a timeout.
func timedOut(e *accesslog.Event) bool {
	return e.Status == 408 || e.Status == 504 || strings.Contains(strings.ToLower(e.Error), "timeout")
}
