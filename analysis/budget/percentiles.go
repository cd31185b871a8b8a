package budget

import (
	"maps"
	"math"
	"runtime"
	"slices"

	"llmops/analysis/accesslog"
	"llmops/analysis/stats"
)

// quantiles are those of a Distribution.
var quantiles = stats.Quantiles()

// maxExact bounds the different values among which percentiles are looked for.
// The sketch leaves them the thousandth part of a doubling each, so logs in whole
// milliseconds or microseconds stay far below it.
const maxExact = 1 << 16

// sketchError is the bound of stats.Sketch.
const sketchError = 0.0005

// A search narrows percentiles down from the bucket of a sketch to the value.
type search struct {
	value   value
	sketch  *stats.Sketch
	ranks   [len(quantiles)]uint64 // within the bucket
	buckets [len(quantiles)]stats.Bucket
	// bounds are those of the buckets, for one comparison each: v is in it if
	// v-low <= width as unsigned numbers.
	bounds [len(quantiles)]struct{ low, width uint64 }
}

func newSearch(v value, s *stats.Sketch) *search {
	x := &search{value: v, sketch: s}
	if s.Count() == 0 {
		return x
	}
	var seen uint64
	at := 0
	for b := range s.Buckets() {
		for ; at < len(quantiles) && stats.Rank(quantiles[at], s.Count()) <= seen+b.Count; at++ {
			x.ranks[at], x.buckets[at] = stats.Rank(quantiles[at], s.Count())-seen, b
			x.bounds[at].low, x.bounds[at].width = uint64(b.Low), uint64(b.High-b.Low)
		}
		seen += b.Count
	}
	return x
}

// holds tells whether v may be one of the percentiles.
func (x *search) holds(v int64) bool {
	for i := range x.bounds {
		if uint64(v)-x.bounds[i].low <= x.bounds[i].width {
			return x.sketch.Count() > 0
		}
	}
	return false
}

// A finder counts the values of one worker that lie where percentiles do.
type finder struct {
	start    int64
	searches []*search
	seen     []map[int64]uint64
	lost     bool // there are too many different ones
}

func (f *finder) block(data []byte) {
	base, plain, records := parts(data)
	for ; len(plain) >= plainLen && !f.lost; plain = plain[plainLen:] {
		if e := plainAt((*[plainLen]byte)(plain), base); e.end > f.start {
			for i, s := range f.searches {
				f.look(i, s, e.of(s.value))
			}
		}
	}
	d := decoder{buf: records}
	var r record
	for !f.lost && d.next(&r) {
		if r.class == classGood && r.end > f.start {
			for i, s := range f.searches {
				f.look(i, s, r.fixed[s.value])
			}
		}
	}
}

// look counts a value if it may be one of the percentiles.
func (f *finder) look(i int, s *search, v accesslog.Fixed) {
	if v != accesslog.Absent && s.holds(int64(v)) {
		f.seen[i][int64(v)]++
		f.lost = f.lost || len(f.seen[i]) > maxExact
	}
}

// percentiles goes over the events a second time, for the values in the buckets
// that the percentiles are in, if not every value was counted.
func (c *Counter) percentiles(p *pass) (Metrics, error) {
	m := Metrics{Window: p.f.name}
	searches := []*search{newSearch(latency, p.latency.all()), newSearch(ttft, p.ttft.all())}
	all := &finder{seen: []map[int64]uint64{{}, {}}}
	if !p.latency.odd && !p.ttft.odd {
		for i, s := range []*spectrum{&p.latency, &p.ttft} {
			for v, n := range s.values {
				all.seen[i][v] = n
			}
		}
	} else {
		finders, err := run(&c.store, runtime.GOMAXPROCS(0), func() *finder {
			return &finder{start: p.f.metric.start, searches: searches, seen: []map[int64]uint64{{}, {}}}
		}, (*finder).block)
		if err != nil {
			return m, err
		}
		for _, f := range finders {
			all.lost = all.lost || f.lost
			for i := range f.seen {
				for v, n := range f.seen[i] {
					all.seen[i][v] += n
				}
				all.lost = all.lost || len(all.seen[i]) > maxExact
			}
		}
	}
	m.LatencyMS = all.distribution(0, searches[0])
	m.TTFTMS = all.distribution(1, searches[1])
	return m, nil
}

func (f *finder) distribution(i int, x *search) Distribution {
	d := Distribution{Distribution: x.sketch.Distribution(func(v float64) float64 { return v / 2e6 })} // as accesslog.Fixed is kept
	switch {
	case d.Count == 0:
	case f.lost:
		d.Within = sketchError
	default:
		for q, to := range d.Percentiles() {
			*to = new(accesslog.Fixed(f.exact(i, x, q)).Float64())
		}
	}
	return d
}

// exact is the value of the rank within its bucket.
func (f *finder) exact(i int, x *search, q int) int64 {
	var seen uint64
	for _, v := range slices.Sorted(maps.Keys(f.seen[i])) {
		if v < x.buckets[q].Low {
			continue
		}
		if seen += f.seen[i][v]; seen >= x.ranks[q] {
			return v
		}
	}
	return math.MaxInt64 // not reached: the bucket has that many
}
