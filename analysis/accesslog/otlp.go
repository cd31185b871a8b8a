package accesslog

// otlpFormat is OTLP spans as JSON Lines, as the Collector's file exporter writes
// them: many spans a line, of which those of inference are requests. Integers are
// numbers or strings.
func otlpFormat() Format {
	return Format{
		Name:   "otlp",
		Detect: detectRows(100, []string{"resourceSpans"}, func(f []field) bool { return len(f[0]) > 0 && f[0][0] == '[' }),
		New:    func(Options) Parser { return newOTLPParser() },
	}
}

// An otlpParser goes down the levels of a line in one pass and collects the events
// of its spans, which are handed on once the whole line has turned out to be valid.
type otlpParser struct {
	rows   // of one span; its reader reads the whole line
	line   func() bool
	other  []field // signals that are no spans
	listed bool    // the line has spans, maybe none
	events []Event

	pair       *shape // of an attribute
	pairFields []field
	attributes map[string]int
	values     [otlpAttributes]field // of the span
	code       nested
	value      nested
}

// What is read of a span, in the order of the keys of its shape.
const (
	spanStart = iota
	spanEnd
	spanStatus
	spanAttributes
)

// What is read of its attributes. Some have had several names.
const (
	attrOperation = iota
	attrModel
	attrResponseModel
	attrTokens
	attrOldTokens
	attrTTFT
	attrServerTTFT
	attrLatencyTTFT
	attrError
	attrHTTPStatus
	attrUser
	attrEndUser
	attrResends
	otlpAttributes
)

func newOTLPParser() *otlpParser {
	p := &otlpParser{
		rows:       newRows("startTimeUnixNano", "endTimeUnixNano", "status", "attributes"),
		other:      make([]field, 3),
		pair:       newShape("key", "value"),
		pairFields: make([]field, 2),
		code:       newNested("code"),
		value:      newNested("stringValue", "intValue", "doubleValue"),
		attributes: map[string]int{
			"gen_ai.operation.name":               attrOperation,
			"gen_ai.request.model":                attrModel,
			"gen_ai.response.model":               attrResponseModel,
			"gen_ai.usage.output_tokens":          attrTokens,
			"gen_ai.usage.completion_tokens":      attrOldTokens,
			"gen_ai.response.time_to_first_chunk": attrTTFT,
			"gen_ai.server.time_to_first_token":   attrServerTTFT,
			"gen_ai.latency.time_to_first_token":  attrLatencyTTFT,
			"error.type":                          attrError,
			"http.response.status_code":           attrHTTPStatus,
			"user.id":                             attrUser,
			"enduser.id":                          attrEndUser,
			"http.request.resend_count":           attrResends,
		},
	}
	attribute := p.attribute // bound once
	descend := func(slot int) (done, ok bool) {
		if slot != spanAttributes {
			return false, true
		}
		clear(p.values[:])
		return true, p.list(attribute)
	}
	span := func() bool {
		clear(p.values[:])
		if !p.reader.object(p.shape, p.f, descend) {
			return false
		}
		p.span()
		return true
	}
	scope := p.level(span, make([]field, 1), "spans")
	resource := p.level(scope, make([]field, 1), "scopeSpans")
	p.line = p.level(resource, p.other, "resourceSpans", "resourceLogs", "resourceMetrics")
	return p
}

// level makes a reader of the objects of a level, which hold a list of elements of
// the next one under the first of the keys. When that key comes again, what was
// collected under it before is forgotten: the last one counts.
func (p *otlpParser) level(element func() bool, f []field, keys ...string) (read func() bool) {
	s, mark := newShape(keys...), 0
	descend := func(slot int) (done, ok bool) {
		if slot != 0 {
			return false, true
		}
		p.listed = true
		p.events = p.events[:mark]
		return true, p.list(element)
	}
	return func() bool {
		mark = len(p.events)
		return p.reader.object(s, f, descend)
	}
}

// list reads an array, or null for an empty one.
func (p *otlpParser) list(element func() bool) bool {
	if p.reader.at('n') {
		return p.reader.skip()
	}
	return p.reader.array(element)
}

// Parse reads a line. If a span of inference in it cannot be read, it is malformed
// as a whole.
func (p *otlpParser) Parse(row []byte, emit func(*Event)) Row {
	p.bad, p.listed, p.events = "", false, p.events[:0]
	p.reader.reset(row)
	switch {
	case !p.line() || !p.reader.end():
		return p.otherwise(row)
	case p.bad != "":
		return Malformed
	case !p.listed:
		if p.other[1] == nil && p.other[2] == nil {
			return Malformed
		}
		return NoRecord // logs or metrics
	case len(p.events) == 0:
		return NoRecord
	}
	for i := range p.events {
		emit(&p.events[i])
	}
	return Record
}

// attribute reads one attribute of a span.
func (p *otlpParser) attribute() bool {
	if !p.reader.object(p.pair, p.pairFields, nil) {
		return false
	}
	if i, ok := p.attributes[string(p.pairFields[0].text())]; ok {
		p.values[i] = p.pairFields[1]
	}
	return true
}

// attr is the value of the first of the attributes that the span has.
func (p *otlpParser) attr(names ...int) field {
	for _, i := range names {
		if p.values[i] != nil {
			return firstOf(p.value.read(p.values[i]))
		}
	}
	return nil
}

// span makes an event of a span that was read, if it is one of inference.
func (p *otlpParser) span() {
	switch string(p.attr(attrOperation).text()) {
	case "chat", "text_completion", "embeddings", "generate_content":
	default:
		return
	}
	bad := p.bad
	e := p.event()
	start, end := p.nanoseconds(spanStart), p.nanoseconds(spanEnd)
	p.endAt(end)
	e.Latency = span(start, end)
	p.amount(p.attr(attrTTFT, attrServerTTFT, attrLatencyTTFT), secondsToMs, &e.TTFT)
	p.tokens(p.attr(attrTokens, attrOldTokens))
	e.Model = p.name(p.attr(attrModel, attrResponseModel))
	e.Key = p.name(p.attr(attrUser, attrEndUser))

	p.noteCount(p.attr(attrResends), 0)

	failure := p.attr(attrError).text()
	text := ""
	switch {
	case len(failure) == 3 && digits(failure):
		e.setStatus(failure)
	case string(failure) == "cancelled":
		e.Cancelled = true
	case !unmeasured(failure):
		text = p.in.text(failure)
	default:
		p.status(p.attr(attrHTTPStatus))
	}
	code := p.code.read(p.f[spanStatus])[0]
	e.settle(string(code) == "2" || code.is("2") || code.is("STATUS_CODE_ERROR"), text)
	if p.bad == "" {
		p.bad = bad
	}
	p.events = append(p.events, *e)
}

// nanoseconds reads an instant of the span; 0 is none.
func (p *otlpParser) nanoseconds(slot int) Fixed {
	text, _ := p.f[slot].plain()
	t, ok := parseFixed(text, nanosecondsToMs)
	if !ok || t == 0 {
		return Absent
	}
	return t
}
