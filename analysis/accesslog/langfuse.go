package accesslog

// langfuseFormat is Langfuse's export of observations as JSON Lines, and rows of
// its API, which has the same in camel case.
func langfuseFormat() Format {
	return Format{
		Name: "langfuse",
		Detect: detectRows(90, []string{"type", "level", "end_time", "endTime", "start_time", "startTime"}, func(f []field) bool {
			return (f[0].is("GENERATION") || f[0].is("SPAN") || f[0].is("EVENT")) && firstOf(f[1:]) != nil
		}),
		New: func(Options) Parser { return newLangfuseParser() },
	}
}

type langfuseParser struct {
	rows
	usage, cost nested
}

func newLangfuseParser() *langfuseParser {
	return &langfuseParser{
		rows: newRows("type", "level", "latency", "status_message", "statusMessage", "end_time", "endTime",
			"time_to_first_token", "timeToFirstToken", "usage_details", "usageDetails", "provided_model_name",
			"providedModelName", "model", "total_cost", "totalCost", "user_id", "userId", "cost_details", "costDetails"),
		usage: newNested("output"),
		cost:  newNested("total"),
	}
}

// Parse reads one observation; only generations are requests.
func (p *langfuseParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	if kind := p.f[0]; kind.missing() {
		return Malformed
	} else if !kind.is("GENERATION") {
		return NoRecord
	}
	e := p.event()
	p.end(firstOf(p.f[5:7]))
	p.amount(p.f[2], secondsToMs, &e.Latency)
	p.amount(firstOf(p.f[7:9]), secondsToMs, &e.TTFT)
	p.tokens(p.usage.read(firstObject(p.f[9:11]))[0])
	e.Model = p.name(firstOf(p.f[11:14]))
	if cost := firstOf(p.f[14:16]); cost != nil {
		p.amount(cost, 0, &e.Cost)
	} else {
		p.amount(p.cost.read(firstObject(p.f[18:20]))[0], 0, &e.Cost)
	}
	e.Key = p.name(firstOf(p.f[16:18]))
	e.Status = leadingStatus(firstOf(p.f[3:5]).text())
	e.settle(p.f[1].is("ERROR"), "")
	return p.finish(emit)
}

// leadingStatus is the status that a message begins with, "429: Too Many
// Requests"; 0: it begins with none.
func leadingStatus(message []byte) int16 {
	if len(message) < 3 || len(message) > 3 && message[3]-'0' <= 9 {
		return 0
	}
	var e Event
	if !digits(message[:3]) || !e.setStatus(message[:3]) {
		return 0
	}
	return e.Status
}

// firstObject is the first field that is an object.
func firstObject(fields []field) field {
	for _, f := range fields {
		if f.object() {
			return f
		}
	}
	return nil
}
