package accesslog

// nginxJSONFormat is a log_format of nginx that writes JSON. The row is written at
// the end of the request, so its time is that. Numbers stand there as numbers or
// as strings.
func nginxJSONFormat() Format {
	return Format{
		Name: "nginx-json",
		Detect: detectRows(80, []string{"status", "time_iso8601", "time_local", "msec", "time", "request_time", "request_uri", "request", "uri", "body_bytes_sent"},
			func(f []field) bool {
				timed := f[1] != nil || f[2] != nil || f[3] != nil || f[4] != nil && f[5] != nil
				return f[0] != nil && timed && (f[5] != nil || f[6] != nil || f[7] != nil || f[8] != nil || f[9] != nil)
			}),
		New: func(Options) Parser {
			return &nginxJSONParser{newRows("status", "time_iso8601", "msec", "time_local", "time", "request_time",
				"upstream_header_time", "request_uri", "uri", "request", "remote_user", "upstream_status", "upstream_cache_status")}
		},
	}
}

type nginxJSONParser struct{ rows }

// Parse reads one request. Like the text format it shows no stream that broke.
func (p *nginxJSONParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	return p.record(emit)
}

// Rows reads requests as long as their rows are alike.
func (p *nginxJSONParser) Rows(b []byte, emit func(*Event)) (size int, rows int64) {
	return p.many(b, p, emit)
}

func (p *nginxJSONParser) record(emit func(*Event)) Row {
	status := p.f[0]
	if status.missing() {
		return Malformed
	}
	e := p.event()
	p.end(firstOf(p.f[1:5]))
	p.status(status)
	p.amount(p.f[5], secondsToMs, &e.Latency)
	// One for each server that was tried; the last one answered.
	text, ok := p.f[6].plain()
	ttft, read := measure(lastNumber(text), secondsToMs)
	if !ok || !read {
		p.bad = "upstream_header_time is no number"
	}
	e.TTFT = ttft
	if target := firstOf(p.f[7:9]); target != nil {
		p.route(target)
	} else {
		e.setRoute(requestTarget(p.f[9].text()), &p.in)
	}
	e.Key = p.name(p.f[10])
	p.upstream(text)
	e.settle(false, "")
	return p.finish(emit)
}

// upstream notes what the fields of the upstream servers tell; times are those of
// upstream_header_time.
func (p *nginxJSONParser) upstream(times []byte) {
	status, ok := p.f[11].plain()
	known := ok && p.f[11] != nil
	if !known {
		status, known = lastNumber(times), p.f[6] != nil // only who answers has a time
	}
	if known {
		p.e.limited(len(lastNumber(status)) > 0)
	}
	p.e.noteTries(times)
	if cache, ok := p.f[12].plain(); ok && p.f[12] != nil {
		p.e.cached(string(cache) == "HIT")
	}
}

// firstOf is the first field that says something.
func firstOf(fields []field) field {
	for _, f := range fields {
		if len(f) == 0 {
			continue
		}
		if len(f) > len(`"\u002d"`) { // too long for a dash, however it is written
			return f
		}
		if text, ok := f.plain(); !ok || !unmeasured(text) {
			return f
		}
	}
	return nil
}
