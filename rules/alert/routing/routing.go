// Package routing holds who is told of which alert: receivers, the tree of
// routes, inhibition, silences and time intervals, as plain data read from a file
// in Alertmanager's configuration language with a few keys of ours
// (docs/routes.md). It sends nothing, keeps no time, and never holds or prints a
// secret: a receiver only names the environment variable or the file that does.
package routing

import (
	"fmt"
	"slices"
	"time"
)

// Config is a routes file. What routes inherit is written out in each of them.
type Config struct {
	File      string // what messages call it
	Route     *Route // the root, which every alert matches; nil only in the zero value
	Receivers []Receiver
	Inhibit   []Inhibition
	Silences  []Silence
	Intervals []Interval // time_intervals and mute_time_intervals
}

// Alertmanager's settings of the root route where the file gives none.
const (
	DefaultGroupWait      = 30 * time.Second
	DefaultGroupInterval  = 5 * time.Minute
	DefaultRepeatInterval = 4 * time.Hour
)

// Route is a node of the tree of routes.
type Route struct {
	// Key is the matchers from the root to here, as Alertmanager writes them. Routes
	// next to each other with the same matchers share it.
	Key      string
	Matchers []Matcher // all must match; none: every alert does
	Continue bool      // the routes after this one are tried too
	Routes   []*Route  // tried in order, before the route itself applies

	Receivers  []string     // told of each alert; at least one
	Escalation []Escalation // by After; each receiver once, and none of Receivers

	GroupBy        []string // label names, sorted; none: all alerts of the route are one group
	GroupByAll     bool     // each set of labels is a group of its own; GroupBy is empty then
	GroupWait      time.Duration
	GroupInterval  time.Duration // above 0
	RepeatInterval time.Duration // above 0

	MuteTimeIntervals   []string // names of Config.Intervals; not inherited
	ActiveTimeIntervals []string // the same

	Position Position
}

// Escalation is a step: who is told of an alert that has fired for After without
// an interruption.
type Escalation struct {
	After     time.Duration // above 0
	Receivers []string      // at least one
}

// Receiver is somebody, or some channel, that is told.
type Receiver struct {
	Name         string
	URL          Secret // where a URL of the notification library stands; the zero value: nowhere
	SMS          *SMS   // nil: none is sent
	SendResolved bool   // whether it is told that alerts are resolved

	// Integrations are Alertmanager's own channels of the receiver, such as
	// "slack_configs". Nothing of their settings is kept, apart from send_resolved.
	Integrations []string
	Position     Position
}

// Sends is false for a receiver without any channel, which is how Alertmanager's
// files drop alerts.
func (r Receiver) Sends() bool {
	return r.URL != Secret{} || r.SMS != nil || len(r.Integrations) > 0
}

// Secret says where a secret stands: at most one of Env and File is given.
type Secret struct {
	Env  string // the name of an environment variable
	File string // a path; a relative one is relative to the folder of the routes file
}

// String is "$NAME", the path, or "".
func (s Secret) String() string {
	if s.Env != "" {
		return "$" + s.Env
	}
	return s.File
}

// SMS is a receiver of text messages through Twilio.
type SMS struct {
	AccountSID, AuthToken Secret
	From                  string // a number such as +15550100, or
	FromEnv               string // the environment variable with it
	To                    []string
	ToEnv                 string // the environment variable with them, separated by commas
}

// Inhibition mutes an alert that matches Target while another one that matches
// Source fires and has the same values of the labels in Equal; a label that is
// absent has the value "". An alert that matches both is not muted by such alerts.
type Inhibition struct {
	Source, Target []Matcher
	Equal          []string
	Position       Position
}

// Silence mutes alerts from Start on, and no longer at End.
type Silence struct {
	Matchers   []Matcher
	Start, End time.Time
	Comment    string
	Position   Position
}

// Position is a place in a file.
type Position struct {
	Line, Column int // from 1; 0: not known
}

// Match are the routes that apply to an alert with these labels, alertname among
// them: the deepest ones that match, left to right, up to the first without
// Continue at each level.
func (c Config) Match(labels map[string]string) []*Route {
	if c.Route == nil {
		return nil
	}
	return c.Route.match(labels)
}

func (r *Route) match(labels map[string]string) []*Route {
	if !Matches(r.Matchers, labels) {
		return nil
	}
	var all []*Route
	for _, child := range r.Routes {
		matched := child.match(labels)
		all = append(all, matched...)
		if len(matched) > 0 && !child.Continue {
			break
		}
	}
	if len(all) == 0 {
		all = append(all, r)
	}
	return all
}

// Told are the names of the receivers that an alert with these labels goes to,
// each once, in the order of the routes; escalation is left out.
func (c Config) Told(labels map[string]string) []string {
	var names []string
	for _, r := range c.Match(labels) {
		for _, name := range r.Receivers {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Receiver is the one of that name.
func (c Config) Receiver(name string) (Receiver, bool) {
	i := slices.IndexFunc(c.Receivers, func(r Receiver) bool { return r.Name == name })
	if i < 0 {
		return Receiver{}, false
	}
	return c.Receivers[i], true
}

// Interval is the one of that name.
func (c Config) Interval(name string) (Interval, bool) {
	i := slices.IndexFunc(c.Intervals, func(v Interval) bool { return v.Name == name })
	if i < 0 {
		return Interval{}, false
	}
	return c.Intervals[i], true
}

// Walk visits the routes, each before those below it.
func (c Config) Walk(visit func(*Route)) {
	var walk func(*Route)
	walk = func(r *Route) {
		visit(r)
		for _, child := range r.Routes {
			walk(child)
		}
	}
	if c.Route != nil {
		walk(c.Route)
	}
}

// MutedBy names the time interval for which nobody is told of alerts of the route
// at t: one of its mute intervals, or, outside of all its active intervals, the
// first of these. It is "" where the route is not muted.
func (c Config) MutedBy(r *Route, t time.Time) string {
	contains := func(name string) bool {
		v, ok := c.Interval(name)
		return ok && v.Contains(t)
	}
	if i := slices.IndexFunc(r.MuteTimeIntervals, contains); i >= 0 {
		return r.MuteTimeIntervals[i]
	}
	if len(r.ActiveTimeIntervals) > 0 && !slices.ContainsFunc(r.ActiveTimeIntervals, contains) {
		return r.ActiveTimeIntervals[0]
	}
	return ""
}

// Problem is one thing that is wrong with a routes file. Neither message holds a
// value that might be a secret.
type Problem struct {
	File      string
	Position  Position
	Msg, Hint string
}

// String is "file:line:column: message", with the parts that are known.
func (p Problem) String() string {
	if p.Position.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Msg)
	}
	if p.Position.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Position.Line, p.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Position.Line, p.Position.Column, p.Msg)
}

// ReadError is everything that is wrong with a routes file, from top to bottom.
type ReadError struct {
	Problems []Problem // at least one
}

// Error is the first problem, and how many there are.
func (e *ReadError) Error() string {
	if n := len(e.Problems); n > 1 {
		return fmt.Sprintf("%s (and %d more)", e.Problems[0], n-1)
	}
	return e.Problems[0].String()
}
