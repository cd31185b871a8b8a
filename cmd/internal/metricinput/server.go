package metricinput

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/prometheus"
	"llmops/probes/remote"
)

// pull reads a server.
func (f *Flags) pull(ctx context.Context, app *cli.App, q question) (Input, error) {
	start, end, err := f.span(time.Time{}, app.Now())
	if err != nil {
		return Input{}, err
	}
	step, err := f.every()
	if err != nil {
		return Input{}, err
	}
	client, clean, err := f.client(app)
	if err != nil {
		return Input{}, err
	}
	defer client.Close()
	warnings := &remarks{}
	queries, err := f.explicit(q, step > 0)
	if err == nil && len(queries) == 0 {
		queries, err = q.known(ctx, client, start, end, step > 0, warnings)
	}
	if err != nil {
		return Input{}, serverError(ctx, err, clean)
	}
	ask := asker{ctx, client, warnings.add, start, end, step, q.wants.every()}
	var sources []accesslog.Source
	var shown []string
	for _, x := range queries {
		app.Verbosef("asking Prometheus: %s from %s to %s", x.text, clock(start.Add(-x.before)), clock(end))
		sources = append(sources, ask.sources(x)...)
		shown = append(shown, client.Host()+" "+x.text)
	}
	store, summary, err := read(ctx, app, sources, series.Options{Format: answers})
	if err != nil {
		return Input{}, serverError(ctx, err, clean)
	}
	summary.Files = shown
	for _, w := range warnings.list {
		app.Warnf("%s: %s", client.Host(), w)
	}
	if summary.Histograms > 0 {
		app.Warnf("%d native histograms are in no figure: only floats and classic histograms can be read", summary.Histograms)
	}
	return Input{Store: store, Summary: summary, Start: start, End: end, Server: client.Host()}, nil
}

const (
	lookback = 5 * time.Minute
	// answers is the format of what the server says, a name of series.FormatNames.
	answers = "prometheus-json"
)

// client is for the server, and clean takes what it must not repeat out of a text.
func (f *Flags) client(app *cli.App) (client *prometheus.Client, clean func(string) string, err error) {
	authorization, secrets, err := f.login.Authorization(app, "")
	if err != nil {
		return nil, nil, cli.Usage(err)
	}
	to, err := f.transport.Access(app, authorization, secrets)
	if err != nil {
		return nil, nil, cli.Usage(err)
	}
	client, err = prometheus.New(prometheus.Config{URL: f.url, Access: to, Timeout: f.timeout})
	return client, to.Clean, cli.WithHint(cli.Usage(prefixed(err)), credentialHint)
}

func prefixed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--prometheus: %w", err)
}

// An asker makes sources of queries.
type asker struct {
	ctx        context.Context
	client     *prometheus.Client
	warn       func(string)
	start, end time.Time
	step       time.Duration // 0: samples as they are stored
	grid       time.Duration // between evaluations, at which the end of a series shows
}

func (a asker) sources(q query) []accesslog.Source {
	source := func(suffix string, open func() io.ReadCloser) accesslog.Source {
		return accesslog.Source{Name: a.client.Host() + " " + q.text + suffix, Open: func() (io.ReadCloser, error) { return open(), nil }}
	}
	// Steps go on from the start into the time before it.
	since := func(step time.Duration) int64 { return a.start.Add(-steps(q.before, step)).UnixMilli() }
	from, end := since(max(a.step, time.Millisecond)), a.end.UnixMilli()
	list := []accesslog.Source{source("", func() io.ReadCloser {
		return a.client.Samples(a.ctx, prometheus.Question{Expr: q.text, Start: from, End: end, Step: a.step.Milliseconds()}, a.warn)
	})}
	if q.raw {
		list = append(list, source(" (ends)", func() io.ReadCloser {
			return a.client.Ended(a.ctx, prometheus.Question{Expr: q.text, Start: since(a.grid), End: end, Step: a.grid.Milliseconds()}, a.warn)
		}))
	}
	return list
}

// remarks are what the server warns of, each once.
type remarks struct {
	mu   sync.Mutex
	list []string
}

func (r *remarks) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.list, text) {
		r.list = append(r.list, text)
		slices.Sort(r.list)
	}
}

// credentialHint says where a server's credentials come from.
const credentialHint = "credentials come from --user with --password-file or $" + access.PasswordVariable + ", or from --token-file or $" + access.TokenVariable

// serverError sorts what went wrong with the server. What the readers of its answers say
// has words of them in it, which may be the credentials.
func serverError(ctx context.Context, err error, clean func(string) string) error {
	e, ok := errors.AsType[*remote.Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case cli.CodeOf(err) == cli.CodeUsage:
		return err
	case !ok:
		return cli.WithHint(cli.Failed(prefixed(errors.New(clean(err.Error())))), "narrow what is read with --query")
	}
	hint := "is it the address of a server with Prometheus's HTTP API, such as http://127.0.0.1:9090? Thanos, Mimir and VictoriaMetrics may need a prefix of the path"
	switch e.Kind {
	case remote.Denied:
		hint = "put a token into $" + access.TokenVariable + " or --token-file, or name --user and put the password into $" + access.PasswordVariable + " or --password-file"
	case remote.Refused:
		hint = "-v shows what is asked; narrow it with --query, or read a shorter time (--start)"
	case remote.TimedOut, remote.TooLarge:
		hint = "narrow what is read with --query, read a shorter time (--start), or raise --server-timeout"
	case remote.Broken:
		hint = "try again later; if it is overloaded, narrow what is read with --query or read a shorter time (--start)"
	}
	return cli.WithHint(cli.Failed(prefixed(e)), "%s", hint)
}
