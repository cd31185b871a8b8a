package accesslog

import (
	"bytes"
	"encoding/binary"
)

// The two formats of Apache are nginx's with what %D or %T give at the end, a whole
// number that nginx never writes.
func nginxFormat() Format {
	return Format{Name: "nginx", Detect: detectNginx, New: newNginx(loneUnknown)}
}

func apacheMicrosecondsFormat() Format {
	return Format{Name: "apache-us", Detect: detectLone(loneMicroseconds), New: newNginx(loneMicroseconds)}
}

func apacheSecondsFormat() Format {
	return Format{Name: "apache-s", Detect: detectLone(loneSeconds), New: newNginx(loneSeconds)}
}

func newNginx(l lone) func(Options) Parser {
	return func(Options) Parser { return &nginxParser{lone: l, quick: newQuickRows()} }
}

func detectNginx(rows [][]byte) int {
	return share(rows, func(row []byte) bool {
		var p nginxParser
		p.e.Reset()
		return p.read(row)
	}) * 9 / 10
}

// detectLone tells Apache's microseconds from its seconds by size: among some
// requests of any service one takes 10 ms (10,000 µs) and more, and none takes more
// than ten minutes. What lies between may be a size, and is left alone.
func detectLone(l lone) func(rows [][]byte) int {
	return func(rows [][]byte) int {
		var largest int64
		sure := share(rows, func(row []byte) bool {
			var p nginxParser
			p.e.Reset()
			if !p.read(row) || p.alone == nil {
				return false
			}
			n, ok := parseInt(p.alone)
			largest = max(largest, n)
			return ok
		})
		if l == loneMicroseconds && largest < 10_000 || l == loneSeconds && largest > 600 || sure < 50 {
			return 0
		}
		return sure
	}
}

// An nginxParser reads the common and the combined format of nginx and Apache,
// with whatever a log_format adds behind them:
//
//	$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
//	"$http_referer" "$http_user_agent" $request_time $upstream_header_time
//
// The row is written at the end of the request, so its time is that. A row that
// ends within quotes is cut off, though its time and status may be whole.
type nginxParser struct {
	e      Event
	in     interner
	routed routed
	clock  localClock
	lone   lone
	quick  quickRows
	alone  []byte // the whole number that stands alone behind the combined fields
	why    string // the last row is malformed
}

// lone says what a whole number is that stands alone behind the combined fields.
type lone uint8

const (
	loneUnknown      lone = iota // nginx writes its seconds with a point: this is something else
	loneMicroseconds             // Apache's %D
	loneSeconds                  // Apache's %T
)

func (p *nginxParser) Parse(row []byte, emit func(*Event)) Row {
	if blankRow(row) {
		return NoRecord
	}
	p.e.Reset()
	if !p.read(row) {
		return Malformed
	}
	if p.e.TTFT.Known() {
		p.e.limited(true) // something behind nginx answered
	}
	p.e.settle(false, "")
	emit(&p.e)
	return Record
}

func (p *nginxParser) read(row []byte) bool {
	end, rest, ok := p.localTime(row)
	if !ok {
		p.why = "no time like [17/May/2015:10:05:03 +0000] behind the user"
		return false
	}
	c := cursor{rest}
	request, ok := p.routed.again(&c)
	if !ok {
		request, ok = c.quoted()
	}
	if !ok {
		p.why = "no request within quotes behind the time"
		return false
	}
	status, ok := c.word()
	if !ok || !p.e.setStatus(status) {
		p.why = "no status behind the request"
		return false
	}
	if size, ok := c.word(); !ok || !amount(size) {
		p.why = "no size of the reply behind the status"
		return false
	}
	p.e.End, p.alone = end, nil
	p.routed.set(&p.e, request, &p.in, requestTarget)
	p.why = "cut off within quotes"
	return p.tail(c)
}

// Explain says why the row that was read last is malformed.
func (p *nginxParser) Explain([]byte) (why string, column int) { return p.why, 0 }

// localTime finds the time of a row, " [17/May/2015:10:05:03 +0000] ". A user name
// before it may hold spaces and brackets.
func (p *nginxParser) localTime(row []byte) (ms int64, rest []byte, ok bool) {
	const size = len("[17/May/2015:10:05:03 +0000] ")
	for i := 0; ; i++ {
		n := bytes.IndexByte(row[i:], '[')
		if n < 0 {
			return 0, nil, false
		}
		i += n
		if i == 0 || row[i-1] != ' ' || len(row) < i+size || row[i+size-2] != ']' || row[i+size-1] != ' ' {
			continue
		}
		if ms, ok := p.clock.at(row[i+1 : i+size-2]); ok {
			return ms, row[i+size:], true
		}
	}
}

// A localClock reads nginx's $time_local. Most rows are of the minute of the row
// before, which it remembers. The zero localClock is ready.
type localClock struct {
	date, hour, zone uint64 // "17/May/2", "015:10:0", " +0000"
	minute           uint16 // "5:"
	start            int64  // of that minute, ms since the epoch
}

// at takes what is between the brackets, of the right length.
func (c *localClock) at(b []byte) (ms int64, ok bool) {
	t := (*[len("17/May/2015:10:05:03 +0000")]byte)(b)
	date, hour := binary.LittleEndian.Uint64(t[0:]), binary.LittleEndian.Uint64(t[8:])
	minute, last := binary.LittleEndian.Uint16(t[16:]), binary.LittleEndian.Uint64(t[18:]) // "5:", "03 +0000"
	tens, ones := byte(last)-'0', byte(last>>8)-'0'
	if c.date != 0 && date == c.date && hour == c.hour && minute == c.minute && last>>16 == c.zone && tens <= 5 && ones <= 9 {
		return c.start + int64(tens)*10_000 + int64(ones)*1000, true
	}
	at, ok := parseTimeLocal(b)
	if !ok {
		return 0, false
	}
	ms = at.Ceil()
	if tens <= 5 { // a leap second is of the next minute
		c.date, c.hour, c.minute, c.zone = date, hour, minute, last>>16
		c.start = ms - int64(tens)*10_000 - int64(ones)*1000
	}
	return ms, true
}
