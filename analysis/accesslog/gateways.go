package accesslog

import "bytes"

// heliconeFormat is requests as Helicone's API exports them.
func heliconeFormat() Format {
	return Format{
		Name: "helicone",
		Detect: detectRows(90, []string{"response_created_at", "response_status", "delay_ms", "request_created_at"}, func(f []field) bool {
			return f[0] != nil && (f[1] != nil || f[2] != nil || f[3] != nil)
		}),
		New: func(Options) Parser {
			return &heliconeParser{newRows("response_created_at", "response_status", "delay_ms", "time_to_first_token",
				"completion_tokens", "request_model", "response_model", "request_path", "cost", "request_user_id", "helicone_user", "cache_reference_id")}
		},
	}
}

type heliconeParser struct{ rows }

// Parse reads one request.
func (p *heliconeParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	if p.f[1].missing() {
		return Malformed
	}
	e := p.event()
	p.end(p.f[0])
	p.status(p.f[1])
	p.amount(p.f[2], 0, &e.Latency)
	p.amount(p.f[3], 0, &e.TTFT)
	p.tokens(p.f[4])
	e.Model = p.name(firstOf(p.f[5:7]))
	p.route(p.f[7])
	p.amount(p.f[8], 0, &e.Cost)
	e.Key = p.name(firstOf(p.f[9:11]))
	if id, ok := p.f[11].plain(); ok && p.f[11] != nil { // of the request whose reply it is; all zeros: of none
		e.cached(len(bytes.Trim(id, "0-")) > 0)
	}
	e.settle(false, "")
	return p.finish(emit)
}

// cloudflareFormat is logs of Cloudflare's AI Gateway.
func cloudflareFormat() Format {
	return Format{
		Name: "cloudflare",
		Detect: detectRows(85, []string{"created_at", "duration", "success", "status_code", "tokens_out", "tokens_in", "provider"}, func(f []field) bool {
			return allThere(f[:2]) && (f[2] != nil || f[3] != nil) && (f[4] != nil || f[5] != nil || f[6] != nil)
		}),
		New: func(Options) Parser {
			return &cloudflareParser{newRows("created_at", "duration", "status_code", "success", "tokens_out", "model", "cost", "path", "cached")}
		},
	}
}

type cloudflareParser struct{ rows }

// Parse reads one request. The time of the row is its start.
func (p *cloudflareParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	start, duration, status, success := p.f[0], p.f[1], p.f[2], p.f[3]
	if duration.missing() || status.missing() && success.missing() {
		return Malformed
	}
	e := p.event()
	p.amount(duration, 0, &e.Latency)
	p.endAt(p.when(start).Add(e.Latency))
	p.status(status)
	p.tokens(p.f[4])
	e.Model = p.name(p.f[5])
	p.amount(p.f[6], 0, &e.Cost)
	p.route(p.f[7])
	p.noteCache(p.f[8])
	e.settle(success.is("false") || string(success) == "0", "")
	return p.finish(emit)
}
