package stats

import (
	"iter"
	"math"
	"math/bits"
)

const (
	subBits    = 10 // 1024 buckets an octave: half a bucket is at most 2^-11 = 0.049 % of the value
	subBuckets = 1 << subBits
	octaves    = 64 - subBits // for magnitudes below 2^63
)

type octave [subBuckets]uint64

// Sketch is a log-linear histogram of int64 values (nanoseconds in this
// program). A reported quantile is within 0.05 % of a value at that rank;
// magnitudes below 2048 are kept exactly, and so are count, sum, minimum and
// maximum. The memory is 8 KiB for each octave (doubling) that occurs, whatever
// the number of values. The zero Sketch is empty and ready; it must not be
// copied after the first Add, and is not safe for concurrent use.
type Sketch struct {
	// blocks are in ascending order of value: negative octaves, from the
	// largest magnitude down, then the others.
	blocks   [2 * octaves]*octave
	n        uint64
	sumHi    int64 // 128-bit two's complement: no sum of int64 values overflows it
	sumLo    uint64
	min, max int64
}

// locate gives the block and the bucket of v. Negative values mirror the others
// through ^v, which exists for every int64.
func locate(v int64) (block, bucket int) {
	u := uint64(v)
	if v < 0 {
		u = uint64(^v)
	}
	if u >= subBuckets {
		shift := bits.Len64(u) - subBits - 1
		block, bucket = shift+1, int(u>>shift)-subBuckets
	} else {
		block, bucket = 0, int(u)
	}
	if v < 0 {
		return octaves - 1 - block, subBuckets - 1 - bucket
	}
	return octaves + block, bucket
}

// bounds are the least and the greatest value of a bucket.
func bounds(block, bucket int) (low, high int64) {
	if block < octaves {
		low, high = bounds(2*octaves-1-block, subBuckets-1-bucket)
		return ^high, ^low
	}
	block -= octaves
	if block == 0 {
		return int64(bucket), int64(bucket)
	}
	shift := block - 1
	low = int64(bucket+subBuckets) << shift
	return low, low + (1<<shift - 1)
}

// Add counts v once. It allocates only when v opens an octave.
func (s *Sketch) Add(v int64) { s.AddN(v, 1) }

// AddN counts v n times.
func (s *Sketch) AddN(v int64, n uint64) {
	if n == 0 {
		return
	}
	block, bucket := locate(v)
	o := s.blocks[block]
	if o == nil {
		o = new(octave)
		s.blocks[block] = o
	}
	o[bucket] += n
	if s.n == 0 {
		s.min, s.max = v, v
	} else {
		s.min, s.max = min(s.min, v), max(s.max, v)
	}
	s.n += n
	hi, lo := bits.Mul64(uint64(v), n)
	if v < 0 {
		hi -= n // the product above took v as unsigned, 2^64 too much
	}
	s.addSum(int64(hi), lo)
}

func (s *Sketch) addSum(hi int64, lo uint64) {
	var carry uint64
	s.sumLo, carry = bits.Add64(s.sumLo, lo, 0)
	s.sumHi += hi + int64(carry)
}

// Merge adds the values of o. The result is that of one sketch over all
// values, in any order and any grouping.
func (s *Sketch) Merge(o *Sketch) {
	if o.n == 0 {
		return
	}
	for i, from := range o.blocks {
		if from == nil {
			continue
		}
		if s.blocks[i] == nil {
			s.blocks[i] = new(octave)
		}
		for j, c := range from {
			s.blocks[i][j] += c
		}
	}
	if s.n == 0 {
		s.min, s.max = o.min, o.max
	} else {
		s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	}
	s.n += o.n
	s.addSum(o.sumHi, o.sumLo)
}

// Count is the number of values.
func (s *Sketch) Count() uint64 { return s.n }

// Min is the least value; false when there is none.
func (s *Sketch) Min() (int64, bool) { return s.min, s.n > 0 }

// Max is the greatest value; false when there is none.
func (s *Sketch) Max() (int64, bool) { return s.max, s.n > 0 }

// Mean is the arithmetic mean of the exact sum; false when there is no value.
func (s *Sketch) Mean() (float64, bool) {
	if s.n == 0 {
		return 0, false
	}
	// Magnitude first: a small negative sum has all high bits set.
	hi, lo, sign := uint64(s.sumHi), s.sumLo, 1.0
	if s.sumHi < 0 {
		var carry uint64
		lo, carry = bits.Add64(^lo, 1, 0)
		hi, sign = ^hi+carry, -1
	}
	return sign * (math.Ldexp(float64(hi), 64) + float64(lo)) / float64(s.n), true
}

// Quantile is the value of rank ceil(q*n); false when there is no value. See
// Rank and AtRank.
func (s *Sketch) Quantile(q float64) (int64, bool) {
	if s.n == 0 {
		return 0, false
	}
	return s.AtRank(Rank(q, s.n))
}

// AtRank is the value at a rank from 1, the least, to Count, the greatest: the
// middle of its bucket, held within [min, max]. False for any other rank.
func (s *Sketch) AtRank(rank uint64) (int64, bool) {
	switch {
	case rank == 0 || rank > s.n:
		return 0, false
	case rank == 1:
		return s.min, true
	case rank == s.n:
		return s.max, true
	}
	var seen uint64
	for b := range s.Buckets() {
		if seen += b.Count; seen >= rank {
			return min(max(b.Low+(b.High-b.Low)/2, s.min), s.max), true
		}
	}
	return s.max, true
}

// Above is how many values exceed x, exact to the bucket: values that share
// the bucket of x are not counted.
func (s *Sketch) Above(x int64) uint64 {
	var n uint64
	for b := range s.Buckets() {
		if b.Low > x {
			n += b.Count
		}
	}
	return n
}

// Bucket is a range of values, both ends included, and how many fell into it.
type Bucket struct {
	Low, High int64
	Count     uint64
}

// Buckets yields the buckets that are not empty, in ascending order.
func (s *Sketch) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for i, o := range s.blocks {
			if o == nil {
				continue
			}
			for j, c := range o {
				if c == 0 {
					continue
				}
				low, high := bounds(i, j)
				if !yield(Bucket{low, high, c}) {
					return
				}
			}
		}
	}
}
