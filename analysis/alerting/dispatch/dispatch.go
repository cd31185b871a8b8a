// Package dispatch works out who is told of which alerts when: grouping, waits,
// repeats, inhibition, silences, muted times and escalation, by the rules of
// Alertmanager, over alerts whose times are known. It is pure: it sends nothing,
// and the only time it knows is that of the alerts.
package dispatch

import (
	"github.com/prometheus/common/model"
)

// Alert is one time that an alert fired.
type Alert struct {
	ID          int               // unique among the alerts of a call
	Labels      map[string]string // alertname among them; alerts with the same labels must not overlap
	Annotations map[string]string // not looked at
	From        int64             // when it began to fire, Unix ms
	To          int64             // when it was resolved, Unix ms; 0: it still fires
}

// Reason says why somebody is told.
type Reason string

// The reasons.
const (
	New        Reason = "new"        // the group is new to the receiver, or fires again
	Changed    Reason = "changed"    // alerts were added to the group, or some were resolved
	Repeat     Reason = "repeat"     // nothing changed for the repeat interval
	Resolved   Reason = "resolved"   // all of them are resolved
	Escalation Reason = "escalation" // an alert has fired for as long as a step allows
)

// Notification is one message to one receiver about one group of alerts.
type Notification struct {
	At          int64 // Unix ms
	Receiver    string
	GroupKey    string            // the key of the route and the labels of the group, as Alertmanager has it
	GroupLabels map[string]string // never nil
	Firing      []int             // IDs of alerts, by From; of an escalation those that it is about
	Resolved    []int             // IDs of alerts that fire no longer, by From; none where the receiver is not told so
	Reason      Reason
	After       int64 // the step of the escalation through which the receiver is told, in ms; 0: it always is

	// Sent is what a history keeps of it.
	Sent Sent
}

// Why says what keeps alerts quiet.
type Why string

// What keeps alerts quiet.
const (
	Inhibited Why = "inhibited" // another alert fires that explains it
	Silenced  Why = "silenced"
	Muted     Why = "muted" // a time interval of the route
)

// Suppression is a time within which an alert fired and nobody was told so. Those
// of one alert and one reason do not overlap.
type Suppression struct {
	ID       int   // of the alert
	From, To int64 // Unix ms; To is 0 where it outlasts the simulation
	Why      Why
	By       string // the alert that explains it, the comment or matchers of the silence, or the time interval
	Route    string // the key of the muted route; "" for the other reasons
}

// Plan is who was told when.
type Plan struct {
	Notifications []Notification   // by At, then by route, group and receiver
	Receivers     map[int][]string // of each alert, who was told that it fires, first told first
	Suppressed    []Suppression    // by ID, then From
}

// Fingerprint identifies an alert by its labels, 16 hexadecimal digits, the same
// as in Alertmanager.
func Fingerprint(labels map[string]string) string {
	return labelSet(labels).Fingerprint().String()
}

func labelSet(labels map[string]string) model.LabelSet {
	set := make(model.LabelSet, len(labels))
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}
