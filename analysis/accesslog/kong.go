package accesslog

import "bytes"

// kongFormat is the log of Kong's AI gateway (http-log, file-log and their kin).
func kongFormat() Format {
	return Format{
		Name:   "kong",
		Detect: detectRows(95, []string{"started_at", "latencies", "response"}, allThere),
		New: func(Options) Parser {
			return &kongParser{
				rows:      newRows("started_at", "latencies", "response", "request", "ai", "consumer", "tries", "upstream_status"),
				latencies: newNested("request"),
				response:  newNested("status"),
				request:   newNested("uri"),
				consumer:  newNested("username"),
				plugin:    newNested("usage", "meta", "cache"),
				usage:     newNested("completion_tokens", "completion_token", "time_to_first_token", "cost"),
				meta:      newNested("request_model", "response_model"),
				cache:     newNested("cache_status"),
			}
		},
	}
}

type kongParser struct {
	rows
	latencies, response, request, consumer, plugin, usage, meta, cache nested
}

// Parse reads one request. The time of the row is its start.
func (p *kongParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	latency, status := p.latencies.read(p.f[1])[0], p.response.read(p.f[2])[0]
	if latency.missing() || status.missing() {
		return Malformed
	}
	e := p.event()
	p.amount(latency, 0, &e.Latency)
	p.endAt(p.when(p.f[0]).Add(e.Latency))
	p.status(status)
	p.route(p.request.read(p.f[3])[0])
	p.ai(p.f[4])
	e.Key = p.name(p.consumer.read(p.f[5])[0])
	p.tries(p.f[6])
	upstream, _ := p.f[7].plain()
	e.limited(!unmeasured(upstream))
	e.settle(false, "")
	return p.finish(emit)
}

// tries reads the list of what the balancer tried.
func (p *kongParser) tries(f field) {
	if len(f) == 0 || f[0] != '[' {
		return
	}
	var r jsonReader
	r.reset(f)
	n := 0
	r.array(func() bool {
		n++
		return r.skip()
	})
	p.e.attempts(n > 1)
}

// ai reads what an AI plugin wrote: of several plugins the one that is the proxy,
// else the first.
func (p *kongParser) ai(f field) {
	usage, meta, best := field(nil), field(nil), 0
	for key, value := range members(f) {
		plugin := p.plugin.read(value)
		if status := p.cache.read(plugin[2])[0]; status != nil {
			p.e.cached(status.is("Hit"))
		}
		rank := 0
		switch {
		case !plugin[0].object() && !plugin[1].object():
		case bytes.Contains(key, []byte("proxy")):
			rank = 2
		default:
			rank = 1
		}
		if rank > best {
			usage, meta, best = plugin[0], plugin[1], rank
		}
	}
	if best == 0 { // before there were several
		plugin := p.plugin.read(f)
		usage, meta = plugin[0], plugin[1]
	}
	u := p.usage.read(usage)
	p.tokens(firstOf(u[:2]))
	p.amount(u[2], 0, &p.e.TTFT)
	p.amount(u[3], 0, &p.e.Cost)
	p.e.Model = p.name(firstOf(p.meta.read(meta)))
}
