package accesslog

import (
	"encoding/binary"
	"hash/maphash"
)

// An interner gives the same few strings again without allocating: models,
// routes and error texts repeat. It is a direct-mapped cache, so it stays small
// whatever comes; a string that falls out is simply made anew. Each parser has
// its own. The zero interner is ready.
type interner struct {
	seed  maphash.Seed
	slots []string
}

const (
	internBits  = 10
	internSlots = 1 << internBits
)

func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if in.slots == nil {
		in.slots, in.seed = make([]string, internSlots), maphash.MakeSeed()
	}
	slot := &in.slots[in.slot(b)]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// slot is where a text would be. Of eight to sixteen bytes, as most names of models
// have, two numbers tell what they are.
func (in *interner) slot(b []byte) uint64 {
	if n := len(b); n-8 <= 8 && n >= 8 {
		const odd = 0x9e3779b97f4a7c15
		first, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
		return (first*odd ^ last) * odd >> (64 - internBits) // the highest bits depend on all
	}
	return maphash.Bytes(in.seed, b) % internSlots
}

// quoted is text for what stands between the quotes of a JSON string. An interner
// that is asked for it is asked for nothing else, as it knows strings by that.
func (in *interner) quoted(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if in.slots == nil {
		in.slots, in.seed = make([]string, internSlots), maphash.MakeSeed()
	}
	slot := &in.slots[in.slot(b)]
	if *slot != string(b) {
		text := textOf(b)
		if string(text) != string(b) {
			return string(text)
		}
		*slot = string(b)
	}
	return *slot
}
