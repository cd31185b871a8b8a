package detect

import "math"

// subknn: how far the last 12 rows are from the 5th nearest of the stretches of 12 rows
// that the last 2,048 rows hold, every third of them,
//
//	s = distance / sqrt(12), in spreads of the series, strange at 2
//
// (Ramaswamy et al. 2000 on the stretches of Keogh's discords). It sees shapes. A
// distance is given up as soon as it is too far: 15 µs.
type subknn struct{ past past }

const (
	knnRows   = 12
	knnPast   = 2048
	knnFirst  = 300
	knnEvery  = 256
	knnStride = 3
	knnK      = 5
	knnLimit  = 2
)

func newSubKNN() *subknn { return &subknn{newPast(knnPast)} }

// Next judges the last rows.
func (s *subknn) Next(_ int64, v float64) Look {
	s.past.see(v)
	look := early
	if s.past.fitted {
		look = nothing
		var now [knnRows]float64
		s.past.newest(now[:])
		look.Strange = s.distance(now) / knnLimit
	}
	if s.past.due(knnFirst, knnEvery) {
		s.past.fit()
	}
	return look
}

// distance is that to the 5th nearest of the stretches that were learnt.
func (s *subknn) distance(now [knnRows]float64) float64 {
	var best [knnK]float64 // ascending
	for i := range best {
		best[i] = math.Inf(1)
	}
	for at := 0; at+knnRows <= len(s.past.scaled); at += knnStride {
		d := 0.0
		for i, x := range s.past.scaled[at : at+knnRows] {
			d += (x - now[i]) * (x - now[i])
			if d >= best[knnK-1] {
				break
			}
		}
		for i := knnK - 1; i >= 0 && d < best[i]; i-- {
			if i+1 < knnK {
				best[i+1] = best[i]
			}
			best[i] = d
		}
	}
	return math.Sqrt(best[knnK-1] / knnRows)
}
