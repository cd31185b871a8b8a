package accesslog

import "bytes"

// envoyJSONFormat is Envoy's JSON access log with the names that Envoy Gateway
// gives by default.
func envoyJSONFormat() Format {
	return Format{
		Name:   "envoy-json",
		Detect: detectRows(85, []string{"start_time", "response_code", "duration"}, allThere),
		New:    func(Options) Parser { return newEnvoyParser("x-envoy-upstream-service-time") },
	}
}

// envoyAIGatewayFormat is the same with the fields that Envoy AI Gateway adds. They
// tell of a first token; the header of the reply came at another time.
func envoyAIGatewayFormat() Format {
	return Format{
		Name: "envoy-ai-gateway",
		Detect: detectRows(95, []string{"start_time", "response_code", "duration", "genai_model_name", "genai_tokens_output", "token_latency_ttft"},
			func(f []field) bool { return allThere(f[:3]) && (f[3] != nil || f[4] != nil || f[5] != nil) }),
		New: func(Options) Parser { return newEnvoyParser("token_latency_ttft") },
	}
}

func allThere(f []field) bool {
	for _, v := range f {
		if v == nil {
			return false
		}
	}
	return true
}

type envoyParser struct{ rows }

func newEnvoyParser(ttft string) *envoyParser {
	return &envoyParser{newRows("start_time", "response_code", "response_flags", "duration", ttft, "x-envoy-origin-path",
		"path", "genai_tokens_output", "genai_model_name", "token_latency_itl", "response_code_details", "x-envoy-attempt-count",
		"upstream_request_attempt_count")}
}

// Parse reads one request. The time of the row is its start.
func (p *envoyParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	return p.record(emit)
}

// Rows reads requests as long as their rows are alike.
func (p *envoyParser) Rows(b []byte, emit func(*Event)) (size int, rows int64) {
	return p.many(b, p, emit)
}

func (p *envoyParser) record(emit func(*Event)) Row {
	start, code, flags, duration := p.f[0], p.f[1], p.f[2], p.f[3]
	if code.missing() || duration.missing() {
		return Malformed
	}
	e := p.event()
	p.status(code)
	p.amount(duration, 0, &e.Latency)
	p.endAt(p.when(start).Add(e.Latency))
	p.amount(p.f[4], 0, &e.TTFT)
	p.route(firstOf(p.f[5:7]))
	p.tokens(p.f[7])
	e.Model = p.name(p.f[8])
	p.amount(p.f[9], 0, &e.TPOT) // the mean of the gaps between tokens
	p.noteCount(firstOf(p.f[11:13]), 1)
	if string(flags) == `"-"` && e.Status != statusTooMany { // nothing happened
		e.settle(false, "")
	} else {
		text := flags.text()
		e.settleEnvoy(text)
		e.noteEnvoy(text, p.f[10].text(), false)
	}
	return p.finish(emit)
}

// settleEnvoy tells from the status and Envoy's response flags how a request ended:
// a client that left is no failure, and a 2xx of which the rest did not come is one.
func (e *Event) settleEnvoy(flags []byte) {
	left, broken := envoyFlags(flags)
	e.Cancelled = left && (e.Status == 0 || e.Status == 200)
	e.settle(broken && e.Status >= 200 && e.Status < 300, "")
}

// envoyFlags tells whether the flags ("UF,URX") have one that says that the
// client left, and one that says that the reply broke off.
func envoyFlags(flags []byte) (left, broken bool) {
	if unmeasured(flags) {
		return false, false
	}
	for len(flags) > 0 {
		flag, rest, _ := bytes.Cut(flags, []byte{','})
		switch string(flag) {
		case "DC":
			left = true
		case "UC", "UPE", "UR", "UT", "UF", "SI", "LR":
			broken = true
		}
		flags = rest
	}
	return left, broken
}
