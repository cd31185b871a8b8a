package sim_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"llmops/probes/sim"
)

// quick is a server without any latency to wait for.
func quick() sim.Config {
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.PrefillPerToken = 2*time.Millisecond, 0
	cfg.DecodeBase, cfg.DecodePerSequence = time.Millisecond, 0
	return cfg
}

func start(t *testing.T, cfg sim.Config) (*sim.Server, string) {
	t.Helper()
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return s, h.URL
}

func withFault(t *testing.T, spec string) sim.Config {
	t.Helper()
	f, err := sim.ParseFault(spec)
	if err != nil {
		t.Fatal(err)
	}
	cfg := quick()
	cfg.Faults = []sim.Fault{f}
	return cfg
}

func post(t *testing.T, url, body string) *http.Response {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	return r
}

func TestRefusals(t *testing.T) {
	_, url := start(t, quick())
	for _, c := range []struct {
		path, body string
		status     int
		kind       string
	}{
		{"chat/completions", `{"model":"other",` + hello + `}`, 404, "NotFoundError"},
		{"chat/completions", `{`, 400, "BadRequestError"},
		{"chat/completions", `{"messages":[]}`, 400, "BadRequestError"},
		{"chat/completions", `{"messages":[{"role":"user","content":7}]}`, 400, "BadRequestError"},
		{"chat/completions", `{"n":2,` + hello + `}`, 400, "BadRequestError"},
		{"chat/completions", `{"max_tokens":0,` + hello + `}`, 400, "BadRequestError"},
		{"chat/completions", `{"max_tokens":9000,` + hello + `}`, 400, "BadRequestError"},
		{"chat/completions", `{"max_tokens":9223372036854775807,"stream":true,` + hello + `}`, 400, "BadRequestError"},
		{"chat/completions", `{"stream_options":{"include_usage":true},` + hello + `}`, 400, "BadRequestError"},
		{"completions", `{}`, 400, "BadRequestError"},
		{"completions", `{"prompt":["a","b"]}`, 400, "BadRequestError"},
		{"completions", `{"prompt":{}}`, 400, "BadRequestError"},
	} {
		r := post(t, url+"/v1/"+c.path, c.body)
		var e struct {
			Error struct {
				Message, Type string
				Code          int
			}
		}
		err := json.NewDecoder(r.Body).Decode(&e)
		if err != nil || r.StatusCode != c.status || e.Error.Type != c.kind || e.Error.Code != c.status || e.Error.Message == "" {
			t.Errorf("%s %s: status %d, %+v, %v; want %d %s", c.path, c.body, r.StatusCode, e, err, c.status, c.kind)
		}
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("not within 30 s")
}

// punctual gives a busy machine ten chances: what try returns was too late.
func punctual(t *testing.T, try func(*testing.T) (late string)) {
	t.Helper()
	late := ""
	for range 10 {
		if late = try(t); late == "" || t.Failed() {
			return
		}
	}
	t.Error(late)
}

func TestModelsAndHealth(t *testing.T) {
	_, url := start(t, quick())
	r, err := http.Get(url + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil || len(list.Data) != 1 || list.Data[0].ID != "sim" {
		t.Errorf("models %+v, %v", list, err)
	}
	if r, err := http.Get(url + "/health"); err != nil || r.StatusCode != 200 {
		t.Errorf("health: %v, %v", r, err)
	}
}

func TestModelName(t *testing.T) {
	for name, ok := range map[string]bool{"org/model-7b": true, `a"b\c`: true, "größe": true, "a\nb": false, "a\x1b[2Jb": false, "a\u009bb": false, "a\xff": false} {
		cfg := sim.DefaultConfig()
		cfg.Model = name
		if _, err := sim.New(cfg); (err == nil) != ok {
			t.Errorf("model name %q: %v", name, err)
		}
	}
}

// A body that does not come whole is refused, never answered.
func TestUnreadableBody(t *testing.T) {
	_, url := start(t, quick())
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"broken chunk": {"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"proZZ\r\n", 400},
		"cut off":      {"Content-Length: 100\r\n\r\n{\"prompt\":", 400},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\n"+c.body)
		conn.(*net.TCPConn).CloseWrite()
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, _ := io.ReadAll(r.Body)
		if r.StatusCode != c.status || !r.Close || !bytes.Contains(b, []byte("cannot be read")) {
			t.Errorf("%s: status %d, close %v, %s; want %d and the reason", name, r.StatusCode, r.Close, b, c.status)
		}
	}
	r := post(t, url+"/v1/completions", `{"prompt":"`+strings.Repeat("x", 16<<20)+`"}`)
	if r.StatusCode != 413 {
		t.Errorf("a body of more than 16 MiB: status %d, want 413", r.StatusCode)
	}
}

func TestNewRejects(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.Model, cfg.DefaultMaxTokens, cfg.MaxRunning = "", 0, 0
	_, err := sim.New(cfg)
	for _, part := range []string{"model name", "default max tokens", "max running"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not speak of %q", err, part)
		}
	}
}

// A plain queue: three requests at once into one slot leave one after another.
func TestFixedService(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.ServiceTime = 60 * time.Millisecond
	cfg.MaxRunning = 1
	_, url := start(t, cfg)
	punctual(t, func(t *testing.T) (late string) {
		begin := time.Now()
		ends := make(chan time.Duration, 3)
		for range 3 {
			go func() {
				r, err := http.Post(url+"/v1/completions", "application/json", bytes.NewReader([]byte(`{"prompt":"a b c","max_tokens":100,"ignore_eos":true}`)))
				if err == nil {
					b, _ := io.ReadAll(r.Body)
					r.Body.Close()
					if !bytes.Contains(b, []byte(`"completion_tokens":1,`)) {
						t.Errorf("the reply is not one token: %s", b)
					}
				}
				ends <- time.Since(begin)
			}()
		}
		for i := range 3 {
			want := time.Duration(i+1) * 60 * time.Millisecond
			switch got := <-ends; {
			case got < want:
				t.Errorf("reply %d after %v, want %v", i, got, want)
			case got > want+50*time.Millisecond:
				late = fmt.Sprintf("reply %d after %v, want %v", i, got, want)
			}
		}
		return late
	})
}

func TestServeStops(t *testing.T) {
	s, err := sim.New(withFault(t, "hang"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	left := make(chan error, 1)
	go func() {
		_, err := http.Post("http://"+l.Addr().String()+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x"}`))
		left <- err
	}()
	eventually(t, func() bool { return s.State().Running == 1 })
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Serve does not return")
	}
	if <-left == nil {
		t.Error("a hanging request got a reply")
	}
	eventually(t, func() bool { return s.State().Running == 0 })
}

// Whatever comes in is answered, and never as a fault of the server.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{` + hello + `}`, `{"prompt":"a b","stream":true}`, `{"prompt":[1,2],"max_tokens":3}`, `{"prompt":["x"],"n":1}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stream":true,"stream_options":{"include_usage":true}}`, `[`, `{"max_tokens":1e99}`} {
		f.Add(s)
	}
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.PrefillPerToken, cfg.DecodeBase, cfg.DecodePerSequence, cfg.MaxModelLen = 0, 0, 0, 0, 64
	s, err := sim.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	h := s.Handler()
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/v1/chat/completions", "/v1/completions"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
			streamed := strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
			switch {
			case w.Code >= 500:
				t.Errorf("%s %q: status %d", path, body, w.Code)
			case streamed && !strings.HasSuffix(w.Body.String(), "data: [DONE]\n\n"):
				t.Errorf("%s %q: the stream ends with %q", path, body, w.Body.String())
			case !streamed && !json.Valid(w.Body.Bytes()):
				t.Errorf("%s %q: the reply is %q", path, body, w.Body.String())
			}
		}
	})
}
