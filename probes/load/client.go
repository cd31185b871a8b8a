package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmops/probes/request"
)

// idleConn is how long an unused connection is kept: less than the 5 s after
// which common servers close theirs, so that no request meets a closing one.
const idleConn = 4 * time.Second

// client sends requests one at a time; it may be used by many goroutines.
type client struct {
	target    Target
	url       *url.URL
	limits    Timeouts
	epoch     time.Time
	transport *http.Transport
	trial     *http.Transport // gives connections up after one reply
	reuse     reuse
	ahead     ahead
	open      func(context.Context) (net.Conn, error) // a connection straight to the target; nil: there is a proxy
	redact    *strings.Replacer
}

// newClients makes a client for each target. None of them shows a secret of any.
func newClients(targets []Target, limits Timeouts, epoch time.Time) ([]*client, error) {
	var secrets []string
	for _, t := range targets {
		secrets = append(secrets, t.Secrets...)
	}
	var clients []*client
	for i, t := range targets {
		t.Secrets = secrets
		cl, err := newClient(t, limits, epoch)
		if err != nil {
			return nil, fmt.Errorf("target %d: %w", i+1, err)
		}
		clients = append(clients, cl)
	}
	return clients, nil
}

// close gives up the connections that nobody uses.
func (cl *client) close() {
	cl.ahead.close()
	cl.transport.CloseIdleConnections()
	cl.trial.CloseIdleConnections()
}

func newClient(t Target, limits Timeouts, epoch time.Time) (*client, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	d := &dialer{epoch: epoch, timeout: limits.Connect, tls: t.TLS, target: hostPort(u)}
	if d.tls == nil {
		d.tls = defaultTLS()
	}
	// One request a connection at a time (HTTP/1.1): a stamp of the connection
	// is then a stamp of the request. Redirects are not followed and bodies not
	// compressed, because nobody asked for that.
	tr := &http.Transport{
		DialContext:         d.dial,
		DialTLSContext:      d.dialTLS,
		TLSClientConfig:     d.tls, // for connections through a proxy
		Proxy:               t.Proxy,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 1 << 20,
		IdleConnTimeout:     idleConn,
		TLSHandshakeTimeout: limits.Connect,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &setupError{request.Connect, fmt.Errorf("the proxy answers %s to CONNECT", resp.Status)}
			}
			return nil
		},
	}
	var pairs []string
	for _, s := range t.Secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	cl := &client{target: t, url: u, limits: limits, epoch: epoch, transport: tr, redact: strings.NewReplacer(pairs...)}
	cl.reuse.known = make(chan struct{})
	cl.direct(d, tr)
	onTrial := *d
	onTrial.trial = &cl.reuse
	cl.trial = tr.Clone()
	cl.trial.MaxIdleConnsPerHost = -1
	cl.trial.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if nc := cl.ahead.take(); nc != nil {
			stamped(nc).trial = &cl.reuse
			return nc, nil
		}
		return onTrial.dial(ctx, network, addr)
	}
	if u.Scheme == "https" {
		// Ending TLS says so to the server, which then closes: nothing is learnt.
		cl.reuse.learn(false)
	}
	return cl, nil
}

// direct lets requests use connections that were opened ahead, where no proxy
// stands between.
func (cl *client) direct(d *dialer, tr *http.Transport) {
	if cl.target.Proxy != nil {
		if p, err := cl.target.Proxy(&http.Request{URL: cl.url}); p != nil || err != nil {
			return
		}
	}
	dial := d.dial
	to := &tr.DialContext
	if cl.url.Scheme == "https" {
		dial, to = d.dialTLS, &tr.DialTLSContext
	}
	cl.open = func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", d.target) }
	*to = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if nc := cl.ahead.take(); nc != nil {
			return nc, nil
		}
		return dial(ctx, network, addr)
	}
}

// hostPort is the address that u is dialled at.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
