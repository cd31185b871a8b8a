package budget

import (
	"math"

	"llmops/analysis/accesslog"
	"llmops/analysis/stats"
)

// A spectrum counts the values of one kind. Most logs have whole milliseconds of
// less than a minute, which are counted one by one; of such a log every percentile
// is known exactly. All others go into a sketch. The zero spectrum is ready.
type spectrum struct {
	whole  []uint32 // by ms
	sketch stats.Sketch
	odd    bool // there were others
}

const (
	wholeMost = 1 << 16 // ms
	inMillis  = 2_000_000
)

func (s *spectrum) add(v accesslog.Fixed) {
	ms := uint64(v) / inMillis // of a value below zero, more than wholeMost
	if ms < wholeMost && ms*inMillis == uint64(v) {
		if s.whole == nil {
			s.whole = make([]uint32, wholeMost)
		}
		if s.whole[ms] < math.MaxUint32 {
			s.whole[ms]++
			return
		}
	}
	s.odd = true
	s.sketch.Add(int64(v))
}

// addMicros is add for a value in µs.
func (s *spectrum) addMicros(us uint32) {
	if ms := us / 1000; ms*1000 == us && ms < uint32(len(s.whole)) && s.whole[ms] < math.MaxUint32 {
		s.whole[ms]++
		return
	}
	s.add(fixedMicros(us))
}

// merge takes what o has counted; nothing may be added to o after it.
func (s *spectrum) merge(o *spectrum) {
	if s.whole == nil {
		s.whole, o.whole = o.whole, nil
	}
	for ms, n := range o.whole {
		if n <= math.MaxUint32-s.whole[ms] {
			s.whole[ms] += n
			continue
		}
		s.odd = true
		s.sketch.AddN(int64(ms)*inMillis, uint64(n))
	}
	s.odd = s.odd || o.odd
	s.sketch.Merge(&o.sketch)
}

// all is the sketch of all values; nothing may be added after it.
func (s *spectrum) all() *stats.Sketch {
	for v, n := range s.values {
		s.sketch.AddN(v, n)
	}
	return &s.sketch
}

// values yields the whole milliseconds, as accesslog.Fixed is kept, and how often
// they came.
func (s *spectrum) values(yield func(v int64, n uint64) bool) {
	for ms, n := range s.whole {
		if n > 0 && !yield(int64(ms)*inMillis, uint64(n)) {
			return
		}
	}
}
