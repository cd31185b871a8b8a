package loadtestcmd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/api"
)

// target is where the requests go, and its URL as it may be shown.
type target struct {
	load.Target
	shown string
	query string // as it may be shown
	// models is what the server says of each of its models; nil: nothing.
	models map[string]model
}

// model is what a list of models may say beside the name.
type model struct {
	owner  string // "vllm", say; "": not said
	maxLen int    // tokens of prompt and output together; 0: not said
}

// secretParts adds to secrets the words of those with several: a server that
// repeats a token leaves out the scheme before it ("Bearer").
func secretParts(secrets []string) []string {
	const least = 6 // a shorter word would be found in innocent text
	var all []string
	for _, s := range secrets {
		all = append(all, s)
		for word := range strings.FieldsSeq(s) {
			if len(word) >= least && word != s {
				all = append(all, word)
			}
		}
		if scheme, encoded, ok := strings.Cut(s, " "); ok && strings.EqualFold(scheme, "basic") {
			if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				_, password, _ := strings.Cut(string(plain), ":")
				all = append(all, string(plain), password)
			}
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < 3 })
}

// fallbackModel is asked for when neither the user nor the server names one;
// servers with a single model take any name.
const fallbackModel = "default"

// targets are those of all URLs. The same URL twice would have no figures of its own.
func (o *options) targets(ctx context.Context, app *cli.App) (all []*target, err error) {
	for _, address := range o.urls {
		t, err := o.target(ctx, app, address)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other *target) bool { return other.shown == t.shown }) {
			return nil, cli.Usagef("the URL %s is given twice", t.shown)
		}
		all = append(all, t)
	}
	o.shareModel(all)
	return all, nil
}

// shareModel asks targets that did not list their models, as one does that is being
// restarted, for that of the first that did.
func (o *options) shareModel(all []*target) {
	i := slices.IndexFunc(all, func(t *target) bool { return len(t.models) > 0 })
	if o.model != "" || i < 0 {
		return
	}
	for _, t := range all {
		if len(t.models) == 0 {
			t.Body.Model = all[i].Body.Model
		}
	}
}

// inShort is what a report says of the targets as a whole.
func inShort(targets []*target, api string) loadreport.Target {
	var urls, models []string
	for _, t := range targets {
		urls = append(urls, t.shown)
		if !slices.Contains(models, t.Body.Model) {
			models = append(models, t.Body.Model)
		}
	}
	return loadreport.Target{URL: strings.Join(urls, ", "), API: api, Model: strings.Join(models, ", ")}
}

// quoted lists arguments for a message.
func quoted(args []string) string {
	var list []string
	for _, a := range args {
		list = append(list, strconv.Quote(a))
	}
	return "the URL " + strings.Join(list, ", ")
}

func (o *options) target(ctx context.Context, app *cli.App, base string) (*target, error) {
	kind, ok := api.Lookup(o.api)
	if !ok {
		return nil, cli.Usagef("unknown interface %q", o.api)
	}
	address, err := kind.Path(base, !o.noStream)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(err), "an example is http://127.0.0.1:8000/v1")
	}
	shown, err := url.Parse(base)
	if err != nil {
		return nil, cli.Usagef("the URL cannot be read")
	}
	if shown.User != nil {
		return nil, cli.WithHint(cli.Usagef("the URL holds a user name"), "put credentials into the environment: --api-key-env, or --header 'Authorization: env:VARIABLE'")
	}
	key, err := o.link.key.Read(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	header := kind.Header(key, !o.noStream)
	extra, secrets, err := o.link.headers.Read(app)
	if err != nil {
		return nil, cli.Usage(err)
	}
	for name, values := range extra {
		header[name] = values
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", access.UserAgent(app))
	}
	host := header.Get("Host")
	header.Del("Host")
	// A query may hold a key (?key=…): its values are used, not shown.
	query := shown.Query()
	for name, values := range query {
		secrets = append(secrets, values...)
		query[name] = []string{"redacted"}
	}
	shown.RawQuery = query.Encode()
	t := &target{shown: shown.String(), query: shown.RawQuery}
	t.Target = load.Target{
		URL: address, Label: t.shown, API: kind, Header: header, Host: host, Secrets: secretParts(append(secrets, key)),
		Body: api.Options{Model: o.model, Stream: !o.noStream && kind.Streams(), IgnoreEOS: o.ignoreEOS},
	}
	if t.TLS, err = o.link.transport.TLS(); err != nil {
		return nil, cli.Usage(err)
	}
	if t.Proxy, err = o.link.transport.Proxy(app); err != nil {
		return nil, cli.Usage(err)
	}
	var models []string
	if o.preflight {
		models = t.preflight(ctx, app, base)
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
	if err != nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasSuffix(u.Path, "/models") {
		return nil // other interfaces list their models elsewhere, or nowhere
	}
	models, err := t.listModels(ctx, address)
	if err != nil && ctx.Err() == nil {
		u.RawQuery = t.query
		app.Warnf("GET %s: %v; going on", u, err)
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
	req.Header, req.Host = t.Header.Clone(), t.Host
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
			ID    string `json:"id"`
			Owner any    `json:"owned_by"`
			Len   any    `json:"max_model_len"` // vLLM, SGLang
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, preflightBytes)).Decode(&list); err != nil {
		return nil, errors.New("the answer is no list of models: is this an inference server?")
	}
	var ids []string
	t.models = map[string]model{}
	for _, m := range list.Data {
		ids = append(ids, m.ID)
		owner, _ := m.Owner.(string)
		length, _ := m.Len.(float64)
		t.models[m.ID] = model{owner: owner, maxLen: int(min(max(length, 0), math.MaxInt32))}
	}
	return ids, nil
}
