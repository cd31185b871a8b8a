package accesslog

// liteLLMFormat is LiteLLM's StandardLoggingPayload.
func liteLLMFormat() Format {
	return Format{
		Name: "litellm",
		Detect: detectRows(90, []string{"startTime", "endTime", "status", "completionStartTime", "error_information", "custom_llm_provider"}, func(f []field) bool {
			return allThere(f[:3]) && f[0][0] != '"' && (f[3] != nil || f[4] != nil || f[5] != nil)
		}),
		New: func(Options) Parser { return newLiteLLMParser(false) },
	}
}

// spendLogsFormat is rows of LiteLLM_SpendLogs as JSON.
func spendLogsFormat() Format {
	return Format{
		Name: "litellm-spendlogs",
		Detect: detectRows(90, []string{"startTime", "endTime", "spend", "request_id", "request_duration_ms"}, func(f []field) bool {
			return allThere(f[:2]) && (f[2] != nil && f[3] != nil || f[4] != nil)
		}),
		New: func(Options) Parser { return newLiteLLMParser(true) },
	}
}

type liteLLMParser struct {
	rows
	spendLogs bool
	metadata  nested
	failure   nested
}

func newLiteLLMParser(spendLogs bool) *liteLLMParser {
	cost := "response_cost"
	if spendLogs {
		cost = "spend"
	}
	return &liteLLMParser{
		rows: newRows("startTime", "endTime", "completionStartTime", "stream", "status", "error_information", "metadata",
			"completion_tokens", "model", cost, "end_user", "user", "cache_hit"),
		spendLogs: spendLogs,
		metadata:  newNested("error_information", "status", "user_api_key_alias", "user_api_key_hash", "attempted_retries"),
		failure:   newNested("error_code", "llm_provider"),
	}
}

// Parse reads one call.
func (p *liteLLMParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	stream, status, information := p.f[3], p.f[4], p.f[5]
	e := p.event()
	start, end := p.when(p.f[0]), p.when(p.f[1])
	p.endAt(end)
	e.Latency = span(start, end)
	e.TTFT = p.firstToken(start, end, p.f[2], stream)

	metadata := p.metadata.read(p.f[6])
	if p.spendLogs {
		information = metadata[0]
		if status.missing() {
			status = metadata[1]
		}
	}
	failure := p.failure.read(information)
	p.status(failure[0])
	if provider, ok := failure[1].plain(); ok && failure[1] != nil {
		e.limited(!unmeasured(provider)) // an error of the proxy itself has no provider
	}
	p.noteCount(metadata[4], 0)
	p.noteCache(p.f[12])
	p.tokens(p.f[7])
	e.Model = p.name(p.f[8])
	p.amount(p.f[9], 0, &e.Cost)
	if e.Key = p.name(firstOf(metadata[2:4])); e.Key == "" {
		e.Key = p.name(firstOf(p.f[10:12]))
	}
	e.settle(status.is("failure"), "")
	return p.finish(emit)
}

// firstToken is the TTFT. LiteLLM repeats the end of the request where it knows of
// no first token, and a call that was refused has one time for everything.
func (p *liteLLMParser) firstToken(start, end Fixed, first, stream field) Fixed {
	text, ok := first.plain()
	if !ok {
		p.bad = "completionStartTime is no time"
	}
	if unmeasured(text) {
		return Absent
	}
	at, ok := parseTime(text)
	if !ok {
		p.bad = "completionStartTime is no time"
		return Absent
	}
	if p.spendLogs {
		return firstTokenAt(start, at, end, start+1)
	}
	if !stream.is("true") {
		return Absent
	}
	return firstTokenAt(start, at, end, start)
}

// firstTokenAt is at - start if at is from least on and before end.
func firstTokenAt(start, at, end, least Fixed) Fixed {
	if at < least || at >= end {
		return Absent
	}
	return at.Sub(start)
}
