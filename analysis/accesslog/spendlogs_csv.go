package accesslog

import "bytes"

// spendLogsCSVFormat is rows of LiteLLM_SpendLogs as the database exports them,
// with JSON inside.
func spendLogsCSVFormat() Format {
	return Format{
		Name:   "litellm-spendlogs",
		Detect: detectCSVNames(isSpendLogs),
		New: func(Options) Parser {
			p := newLiteLLMParser(true)
			return &csvObjects{objects: objects{keys: p.shape.keys}, inner: p}
		},
		CSV: true,
	}
}

// langfuseCSVFormat is Langfuse's export of observations as CSV.
func langfuseCSVFormat() Format {
	return Format{
		Name:   "langfuse",
		Detect: detectCSVNames(isLangfuse),
		New: func(Options) Parser {
			p := newLangfuseParser()
			return &csvObjects{objects: objects{keys: p.shape.keys}, inner: p}
		},
		CSV: true,
	}
}

// isSpendLogs and isLangfuse know a table by the names of its columns.
func isSpendLogs(has func(name string) bool) bool {
	return has("startTime") && has("endTime") && (has("spend") && has("request_id") || has("request_duration_ms"))
}

func isLangfuse(has func(name string) bool) bool {
	return has("type") && (has("start_time") && has("trace_id") || has("startTime") && has("traceId"))
}

// detectCSVNames makes a Detect that knows a format by the names of its columns.
func detectCSVNames(fits func(has func(name string) bool) bool) func(rows [][]byte) int {
	return func(rows [][]byte) int {
		names := csvNames(rows)
		if !fits(func(name string) bool { return columnNamed(names, name) >= 0 }) {
			return 0
		}
		return 90
	}
}

// A csvObjects reads a format that there is as JSON too: it makes a JSON object of
// each row and has it read, so that both mean the same.
type csvObjects struct {
	objects
	inner Parser
	row   csvRow
	at    []int  // of the keys their columns; -1: there is none
	width int    // the number of columns; 0: no header yet
	why   string // the row is malformed before it is an object
}

func (p *csvObjects) Parse(row []byte, emit func(*Event)) Row {
	switch {
	case p.width == 0:
		return p.header(row)
	case blankRow(row):
		return NoRecord
	}
	if p.why = splitRow(&p.row, row, p.width); p.why != "" {
		return Malformed
	}
	p.begin()
	for i, at := range p.at {
		if at >= 0 {
			p.cell(i, p.row.fields[at])
		}
	}
	return p.inner.Parse(p.end(), emit)
}

func (p *csvObjects) header(row []byte) Row {
	p.row.comma = csvComma(row)
	p.width = 1
	if !p.row.split(row) {
		p.why = "the header is not CSV"
		return Malformed
	}
	p.width = len(p.row.fields)
	for _, key := range p.keys {
		p.at = append(p.at, columnNamed(p.row.fields, key))
	}
	return NoRecord
}

// Explain says why the row that was read last is malformed.
func (p *csvObjects) Explain([]byte) (why string, column int) {
	if p.why != "" {
		return p.why, 0
	}
	if e, ok := p.inner.(Explainer); ok {
		why, _ = e.Explain(p.text)
	}
	return why, 0
}

// objects writes JSON objects, one after the other, of fields with the keys of a
// format.
type objects struct {
	keys   []string
	text   []byte
	reader jsonReader
}

func (o *objects) begin() { o.text = append(o.text[:0], '{') }

func (o *objects) end() []byte {
	o.text = append(bytes.TrimSuffix(o.text, []byte{','}), '}')
	return o.text
}

// cell writes the text of a field: JSON if it is a JSON object or array, else a
// string; nothing if it is empty.
func (o *objects) cell(key int, text []byte) {
	if len(text) == 0 {
		return
	}
	o.key(key)
	o.cellText(text)
}

func (o *objects) cellText(text []byte) {
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		if o.reader.reset(text); o.reader.skip() && o.reader.end() {
			o.text = append(append(o.text, text...), ',')
			return
		}
	}
	o.text = append(appendJSONString(o.text, text), ',')
}

func (o *objects) key(key int) {
	o.text = append(appendJSONString(o.text, []byte(o.keys[key])), ':')
}

// appendJSONString appends text as a JSON string.
func appendJSONString(to, text []byte) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[from:i]...)
		if c < ' ' {
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			to = append(to, '\\', c)
		}
		from = i + 1
	}
	return append(append(to, text[from:]...), '"')
}
