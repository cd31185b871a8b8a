package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// Target is one server that is asked again and again. It is for one goroutine.
type Target struct {
	client *Client
	base   *url.URL // without the path of an API
	path   string   // of the page of metrics, where the URL was of that; else ""
	shown  string   // base, as it may be shown
	last   *page    // of the reading before
	engine *engine  // that showed it
	span   span

	known   *engine // of the reading before, when it was whole; see Config.Lean
	models  []string
	version string
}

// Target takes the URL of a server, of its API (…/v1) or of its page of metrics. The
// error does not repeat the URL, since that may hold a password.
func (c *Client) Target(raw string) (*Target, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("want http://HOST:PORT, or https://, of the server or of its page of metrics")
	case u.User != nil:
		return nil, errors.New("the URL of a server holds a user name or password: give a credential by environment or file")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of a server has no query: want http://HOST:PORT/PREFIX")
	}
	t := &Target{client: c}
	path := strings.TrimRight(u.Path, "/")
	if strings.HasSuffix(path, "/metrics") {
		t.path = path
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/metrics"), "/prometheus")
	}
	if i := strings.Index(path+"/", "/v1/"); i >= 0 {
		path = path[:i]
	}
	t.base = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}
	t.shown = t.base.String()
	if t.path == "" {
		t.path = path + "/metrics"
	}
	return t, nil
}

// URL is the server as it is shown.
func (t *Target) URL() string { return t.shown }

// Probe asks a server once; see Target and Read.
func (c *Client) Probe(ctx context.Context, raw string, window time.Duration) (snapshot.Server, []snapshot.Problem, error) {
	t, err := c.Target(raw)
	if err != nil {
		return snapshot.Server{}, nil, err
	}
	s, problems := t.Read(ctx, window)
	return s, problems, nil
}

// Read asks a server how it is. With a window it reads the metrics twice, so far
// apart, and tells rates, ratios and percentiles of what happened in between. Without
// one they are of the time since the Read before; the first Read tells ratios and
// percentiles since the engine's start, and no rates. What cannot be told is absent,
// and the problems say why.
func (t *Target) Read(ctx context.Context, window time.Duration) (snapshot.Server, []snapshot.Problem) {
	s := snapshot.Server{URL: t.shown}
	if t.client.cfg.Lean && window == 0 && t.known != nil {
		if t.lean(ctx, &s) {
			return s, nil
		}
		s = snapshot.Server{URL: t.shown} // find out what has become of it
	}
	t.known = nil
	e, problem := t.identify(ctx, &s)
	if problem != nil {
		return s, []snapshot.Problem{*problem}
	}
	if e != nil && len(e.prefixes) == 0 {
		s.Engine = e.name
		return s, e.ask(ctx, t, &s)
	}
	first, e, problem := t.page(ctx, e, &s)
	if e != nil {
		s.Engine = e.name
	}
	if problem != nil {
		problems := []snapshot.Problem{*problem}
		if e != nil && e.ask != nil && problem.Status == snapshot.Unsupported {
			if more := e.ask(ctx, t, &s); len(e.prefixes) == 0 {
				problems = more // it has no page of metrics
			} else {
				problems = append(problems, more...)
			}
		}
		return s, problems
	}
	var problems []snapshot.Problem
	before, after := t.last, first
	if t.engine != e {
		before = nil
	}
	if window > 0 {
		if before, after, problem = t.second(ctx, e, first, window); problem != nil {
			problems = append(problems, *problem)
		}
	}
	if e.ask != nil { // last, so that what it tells is of the same moment
		problems = append(problems, e.ask(ctx, t, &s)...)
	}
	if len(problems) == 0 && e.steady {
		t.known, t.models, t.version = e, s.Models, s.Version
	}
	t.tell(e, before, after, &s)
	t.labelled(e, *after, &s)
	return s, problems
}

// lean reads nothing but the page of metrics, and takes the rest from the reading
// before. It is false where the page is not to be had or comes from another engine.
func (t *Target) lean(ctx context.Context, s *snapshot.Server) bool {
	p, e, problem := t.page(ctx, t.known, s)
	if problem != nil || e != t.known {
		return false
	}
	s.Up, s.Engine, s.Models, s.Version = true, e.name, t.models, t.version
	t.tell(e, t.last, p, s)
	if s.Reset { // it may be another release, with another model
		t.known = nil
	}
	return true
}

// tell writes down what a page says, and what was counted since the one before; nil:
// since the engine's start.
func (t *Target) tell(e *engine, before, after *page, s *snapshot.Server) {
	t.last, t.engine = after, e
	t.span.add(after, e)
	counted, seconds := *after, 0.0
	s.Basis = snapshot.SinceStart
	if before != nil && after.at.After(before.at) {
		counted, s.Reset = after.minus(*before)
		seconds = after.at.Sub(before.at).Seconds()
		s.Basis, s.WindowS = snapshot.OverWindow, &seconds
	}
	e.fill(*after, counted, seconds, s)
}

// second reads the page again after the window. Without success the first reading
// is all there is.
func (t *Target) second(ctx context.Context, e *engine, first *page, window time.Duration) (before, after *page, problem *snapshot.Problem) {
	wait := time.NewTimer(window)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil, first, &snapshot.Problem{Source: t.shown, What: "rates", Status: snapshot.Timeout, Detail: "stopped before the end of the window"}
	case <-wait.C:
	}
	var s snapshot.Server
	after, again, problem := t.page(ctx, e, &s)
	switch {
	case problem != nil:
		problem.What = "rates"
		return nil, first, problem
	case again != e:
		return nil, first, &snapshot.Problem{Source: t.shown, What: "rates", Status: snapshot.Failed, Detail: "another engine answers than before"}
	}
	return first, after, nil
}

// statusError is an HTTP status other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(e)) }

// json reads a JSON page of the server.
func (t *Target) json(ctx context.Context, path string, to any) error {
	r, err := t.client.get(ctx, t.base.JoinPath(path).String())
	switch {
	case err != nil:
		return err
	case r.status != http.StatusOK:
		return statusError(r.status)
	}
	return json.Unmarshal(r.body, to)
}

// failed is the problem of a page that json could not read.
func (t *Target) failed(what string, err error) snapshot.Problem {
	if status, ok := errors.AsType[statusError](err); ok {
		return t.client.refused(t.shown, what, reply{status: int(status)})
	}
	p := t.client.broken(t.shown, what, err)
	if _, ok := errors.AsType[*url.Error](err); !ok && p.Status == snapshot.Unavailable {
		p.Status = snapshot.Failed // it did answer
	}
	return p
}
