package budget

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
)

// What goes into a block comes out of it, at the ends of every range too.
func TestRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	number := func() int64 {
		n := r.Int64() >> r.IntN(64)
		return []int64{n, n, -n, math.MaxInt64, math.MinInt64 + 1, 0, n / inMicros * inMicros, n >> 8 / inMicros * inMicros, -n / inMicros * inMicros}[r.IntN(9)]
	}
	var e encoder
	for range 50 {
		e.restart(nil)
		var want []record
		for range 200 {
			x := record{end: number(), class: class(r.IntN(5)), timeout: r.IntN(2) == 0}
			if x.class == classGood {
				for v := latency; v < values; v++ {
					if x.fixed[v] = accesslog.Absent; r.IntN(3) > 0 {
						x.fixed[v] = accesslog.Fixed(number())
					}
				}
				x.tokens = max(number(), 0)
			}
			if x.kept = r.IntN(2) == 0; x.kept {
				for d := range x.keys {
					x.keys[d] = []string{"", "a", "b", string(make([]byte, r.IntN(maxKey)))}[r.IntN(4)]
				}
			}
			e.append(&x)
			want = append(want, x)
		}
		var got []record
		var keys [dimensions]string
		var seen [dimensions][]string
		d := decoder{buf: e.seal(),
			none: func(d int) { keys[d] = "" },
			ref:  func(d int, n uint64) { keys[d] = seen[d][n] },
			text: func(d int, key []byte) {
				keys[d] = string(key)
				seen[d] = append(seen[d], keys[d])
			},
		}
		for {
			keys = [dimensions]string{}
			var x record
			if !d.next(&x) {
				break
			}
			x.keys = keys
			got = append(got, x)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestCut(t *testing.T) {
	long := string(make([]byte, maxKey-1)) + "ü"
	if got := cut(long); len(got) != maxKey-1 {
		t.Errorf("%d bytes: a character is cut in two", len(got))
	}
	if got := cut("a"); got != "a" {
		t.Errorf("%q", got)
	}
}
