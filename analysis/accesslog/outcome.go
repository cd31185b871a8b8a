package accesslog

import (
	"bytes"
	"strconv"
)

// streamError is the key of a request that failed with a status that is no
// error, where the format has no text of its own: a stream that broke.
const streamError = "stream_error"

// statusCancelled is what proxies write down for a client that left.
const statusCancelled = 499

// settle tells from the status, and from whether the format marks a failure, how
// a request ended. text is the error in the format's own words, if it has any.
func (e *Event) settle(failed bool, text string) {
	if e.Status == statusCancelled {
		e.Cancelled = true
	}
	switch {
	case e.Status >= 400:
		e.Failed, e.Error = true, httpError(e.Status)
	case failed:
		e.Failed, e.Error = true, text
		if text == "" {
			e.Error = streamError
		}
	}
}

// httpError is "http_503" for 503.
func httpError(status int16) string {
	switch status { // without allocation for those that come in bursts
	case 400:
		return "http_400"
	case 401:
		return "http_401"
	case 404:
		return "http_404"
	case 429:
		return "http_429"
	case 499:
		return "http_499"
	case 500:
		return "http_500"
	case 502:
		return "http_502"
	case 503:
		return "http_503"
	case 504:
		return "http_504"
	}
	return "http_" + strconv.Itoa(int(status))
}

// setStatus reads an HTTP status. Empty and "-" are none.
func (e *Event) setStatus(b []byte) bool {
	if len(b) == 3 && b[0]-'0' <= 9 && b[1]-'0' <= 9 && b[2]-'0' <= 9 {
		e.Status = int16(b[0]-'0')*100 + int16(b[1]-'0')*10 + int16(b[2]-'0')
		return true
	}
	if unmeasured(b) {
		return true
	}
	n, ok := parseInt(b)
	if !ok || n < 0 || n > 999 {
		return false
	}
	e.Status = int16(n)
	return true
}

// setRoute takes the path of a request target (also a whole URL), without its
// query, and knows the probes by it.
func (e *Event) setRoute(target []byte, in *interner) {
	if unmeasured(target) {
		return
	}
	if i := schemeEnd(target); i > 0 {
		rest := target[i+3:]
		slash := bytes.IndexByte(rest, '/')
		if slash < 0 {
			slash = len(rest)
		}
		if target = rest[slash:]; len(target) == 0 {
			target = []byte("/")
		}
	}
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	e.Route = in.text(target)
	switch e.Route {
	case "/health", "/healthz", "/ping", "/metrics", "/ready", "/readyz", "/livez":
		e.HealthCheck = true
	}
}

// A routed is the request target of the row before, which is the next one's
// mostly, and what setRoute made of it. The zero routed is ready.
type routed struct {
	text  []byte
	route string
	probe bool
}

// maxRouted is the longest text that is remembered.
const maxRouted = 1 << 10

// set is setRoute for the target that is found in a text.
func (r *routed) set(e *Event, text []byte, in *interner, target func(text []byte) []byte) {
	if r.route != "" && string(r.text) == string(text) {
		e.Route, e.HealthCheck = r.route, e.HealthCheck || r.probe
		return
	}
	var of Event
	of.setRoute(target(text), in)
	e.Route, e.HealthCheck = of.Route, e.HealthCheck || of.HealthCheck
	if len(text) <= maxRouted {
		r.text, r.route, r.probe = append(r.text[:0], text...), of.Route, of.HealthCheck
	}
}

// again takes the text of the row before within quotes, and the space behind it, if
// that is what comes.
func (r *routed) again(c *cursor) ([]byte, bool) {
	n := len(r.text)
	if n == 0 || len(c.rest) < n+3 || c.rest[0] != '"' || c.rest[n+1] != '"' || c.rest[n+2] != ' ' ||
		string(c.rest[1:n+1]) != string(r.text) {
		return nil, false
	}
	text := c.rest[1 : n+1]
	c.rest = c.rest[n+3:]
	return text, true
}

// schemeEnd is where the scheme of a URL ends; not above 0: it is a path.
func schemeEnd(target []byte) int {
	if target[0] == '/' {
		return 0
	}
	return bytes.Index(target, []byte("://"))
}

// unmeasured tells whether a field says nothing: empty or "-".
func unmeasured(b []byte) bool { return len(b) == 0 || len(b) == 1 && b[0] == '-' }

// measure reads a duration or another amount that cannot be negative; what is
// empty or "-" is absent, and so is a negative difference, which clocks make and
// no request has. Text that is no number is not ok.
func measure(b []byte, scale int) (Fixed, bool) {
	if unmeasured(b) {
		return Absent, true
	}
	f, ok := parseFixed(b, scale)
	if ok && f < 0 {
		return Absent, true
	}
	return f, ok
}

// span is end - start, absent if that is negative.
func span(start, end Fixed) Fixed { return notNegative(end.Sub(start)) }

func notNegative(f Fixed) Fixed {
	if f < 0 {
		return Absent
	}
	return f
}

// count reads a number of tokens; -1 where there is none.
func count(b []byte) (int64, bool) {
	if unmeasured(b) {
		return -1, true
	}
	n, ok := parseInt(b)
	return max(n, -1), ok
}

// lastNumber is the last number of what nginx writes down for each upstream
// server that it tried: "-, 0.3", "0.1 : 0.2".
func lastNumber(b []byte) []byte {
	for end := len(b); end > 0; {
		start := bytes.LastIndexAny(b[:end], ",: ") + 1
		if part := b[start:end]; !unmeasured(part) {
			return part
		}
		end = start - 1
	}
	return nil
}
