package accesslog

import "bytes"

// tail reads what stands behind the size of the reply: the two quoted fields of
// the combined format, if it is that, and the times. It is false for a row that
// is cut off within quotes.
//
// Times are named (rt=0.2 uht="0.1"), or they are the two values that a row ends
// in, or the first two in a row of more. nginx writes its seconds with a point, so
// a whole number before them is something else, as the length of the request is in
// the format of ingress-nginx.
func (p *nginxParser) tail(c cursor) bool {
	if usual := c; usual.names() && p.usual(usual.rest) {
		return true
	}
	var latency, ttft []byte
	var values [16][]byte
	n := 0
	for len(c.rest) > 0 {
		if c.rest[0] == '"' {
			field, ok := c.quoted()
			if !ok {
				return false
			}
			if !pointed(field) { // a name, unless a log_format quotes its times
				continue
			}
			values[n] = field
		} else {
			field, ok := c.value()
			if !ok {
				return false
			}
			if name, value, named := bytes.Cut(field, []byte("=")); named {
				switch string(name) {
				case "rt", "request_time":
					latency = unquote(value)
				case "uht", "upstream_header_time":
					ttft = unquote(value)
				}
				continue
			}
			values[n] = field
		}
		if n++; n == len(values) {
			break
		}
	}
	if latency == nil && ttft == nil {
		if n == 1 && p.whole(values[0]) {
			return true
		}
		latency, ttft = times(values[:n])
	}
	p.e.Latency, p.e.TTFT = seconds(latency), seconds(ttft)
	if bytes.IndexByte(ttft, ',') >= 0 { // no list is no news: most rows are not looked at that closely
		p.e.noteTries(ttft)
	}
	return true
}

// names takes two quoted fields that are no times.
func (c *cursor) names() bool {
	for range 2 {
		if field, ok := c.quoted(); !ok || pointed(field) {
			return false
		}
	}
	return true
}

// usual reads what is behind the two quoted fields in nearly all rows of a log that
// has times: one or two of them, in figures or not measured, and nothing else. What
// is anything else is left as it is.
func (p *nginxParser) usual(b []byte) bool {
	latency, n := plainSeconds(b)
	if n == 0 {
		return false
	}
	ttft := Absent
	if b = b[n:]; len(b) > 0 {
		if b[0] != ' ' {
			return false
		}
		if b = b[1:]; !unmeasured(b) {
			if ttft, n = plainSeconds(b); n == 0 || n < len(b) {
				return false
			}
		} else if len(b) == 0 {
			return false
		}
	}
	p.e.Latency, p.e.TTFT = latency, ttft
	return true
}

// plainSeconds reads a number of seconds that is written with a point and few
// figures, in ms; n is its length, 0 if b does not begin with one.
func plainSeconds(b []byte) (f Fixed, n int) {
	if len(b) == 5 || len(b) > 5 && b[5] == ' ' { // nearly always: 1.083
		if s, t, h, m := b[0]-'0', b[2]-'0', b[3]-'0', b[4]-'0'; b[1] == '.' && max(s, t, h, m) <= 9 {
			return (Fixed(s)*1000 + Fixed(t)*100 + Fixed(h)*10 + Fixed(m)) * 2e6, 5
		}
	}
	var v Fixed
	for n < len(b) && n < 9 && b[n]-'0' <= 9 {
		v = v*10 + Fixed(b[n]-'0')
		n++
	}
	if n == 0 || n == len(b) || b[n] != '.' {
		return Absent, 0
	}
	n++
	figures := 0
	for n < len(b) && figures < 6 && b[n]-'0' <= 9 {
		v = v*10 + Fixed(b[n]-'0')
		n++
		figures++
	}
	if figures == 0 || n < len(b) && b[n] != ' ' {
		return Absent, 0
	}
	// Of a second, 10^9 twice its millionths of a ms.
	return v * 2 * Fixed(pow10(9-figures)), n
}

// whole reads the one value behind the combined fields if it is one of Apache's
// and not a time of nginx.
func (p *nginxParser) whole(field []byte) bool {
	l := p.lone
	if seconds, micros, both := bytes.Cut(field, []byte("/")); both && digits(seconds) && digits(micros) { // its usual %T/%D
		field, l = micros, loneMicroseconds
	}
	if !digits(field) {
		return false
	}
	p.alone = field
	switch l {
	case loneMicroseconds:
		p.e.Latency, _ = measure(field, microsecondsToMs)
	case loneSeconds:
		p.e.Latency, _ = measure(field, secondsToMs)
	}
	return true
}

// times picks the two times out of the values behind the combined fields.
func times(values [][]byte) (latency, ttft []byte) {
	if len(values) == 2 && isTime(values[0]) && isTime(values[1]) && !(digits(values[0]) && digits(values[1])) {
		return values[0], values[1]
	}
	for i, v := range values {
		if !pointed(v) {
			continue
		}
		if i+1 < len(values) && isTime(values[i+1]) {
			return v, values[i+1]
		}
		return v, nil
	}
	return nil, nil
}

// isTime tells whether a field is a time or a list of times, one an upstream.
func isTime(field []byte) bool {
	for len(field) > 0 {
		i := bytes.IndexAny(field, ", ")
		if i < 0 {
			i = len(field)
		}
		item := field[:i]
		field = bytes.TrimLeft(field[i:], ", :")
		whole, fraction, point := bytes.Cut(item, []byte("."))
		if !unmeasured(item) && (!digits(whole) || point && !digits(fraction)) {
			return false
		}
	}
	return true
}

// pointed tells whether a field is a time that is written with a point.
func pointed(field []byte) bool {
	if len(field) < 2 || field[0] > ':' { // a word, most often
		return false
	}
	return bytes.IndexByte(field, '.') >= 0 && isTime(field)
}

// seconds reads a time, or of a list the last one, which is of the upstream that
// answered in the end; what is no time is not measured.
func seconds(list []byte) Fixed {
	f, ok := measure(lastNumber(list), secondsToMs)
	if !ok {
		return Absent
	}
	return f
}
