package alertscmd

import (
	"time"

	"llmops/analysis/alerting/dispatch"
)

// Schema names the JSON form.
const Schema = "llmops.alerts/v1"

// The JSON form. What is not known is absent; resolved_at is null while an alert fires.
type document struct {
	Schema        string          `json:"schema"`
	Input         inputDoc        `json:"input"`
	Alerts        []alertDoc      `json:"alerts"`
	Notifications []noticeDoc     `json:"notifications"`
	Suppressed    []suppressedDoc `json:"suppressed,omitempty"`
	Rules         []ruleDoc       `json:"rules"`
	Noise         noiseDoc        `json:"noise"`
	Changes       *changes        `json:"changes,omitempty"`
	Sent          *sent           `json:"sent,omitempty"`
	Verdict       string          `json:"verdict"`
}

type inputDoc struct {
	Server      string   `json:"server,omitempty"`
	Files       []string `json:"files,omitempty"` // of a server, what it was asked
	Format      string   `json:"format,omitempty"`
	Series      int      `json:"series"`
	Points      int64    `json:"points"`
	Start       moment   `json:"start"`
	End         moment   `json:"end"`
	Rules       int      `json:"rules"`
	Evaluations int64    `json:"evaluations"`
}

type alertDoc struct {
	Name        string            `json:"alertname"`
	Severity    string            `json:"severity,omitempty"`
	Group       string            `json:"group"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	ActiveAt    moment            `json:"active_at"`
	FiredAt     *moment           `json:"fired_at"`
	ResolvedAt  *moment           `json:"resolved_at"`
	State       string            `json:"state"`
	Value       *float64          `json:"value,omitempty"`
	Receivers   []string          `json:"receivers"`
}

// ref names an alert of the list by what it is.
type ref struct {
	Name   string            `json:"alertname"`
	Labels map[string]string `json:"labels"`
}

type noticeDoc struct {
	At       moment            `json:"at"`
	Receiver string            `json:"receiver"`
	Reason   string            `json:"reason"`
	AfterS   float64           `json:"after_s,omitempty"` // of an escalation
	Group    map[string]string `json:"group_labels"`
	Firing   []ref             `json:"firing"`
	Resolved []ref             `json:"resolved"`
}

type suppressedDoc struct {
	ref
	From moment `json:"from"`
	To   moment `json:"to"`
	Why  string `json:"why"` // inhibited, silenced, muted
	By   string `json:"by,omitempty"`
}

type ruleDoc struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // alert, record
	Group       string   `json:"group"`
	At          string   `json:"at,omitempty"` // file:line:column
	Severity    string   `json:"severity,omitempty"`
	Evaluations int64    `json:"evaluations"`
	Fired       int      `json:"fired"`
	Pending     int      `json:"pending"`
	FiringS     float64  `json:"firing_s"`
	Series      int      `json:"series"`
	Failures    int64    `json:"failures,omitempty"`
	Error       string   `json:"error,omitempty"` // the first
	Missing     []string `json:"missing,omitempty"`
}

// moment is a time in ms since the epoch, RFC 3339 in UTC in JSON.
type moment int64

// MarshalText writes as few digits of the second as it takes.
func (m moment) MarshalText() ([]byte, error) {
	return []byte(time.UnixMilli(int64(m)).UTC().Format(time.RFC3339Nano)), nil
}

// momentIf is a time that there is; zero is one, too.
func momentIf(there bool, ms int64) *moment {
	if !there {
		return nil
	}
	return new(moment(ms))
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }

func (r *report) document() document {
	s := r.in.Summary
	d := document{
		Schema: Schema,
		Input: inputDoc{
			Server: r.in.Server, Files: s.Files, Format: s.Format, Series: s.Series, Points: s.Points, Start: moment(r.result.Start), End: moment(r.result.End),
			Rules: len(r.result.Rules), Evaluations: r.result.Evaluations,
		},
		Alerts: []alertDoc{}, Notifications: []noticeDoc{}, Rules: []ruleDoc{}, Noise: r.noiseDoc(),
		Changes: r.Changes, Sent: r.Sent, Verdict: r.verdict(),
	}
	for i, a := range r.result.Alerts {
		d.Alerts = append(d.Alerts, alertDoc{
			Name: a.Name, Severity: a.Severity, Group: a.Group, Labels: some(a.Labels), Annotations: some(a.Annotations),
			ActiveAt: moment(a.ActiveAt), FiredAt: momentIf(fired(a), a.FiredAt), ResolvedAt: momentIf(resolved(a), a.ResolvedAt),
			State: string(a.State), Value: a.Value, Receivers: r.told(i),
		})
	}
	for _, n := range r.plan.Notifications {
		d.Notifications = append(d.Notifications, r.notice(n))
	}
	for _, x := range r.plan.Suppressed {
		d.Suppressed = append(d.Suppressed, suppressedDoc{ref: r.ref(x.ID), From: moment(x.From), To: moment(x.To), Why: string(x.Why), By: x.By})
	}
	for _, o := range r.result.Rules {
		doc := ruleDoc{
			Name: o.Rule.Name(), Kind: "alert", Group: o.Group, At: o.Rule.Position.String(), Severity: o.Labels["severity"],
			Evaluations: o.Evaluations, Fired: o.Fired, Pending: o.Pending, FiringS: seconds(o.Firing), Series: o.Series,
			Failures: o.Failures, Missing: o.Missing,
		}
		if o.Rule.Record != "" {
			doc.Kind = "record"
		}
		if o.FirstError != nil {
			doc.Error = o.FirstError.Message
		}
		d.Rules = append(d.Rules, doc)
	}
	return d
}

func (r *report) notice(n dispatch.Notification) noticeDoc {
	doc := noticeDoc{
		At: moment(n.At), Receiver: n.Receiver, Reason: string(n.Reason), AfterS: seconds(n.After), Group: some(n.GroupLabels),
		Firing: []ref{}, Resolved: []ref{},
	}
	for _, id := range n.Firing {
		doc.Firing = append(doc.Firing, r.ref(id))
	}
	for _, id := range n.Resolved {
		doc.Resolved = append(doc.Resolved, r.ref(id))
	}
	return doc
}

func (r *report) ref(id int) ref {
	a := r.result.Alerts[id]
	return ref{a.Name, some(a.Labels)}
}

// some is never null in JSON.
func some(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
