package accesslog

import "llmops/probes/request"

// llmopsFormat is the requests.jsonl of a load test (llmops.request/v1).
func llmopsFormat() Format {
	return Format{
		Name:   "llmops",
		Detect: detectRows(100, []string{"schema"}, func(f []field) bool { return f[0].is(request.Schema) }),
		New: func(Options) Parser {
			return &llmopsParser{newRows("schema", "done_at", "ok", "error", "status", "latency_ms", "ttft_ms", "tpot_ms",
				"completion_tokens", "model", "quality")}
		},
	}
}

type llmopsParser struct{ rows }

// Parse reads one record. Its event time is done_at.
func (p *llmopsParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	return p.record(emit)
}

// Rows reads records as long as their rows are alike.
func (p *llmopsParser) Rows(b []byte, emit func(*Event)) (size int, rows int64) {
	return p.many(b, p, emit)
}

func (p *llmopsParser) record(emit func(*Event)) Row {
	schema, done, good, failure, status := p.f[0], p.f[1], p.f[2], p.f[3], p.f[4]
	failed := !good.is("true")
	if !schema.is(request.Schema) || failed && !good.is("false") {
		return Malformed
	}
	e := p.event()
	p.end(done)
	p.status(status)
	p.amount(p.f[5], 0, &e.Latency)
	p.amount(p.f[6], 0, &e.TTFT)
	p.amount(p.f[7], 0, &e.TPOT)
	p.tokens(p.f[8])
	e.Model = p.name(p.f[9])
	p.amount(p.f[10], 0, &e.Quality)
	e.Cancelled = failure.is(string(request.Cancelled))
	e.settle(failed, p.name(failure))
	return p.finish(emit)
}
