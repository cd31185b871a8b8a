package remote

import (
	"errors"
	"fmt"
	"net/url"
)

// Kind says what went wrong with a request.
type Kind string

// The kinds.
const (
	Unreachable Kind = "unreachable" // no connection, or it broke
	TimedOut    Kind = "timeout"     // ours, or the server's
	Denied      Kind = "denied"      // 401, 403
	Refused     Kind = "refused"     // the server says what is wrong with the query, or that it asks for too much
	Broken      Kind = "broken"      // 5xx, or too many requests
	TooLarge    Kind = "too_large"   // the reply is beyond the limit
	BadReply    Kind = "bad_reply"   // not of the kind of server that was asked for
)

// Error is a request that failed.
type Error struct {
	Kind   Kind
	Host   string
	Status int    // of HTTP; 0: none
	Msg    string // the server's own words where it has some, cut and without control characters
}

func (e *Error) Error() string { return e.Host + ": " + e.Msg }

// Fail is an Error whose message is clean.
func (a Access) Fail(kind Kind, host string, status int, format string, args ...any) error {
	return &Error{Kind: kind, Host: host, Status: status, Msg: a.Clean(fmt.Sprintf(format, args...))}
}

// Cause is an error of net/http without the URL, whose query may hold a credential.
func Cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
