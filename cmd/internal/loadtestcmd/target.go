package loadtestcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/api"
)

// target is where the requests go, and its URL as it may be shown.
type target struct {
	load.Target
	shown string
}

// fallbackModel is asked for when neither the user nor the server names one;
// servers with a single model take any name.
const fallbackModel = "default"

func (o *options) target(ctx context.Context, app *cli.App) (*target, error) {
	kind, ok := api.Lookup(o.api)
	if !ok {
		return nil, cli.Usagef("unknown interface %q", o.api)
	}
	address, err := kind.Path(o.url, !o.noStream)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(err), "an example is http://127.0.0.1:8000/v1")
	}
	shown, err := url.Parse(o.url)
	if err != nil {
		return nil, cli.Usage(err)
	}
	if shown.User != nil {
		return nil, cli.WithHint(cli.Usagef("the URL holds a user name"), "put credentials into the environment: --api-key-env, or --header 'Authorization: env:VARIABLE'")
	}
	key, err := o.link.apiKey(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	header := kind.Header(key, !o.noStream)
	extra, secrets, err := o.link.header(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	for name, values := range extra {
		header[name] = values
	}
	header.Set("User-Agent", "llmops/"+app.Build.Version)
	t := &target{shown: shown.Redacted()}
	t.Target = load.Target{
		URL: address, API: kind, Header: header, Secrets: append(secrets, key),
		Body: api.Options{Model: o.model, Stream: !o.noStream && kind.Streams(), IgnoreEOS: o.ignoreEOS},
	}
	if t.TLS, err = o.link.tlsConfig(); err != nil {
		return nil, cli.Usage(err)
	}
	if t.Proxy, err = o.link.proxyFunc(app); err != nil {
		return nil, cli.Usage(err)
	}
	var models []string
	if o.preflight {
		models = t.preflight(ctx, app, o.url)
	}
	switch {
	case o.model == "" && len(models) > 0:
		t.Body.Model = models[0]
		app.Verbosef("model %s, the first that the server lists", models[0])
	case o.model == "":
		t.Body.Model = fallbackModel
	case len(models) > 0 && !slices.Contains(models, o.model):
		app.Warnf("the server does not list model %q; it has %s", o.model, strings.Join(models[:min(len(models), 5)], ", "))
	}
	return t, nil
}

const (
	preflightTimeout = 3 * time.Second
	preflightBytes   = 4 << 20
)

// preflight asks the server for its models. It only warns: what is wrong shows
// in the results too, and a server need not list anything.
func (t *target) preflight(ctx context.Context, app *cli.App, base string) []string {
	address, err := t.API.Models(base)
	if err != nil || !strings.HasSuffix(address, "/models") {
		return nil // other interfaces list their models elsewhere, or nowhere
	}
	models, err := t.listModels(ctx, address)
	if err != nil && ctx.Err() == nil {
		app.Warnf("GET %s: %v; going on", address, err)
	}
	return models
}

func (t *target) listModels(ctx context.Context, address string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header = t.Header.Clone()
	req.Header.Set("Accept", "application/json")
	tr := &http.Transport{TLSClientConfig: t.TLS, Proxy: t.Proxy, DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req) // redirects are not followed
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %v", preflightTimeout)
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, preflightBytes)).Decode(&list); err != nil {
		return nil, errors.New("the answer is no list of models: is this an inference server?")
	}
	var ids []string
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	return ids, nil
}
