package prometheus

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

func client(t *testing.T, handler http.HandlerFunc, cfg Config) *Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	if cfg.URL = srv.URL + cfg.URL; cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const twoSeries = `{"status":"success","isPartial":false,"data":{"resultType":"matrix","stats":{"x":[1]},"result":[
 {"metric":{"__name__":"x","le":"+Inf"},"values":[[1772323200,"5"],[1772323260.001 , "1e+06"]]},
 {"metric":{},"values":[]}, {"values":[[1,"NaN"]],"metric":{"a":"b\u00e9"}}]},"warnings":["part of it","is\u001b[31m missing"],"infos":["quiet"]}`

func TestRange(t *testing.T) {
	var form, path string
	var seen atomic.Int64
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		form, path = r.FormValue("query")+" "+r.FormValue("start")+" "+r.FormValue("end")+" "+r.FormValue("step"), r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, twoSeries)
		z.Close()
	}, Config{URL: "/select/0/prometheus/api/v1/", Access: remote.Access{Header: http.Header{"Authorization": {"Bearer k"}}}, Read: &seen})
	var got []Series
	warnings, err := c.Range(t.Context(), `x{a="&+ "}`, 1_772_323_200_000, 1_772_323_260_500, 60_000, func(s Series) error {
		got = append(got, Series{s.Labels, append([]int64(nil), s.Times...), append([]float64(nil), s.Values...)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `x{a="&+ "} 1772323200 1772323260.5 60`; form != want || path != "POST /select/0/prometheus/api/v1/query_range Bearer k" {
		t.Errorf("asked %q of %q", form, path)
	}
	if diff := cmp.Diff([]string{"part of it", "is [31m missing"}, warnings); diff != "" {
		t.Error(diff)
	}
	if len(got) != 3 || got[2].Values[0] == got[2].Values[0] || got[2].Labels["a"] != "bé" {
		t.Fatalf("%+v", got)
	}
	want := Series{map[string]string{"__name__": "x", "le": "+Inf"}, []int64{1_772_323_200_000, 1_772_323_260_001}, []float64{5, 1e6}}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if seen.Load() != int64(len(twoSeries)) {
		t.Errorf("%d bytes read, want %d", seen.Load(), len(twoSeries))
	}
}

func TestErrors(t *testing.T) {
	const ok = `{"status":"success","data":{"resultType":"matrix","result":[`
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    remote.Kind
		msg     string
	}{
		"bad query":             {text(400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:3:\n parse error"}`), remote.Refused, `invalid parameter "query": 1:3: parse error`},
		"too many samples":      {text(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`), remote.Refused, "too many samples"},
		"denied":                {text(401, "Unauthorized s3cret-key"), remote.Denied, "HTTP status 401"},
		"denied, and told":      {text(403, `{"status":"error","error":"s3cret-key may not"}`), remote.Denied, "redacted may not"},
		"server's own limit":    {text(503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`), remote.TimedOut, "query timed out"},
		"broken":                {text(502, "<html>Bad Gateway"), remote.Broken, "HTTP status 502"},
		"busy":                  {text(429, `too many outstanding requests`), remote.Broken, "HTTP status 429"},
		"no such path":          {text(404, "404 page not found"), remote.BadReply, "HTTP status 404"},
		"a web page":            {text(200, "<html>Please log in"), remote.BadReply, "the answer is none of Prometheus's API"},
		"nothing":               {text(200, ""), remote.BadReply, "the answer is none of Prometheus's API"},
		"no status":             {text(200, `{"data":{"resultType":"matrix","result":[]}}`), remote.BadReply, "it has no status"},
		"error with status 200": {text(200, `{"status":"error","error":"x"}`), remote.Refused, "x"},
		"a scalar":              {text(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), remote.BadReply, "a scalar is no matrix"},
		"cut off":               {text(200, ok+`{"metric":{},"values":[[1,"1"]`), remote.BadReply, "unexpected EOF"},
		"no point":              {text(200, ok+`{"metric":{},"values":[[1]]}]}}`), remote.BadReply, "a point is no time and value"},
		"numbers as values":     {text(200, ok+`{"metric":{},"values":[[1,2]]}]}}`), remote.BadReply, "a point is no time and value"},
		"not even a list":       {text(200, ok+`{"metric":{},"values":{"a":1}}]}}`), remote.BadReply, "values are no list of points"},
		"too large":             {text(200, ok+`{"metric":{},"values":[[1,"1"]`+strings.Repeat(`,[1,"1"]`, 1<<18)+`]}]}}`), remote.TooLarge, "the reply is larger than 1 MiB"},
		"elsewhere":             {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, remote.BadReply, "it redirects elsewhere"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, ok)
			panic(http.ErrAbortHandler)
		}, remote.Unreachable, "EOF"},
		"silent": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}, remote.TimedOut, "no answer within 300ms"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, ok)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, remote.TimedOut, "no answer within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{MaxReply: 1 << 20, Access: remote.Access{Secrets: []string{"s3cret-key"}}}
			if c.kind == remote.TimedOut {
				cfg.Timeout = 300 * time.Millisecond
			}
			cl := client(t, c.handler, cfg)
			_, err := cl.Range(t.Context(), "x", 0, 0, 60_000, func(Series) error { return nil })
			e, ok := errors.AsType[*remote.Error](err)
			if !ok || e.Kind != c.kind || !strings.Contains(e.Msg, c.msg) || e.Host != cl.Host() || strings.Contains(e.Msg, "s3cret") {
				t.Errorf("%v (%+v), want %s: %s", err, e, c.kind, c.msg)
			}
		})
	}
}

