// Package trace reads recorded traffic, such as the published traces of
// production services, so that a load test can send it again: when requests
// arrived, how long prompts and answers were, which prompts began alike, and
// which requests belong to one conversation. It makes up the texts, since no
// trace holds them. It must not send anything or know a clock.
package trace

import (
	"iter"
	"slices"
	"time"
)

// Trace is recorded traffic in the order of arrival. Sixteen bytes hold a row;
// what only some formats know lies in columns of its own.
type Trace struct {
	Format string
	Name   string // base name of the file
	// Failed is the number of rows that were left out because the request had
	// failed, where the format says so (BurstGPT: no response tokens).
	Failed int
	// Unsorted is the number of rows that stood behind a later one.
	Unsorted int

	rows    []row
	session []int32         // 1 + index in names, 0: none; nil: the format knows none
	took    []time.Duration // from arrival to end, 0: not known; nil: never known
	cut     []time.Duration // from sending to being cut off, 0: not cut; nil: none was
	chain   [][]uint64      // hash of each block and all before it; nil: no blocks
	block   int             // tokens in a block
	names   []string        // of sessions
}

type row struct {
	at            time.Duration // since the first arrival
	input, output int32         // tokens, -1: not known
}

// Row is one request of a trace.
type Row struct {
	At time.Duration // since the first arrival
	// Input and Output are tokens; nil: the trace does not say.
	Input, Output *int
	Session       string        // "": none
	Took          time.Duration // from arrival to end; 0: not known
	// CutAfter, if not 0, is how long after it was sent the request was cut off
	// by its client.
	CutAfter time.Duration
}

// Len is the number of rows.
func (t *Trace) Len() int { return len(t.rows) }

// Row gives row i, in order of arrival from 0.
func (t *Trace) Row(i int) Row {
	r := t.rows[i]
	out := Row{At: r.at, Input: known(r.input), Output: known(r.output)}
	if t.session != nil && t.session[i] > 0 {
		out.Session = t.names[t.session[i]-1]
	}
	if t.took != nil {
		out.Took = t.took[i]
	}
	if t.cut != nil {
		out.CutAfter = t.cut[i]
	}
	return out
}

func known(n int32) *int {
	if n < 0 {
		return nil
	}
	return new(int(n))
}

// Silent tells of which lengths no row says anything.
func (t *Trace) Silent() (input, output bool) {
	return !slices.ContainsFunc(t.rows, func(r row) bool { return r.input >= 0 }), !slices.ContainsFunc(t.rows, func(r row) bool { return r.output >= 0 })
}

// Span is the time from the first to the last arrival.
func (t *Trace) Span() time.Duration {
	if len(t.rows) == 0 {
		return 0
	}
	return t.rows[len(t.rows)-1].at
}

// Sessions is the number of sessions; 0 where the format knows none.
func (t *Trace) Sessions() int { return len(t.names) }

// Turns yields the rows of each session in order of arrival, sessions in the
// order of their first row; a row without a session is one of its own.
func (t *Trace) Turns() iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		if t.session == nil {
			for i := range t.rows {
				if !yield([]int{i}) {
					return
				}
			}
			return
		}
		// Sessions are told apart by counting first, so that memory is that of the rows.
		begin := make([]int32, len(t.names)+2)
		for _, s := range t.session {
			begin[s+1]++
		}
		for s := range begin[1:] {
			begin[s+1] += begin[s]
		}
		list, next := make([]int32, len(t.rows)), slices.Clone(begin)
		for i, s := range t.session {
			list[next[s]] = int32(i)
			next[s]++
		}
		for i, s := range t.session {
			turns := []int{i}
			if s > 0 {
				own := list[begin[s]:begin[s+1]]
				if own[0] != int32(i) {
					continue // it was yielded with its first row
				}
				turns = turns[:0]
				for _, k := range own {
					turns = append(turns, int(k))
				}
			}
			if !yield(turns) {
				return
			}
		}
	}
}

// Reuse is the share of the prompt blocks of the first n rows that a row before
// brought in the same place, after the same blocks: the hit rate of a prefix
// cache without end. Prompts are clipped to so many tokens; 0: they are not. ok is
// false where the trace has no blocks, or more of them than are worth the memory.
func (t *Trace) Reuse(n, clip int) (share float64, ok bool) {
	n = min(n, len(t.chain))
	sent := func(i int) []uint64 {
		way := t.chain[i]
		if clip > 0 {
			way = way[:min(len(way), (clip+t.block-1)/t.block)]
		}
		return way
	}
	hits, all := 0, 0
	for i := range n {
		all += len(sent(i))
	}
	if all > maxReuse {
		return 0, false
	}
	seen := make(map[uint64]bool, all)
	all = 0
	for i := range n {
		for _, h := range sent(i) {
			if all++; seen[h] {
				hits++
			}
			seen[h] = true
		}
	}
	if all == 0 {
		return 0, false
	}
	return float64(hits) / float64(all), true
}

// maxReuse is the number of blocks up to which Reuse looks, in some 500 MB.
const maxReuse = 20_000_000

// settle sorts the rows by arrival, those of the same time in the order of the
// file, and counts time from the first.
func (t *Trace) settle() {
	latest := time.Duration(0)
	for i, r := range t.rows {
		if i > 0 && r.at < latest {
			t.Unsorted++
		}
		if i == 0 || r.at > latest {
			latest = r.at
		}
	}
	if t.Unsorted > 0 {
		order := make([]int32, len(t.rows))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortStableFunc(order, func(a, b int32) int { return int(min(max(t.rows[a].at-t.rows[b].at, -1), 1)) })
		t.rows, t.session, t.took = reorder(t.rows, order), reorder(t.session, order), reorder(t.took, order)
		t.cut, t.chain = reorder(t.cut, order), reorder(t.chain, order)
	}
	if len(t.rows) > 0 {
		first := t.rows[0].at
		for i := range t.rows {
			t.rows[i].at -= first
		}
	}
}

func reorder[T any](column []T, order []int32) []T {
	if column == nil {
		return nil
	}
	out := make([]T, len(column))
	for i, from := range order {
		out[i] = column[from]
	}
	return out
}
