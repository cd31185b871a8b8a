package series

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// An encoder makes the data of chunks in Prometheus's XOR format (Pelkonen et al.,
// "Gorilla", 2015), which chunkenc decodes: 16 bits of how many samples, the first
// time and value, and then for each sample the change of the distance to the one
// before, and the bits in which its value differs. It gathers 64 bits at a time,
// and begins a new window of bits also where that is shorter.
type encoder struct {
	buf   []byte
	acc   uint64 // the bits to come, from the top
	free  uint   // how many more fit into it
	n     int
	t     int64
	delta uint64
	v     uint64
	// The window: significant bits of a difference that is written without saying
	// which ones they are. width 0: there is none yet.
	leading, trailing, width uint
}

const (
	header     = 2        // bytes
	windowHead = 5 + 6    // bits that say where a new window lies
	mostClear  = 1<<5 - 1 // what these can hold of leading zeros
)

// put appends the low n bits of v.
func (e *encoder) put(v uint64, n uint) {
	v <<= 64 - n
	e.acc |= v >> (64 - e.free)
	if n < e.free {
		e.free -= n
		return
	}
	e.buf = binary.BigEndian.AppendUint64(e.buf, e.acc)
	e.acc = v << e.free // 64 of them: nothing is left
	e.free += 64 - n
}

// append adds a sample; the first one begins a chunk.
func (e *encoder) append(t int64, v float64) {
	to := math.Float64bits(v)
	e.n++
	switch e.n {
	case 1:
		e.buf, e.acc, e.free, e.width = append(e.buf[:0], 0, 0), 0, 64, 0
		e.varint(uint64(t)<<1 ^ uint64(t>>63))
		e.put(to, 64)
	case 2:
		e.delta = uint64(t - e.t)
		e.varint(e.delta)
		e.value(to)
	default:
		delta := uint64(t - e.t)
		change := int64(delta - e.delta)
		e.delta = delta
		switch {
		case change == 0:
			e.put(0, 1)
		case within(change, 14):
			e.put(0b10<<14|uint64(change)&(1<<14-1), 2+14)
		case within(change, 17):
			e.put(0b110<<17|uint64(change)&(1<<17-1), 3+17)
		case within(change, 20):
			e.put(0b1110<<20|uint64(change)&(1<<20-1), 4+20)
		default:
			e.put(0b1111, 4)
			e.put(uint64(change), 64)
		}
		e.value(to)
	}
	e.t, e.v = t, to
}

// within tells whether n bits hold x, as chunkenc reads them: from -2^(n-1)+1 to
// 2^(n-1).
func within(x int64, n uint) bool { return x > -(1<<(n-1)) && x <= 1<<(n-1) }

func (e *encoder) varint(v uint64) {
	for ; v >= 0x80; v >>= 7 {
		e.put(v&0x7f|0x80, 8)
	}
	e.put(v, 8)
}

func (e *encoder) value(to uint64) {
	diff := to ^ e.v
	if diff == 0 {
		e.put(0, 1)
		return
	}
	leading := min(uint(bits.LeadingZeros64(diff)), mostClear)
	trailing := uint(bits.TrailingZeros64(diff))
	width := 64 - leading - trailing
	if e.width > 0 && leading >= e.leading && trailing >= e.trailing && e.width <= width+windowHead {
		e.put(0b10, 2)
		e.put(diff>>e.trailing, e.width)
		return
	}
	e.leading, e.trailing, e.width = leading, trailing, width
	e.put(0b11<<windowHead|uint64(leading)<<6|uint64(width)&63, 2+windowHead) // a width of 64 is written as 0
	e.put(diff>>trailing, width)
}

// end gives the data of the chunk, valid until the next append, which begins
// another one.
func (e *encoder) end() []byte {
	for used := 64 - int(e.free); used > 0; used -= 8 {
		e.buf = append(e.buf, byte(e.acc>>56))
		e.acc <<= 8
	}
	binary.BigEndian.PutUint16(e.buf, uint16(e.n))
	e.n = 0
	return e.buf
}
