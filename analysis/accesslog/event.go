// Package accesslog turns the request logs of gateways, proxies and inference
// servers into events: when each request ended, how it ended and how long it
// took. It tells formats apart by content, counts what it cannot read, and keeps
// memory bounded whatever the size of its input. It judges nothing.
package accesslog

// An Event is one request, as one row of a log (or one span) tells it. It is
// plain data; what the row does not say is absent, never 0.
//
// Numbers are exact: rows sit on the very thresholds that objectives are about,
// so decimal text is never taken through floating point.
type Event struct {
	End int64 // event time, the end of the request: ms since the epoch

	Status      int16  // HTTP status, 0: none
	HealthCheck bool   // a probe of the service: no request
	Cancelled   bool   // the client left before the end
	Failed      bool   // status >= 400, or the format marks a failure
	Notes       Notes  // what else the row tells
	Error       string // of a failed request: "http_503", "stream_error", the format's own text

	Latency, TTFT, TPOT Fixed // ms
	OutputTokens        int64 // -1: not measured
	Cost, Quality       Fixed // USD; 0 to 1

	Model, Route, Key string // Route is the path without its query; "": unknown
}

// Fixed is a decimal number that is kept exactly as far as comparisons go: twice
// its millionths, and one more if there is a remainder below a millionth. So an
// odd value lies strictly between two millionths, and two Fixed compare like the
// numbers that they stand for, but for differences below a millionth (of a ms: a
// nanosecond). Absent is below every number.
type Fixed int64

// Absent is the value that was not measured.
const Absent Fixed = -1 << 63

// Known tells whether f is a number.
func (f Fixed) Known() bool { return f != Absent }

// Float64 is the number nearest to f; 0 when it is absent.
func (f Fixed) Float64() float64 {
	if f == Absent {
		return 0
	}
	return float64(f) / 2e6
}

// Reset empties e for the next row.
func (e *Event) Reset() {
	*e = Event{}
	e.Latency, e.TTFT, e.TPOT, e.Cost, e.Quality, e.OutputTokens = Absent, Absent, Absent, Absent, Absent, -1
}
