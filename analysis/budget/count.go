package budget

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"llmops/analysis/accesslog"
)

// frame is when the report is made and what it looks back on, known once all
// events are.
type frame struct {
	now    int64
	first  int64   // oldest event
	starts []int64 // of all windows, ascending: an event is in those that start before it
	own    []window
	metric window // of the percentiles: the widest of the objectives
	name   string

	// Of counts that come by whole minutes: since when they do (nil: all that
	// there is), and the minutes of which nothing is known, by rule.
	since   *int64
	missing []map[int64]struct{}
}

// A window is (start, now]; of a calendar, the part of the period up to now.
type window struct {
	start  int64
	span   int64 // its whole length in ms, that of a calendar's period too
	end    int64 // of a calendar's period, else now
	rolls  bool
	before int64 // bucket of a minute that the start cuts in two
}

func (c *Counter) frame(now, first int64) frame {
	f := frame{now: now, first: first}
	for i, r := range c.rules {
		w := window{start: now - r.span, span: r.span, end: now, rolls: true}
		if r.Calendar != nil {
			from, to := r.Calendar.Period(time.UnixMilli(now))
			// A period holds its first moment and not its end, a window the other
			// way round; all times are whole milliseconds.
			w = window{start: from.UnixMilli() - 1, span: to.Sub(from).Milliseconds(), end: to.UnixMilli() - 1}
		}
		w.before = bucketOf(w.start+1, c.bucket)
		f.own = append(f.own, w)
		f.starts = append(f.starts, w.start)
		for _, b := range r.burns {
			f.starts = append(f.starts, now-b)
		}
		if i == 0 || w.start < f.metric.start {
			f.metric, f.name = w, r.name()
		}
	}
	slices.Sort(f.starts)
	f.starts = slices.Compact(f.starts)
	return f
}

// A count is what one pass over the events makes of them for one rule.
type count struct {
	ages    [][outcomes]int64 // by how many windows the event is in
	cells   table             // by bucket, or slice
	outside tally             // of the first bucket of the window, before its start
}

// A pass counts the events of some blocks.
type pass struct {
	c             *Counter
	f             frame
	counts        []count
	rules         []int               // those that are counted
	oldest        []int64             // bucket or slice from which on each of them needs its cells
	metrics       bool                // whether percentiles are asked for
	groups        [dimensions]*groups // of all passes that are made at once
	latency, ttft spectrum

	segment segment
	local   [dimensions]blockKeys
}

func (c *Counter) newPass(f frame, w *[dimensions]weights) *pass {
	p := &pass{c: c, f: f, counts: make([]count, len(c.rules)), oldest: make([]int64, len(c.rules)), metrics: true}
	p.segment.counts = make([]segmentCount, len(c.rules))
	for i, rule := range c.rules {
		p.rules = append(p.rules, i)
		p.oldest[i] = c.oldest(i, &f)
		p.counts[i] = count{ages: make([][outcomes]int64, len(f.starts)+1), cells: newTable(rule.rate == tokens)}
	}
	for d := range p.groups {
		p.groups[d] = newGroups(len(c.rules), maxGroups, &w[d])
	}
	return p
}

// run hands every block to visit, n at a time, each worker with a visitor of its
// own. It gives the visitors.
func run[V any](s *store, n int, newVisitor func() V, visit func(V, []byte)) ([]V, error) {
	visitors := make([]V, max(min(n, len(s.blocks)), 1))
	var wg sync.WaitGroup
	var next atomic.Int64
	for i := range visitors {
		visitors[i] = newVisitor()
		wg.Go(func() {
			var buf []byte
			for {
				n := int(next.Add(1)) - 1
				if n >= len(s.blocks) {
					return
				}
				data, err := s.read(s.blocks[n], buf)
				if err != nil {
					s.fail(err)
					return
				}
				if s.blocks[n].data == nil {
					buf = data
				}
				visit(visitors[i], data)
			}
		})
	}
	wg.Wait()
	return visitors, s.err
}

func (p *pass) block(data []byte) {
	base, plain, records := parts(data)
	p.plains(base, plain)
	d := decoder{buf: records,
		none: func(d int) { p.local[d].at = -1 },
		ref:  func(d int, n uint64) { p.local[d].at = int(n) },
		text: func(d int, key []byte) { p.local[d].add(key, len(p.c.rules)) },
	}
	var r record
	for d.next(&r) {
		p.add(&r)
	}
	p.leave()
	for d := range p.local {
		p.groups[d].take(&p.local[d])
	}
}

