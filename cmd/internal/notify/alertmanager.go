package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"llmops/probes/remote"
)

// Alertmanager is where alerts are posted to.
type Alertmanager struct {
	URL    string        // of its root, with the prefix that it is served under
	Access remote.Access // credentials, certificates, proxy
	// Hold is how long an alert counts as firing after it was posted, unless it is posted
	// again: four times what lies between two runs, as Prometheus does it. 0: 5 minutes,
	// Alertmanager's own resolve_timeout.
	Hold      time.Duration
	Generator string // URL that alerts link to; "": none
	Options   Options
}

// Refused is an alert that the Alertmanager does not take.
type Refused struct {
	Alert Alert
	Why   string
}

// Posted is what came of posting alerts.
type Posted struct {
	Accepted int
	Refused  []Refused
}

// postedAlert is an alert as the API has it.
type postedAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// maxBatch is how many alerts go into one request, the number that Prometheus takes.
const maxBatch = 64

// Post hands alerts to the Alertmanager's API v2. now is when they were evaluated. An
// alert that fires ends at now+Hold, said explicitly. When the Alertmanager refuses some
// alerts of a request it still takes the others; which they are it does not say, so they
// are posted again one by one, which changes nothing for those that it has. An error is
// about the request, such as a server that does not answer, and its text holds no secret.
func (am Alertmanager) Post(ctx context.Context, now time.Time, alerts []Alert) (Posted, error) {
	base, err := remote.Base(am.URL)
	if err != nil {
		return Posted{}, err
	}
	base.RawQuery, base.Fragment = "", ""
	address := strings.TrimSuffix(strings.TrimRight(base.String(), "/"), "/api/v2/alerts") + "/api/v2/alerts"
	if am.Hold <= 0 {
		am.Hold = 5 * time.Minute
	}
	if am.Options.Client == nil {
		am.Options.Client = am.Access.Client()
		defer am.Options.Client.CloseIdleConnections()
	}
	l := am.Options.direct()
	var posted Posted
	for batch := range slices.Chunk(alerts, maxBatch) {
		err := am.post(ctx, l, address, now, batch)
		if f, ok := errors.AsType[*failure](err); ok && f.status == http.StatusBadRequest {
			if err = am.oneByOne(ctx, l, address, now, batch, f, &posted); err == nil {
				continue
			}
		}
		if err != nil {
			return posted, am.fail(ctx, base.Host, err)
		}
		posted.Accepted += len(batch)
	}
	return posted, nil
}

// oneByOne finds the alerts of a batch that are refused.
func (am Alertmanager) oneByOne(ctx context.Context, l line, address string, now time.Time, batch []Alert, why *failure, posted *Posted) error {
	for _, a := range batch {
		if len(batch) > 1 {
			err := am.post(ctx, l, address, now, []Alert{a})
			f, ok := errors.AsType[*failure](err)
			switch {
			case err == nil:
				posted.Accepted++
				continue
			case !ok || f.status != http.StatusBadRequest:
				return err
			}
			why = f
		}
		posted.Refused = append(posted.Refused, Refused{a, am.Access.Clean(why.msg)})
	}
	return nil
}

func (am Alertmanager) post(ctx context.Context, l line, address string, now time.Time, alerts []Alert) error {
	list := make([]postedAlert, len(alerts))
	for i, a := range alerts {
		list[i] = postedAlert{a.Labels, a.Annotations, a.StartsAt.UTC(), a.EndsAt.UTC(), am.Generator}
		if a.Status() == Firing {
			list[i].EndsAt = now.Add(am.Hold).UTC()
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = l.options.retry(ctx, func(ctx context.Context) error {
		req, err := am.Access.Request(ctx, http.MethodPost, address, bytes.NewReader(data))
		if err != nil {
			return &failure{msg: err.Error()}
		}
		req.Header = req.Header.Clone()
		req.Header.Set("Content-Type", "application/json")
		return l.ask(ctx, req)
	})
	return err
}

// fail makes an error of the kind that other clients of servers have.
func (am Alertmanager) fail(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("post alerts to %s: %w", host, ctx.Err())
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	kind := remote.Unreachable
	switch {
	case f.status == http.StatusUnauthorized, f.status == http.StatusForbidden:
		kind = remote.Denied
	case f.status >= 500, f.status == http.StatusTooManyRequests:
		kind = remote.Broken
	case f.status >= 400:
		kind = remote.Refused
	case f.status != 0:
		kind = remote.BadReply
	}
	return am.Access.Fail(kind, host, f.status, "%s", strings.TrimPrefix(strings.TrimPrefix(f.msg, host+": "), host+" "))
}
