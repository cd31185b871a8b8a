package accesslog

import (
	"encoding/binary"
	"slices"
)

// Nearly all rows of a log are of the usual kind: three words, a time between
// brackets, the request within quotes, status and size, and what is behind them,
// with no backslash anywhere. Of these the marks of a stretch of text tell where
// each field is, with no search for it. Whatever is not surely such a row is left
// to Parse, which decides; so this saves time and decides nothing.
type quickRows struct {
	marks  *marks // nil: the processor cannot find them quickly
	span   int    // how far to look next
	misses int    // that many times in a row nothing was usual
	wait   int    // rows to be left to Parse before the next look
	width  int    // parts of the row before, less 1
	routed [requests]routed
}

const (
	leastSpan = 1 << 10
	requests  = 16 // that are remembered, by length: most logs have a few that come again and again
)

func newQuickRows() quickRows {
	q := quickRows{span: leastSpan}
	if marksQuickly() {
		q.marks = new(marks)
	}
	return q
}

// Rows reads rows from the beginning of b as long as they are of the usual kind. It
// gives their number and length.
func (p *nginxParser) Rows(b []byte, emit func(*Event)) (size int, rows int64) {
	q := &p.quick
	if q.marks == nil {
		return 0, 0
	}
	if q.wait > 0 {
		q.wait--
		return 0, 0
	}
	for {
		n, k, all := p.marked(b[size:min(size+q.span, len(b))], emit)
		size, rows = size+n, rows+k
		switch {
		case k > 0:
			q.misses = 0
		case len(b)-size > leastSpan:
			q.wait = 1<<min(q.misses, 6) - 1
			q.misses++
		}
		if !all {
			q.span = leastSpan
			return size, rows
		}
		q.span = min(2*q.span, markSpan)
	}
}

// marked reads the rows that b begins with; all: there are some, and each that ends
// in what was looked at is of the usual kind.
func (p *nginxParser) marked(b []byte, emit func(*Event)) (size int, rows int64, all bool) {
	m := p.quick.marks
	n, ends, parts := findMarks(m, b)
	r := usualRow{text: b[:n], marks: m, parts: m.parts[:parts]}
	for i, end := range m.ends[:ends] {
		if !p.quickRow(&r, int(end)) {
			return size, int64(i), false
		}
		emit(&p.e)
		size = int(end) + 1
	}
	return size, int64(ends), ends > 0
}

// A usualRow is the next row of text by its marks.
type usualRow struct {
	text   []byte // that was looked at
	marks  *marks
	parts  []uint16 // from the row's first one on; the last one of the row is its end
	quotes int      // before the row
}

// quickRow reads the row that ends there, and turns to the next one. It is false for a
// row that is not of the usual kind.
func (p *nginxParser) quickRow(r *usualRow, end int) bool {
	const timeLen = len(" [17/May/2015:10:05:03 +0000]")
	b, parts, width := r.text, r.parts, p.quick.width
	if width >= len(parts) || int(parts[width]) != end {
		width = slices.Index(parts, uint16(end))
		p.quick.width = width
	}
	if width < 7 || b[end-1] == '\r' {
		return false
	}
	quotes := r.marks.quotesBefore(end) - r.quotes
	if quotes%2 != 0 {
		return false
	}
	first, second, third := int(parts[0]), int(parts[1]), int(parts[2])
	timed, asked, stated, sized := int(parts[4]), int(parts[5]), int(parts[6]), int(parts[7])
	if timed-third != timeLen || b[first+1] == '[' || b[second+1] == '[' {
		return false
	}
	time := (*[timeLen]byte)(b[third:])
	if time[1] != '[' || time[timeLen-1] != ']' {
		return false
	}
	at, ok := p.clock.at(time[2 : timeLen-1])
	if !ok {
		return false
	}
	request, ok := within(b[timed+1 : asked])
	if !ok || stated-asked != 4 || sized-stated < 2 || !figures(b, stated+1, sized) && !amount(b[stated+1:sized]) {
		return false
	}
	status := (*[3]byte)(b[asked+1:])
	hundreds, tens, ones := status[0]-'0', status[1]-'0', status[2]-'0'
	if max(hundreds, tens, ones) > 9 {
		return false
	}
	p.e.Reset()
	p.e.End, p.e.Status = at, int16(hundreds)*100+int16(tens)*10+int16(ones)
	if last := &p.quick.routed[len(request)%requests]; last.route != "" && string(last.text) == string(request) {
		p.e.Route, p.e.HealthCheck = last.route, last.probe
	} else {
		last.set(&p.e, request, &p.in, requestTarget)
	}
	switch {
	case quotes == 6 && p.usualTail(b, parts[:width+1]):
	case r.marks.quotesBefore(asked) != r.quotes+2: // there is one in the head or within the request
		return false
	case !p.tail(cursor{b[min(sized+1, end):end]}):
		return false
	}
	if p.e.TTFT.Known() {
		p.e.limited(true) // something behind nginx answered
	}
	if p.e.Status >= 400 {
		p.e.settle(false, "")
	}
	r.parts, r.quotes = parts[width+1:], r.quotes+quotes
	return true
}