// A segment is a stretch of time, (low, high], that no start of a window and no end
// of a bucket or slice cuts in two. Events come nearly in order, so most are in the
// segment of the one before, and are only counted there.
type segment struct {
	low, high int64
	age       int
	bucket    int64
	counts    []segmentCount // by rule, but for plain events
	plain     plainCount
}

type segmentCount struct {
	outcomes [outcomes]int64
	amount   int64
}

func (p *pass) add(r *record) {
	if r.end <= p.segment.low || r.end > p.segment.high {
		p.leave()
		p.enter(r.end)
	}
	for _, i := range p.rules {
		rule, n := p.c.rules[i], &p.segment.counts[i]
		o := rule.of(r)
		n.outcomes[o]++
		switch {
		case o == good && rule.rate == tokens:
			n.amount += min(r.tokens, math.MaxInt64-n.amount)
		case o == bad && r.kept && rule.slice == 0 && r.end > p.f.own[i].start:
			for d := range p.local {
				p.local[d].count(i, len(p.c.rules))
			}
		}
	}
	if p.metrics && r.class == classGood && r.end > p.f.metric.start {
		if v := r.fixed[latency]; v != accesslog.Absent {
			p.latency.add(v)
		}
		if v := r.fixed[ttft]; v != accesslog.Absent {
			p.ttft.add(v)
		}
	}
}

// enter begins the segment of an instant.
func (p *pass) enter(t int64) {
	s := &p.segment
	s.bucket = bucketOf(t, p.c.bucket)
	s.high = s.bucket * p.c.bucket
	s.low = s.high - p.c.bucket
	for _, i := range p.rules {
		if slice := p.c.rules[i].slice; slice > 0 {
			high := roundUp(t, slice)
			s.low, s.high = max(s.low, high-slice), min(s.high, high)
		}
	}
	s.age, _ = slices.BinarySearch(p.f.starts, t) // starts that are before t
	if s.age > 0 {
		s.low = max(s.low, p.f.starts[s.age-1])
	}
	if s.age < len(p.f.starts) {
		s.high = min(s.high, p.f.starts[s.age])
	}
}

// leave counts what was counted in the segment where it belongs.
func (p *pass) leave() {
	s := &p.segment
	for _, i := range p.rules {
		rule, n, c := p.c.rules[i], &s.counts[i], &p.counts[i]
		fine, unknown := s.plain.outcomes(rule)
		n.outcomes[good] += fine
		n.outcomes[unmeasured] += unknown
		for o, more := range n.outcomes {
			c.ages[s.age][o] += more
		}
		t := tally{total: n.outcomes[good] + n.outcomes[bad], bad: n.outcomes[bad]}
		amount := n.amount
		*n = segmentCount{}
		if t.total == 0 {
			continue
		}
		at := s.bucket
		if rule.slice > 0 {
			at = bucketOf(s.high, rule.slice)
		} else if w := &p.f.own[i]; s.high <= w.start && at == w.before {
			c.outside = c.outside.plus(t)
		}
		if at >= p.oldest[i] {
			c.cells.add(at, cell{valid: t.total, bad: t.bad, amount: amount})
		}
	}
	s.low, s.high, s.plain = 0, 0, plainCount{}
}

func (p *pass) merge(o *pass) {
	for i := range p.counts {
		mine, other := &p.counts[i], &o.counts[i]
		for age := range mine.ages {
			for k := range mine.ages[age] {
				mine.ages[age][k] += other.ages[age][k]
			}
		}
		mine.outside = mine.outside.plus(other.outside)
		mine.cells.merge(&other.cells)
	}
	p.latency.merge(&o.latency)
	p.ttft.merge(&o.ttft)
}

// since counts the outcomes in the window that starts there, one of f.starts.
func (c *count) since(f *frame, start int64) (sum [outcomes]int64) {
	age, _ := slices.BinarySearch(f.starts, start)
	for _, by := range c.ages[age+1:] {
		for o, n := range by {
			sum[o] += n
		}
	}
	return sum
}
