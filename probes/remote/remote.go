// Package remote is what the clients of HTTP servers have in common: how a server is
// reached, how much of an answer is read, what went wrong, and which words of a server
// may be shown. It knows no questions and no answers; it must not follow redirects,
// try again, nor show a credential.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Access is how servers are reached.
type Access struct {
	Header  http.Header // of each request, such as Authorization
	Secrets []string    // never shown, even if a server repeats them
	TLS     *tls.Config // nil: certificates are verified
	Proxy   func(*http.Request) (*url.URL, error)
}

// Client makes a client with connections of its own. It does not follow redirects.
func (a Access) Client() *http.Client {
	t := a.TLS.Clone() // a transport writes to its own
	if t == nil {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: t, Proxy: a.Proxy, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the header holds a credential
	}
}

// Request makes a request with the header; further ones may be set on it.
func (a Access) Request(ctx context.Context, method, address string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	for name, values := range a.Header {
		req.Header[name] = values
	}
	req.Host = a.Header.Get("Host")
	return req, nil
}

// maxMessage is how much of a server's message is shown, in bytes.
const maxMessage = 300

// Clean makes the words of a server fit to be shown: one short line, and no secret.
func (a Access) Clean(text string) string {
	for _, s := range a.Secrets {
		if len(s) > 2 { // shorter ones are in every text
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

// ErrCredential is a URL with a credential in it, which others would see.
var ErrCredential = errors.New("the URL holds a user name or password")

// Base reads the URL of a server. An error does not repeat it, since it may hold a
// password.
func Base(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("want http://HOST:PORT, or https://")
	case u.User != nil:
		return nil, ErrCredential
	}
	return u, nil
}
