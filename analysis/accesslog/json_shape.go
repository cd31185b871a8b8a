package accesslog

import "hash/maphash"

// A shape is a kind of object: the keys that are wanted of it, and what is
// remembered of the objects of this kind that were read. Rows of a log look
// alike, so what stands between two values (a comma, the next key, a colon, white
// space) is compared with what stood there the last time, and only read where
// that differs. What is remembered was valid when it was read, so it is valid
// wherever it stands between two values again: a shape saves time and decides
// nothing. Each parser has its own.
type shape struct {
	keys  []string
	slots map[string]int8 // of each key its place in keys
	seed  maphash.Seed
	start joint // no text: its next is what an object began with
	// joints is a small cache of what stood between values.
	joints [jointSlots]joint
}

const (
	jointSlots = 256
	jointLimit = 128 // the longest text that is remembered
)

// A joint is what stands between two values of an object, or before the first one.
type joint struct {
	text  []byte
	first bool   // it stood before the first value
	slot  int8   // of the key in it; -1: not wanted
	next  *joint // the one that came after it last
}

func newShape(keys ...string) *shape {
	s := &shape{keys: keys, slots: make(map[string]int8, len(keys)), seed: maphash.MakeSeed()}
	for i, k := range keys {
		s.slots[k] = int8(i)
	}
	return s
}

// join reads what stands between two values of an object: from i, behind a value
// or (first) behind the brace, to the next value. done: the object ends there.
// prev is the joint before; the one that was read becomes its next. at is -1 where
// the text is not valid.
func (s *shape) join(b []byte, i int, prev *joint, first bool) (at int, this *joint, slot int8, done bool) {
	start := i
	if i = skipBlank(b, i); i >= len(b) {
		return -1, nil, 0, false
	}
	if b[i] == '}' {
		return i + 1, nil, 0, true
	}
	if !first {
		if b[i] != ',' {
			return -1, nil, 0, false
		}
		i = skipBlank(b, i+1)
	}
	key := i + 1
	if i = skipKey(b, i); i < 0 {
		return -1, nil, 0, false
	}
	text := b[start:i]
	if len(text) > jointLimit {
		return i, new(joint), s.slotOf(b[key:]), false
	}
	this = s.place(text)
	if string(this.text) != string(text) {
		this.text, this.first = append(this.text[:0], text...), first
		this.slot = s.slotOf(b[key:])
	}
	prev.next = this
	return i, this, this.slot, false
}

// place finds where a text is remembered, or is to be.
func (s *shape) place(text []byte) *joint {
	const tries = 4
	at := maphash.Bytes(s.seed, text)
	for try := range uint64(tries) {
		j := &s.joints[(at+try)%jointSlots]
		if len(j.text) == 0 || string(j.text) == string(text) {
			return j
		}
	}
	return &s.joints[(at+at>>32%tries)%jointSlots]
}

// slotOf finds the place of the key that b begins with, behind its quote; -1 if
// it is not wanted. Keys are compared as encoding/json has them: escapes resolved,
// bytes that are no UTF-8 replaced.
func (s *shape) slotOf(b []byte) int8 {
	text := textOf(b[:skipString(b, 0)-1])
	if slot, ok := s.slots[string(text)]; ok {
		return slot
	}
	return -1
}
