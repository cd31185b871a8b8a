package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/opsgenie"
)

// event is one of PagerDuty's Events API v2. The URL is the library's, but the event is
// made here: the library's has the details where PagerDuty does not look for them, and
// it takes keys of hexadecimal digits only, which newer ones are not.
type event struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"` // trigger or resolve
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client,omitempty"`
	ClientURL  string        `json:"client_url,omitempty"`
	Payload    *eventPayload `json:"payload,omitempty"` // of a trigger
}

type eventPayload struct {
	Summary  string            `json:"summary"` // at most 1024 characters
	Source   string            `json:"source"`
	Severity string            `json:"severity"` // critical, error, warning or info
	Group    string            `json:"group,omitempty"`
	Details  map[string]string `json:"custom_details,omitempty"`
}

// openPagerDuty opens and closes incidents. All messages of a group are about the same
// incident, and the one that tells that all is resolved closes it.
func (ch *Channel) openPagerDuty(u *url.URL) error {
	host, key := u.Host, strings.Trim(u.Path, "/")
	if key == "" { // pagerduty://KEY
		host, key = "", u.Host
	}
	if len(key) != 32 || strings.Trim(key, alphanumeric) != "" {
		return errors.New("want pagerduty:///KEY, with an integration key of 32 letters and digits")
	}
	set := map[string]string{"source": "llmops", "client": "llmops", "client_url": "", "severity": ""}
	for name, values := range u.Query() {
		if _, ok := set[name]; !ok {
			return fmt.Errorf("pagerduty has no setting %s; there are %s", name, strings.Join(slices.Sorted(maps.Keys(set)), ", "))
		}
		set[name] = values[0]
	}
	address := "https://" + cmp.Or(host, "events.pagerduty.com") + "/v2/enqueue"
	ch.begin = func(m Message) func(context.Context, line) error {
		e := event{RoutingKey: key, Action: "resolve", DedupKey: m.incident(), Client: set["client"], ClientURL: set["client_url"]}
		if m.Status() == Firing {
			e.Action = "trigger"
			e.Payload = &eventPayload{
				Summary: cut(m.Title(), 1024), Source: set["source"], Severity: pagerDutySeverity(cmp.Or(set["severity"], m.Severity())), Group: pairs(m.GroupLabels),
				Details: map[string]string{"alerts": m.Body(64 << 10)},
			}
		}
		return func(ctx context.Context, l line) error { return l.postJSON(ctx, address, nil, e) }
	}
	return nil
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// pagerDutySeverity maps ours to the four that it knows.
func pagerDutySeverity(s string) string {
	switch s = strings.ToLower(s); s {
	case "critical", "error", "warning", "info":
		return s
	case "page":
		return "critical"
	case "none":
		return "info"
	}
	return "error"
}

// opsgenieAlerts are those that a service of the library opened; it cannot close them.
type opsgenieAlerts struct{ base, key string }

// opsgenieOf is nil for other services.
func opsgenieOf(kind string, u *url.URL) *opsgenieAlerts {
	if kind != "opsgenie" {
		return nil
	}
	s := &opsgenie.Service{}
	if s.Initialize(u, nil) != nil {
		return nil
	}
	return &opsgenieAlerts{"https://" + net.JoinHostPort(s.Config.Host, strconv.Itoa(int(s.Config.Port))) + "/v2/alerts/", s.Config.APIKey}
}

func (o *opsgenieAlerts) close(ctx context.Context, l line, m Message) error {
	err := l.postJSON(ctx, o.base+url.PathEscape(m.incident())+"/close?identifierType=alias", http.Header{"Authorization": {"GenieKey " + o.key}},
		map[string]string{"source": "llmops", "note": m.Body(20000)})
	if f, ok := errors.AsType[*failure](err); ok && f.status == http.StatusNotFound {
		return nil // somebody has closed and deleted it
	}
	return err
}

// postJSON posts a value and asks for nothing but success.
func (l line) postJSON(ctx context.Context, address string, header http.Header, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return &failure{msg: err.Error()}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	return l.ask(ctx, req)
}
