package detect

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// FuzzDetector: whatever bits the values have and however times run, scores are numbers
// from 0 to 1, anomalies have finite values, and a prefix scores as it does in the whole.
func FuzzDetector(f *testing.F) {
	huge := []byte{}
	for i := range 300 {
		v := []float64{1.7e308, -1.7e308, 5e-324, math.Inf(1), math.NaN(), 0, -1}[i%7]
		huge = binary.LittleEndian.AppendUint64(huge, math.Float64bits(v))
	}
	f.Add(huge, uint8(0), int64(15_000))
	f.Add(huge, uint8(3), int64(-1))
	f.Add(huge, uint8(9), int64(math.MaxInt64/2))
	f.Fuzz(func(t *testing.T, data []byte, which uint8, step int64) {
		options := every()
		o := options[int(which)%len(options)]
		var all []Row
		for b := range slices.Chunk(data[:min(len(data)/8, 700)*8], 8) {
			all = append(all, Row{int64(len(all)) * step, math.Float64frombits(binary.LittleEndian.Uint64(b))})
		}
		whole := scoresOf(o, all)
		for i, s := range whole {
			if !(s.Value >= 0 && s.Value <= 1 && s.Level >= 0 && s.Level <= 1 && s.P > 0 && s.P <= 1) {
				t.Fatalf("row %d: %+v", i, s)
			}
		}
		for i, s := range scoresOf(o, all[:len(all)/2]) {
			if !same(s, whole[i]) {
				t.Fatalf("row %d of the prefix: %+v, of the whole %+v", i, s, whole[i])
			}
		}
		for _, a := range Judge("x", slices.Values(all), nil, o, nil).Anomalies {
			if math.IsNaN(a.Value) || math.IsInf(a.Value, 0) || !(a.Score >= 0 && a.Score <= 1) || a.Rows < 1 || !(a.P > 0 && a.P <= 1) {
				t.Fatalf("%+v", a)
			}
		}
	})
}