// usualTail is tail for two fields within quotes that are no times, and at most two
// times behind them. It is false for anything else, and where the row has other
// quotes than theirs and those of its request, six in all.
func (p *nginxParser) usualTail(b []byte, parts []uint16) bool {
	if len(parts) < 10 || len(parts) > 12 {
		return false
	}
	sized, referred, named := int(parts[7]), int(parts[8]), int(parts[9])
	referer, ok := within(b[sized+1 : referred])
	if !ok || mayPoint(referer) && pointed(referer) {
		return false
	}
	agent, ok := within(b[referred+1 : named])
	if !ok || mayPoint(agent) && pointed(agent) {
		return false
	}
	if len(parts) == 10 {
		return true
	}
	taken := int(parts[10])
	latency, ok := decimals3(b, named+1, taken)
	if !ok {
		return len(parts) == 11 && p.whole(b[named+1:taken])
	}
	ttft := Absent
	if len(parts) == 12 {
		if end := int(parts[11]); end-taken != 2 || b[taken+1] != '-' {
			if ttft, ok = decimals3(b, taken+1, end); !ok {
				return false
			}
		}
	}
	p.e.Latency, p.e.TTFT = latency, ttft
	return true
}

// mayPoint spares most fields a look whether they are pointed.
func mayPoint(field []byte) bool { return len(field) > 1 && field[0] <= ':' }

// within takes the quotes from around a field.
func within(field []byte) ([]byte, bool) {
	if n := len(field) - 1; n > 0 && field[0] == '"' && field[n] == '"' {
		return field[1:n], true
	}
	return nil, false
}

// figures tells whether b[from:to] is from one to eight figures. There are eight bytes
// before to.
func figures(b []byte, from, to int) bool {
	more := uint(to - from - 1)
	if more > 7 {
		return false
	}
	w := binary.LittleEndian.Uint64((*[8]byte)(b[to-8:])[:]) ^ '0'*lowBits
	return areFigures(w >> (8 * (7 - more) & 63))
}

// areFigures tells whether each byte of w is at most 9.
func areFigures(w uint64) bool { return (w+(0x80-10)*lowBits|w)&highBits == 0 }

// sevenFigures are the bytes that as many figures take before the three decimals, less one.
var sevenFigures = [4]uint64{1<<64 - 1<<32, 1<<64 - 1<<24, 1<<64 - 1<<16, 1<<64 - 1<<8}

// decimals3 reads a number of seconds with three decimals and at most four figures
// before them, b[from:to], in ms. There are eight bytes before to.
func decimals3(b []byte, from, to int) (Fixed, bool) {
	more := uint(to - from - len("0.000"))
	if more > 3 {
		return 0, false
	}
	w := binary.LittleEndian.Uint64((*[8]byte)(b[to-8:])[:])
	if byte(w>>32) != '.' {
		return 0, false
	}
	w ^= '0' * lowBits
	w = w>>40<<40 | w<<32>>24 // seven figures, the last one in the highest byte
	w &= sevenFigures[more]
	if !areFigures(w) {
		return 0, false
	}
	return Fixed(eightFigures(w)) * 2e6, true
}
