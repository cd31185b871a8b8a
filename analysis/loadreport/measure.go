package loadreport

import (
	"math"

	"llmops/probes/request"
)

// success takes what only succeeded requests tell.
func (a *Aggregator) success(r *request.Record) {
	sum(&a.prompt, &a.promptN, r.PromptTokens)
	sum(&a.completion, &a.completionN, r.CompletionTokens)
	sum(&a.reasoning, &a.reasoningN, r.ReasoningTokens)
	sum(&a.cached, &a.cachedN, r.CachedTokens)
	a.inputs += int64(r.Inputs)
	switch r.TokensFrom {
	case "usage":
		a.fromUsage++
	case "chunks":
		a.fromChunks++
	}
	a.one(r, latency, r.LatencyMs)
	a.one(r, ttft, r.TTFTms)
	a.one(r, tpot, r.TPOTms)
	a.one(r, queue, r.QueueMs)
	a.gaps(r)
	a.join(r)
	if usable(r.Quality) {
		a.quality.Add(a.line.place(r), *r.Quality, 1)
		a.grades.score(*r.Quality)
		a.count(r, "quality_score", *r.Quality)
	}
	if c, ok := a.price.request(r); ok {
		a.count(r, "cost_per_request", c)
	}
}

func sum(total, n *int64, v *int64) {
	if v != nil {
		*total += *v
		*n++
	}
}

func usable(v *float64) bool { return v != nil && !math.IsNaN(*v) && !math.IsInf(*v, 0) }

// one takes a metric that has one value a request, in ms.
func (a *Aggregator) one(r *request.Record, metric int, ms *float64) {
	if !usable(ms) {
		return
	}
	a.series[metric].sketch.Add(nanoseconds(*ms))
	a.series[metric].means.Add(a.line.place(r), *ms, 1)
	for _, c := range a.counters {
		if c.metric == metric {
			c.values++
			c.cluster(r, c.bad(*ms), 1)
		}
	}
}

// gaps takes the time between neighbouring chunks, and the same for each token
// of the later one.
func (a *Aggregator) gaps(r *request.Record) {
	chunks := r.Chunks
	if len(chunks) < 2 {
		return
	}
	n := uint64(len(chunks) - 1)
	var sumGap, sumITL float64
	for i := 1; i < len(chunks); i++ {
		gap, perToken := Gap(chunks, i)
		sumGap += gap
		sumITL += perToken
		a.series[chunkGap].sketch.Add(nanoseconds(gap))
		a.series[itl].sketch.Add(nanoseconds(perToken))
	}
	a.series[chunkGap].means.Add(a.line.place(r), sumGap, float64(n))
	a.series[itl].means.Add(a.line.place(r), sumITL, float64(n))
	for _, c := range a.counters {
		if c.metric != chunkGap && c.metric != itl {
			continue
		}
		var bad uint64
		for i := 1; i < len(chunks); i++ {
			gap, perToken := Gap(chunks, i)
			if c.metric == itl {
				gap = perToken
			}
			bad += c.bad(gap)
		}
		c.values += n
		c.cluster(r, bad, n)
	}
}

// Gap is the gap before chunk i, from 1, whole and for each of its tokens, in ms.
func Gap(chunks []request.Chunk, i int) (gap, perToken float64) {
	gap = request.Ms(max(chunks[i].At-chunks[i-1].At, 0))
	return gap, gap / float64(max(chunks[i].Tokens, 1))
}

func nanoseconds(ms float64) int64 {
	return int64(min(max(math.Round(ms*1e6), math.MinInt64/2), math.MaxInt64/2))
}
