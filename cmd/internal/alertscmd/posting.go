package alertscmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/notify"
	"llmops/cmd/internal/render"
	"llmops/probes/remote"
)

// resend is how long after its end an alert is posted as resolved, as Prometheus does.
const resend = 15 * time.Minute

func (s *sender) post(ctx context.Context, app *cli.App, r *report) (*posted, error) {
	var list []notify.Alert
	for _, a := range r.alerts {
		if a.To == 0 || r.result.End-a.To <= resend.Milliseconds() {
			list = append(list, r.message(a.ID))
		}
	}
	am := notify.Alertmanager{URL: s.o.alertmanager, Access: s.server, Hold: s.o.hold, Options: s.options(app, s.server)}
	p, err := am.Post(ctx, app.Now(), list)
	doc := &posted{Accepted: p.Accepted}
	for _, x := range p.Refused {
		doc.Refused = append(doc.Refused, x.Alert.Labels["alertname"]+": "+x.Why)
	}
	if err != nil {
		doc.Error = err.Error()
		return doc, s.refusal(fmt.Errorf("--alertmanager: %w", err))
	}
	if len(p.Refused) > 0 {
		return doc, fmt.Errorf("--alertmanager: %d of %d alerts were refused: %s", len(p.Refused), len(list), render.List(doc.Refused, 3))
	}
	return doc, nil
}

// refusal says what to do about an Alertmanager that does not take alerts.
func (s *sender) refusal(err error) error {
	hint := "is it the address of an Alertmanager, with the prefix that it is served under, and is it up?"
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Kind == remote.Denied {
		hint = "put a token into $LLMOPS_ALERTMANAGER_TOKEN or --alertmanager-token-file, or name --alertmanager-user and put the password into $LLMOPS_ALERTMANAGER_PASSWORD or --alertmanager-password-file"
	}
	return cli.WithHint(err, "%s", hint)
}
