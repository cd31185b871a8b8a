package sim

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The time for a request ends with its body: a client that does not send is
// refused, a reply that takes longer goes on.
func TestReadTimeout(t *testing.T) {
	cfg := DefaultConfig()
	cfg.ServiceTime = 1200 * time.Millisecond
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := s.server()
	if srv.ReadTimeout <= 0 || srv.IdleTimeout <= 0 || srv.ReadHeaderTimeout <= 0 {
		t.Errorf("timeouts: read %v, header %v, idle %v; want all above 0", srv.ReadTimeout, srv.ReadHeaderTimeout, srv.IdleTimeout)
	}
	srv.ReadHeaderTimeout, srv.ReadTimeout = 600*time.Millisecond, 600*time.Millisecond
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Close()
	r, err := http.Post("http://"+l.Addr().String()+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != 200 {
		t.Errorf("a reply that takes 1.2 s: status %d, %v", r.StatusCode, err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if r, err = http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatalf("a body that does not come: %v", err)
	}
	defer r.Body.Close()
	if r.StatusCode != 400 {
		t.Errorf("a body that does not come: status %d, want 400", r.StatusCode)
	}
}
