package remote

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	a := Access{Secrets: []string{"", "hunter22"}}
	for text, want := range map[string]string{
		"":                              "",
		" two\n\tlines ":                "two lines",
		"no hunter22, hunter22\x1b[31m": "no redacted, redacted [31m",
		"a\xffb\u202ec":                 "a\uFFFDb c", // no change of the direction either
		strings.Repeat("é", 200):        strings.Repeat("é", 150) + "…",
		"x" + strings.Repeat("é", 200):  "x" + strings.Repeat("é", 149) + "…", // no half of a letter
		strings.Repeat("y", maxMessage): strings.Repeat("y", maxMessage),
	} {
		if got := a.Clean(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("no hunter22\x00", "hunter22")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := Access{Secrets: []string{secret}}.Clean(text)
		if !utf8.ValidString(got) || len(got) > maxMessage+len("…") || strings.ContainsAny(got, "\n\r\t\x1b\x00") {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestLimit(t *testing.T) {
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader, "end with data": iotest.DataErrReader,
	} {
		for most, want := range map[int64]error{0: ErrTooLarge, 9: ErrTooLarge, 10: nil, 11: nil, math.MaxInt64: nil} {
			b := Limit(wrap(strings.NewReader("0123456789")), most)
			got, err := io.ReadAll(b)
			if !errors.Is(err, want) || string(got) != "0123456789"[:min(most, 10)] {
				t.Errorf("%s, %d: %q, %v", name, most, got, err)
			}
			if end := b.Err(); want == nil && end != io.EOF || want != nil && end != want {
				t.Errorf("%s, %d: ended by %v", name, most, end)
			}
			if n, err := b.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("%s, %d: %d more bytes, %v", name, most, n, err)
			}
		}
	}
	broken := Limit(iotest.ErrReader(io.ErrClosedPipe), 10)
	if _, err := io.ReadAll(broken); err != io.ErrClosedPipe || broken.Err() != io.ErrClosedPipe {
		t.Error(err, broken.Err())
	}
}

func TestBase(t *testing.T) {
	for _, raw := range []string{"", "host:9090", "ftp://h", "http://", "http://u:p4ss@h", "http://u:p4ss@h:1x", "http://h\x7f"} {
		if _, err := Base(raw); err == nil || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if u, err := Base("https://h:1/p?q=1"); err != nil || u.Host != "h:1" || u.RawQuery != "q=1" {
		t.Error(u, err)
	}
}

// The header goes along, with its Host, stays as it was, and goes nowhere else.
func TestRequest(t *testing.T) {
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	var seen *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	a := Access{Header: http.Header{"Authorization": {"Bearer k"}, "Host": {"models.example"}, "Accept": {"a/b"}}}
	req, err := a.Request(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/plain")
	client := a.Client()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || elsewhere != 0 {
		t.Errorf("status %d, and %d requests elsewhere", resp.StatusCode, elsewhere)
	}
	if seen.Host != "models.example" || seen.Header.Get("Authorization") != "Bearer k" || seen.Header.Get("Accept") != "text/plain" || a.Header.Get("Accept") != "a/b" {
		t.Errorf("host %q, %v; %v", seen.Host, seen.Header, a.Header)
	}
}

// Certificates are verified, and one TLS configuration may serve several clients.
func TestCertificate(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	trust := srv.Client().Transport.(*http.Transport).TLSClientConfig
	for _, a := range []Access{{}, {TLS: trust}, {TLS: trust}} {
		client := a.Client()
		resp, err := client.Get(srv.URL)
		if err == nil {
			resp.Body.Close()
		}
		client.CloseIdleConnections()
		if got := err == nil; got != (a.TLS != nil) {
			t.Errorf("%v", err)
		}
		if a.TLS != nil && client.Transport.(*http.Transport).TLSClientConfig == a.TLS {
			t.Error("the transport writes to a configuration that others use")
		}
	}
}

func TestFail(t *testing.T) {
	err := Access{Secrets: []string{"k3y"}}.Fail(Denied, "h:1", 401, "%s\nmay not", "k3y")
	e, ok := errors.AsType[*Error](err)
	if !ok || *e != (Error{Denied, "h:1", 401, "redacted may not"}) || err.Error() != "h:1: redacted may not" {
		t.Errorf("%+v", err)
	}
	if got := Cause(&url.Error{Op: "Get", URL: "http://h/?key=k3y", Err: context.Canceled}); got != context.Canceled {
		t.Error(got)
	}
	if got := Cause(io.EOF); got != io.EOF {
		t.Error(got)
	}
}
