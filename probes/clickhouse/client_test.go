package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

// ask runs one query against a server that answers with handler.
func ask(t *testing.T, handler http.HandlerFunc, change func(*Config)) ([][]string, error) {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	cfg := Config{URL: srv.URL}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return rows(t.Context(), c, "SELECT {p0:Int64}", map[string]string{"p0": "7"})
}

func rows(ctx context.Context, c *Client, sql string, params map[string]string) (out [][]string, err error) {
	err = c.Query(ctx, sql, params, func(fields []string) error {
		out = append(out, append([]string(nil), fields...))
		return nil
	})
	return out, err
}

func TestQuery(t *testing.T) {
	got, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		if r.Method != http.MethodPost || string(body) != "SELECT {p0:Int64}" || q.Get("param_p0") != "7" || q.Get("database") != "logs" ||
			q.Get("default_format") != "TabSeparated" || q.Get("wait_end_of_query") != "1" || r.Header.Get("Authorization") != "Bearer t0ken" {
			http.Error(w, "unexpected request: "+r.URL.String(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, "9223372036854775807\ta\\tb\\n\\\\c\\'\\0\n\n\\N\t\n"+strings.Repeat("x", 200_000)+"\t1\n")
	}, func(c *Config) {
		c.URL += "?database=logs"
		c.Access.Header = http.Header{"Authorization": {"Bearer t0ken"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"9223372036854775807", "a\tb\n\\c'\x00"}, {""}, {`\N`, ""}, {strings.Repeat("x", 200_000), "1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQueryFails(t *testing.T) {
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, text)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		change  func(*Config)
		kind    remote.Kind
		want    string
	}{
		"unknown table": {status(404, "Code: 60. DB::Exception: Table x does not exist.\n"), nil, remote.Refused, "status 404: Code: 60. DB::Exception: Table x does not exist."},
		"old servers":   {status(500, "Code: 62, e.displayText() = DB::Exception: Syntax error"), nil, remote.Refused, "Syntax error"},
		"password":      {status(403, "Authentication failed for hunter22\x1b[31m"), func(c *Config) { c.Access.Secrets = []string{"hunter22"} }, remote.Denied, "for redacted [31m"},
		"overload":      {status(503, ""), nil, remote.Broken, "status 503: no word about why"},
		"long words":    {status(400, strings.Repeat("wörd ", 500)), nil, remote.Refused, "…"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, nil, remote.BadReply, "not followed"},
		"cut off": {status(200, "1\t2\n3"), nil, remote.Unreachable, "cut off"},
		"cut by length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "1\t2\n")
		}, nil, remote.Unreachable, "unexpected EOF"},
		"too large": {status(200, strings.Repeat("1\t2\n", 1000)), func(c *Config) { c.MaxReply = 1000 }, remote.TooLarge, "larger than"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
			<-r.Context().Done()
		}, func(c *Config) { c.Timeout = 50 * time.Millisecond }, remote.TimedOut, "no answer within 50ms"},
		"nobody": {status(200, ""), func(c *Config) { c.URL = "http://127.0.0.1:1" }, remote.Unreachable, "127.0.0.1:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, c.handler, c.change)
			failed, ok := errors.AsType[*remote.Error](err)
			if !ok || failed.Kind != c.kind || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
				t.Errorf("%v, want a %s with %q", err, c.kind, c.want)
			}
		})
	}
}

// An error of the caller's function comes back as it is, and so does an end of
// the caller's context.
func TestQueryStops(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "1\n2\n") }))
	defer srv.Close()
	c, err := New(Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	mine := errors.New("mine")
	n := 0
	if err := c.Query(t.Context(), "", nil, func([]string) error { n++; return mine }); !errors.Is(err, mine) || n != 1 {
		t.Errorf("%v after %d rows", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rows(ctx, c, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "1\n") }))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	c, err := New(Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows(t.Context(), c, "SELECT 1", nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	if c, err = New(Config{URL: srv.URL, Access: remote.Access{TLS: &tls.Config{RootCAs: trusted}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := rows(t.Context(), c, "SELECT 1", nil); err != nil || len(got) != 1 {
		t.Errorf("a trusted one: %v %v", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, u := range []string{"", "host:8123", "ftp://host", "http://", "http://ann:s3cret@host", "http://host/?password=s3cret", "http://ho st", "http://host:8123\x00"} {
		if _, err := New(Config{URL: u}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add("1\ta\\tb\n\n\\N\t\n", "a\tb\\")
	f.Fuzz(func(t *testing.T, answer, value string) {
		_ = readRows(strings.NewReader(answer), func(fields []string) error {
			if len(fields) == 0 {
				t.Fatal("a row without fields")
			}
			return nil
		})
		// What is escaped reads back as it was.
		err := readRows(strings.NewReader(escape.Replace(value)+"\tx\n"), func(fields []string) error {
			if value != `\N` && (len(fields) != 2 || fields[0] != value) {
				t.Fatalf("%q became %q", value, fields)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