func TestOtherEnds(t *testing.T) {
	stop := errors.New("enough")
	c := client(t, text(200, twoSeries), Config{})
	if _, err := c.Range(t.Context(), "x", 0, 0, 1, func(Series) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the visitor's error", err)
	}
	native := client(t, text(200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"h"},"histograms":[[1,{"count":"1"}]]}]}}`), Config{})
	if _, err := native.Range(t.Context(), "h", 0, 0, 1, func(Series) error { return nil }); err == nil || !strings.Contains(err.Error(), "h is a native histogram") {
		t.Error(err)
	}
	gone, err := New(Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = gone.Range(t.Context(), "x", 0, 0, 1, nil)
	if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != remote.Unreachable || strings.Contains(err.Error(), "query_range") {
		t.Errorf("%v, want unreachable, without the URL", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Range(ctx, "x", 0, 0, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}

func TestCertificate(t *testing.T) {
	srv := httptest.NewTLSServer(text(200, twoSeries))
	srv.Config.ErrorLog = nil
	defer srv.Close()
	ask := func(cfg *tls.Config) error {
		c, err := New(Config{URL: srv.URL, Access: remote.Access{TLS: cfg}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Range(t.Context(), "x", 0, 0, 1, func(Series) error { return nil })
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	if err := ask(&tls.Config{RootCAs: pool}); err != nil {
		t.Error(err)
	}
	if err := ask(nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v: certificates are verified by default", err)
	}
}

func TestNew(t *testing.T) {
	for _, url := range []string{"", "prometheus:9090", "ftp://h", "http://", "http://u:p4ss@h", "http://h?x=1", "http://h\x7f", "http://h/#a"} {
		if _, err := New(Config{URL: url}); err == nil || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%q: %v", url, err)
		}
	}
	c, err := New(Config{URL: "https://h:1/p/"})
	if err != nil || c.Host() != "h:1" {
		t.Error(c, err)
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(twoSeries))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"x"}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"values":null},{"values":[]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		points := 0
		r := reply{visit: func(s Series) error {
			if len(s.Times) != len(s.Values) {
				t.Errorf("%d times and %d values", len(s.Times), len(s.Values))
			}
			points += len(s.Times)
			return nil
		}}
		_ = r.decode(strings.NewReader(string(data)))
		if points*len(`[1,"1"]`) > len(data) {
			t.Errorf("%d points in %d bytes", points, len(data))
		}
	})
}

// A reply of ten thousand points is read as it comes.
func BenchmarkReply(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"values":[[1,"1"]`)
	for i := range 10_000 {
		fmt.Fprintf(&s, `,[%d,"%d"]`, 1_772_323_200+60*i, 3*i)
	}
	s.WriteString(`]}]}}`)
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		r := reply{visit: func(Series) error { return nil }}
		if err := r.decode(strings.NewReader(s.String())); err != nil {
			b.Fatal(err)
		}
	}
}
