package series

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
)

func recordedPoints(s *Series) (all [][2]uint64) {
	for t, v := range s.Samples(math.MinInt64, math.MaxInt64) {
		all = append(all, [2]uint64{uint64(t), math.Float64bits(v)})
	}
	return all
}

// What a Recorder holds can be looked at at any time, by whatever way of going through
// it, and is the same when it is done.
func TestRecorder(t *testing.T) {
	rec := NewRecorder()
	x := rec.Series(labels.FromStrings("__name__", "x"))
	rec.Series(labels.FromStrings("__name__", "empty"))
	var want [][2]uint64
	var times []int64
	rng := rand.New(rand.NewPCG(1, 2))
	at := int64(0)
	for n := range 3*chunkSamples + 7 {
		at += 1 + int64(rng.IntN(20))
		v := rng.NormFloat64()
		switch rng.IntN(10) {
		case 0:
			v = StaleMarker()
		case 1:
			v = math.NaN() // and stays that
		}
		if err := x.Append(at, v); err != nil {
			t.Fatal(err)
		}
		want, times = append(want, [2]uint64{uint64(at), math.Float64bits(v)}), append(times, at)
		if n%97 != 0 {
			continue
		}
		found := rec.Select(labels.MustNewMatcher(labels.MatchEqual, "__name__", "x"))
		if d := cmp.Diff(want, recordedPoints(found[0])); d != "" {
			t.Fatalf("after %d: %s", n, d)
		}
		if first, last := found[0].Bounds(); first != times[0] || last != at {
			t.Fatalf("after %d: %d to %d", n, first, last)
		}
		for range 20 { // Seek and Next, bounded
			k := rng.IntN(n + 1)
			it := found[0].iterator(times[k], at)
			for i := k; i <= n; i++ {
				if rng.IntN(2) == 0 && i < n {
					i += rng.IntN(min(n-i, 700))
					it.Seek(times[i])
				} else {
					it.Next()
				}
				if got, _ := it.At(); got != times[i] {
					t.Fatalf("after %d: sample %d at %d, want %d", n, i, got, times[i])
				}
			}
			if it.Next() != 0 || it.Seek(0) != 0 {
				t.Fatal("it goes on after its end")
			}
		}
	}
	if err := x.Append(at, 12345); !errors.Is(err, ErrDuplicate) {
		t.Error(err)
	}
	_, last, _ := x.Last()
	if err := x.Append(at, last); err != nil {
		t.Error(err)
	}
	if err := x.Append(at-1, 1); !errors.Is(err, ErrOutOfOrder) {
		t.Error(err)
	}
	store := rec.Store()
	if d := cmp.Diff(want, recordedPoints(store.Series()[0])); d != "" || len(store.Series()) != 1 {
		t.Error(d)
	}
}

func TestJoin(t *testing.T) {
	a, b := NewBuilder(), NewBuilder()
	x, y, z := labels.FromStrings("__name__", "x"), labels.FromStrings("__name__", "y"), labels.FromStrings("__name__", "z")
	a.Add(x, Gauge, 1, 1)
	a.Add(y, Gauge, 1, 1)
	a.Add(y, Gauge, 3, 3)
	b.Add(y, Gauge, 2, 2)
	b.Add(y, Gauge, 3, 4)
	b.Add(z, Gauge, 9, 9)
	one, two := a.Store(nil), b.Store(nil)
	s := Join(one, two)
	var got []Point
	for t, v := range s.Find(y).Points() {
		got = append(got, Point{T: t, F: v})
	}
	if d := cmp.Diff([]Point{{T: 1, F: 1}, {T: 2, F: 2}, {T: 3, F: 4}}, got); d != "" {
		t.Error(d)
	}
	if s.Points() != 5 || len(s.Series()) != 3 || s.Find(labels.FromStrings("__name__", "y", "a", "b")) != nil {
		t.Errorf("%d points, %d series", s.Points(), len(s.Series()))
	}
	if first, last, ok := s.Bounds(); first != 1 || last != 9 || !ok {
		t.Error(first, last, ok)
	}
	without := s.Without(func(x *Series) bool { return x.Name() == "y" })
	if without.Points() != 2 || len(without.Series()) != 2 || Join(one) != one {
		t.Errorf("%d points", without.Points())
	}
}

// A look sees no further than its bound, whether samples are kept decoded or not.
func TestLooks(t *testing.T) {
	b := NewBuilder()
	for i := range int64(2000) {
		b.Add(labels.FromStrings("__name__", "x", "i", "0"), Gauge, i*15_000, float64(i%17))
		b.Add(labels.FromStrings("__name__", "x", "i", "1"), Gauge, i*15_000+7, float64(i%13))
	}
	store := b.Store(func(ls labels.Labels) []Alias {
		return []Alias{{Labels: labels.NewBuilder(ls).Set("__name__", "y").Labels(), Factor: 0.5}}
	})
	rec := NewRecorder()
	z := rec.Series(labels.FromStrings("__name__", "z"))
	engine := NewEngine(Limits{})
	var ahead Ahead
	for i := range int64(500) {
		at := i * 60_000
		if err := z.Append(at, float64(i)); err != nil {
			t.Fatal(err)
		}
		for _, expr := range []string{"sum_over_time(x[10m]) - on (i) x offset 1h", "y", "y offset -2m", "count_over_time(x[2h:1m])", "z", "increase(z[5m])", `{__name__=~".", i!="1"}`} {
			var results []Result
			for _, keep := range []*Ahead{nil, &ahead} {
				r, err := engine.Instant(t.Context(), Looks{{Of: store, Until: at, Ahead: keep}, {Of: rec, Until: at - 1}}, expr, time.UnixMilli(at))
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, r)
			}
			if d := cmp.Diff(results[0].Rows, results[1].Rows, cmp.Comparer(labels.Equal)); d != "" {
				t.Fatalf("%s at %d: %s", expr, at, d)
			}
			if expr == "z" && i > 0 && results[0].Rows[0].Points[0].F != float64(i-1) {
				t.Fatalf("at %d: z is %v", at, results[0].Rows)
			}
			// The sample at this time is the newest that may be seen.
			if expr == "y offset -2m" && results[0].Rows[0].Points[0].F != float64(i*4%17)/2 {
				t.Fatalf("at %d: y is %v", at, results[0].Rows)
			}
		}
	}
}
