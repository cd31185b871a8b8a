package prometheus

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
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
	BadReply    Kind = "bad_reply"   // not Prometheus's API
)

// Error is a request that failed.
type Error struct {
	Kind   Kind
	Host   string
	Status int    // of HTTP; 0: none
	Msg    string // the server's own words where it has some, cut and without control characters
}

func (e *Error) Error() string { return e.Host + ": " + e.Msg }

func (c *Client) fail(kind Kind, status int, format string, args ...any) error {
	return &Error{Kind: kind, Host: c.Host(), Status: status, Msg: c.clean(fmt.Sprintf(format, args...))}
}

// maxMessage is how much of a server's message is shown, in bytes.
const maxMessage = 300

// clean makes the words of a server fit to be shown: one short line, and no secret.
func (c *Client) clean(text string) string {
	for _, s := range c.cfg.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "redacted")
		}
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) <= maxMessage {
		return text
	}
	end := maxMessage
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
