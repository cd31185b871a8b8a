package budget

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
)

// What goes into the front of a block comes out of it, with the records behind it;
// what does not fit is refused.
func TestPlainEvents(t *testing.T) {
	const most = (noMicros - 1) * inMicros
	r := rand.New(rand.NewPCG(4, 4))
	fits := []accesslog.Fixed{accesslog.Absent, 0, inMicros, 8_000 * inMillis, 12_345 * inMicros, most}
	fitsNot := []accesslog.Fixed{1, -inMicros, accesslog.Absent + 1, inMicros + 1, most + inMicros, math.MaxInt64}
	for range 100 {
		var p plains
		p.restart(nil)
		var want, got []plainEvent
		base := r.Int64() - r.Int64()
		for i := range 300 {
			end := base
			if i > 0 {
				end += int64(int32(r.Uint32()))
			}
			a, b := fits[r.IntN(len(fits))], fits[r.IntN(len(fits))]
			if !p.add(end, a, b) {
				t.Fatalf("refused: %d %d %d after %d", end, a, b, base)
			}
			if p.add(end, fitsNot[r.IntN(len(fitsNot))], b) || p.add(end, a, fitsNot[r.IntN(len(fitsNot))]) ||
				p.add(base+math.MaxInt32+1, a, b) || p.add(base+math.MinInt32-1, a, b) {
				t.Fatal("taken though it does not fit")
			}
			e := plainEvent{end: end}
			e.latency, _ = microsOf(a)
			e.ttft, _ = microsOf(b)
			if e.of(latency) != a || e.of(ttft) != b || e.of(cost) != accesslog.Absent {
				t.Fatalf("%d and %d are %d and %d", a, b, e.of(latency), e.of(ttft))
			}
			want = append(want, e)
		}
		base, plain, records := parts(p.seal([]byte("records")))
		for ; len(plain) > 0; plain = plain[plainLen:] {
			got = append(got, plainAt((*[plainLen]byte)(plain), base))
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(plainEvent{})); diff != "" {
			t.Fatal(diff)
		}
		if !slices.Equal(records, append([]byte("records"), make([]byte, padding)...)) {
			t.Fatalf("records %q", records)
		}
	}
}
