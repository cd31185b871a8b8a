package request

import "strconv"

// Class says how a request failed; the empty class is success. The classes are
// API: they are the keys of "errors" in a load-test summary.
type Class string

// The classes, in the order in which they are tested: the first that applies.
const (
	OK                Class = ""
	DNS               Class = "dns"                 // the name does not resolve
	Connect           Class = "connect"             // no HTTP reply: refused, or closed or reset before a status line
	TLS               Class = "tls"                 // the TLS handshake failed
	Redirect          Class = "redirect"            // 3xx; redirects are not followed
	TimeoutTotal      Class = "timeout_total"       // the limit for the whole request passed
	TimeoutFirstToken Class = "timeout_first_token" // the limit passed and no token event came
	TimeoutIdle       Class = "timeout_idle"        // tokens came, then no byte for the idle limit
	StreamError       Class = "stream_error"        // an error reported inside a 200
	ParseError        Class = "parse_error"         // the body is not what the interface promises
	Empty             Class = "empty"               // a 2xx without any content
	Truncated         Class = "truncated"           // the body ended before the stream did
	// Cancelled marks a request that the load test itself cut off: neither a
	// success nor a failure.
	Cancelled Class = "cancelled"
)

// HTTP is the class of a status outside 2xx and 3xx, such as "http_503".
func HTTP(status int) Class { return Class("http_" + strconv.Itoa(status)) }

// IsTimeout tells whether c is one of the client's own limits.
func (c Class) IsTimeout() bool {
	return c == TimeoutTotal || c == TimeoutFirstToken || c == TimeoutIdle
}
