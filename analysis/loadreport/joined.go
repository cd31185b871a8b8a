package loadreport

import (
	"fmt"
	"math"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// Chunks that were read together have one time stamp, that of the newest. The
// last of them came then; the others came before, by no more than the longest
// that anything waited in this client. So a TTFT or a gap that ends at the first
// of them is an upper bound, a TPOT that begins there a lower one, and the gaps
// between them, measured as 0, may have been longer. joined keeps what it takes
// to say which percentiles and which verdicts that could change.
type joined struct {
	early stats.Sketch // ns; values that may be less by the wait
	late  stats.Sketch // ns; values that may be more by the wait over rest
	zeros uint64       // gaps between chunks of one read
	rest  int64        // least number of tokens that a value of late is over
	// By how much the sum of all values may be less, or more, for each ns that the
	// first chunks of reads came sooner than their stamps.
	less, more float64
}

// join takes what of r rests on a read of several chunks.
func (a *Aggregator) join(r *request.Record) {
	if len(r.Chunks) < 2 {
		return
	}
	if r.Chunks[1].Joined {
		first := &a.series[ttft].joined
		first.early.Add(int64(r.Chunks[0].At) + int64(r.SentAt.Sub(begun(r))))
		first.less++
		if t, rest := &a.series[tpot].joined, after(r); usable(r.TPOTms) && rest > 0 {
			if t.late.Count() == 0 || rest < t.rest {
				t.rest = rest
			}
			t.late.Add(nanoseconds(*r.TPOTms))
			t.more += 1 / float64(rest)
		}
	}
	for i := 0; i < len(r.Chunks); {
		last := i
		for last+1 < len(r.Chunks) && r.Chunks[last+1].Joined {
			last++
		}
		if last > i {
			a.joinGaps(r.Chunks, i, last)
		}
		i = last + 1
	}
}

// after is the number of tokens of r after its first chunk; 0: not known.
func after(r *request.Record) int64 {
	if r.CompletionTokens == nil {
		return 0
	}
	return max(*r.CompletionTokens-int64(r.Chunks[0].Tokens), 0)
}

// joinGaps takes the gaps that end at the chunks from first to last, all of one
// read. Time may move from the gap before them into those between them; what
// that does to a sum depends on the tokens that each is divided by.
func (a *Aggregator) joinGaps(chunks []request.Chunk, first, last int) {
	gapSeries, itlSeries := &a.series[chunkGap].joined, &a.series[itl].joined
	gapSeries.zeros += uint64(last - first)
	itlSeries.zeros += uint64(last - first)
	most, least := 0.0, 1.0 // shares of a ns that a later gap of the read takes
	for _, c := range chunks[first+1 : last+1] {
		share := 1 / float64(max(c.Tokens, 1))
		most, least = max(most, share), min(least, share)
	}
	if first == 0 { // no gap ends there: the time is added
		gapSeries.more++
		itlSeries.more += most
		return
	}
	gap, perToken := Gap(chunks, first)
	gapSeries.early.Add(nanoseconds(gap))
	itlSeries.early.Add(nanoseconds(perToken))
	own := 1 / float64(max(chunks[first].Tokens, 1))
	itlSeries.more += max(most-own, 0)
	itlSeries.less += max(own-least, 0)
}

// material is the share of a figure that it must be uncertain by to be marked.
const material = 0.01

// wait is the longest that anything is known to have waited in the client before
// it was read, in ns: what the process saw of itself, and what lay in its
// sockets. Without the former nothing bounds it.
func (a report) wait() int64 {
	if a.run.Client.LongestWait == nil {
		return math.MaxInt64 / 4
	}
	lag, _ := a.readLag.Max()
	return max(int64(*a.run.Client.LongestWait), lag)
}

// percentiles are those of a Distribution that depend on single values.
var percentiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}}

// distribution is that of a metric in ms, with marks on the figures that reads of
// several chunks leave open.
func (a report) distribution(metric int) Distribution {
	s := &a.series[metric]
	d := distribution(&s.sketch, 1e6)
	if d.Count == 0 {
		return d
	}
	mean, _ := s.sketch.Mean()
	wait := a.wait()
	switch low, high := s.meanOff(wait); {
	case high > material*mean:
		d.Unsure = append(d.Unsure, "mean")
	case low > material*mean:
		d.UpperBound = append(d.UpperBound, "mean")
	}
	lowest, _ := s.sketch.Min()
	if m, ok := s.joined.early.Min(); s.joined.zeros > 0 || s.joined.grown(lowest, wait) > 0 && wait/s.joined.rest > more(lowest)-lowest {
		d.Unsure = append(d.Unsure, "min")
	} else if ok && m-wait < less(lowest) {
		d.UpperBound = append(d.UpperBound, "min")
	}
	for _, p := range percentiles {
		rank := stats.Rank(p.q, d.Count)
		v, _ := s.sketch.AtRank(rank)
		beyond := d.Count - rank // values that may lie above
		switch {
		case s.sketch.Above(more(v))+s.joined.grown(more(v), wait) > beyond:
			d.Unsure = append(d.Unsure, p.name)
		case s.sketch.Above(less(v))-s.joined.shrunk(less(v), wait) <= beyond && s.joined.early.Count() > 0:
			d.UpperBound = append(d.UpperBound, p.name)
		}
	}
	return d
}

func more(v int64) int64 { return v + int64(material*float64(v)) }
func less(v int64) int64 { return v - int64(material*float64(v)) }

// grown is how many values at or below x may really lie above it.
func (j *joined) grown(x, wait int64) uint64 {
	var n uint64
	if x < wait {
		n = j.zeros
	}
	if j.late.Count() > 0 {
		n += j.late.Above(x-wait/j.rest) - j.late.Above(x)
	}
	return n
}

// shrunk is how many values above x may really lie at or below it.
func (j *joined) shrunk(x, wait int64) uint64 {
	return j.early.Above(x) - j.early.Above(x+wait)
}

// meanOff is by how much, in ns, the true mean may be less, and more.
func (s *series) meanOff(wait int64) (low, high float64) {
	n := float64(s.sketch.Count())
	return s.joined.less * float64(wait) / n, s.joined.more * float64(wait) / n
}

// judge gives the verdict on one objective, as if the client were valid. It must
// hold whenever what was read together really came.
func (a report) judge(c *counter) Judgement {
	j := a.judgeCut(c)
	if c.metric < 0 || j.Verdict == Inconclusive {
		return j
	}
	s, wait, limit, other := &a.series[c.metric], a.wait(), nanoseconds(c.limit), a
	if j.Verdict == Pass {
		other.asMisses = a.misses(c)
	}
	lower := (j.Verdict == Fail) == c.o.Op.Upper() // less would change the verdict
	unsure := s.joined.grown(limit, wait)
	if lower {
		unsure = s.joined.shrunk(limit, wait)
	}
	switch low, high := s.meanOff(wait); {
	case c.o.Statistic == slo.Mean:
		if other.sooner = low / 1e6; !lower {
			other.sooner = -high / 1e6
		}
		if other.sooner == 0 {
			return j
		}
		unsure = s.joined.early.Count() + s.joined.late.Count() + s.joined.zeros
	case j.Verdict == Fail:
		other.asHits = unsure
	default:
		other.worse = unsure
	}
	if unsure == 0 || other.verdict(c).Verdict == j.Verdict {
		return j
	}
	j.Verdict = Inconclusive
	j.Detail += fmt.Sprintf("; but %d values rest on reads of several chunks and may be up to %s off, which would change that",
		unsure, short(time.Duration(wait)))
	return j
}
