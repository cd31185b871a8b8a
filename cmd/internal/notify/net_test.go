package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority signs certificates for servers of a test, and nobody else trusts it.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) sign(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// hosts are those that services are at.
func hosts() []string {
	return []string{"hooks.slack.com", "slack.com", "events.pagerduty.com", "open.feishu.cn", "open.larksuite.com", "qyapi.weixin.qq.com", "api.twilio.com", "discord.com",
		"chat.googleapis.com", "api.opsgenie.com", "api.telegram.org", "ntfy.sh", "api.pushover.net", "outlook.webhook.office.com", "hook.test", "bark.test", "gotify.test",
		"mattermost.test", "rocket.test", "signal.test", "zulip.test"}
}

// seen is a request that arrived.
type seen struct {
	Host, Method, Path, Query string
	Header                    http.Header
	Body                      string
}

func (s seen) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.Body), &m); err != nil {
		t.Fatalf("%s: %v in %s", s.Host, err, s.Body)
	}
	return m
}

// internet is a local server that stands for all hosts.
type internet struct {
	t      *testing.T
	client *http.Client
	ca     *authority
	mu     sync.Mutex
	seen   []seen
	answer func(w http.ResponseWriter, s seen)
}

func newInternet(t *testing.T, answer func(w http.ResponseWriter, s seen)) *internet {
	t.Helper()
	n := &internet{t: t, ca: newAuthority(t), answer: answer}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s := seen{r.Host, r.Method, r.URL.Path, r.URL.RawQuery, r.Header, string(body)}
		n.mu.Lock()
		n.seen = append(n.seen, s)
		n.mu.Unlock()
		n.answer(w, s)
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{n.ca.sign(t, hosts()...)}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	srv.StartTLS()
	t.Cleanup(srv.Close)
	address := srv.Listener.Addr().String()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: n.ca.pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	n.client = &http.Client{Transport: transport}
	return n
}

// of are the requests to a host.
func (n *internet) of(host string) []seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.seen), func(s seen) bool { return s.Host != host && !strings.HasPrefix(s.Host, host+":") })
}

func (n *internet) one(host string) seen {
	n.t.Helper()
	list := n.of(host)
	if len(list) != 1 {
		n.t.Fatalf("%d requests to %s, want 1", len(list), host)
	}
	return list[0]
}

// welcome answers as each service does when all is well.
func welcome(w http.ResponseWriter, s seen) {
	w.Header().Set("Content-Type", "application/json")
	switch s.Host {
	case "hooks.slack.com":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "ok")
	case "api.telegram.org":
		_, _ = io.WriteString(w, `{"ok":true,"result":{}}`)
	case "bark.test":
		_, _ = io.WriteString(w, `{"code":200,"message":"success"}`)
	case "events.pagerduty.com", "api.opsgenie.com":
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success"}`)
	case "api.twilio.com":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	default:
		_, _ = io.WriteString(w, `{"ok":true,"code":0,"errcode":0}`)
	}
}

// env is an environment.
func env(pairs ...string) Lookup {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// channel opens a service URL.
func channel(t *testing.T, name, address string) *Channel {
	t.Helper()
	ch, warnings, err := Open(Receiver{Name: name, URL: Secret{Env: "U"}}, env("U", address))
	if err != nil || len(warnings) > 0 {
		t.Fatal(name, err, warnings)
	}
	return ch
}

// tell sends one message and expects it to arrive.
func tell(t *testing.T, ch *Channel, m Message, o Options) Result {
	t.Helper()
	r := Send(t.Context(), []Delivery{{ch, m}}, o)
	if len(r) != 1 {
		t.Fatal(r)
	}
	return r[0]
}

// trip is a transport made of a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(bytes.NewReader([]byte(body)))}
}

func form(t *testing.T, s string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// steady makes the waits exact: 1 s, 2 s.
func steady() float64 { return 0.5 }
