package budget

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"llmops/analysis/accesslog"
	"llmops/analysis/stats"
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
	cells   table[cell]       // of occurrences
	outside tally             // of the first bucket of the window, before its start
	slices  table[slice]
}

// A pass counts the events of some blocks.
type pass struct {
	c             *Counter
	f             frame
	counts        []count
	groups        [dimensions]*groups
	latency, ttft stats.Sketch

	local [dimensions][]*group // of the block
	whose [dimensions]*group   // of the record
}

func (c *Counter) newPass(f frame, w *[dimensions]weights) *pass {
	p := &pass{c: c, f: f, counts: make([]count, len(c.rules))}
	for i := range p.counts {
		p.counts[i].ages = make([][outcomes]int64, len(f.starts)+1)
	}
	for d := range p.groups {
		p.groups[d] = newGroups(len(c.rules), maxGroups, &w[d])
	}
	return p
}

// tableRoom bounds the tables of all workers together, in bytes, as long as one
// worker's fit.
const tableRoom = 8 << 20

// workers is how many passes are made at once: as many as processors, but fewer
// where the tables of a long time would take too much memory.
func (c *Counter) workers(f *frame) int {
	span, size := f.now-f.first, int64(1)
	for _, r := range c.rules {
		if r.slice > 0 {
			size += span / r.slice * int64(unsafe.Sizeof(slice{}))
		} else {
			size += span / c.bucket * int64(unsafe.Sizeof(cell{}))
		}
	}
	return max(min(runtime.GOMAXPROCS(0), int(tableRoom/size)), 1)
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
	for d := range p.local {
		p.local[d] = p.local[d][:0]
		p.groups[d].prune(maxGroups + maxGroups/4)
	}
	d := decoder{buf: data,
		none: func(d int) { p.whose[d] = nil },
		ref:  func(d int, n uint64) { p.whose[d] = p.local[d][n] },
		text: func(d int, key []byte) {
			p.whose[d] = p.groups[d].lookup(key)
			p.local[d] = append(p.local[d], p.whose[d])
		},
	}
	var r record
	for d.next(&r) {
		p.add(&r)
	}
}

func (p *pass) add(r *record) {
	age := 0
	for age < len(p.f.starts) && r.end > p.f.starts[age] {
		age++
	}
	bucket := bucketOf(r.end, p.c.bucket)
	for i, rule := range p.c.rules {
		c := &p.counts[i]
		o := rule.of(r)
		c.ages[age][o]++
		switch {
		case o > bad:
		case rule.slice > 0:
			s := c.slices.at(bucketOf(r.end, rule.slice))
			s.valid++
			if o == good {
				s.good++
				if rule.rate == tokens {
					s.amount = addAmount(s.amount, r.tokens)
				}
			}
		default:
			p.occurrence(c, i, r, bucket, o)
		}
	}
	if r.class == classGood && r.end > p.f.metric.start {
		if v := r.fixed[latency]; v != accesslog.Absent {
			p.latency.Add(int64(v))
		}
		if v := r.fixed[ttft]; v != accesslog.Absent {
			p.ttft.Add(int64(v))
		}
	}
}

func (p *pass) occurrence(c *count, i int, r *record, bucket int64, o outcome) {
	cell, one := c.cells.at(bucket), tally{total: 1}
	cell.total++
	if o == bad {
		cell.bad++
		one.bad = 1
	}
	w := &p.f.own[i]
	switch {
	case r.end <= w.start:
		if bucket == w.before {
			c.outside = c.outside.plus(one)
		}
	case o == bad && r.kept:
		for _, g := range p.whose {
			if g != nil {
				g.bad[i]++
			}
		}
	}
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
		mine.cells.merge(&other.cells, (*cell).merge)
		mine.slices.merge(&other.slices, (*slice).merge)
	}
	for d := range p.groups {
		p.groups[d].merge(o.groups[d])
	}
	p.latency.Merge(&o.latency)
	p.ttft.Merge(&o.ttft)
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
