package loadtestcmd

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/observe"
	"llmops/probes/gpu"
	"llmops/probes/remote"
	"llmops/probes/serving"
	"llmops/probes/snapshot"
)

// telemetryFlags say what is read beside the requests.
type telemetryFlags struct {
	on      bool
	servers []string
}

func (t *telemetryFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&t.on, "telemetry", true, "read the server's metrics every second; on its own host also the host and its GPUs")
	f.StringArrayVar(&t.servers, "server", nil, "`URL` of a server whose metrics are read, with the credentials of the target, in place of the target's own; may be repeated")
}

func (t *telemetryFlags) check() error {
	if !t.on && len(t.servers) > 0 {
		return cli.Usagef("--server says nothing with --telemetry=false")
	}
	return nil
}

// The times of readings. One ends before the next is due.
const (
	scrapeInterval = time.Second
	scrapeLimit    = 900 * time.Millisecond
	pageLimit      = 800 * time.Millisecond // of one page
)

// observer reads what the server shows, and this machine if it is the server's.
type observer struct {
	set     *observe.Set
	client  *serving.Client
	targets []*serving.Target // those that show metrics
	direct  bool              // no proxy is between this client and the servers
}

func (b *observer) close() {
	if b != nil {
		b.set.Close()
	}
}

// open finds out what can be read. A server that shows nothing is said here, once. It
// is nil when nothing is to be read.
func (t *telemetryFlags) open(ctx context.Context, app *cli.App, targets []*target, keep bool) (*observer, error) {
	if !t.on || len(targets) == 0 {
		return nil, nil
	}
	b := &observer{set: &observe.Set{Gentle: true}, client: serving.New(t.config(targets[0]))}
	named, err := t.serversOf(b.client, targets)
	if err != nil {
		return nil, err
	}
	local := false
	for _, x := range named {
		b.addServer(ctx, app, x)
		local = local || isLocal(ctx, x.URL())
	}
	b.direct = direct(targets[0])
	if local {
		prober := gpu.New(gpu.Config{Source: "auto"})
		b.set.Add(observe.GPUs(prober), prober.Close)
		if keep { // nobody else asks for the host
			b.set.Add(observe.Host(""))
		}
	}
	b.set.Limited(scrapeLimit)
	if b.set.Len() == 0 {
		return nil, nil
	}
	return b, nil
}

// config reaches servers as the requests do.
func (t *telemetryFlags) config(x *target) serving.Config {
	header := x.Header.Clone()
	header.Del("Content-Type")
	if x.Host != "" && len(t.servers) == 0 {
		header.Set("Host", x.Host)
	}
	return serving.Config{
		Access:  remote.Access{Header: header, Secrets: x.Secrets, TLS: x.TLS, Proxy: x.Proxy},
		Timeout: pageLimit, Lean: true,
	}
}

// serversOf are the servers that are named, or else those that get the requests.
func (t *telemetryFlags) serversOf(client *serving.Client, targets []*target) (out []*serving.Target, err error) {
	names := t.servers
	if len(names) == 0 {
		for _, x := range targets {
			names = append(names, metricsBase(x.URL))
		}
	}
	for _, raw := range names {
		x, err := client.Target(raw)
		if err != nil {
			return nil, cli.Usagef("--server: %w", err)
		}
		if !slices.ContainsFunc(out, func(y *serving.Target) bool { return x.URL() == y.URL() }) {
			out = append(out, x)
		}
	}
	return out, nil
}

// metricsBase is the server at which requests go to address: what stands before the
// path of the API, without a query.
func metricsBase(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	prefix, _, found := strings.Cut(u.Path, "/v1/")
	if !found {
		prefix = ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: prefix}).String()
}

// addServer asks a server for the first time. One that has no metrics is left alone
// from then on; one that does not answer may still be starting.
func (b *observer) addServer(ctx context.Context, app *cli.App, x *serving.Target) {
	limited, cancel := context.WithTimeout(ctx, scrapeLimit)
	defer cancel()
	s, problems := x.Read(limited, 0)
	if s.Up && s.Basis == "" {
		for _, p := range problems {
			if p.What == "metrics" && p.Status != snapshot.Timeout && p.Status != snapshot.Unavailable {
				app.Notef("%s: the server's side is not measured: %s", x.URL(), p.Detail)
				return
			}
		}
	}
	b.targets = append(b.targets, x)
	b.set.Add(observe.Server(x), b.client.Close)
}

// direct tells that no proxy is used for the target.
func direct(t *target) bool {
	if t.Proxy == nil {
		return true
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return false
	}
	via, err := t.Proxy(&http.Request{URL: u})
	return err == nil && via == nil
}

// isLocal tells whether a URL is of this machine: of its loopback or of an address of
// its own.
func isLocal(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	name := u.Hostname()
	if host, err := os.Hostname(); err == nil && strings.EqualFold(name, host) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name) // an address is itself
	if err != nil {
		return false
	}
	own, _ := net.InterfaceAddrs()
	for _, ip := range found {
		if ip = ip.Unmap(); ip.IsLoopback() || ip.IsUnspecified() {
			return true
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(net.IP(ip.AsSlice())) {
				return true
			}
		}
	}
	return false
}
