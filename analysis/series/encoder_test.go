package series

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// What is encoded chunkenc decodes, whatever the times and the bits of the values.
func TestEncoder(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		var e encoder
		var want []Point
		at, v := r.Int64()>>r.IntN(64), r.Float64()
		if seed%7 == 0 {
			at = -at
		}
		gap := r.Int64N(1 << 40)
		for range 1 + r.IntN(300) {
			e.append(at, v)
			want = append(want, Point{T: at, F: v})
			switch r.IntN(6) {
			case 0:
				gap = int64(r.Uint64() >> r.IntN(64))
			case 1:
				gap += 1<<[]int{13, 16, 19}[r.IntN(3)] - int64(r.IntN(3)) + 1
			case 2:
				gap -= 1<<[]int{13, 16, 19}[r.IntN(3)] - int64(r.IntN(3)) + 1
			}
			at += gap
			switch r.IntN(5) {
			case 0:
				v = math.Float64frombits(r.Uint64())
			case 1:
				v = float64(r.IntN(1000))
			case 2:
				v = math.Float64frombits(math.Float64bits(v) ^ 1<<r.IntN(64))
			case 3:
				v = stale
			}
		}
		data := append([]byte(nil), e.end()...)
		var c chunkenc.XORChunk
		c.Reset(data)
		it := c.Iterator(nil)
		for i, p := range want {
			if it.Next() != chunkenc.ValFloat {
				t.Fatalf("seed %d: %d samples of %d: %v", seed, i, len(want), it.Err())
			}
			if at, v := it.At(); at != p.T || math.Float64bits(v) != math.Float64bits(p.F) {
				t.Fatalf("seed %d: sample %d is %d %x, want %d %x", seed, i, at, math.Float64bits(v), p.T, math.Float64bits(p.F))
			}
		}
		if it.Next() != chunkenc.ValNone || it.Err() != nil {
			t.Fatalf("seed %d: more than %d samples (%v)", seed, len(want), it.Err())
		}
		// The encoder is used again: nothing is left of the chunk before.
		for _, p := range want {
			e.append(p.T, p.F)
		}
		if again := e.end(); string(again) != string(data) {
			t.Fatalf("seed %d: the second chunk differs", seed)
		}
	}
}
