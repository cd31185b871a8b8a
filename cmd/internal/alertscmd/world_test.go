package alertscmd

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// start is the first minute of what is measured.
var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// A world is a folder with metrics, rules and routes, the environment, and the internet
// as one process sees it: behind a proxy, with an authority of its own.
type world struct {
	t   *testing.T
	dir string
	env map[string]string
	now time.Time // zero: a second after the last sample

	minutes int
	mu      sync.Mutex
	answer  func(w http.ResponseWriter, s seen)
	seen    []seen
	mails   []string
}

// seen is a request that arrived.
type seen struct{ Host, Path, Authorization, Body string }

func (s seen) json(t *testing.T) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.Body), &m); err != nil {
		t.Fatalf("%s: %v in %s", s.Host, err, s.Body)
	}
	return m
}

const loadRules = `groups:
  - name: load
    rules:
      - alert: Hot
        expr: load > 90
        labels: {severity: critical}
        annotations: {summary: '{{ $labels.instance }} is at {{ $value }}'}
      - alert: Warm
        expr: load > 50
        labels: {severity: warning}
`

// newWorld measures the load of instances minute by minute.
func newWorld(t *testing.T, load map[string][]int) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), env: map[string]string{}}
	w.write("rules.yaml", loadRules)
	w.measure(load)
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

// measure replaces the metrics.
func (w *world) measure(load map[string][]int) {
	var b strings.Builder
	b.WriteString("timestamp,metric,value,instance\n")
	for _, instance := range slices.Sorted(maps.Keys(load)) {
		for i, v := range load[instance] {
			fmt.Fprintf(&b, "%s,load,%d,%s\n", start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), v, instance)
			w.minutes = max(w.minutes, i)
		}
	}
	w.write("metrics.csv", b.String())
}

// alerts runs the command over the metrics with the rules, and more.
func (w *world) alerts(args ...string) clitest.Result {
	w.t.Helper()
	now := w.now
	if now.IsZero() {
		now = start.Add(time.Duration(w.minutes)*time.Minute + time.Second)
	}
	app := &cli.App{Getenv: clitest.Env(w.env), Now: func() time.Time { return now }}
	return clitest.RunContext(w.t.Context(), app, []cli.Verb{New}, append([]string{"alerts", w.path("metrics.csv"), "--rules", w.path("rules.yaml")}, args...)...)
}

// told runs with --notify, expects an exit code, and gives what was sent, as
// "receiver reason title" or "receiver reason title: error".
func (w *world) told(code cli.Code, args ...string) []string {
	w.t.Helper()
	r := w.alerts(append([]string{"--notify", "-o", "json"}, args...)...)
	if r.Code != code {
		w.t.Fatalf("exit %d, want %d\n%s", r.Code, code, r.Err)
	}
	var doc struct{ Sent sent }
	if err := json.Unmarshal([]byte(r.Out), &doc); err != nil {
		w.t.Fatalf("%v\n%s%s", err, r.Out, r.Err)
	}
	list := []string{}
	for _, d := range doc.Sent.Notified {
		text := d.Receiver + " " + d.Reason + " " + d.Title
		if d.Error != "" {
			text += ": " + d.Error
		}
		list = append(list, text)
	}
	return list
}

// internet is a local server that stands for all hosts with the names, behind a proxy
// that tunnels to it. Its authority is in the file ca.pem.
func (w *world) internet(names ...string) {
	w.t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s := seen{r.Host, r.URL.Path, r.Header.Get("Authorization"), string(body)}
		w.mu.Lock()
		w.seen = append(w.seen, s)
		answer := w.answer
		w.mu.Unlock()
		if answer != nil {
			answer(rw, s)
			return
		}
		_, _ = io.WriteString(rw, "ok")
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{w.certify(names)}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	srv.StartTLS()
	w.t.Cleanup(srv.Close)
	to := srv.Listener.Addr().String()
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(rw, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(server, client); _ = server.(*net.TCPConn).CloseWrite() })
		_, _ = io.Copy(client, server)
		_ = client.Close()
		wg.Wait()
	}))
	w.t.Cleanup(proxy.Close)
	w.env["HTTPS_PROXY"] = proxy.URL
}

// certify signs a certificate for names.
func (w *world) certify(names []string) tls.Certificate {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, key); err != nil {
		w.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// replies makes the internet answer.
func (w *world) replies(answer func(http.ResponseWriter, seen)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// of are the requests to a host since the last call.
func (w *world) of(host string) (list []seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = slices.DeleteFunc(w.seen, func(s seen) bool {
		if s.Host == host {
			list = append(list, s)
		}
		return s.Host == host
	})
	return list
}

// mailServer takes every mail, and gives its address.
func (w *world) mailServer() string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	var wg sync.WaitGroup
	w.t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.mail(conn) })
		}
	})
	return l.Addr().String()
}

func (w *world) mail(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	say("220 here")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "DATA":
			say("354 go on")
			var mail strings.Builder
			for line, err = in.ReadString('\n'); err == nil && line != ".\r\n"; line, err = in.ReadString('\n') {
				mail.WriteString(line)
			}
			w.mu.Lock()
			w.mails = append(w.mails, mail.String())
			w.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
