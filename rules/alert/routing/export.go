package routing

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// SecretsFolder is where a file written by Alertmanager has its secrets looked up.
const SecretsFolder = "/etc/alertmanager/secrets"

// Alertmanager writes the configuration as Alertmanager reads it, the same bytes
// for the same configuration. warnings say what that cannot express, and what is
// to be filled in: no secret and no setting of a *_configs is known here.
func (c Config) Alertmanager(w io.Writer) (warnings []string, err error) {
	if c.Route == nil {
		return nil, errors.New("write routes: the configuration has no route")
	}
	e := exporter{config: c}
	file := amFile{Route: e.route(c.Route, nil)}
	for _, r := range c.Receivers {
		file.Receivers = append(file.Receivers, e.receiver(r.Name, r))
	}
	file.Receivers = append(file.Receivers, e.combined...)
	for _, v := range c.Inhibit {
		file.InhibitRules = append(file.InhibitRules, amInhibition{matcherTexts(v.Source), matcherTexts(v.Target), v.Equal})
	}
	for _, v := range c.Intervals {
		file.TimeIntervals = append(file.TimeIntervals, exportInterval(v))
	}
	for _, s := range c.Silences {
		args := make([]string, len(s.Matchers))
		for i, m := range s.Matchers {
			args[i] = shellQuote(m.String())
		}
		e.warn(s.Position, "a silence is no part of Alertmanager's configuration; add it with: amtool silence add --start=%s --end=%s --comment=%s %s",
			s.Start.UTC().Format(time.RFC3339), s.End.UTC().Format(time.RFC3339), shellQuote(s.Comment), strings.Join(args, " "))
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(file), enc.Close()); err != nil {
		return nil, fmt.Errorf("write routes: %w", err)
	}
	return e.warnings, nil
}

type amFile struct {
	Route         *amRoute       `yaml:"route"`
	InhibitRules  []amInhibition `yaml:"inhibit_rules,omitempty"`
	Receivers     []amReceiver   `yaml:"receivers"`
	TimeIntervals []amInterval   `yaml:"time_intervals,omitempty"`
}

type amRoute struct {
	Receiver            string     `yaml:"receiver,omitempty"`
	Matchers            []string   `yaml:"matchers,omitempty"`
	GroupBy             []string   `yaml:"group_by,flow,omitempty"`
	GroupWait           string     `yaml:"group_wait,omitempty"`
	GroupInterval       string     `yaml:"group_interval,omitempty"`
	RepeatInterval      string     `yaml:"repeat_interval,omitempty"`
	MuteTimeIntervals   []string   `yaml:"mute_time_intervals,flow,omitempty"`
	ActiveTimeIntervals []string   `yaml:"active_time_intervals,flow,omitempty"`
	Continue            bool       `yaml:"continue,omitempty"`
	Routes              []*amRoute `yaml:"routes,omitempty"`
}

type amInhibition struct {
	Source []string `yaml:"source_matchers,omitempty"`
	Target []string `yaml:"target_matchers,omitempty"`
	Equal  []string `yaml:"equal,flow,omitempty"`
}

type amReceiver struct {
	Name    string                      `yaml:"name"`
	Configs map[string][]map[string]any `yaml:",inline"`
}

type exporter struct {
	config   Config
	combined []amReceiver // of routes with several receivers
	warnings []string
}

func (e *exporter) warn(at Position, format string, args ...any) {
	e.warnings = append(e.warnings, Problem{File: e.config.File, Position: at, Msg: fmt.Sprintf(format, args...)}.String())
}

// route writes what differs from the parent, which Alertmanager inherits.
func (e *exporter) route(r, parent *Route) *amRoute {
	base := Route{GroupWait: DefaultGroupWait, GroupInterval: DefaultGroupInterval, RepeatInterval: DefaultRepeatInterval}
	if parent != nil {
		base = *parent
	}
	out := &amRoute{
		Matchers: matcherTexts(r.Matchers), Continue: r.Continue,
		MuteTimeIntervals: r.MuteTimeIntervals, ActiveTimeIntervals: r.ActiveTimeIntervals,
		GroupWait: differing(r.GroupWait, base.GroupWait), GroupInterval: differing(r.GroupInterval, base.GroupInterval),
		RepeatInterval: differing(r.RepeatInterval, base.RepeatInterval),
	}
	if parent == nil || !slices.Equal(r.Receivers, base.Receivers) {
		out.Receiver = e.oneOf(r.Receivers)
	}
	if !slices.Equal(r.GroupBy, base.GroupBy) || r.GroupByAll != base.GroupByAll {
		switch {
		case r.GroupByAll:
			out.GroupBy = []string{"..."}
		case len(r.GroupBy) > 0:
			out.GroupBy = r.GroupBy
		default:
			e.warn(r.Position, "older versions of Alertmanager cannot take back an inherited group_by; the route groups by a label that no alert has")
			out.GroupBy = []string{"no_such_label"}
		}
	}
	for _, step := range r.Escalation {
		e.warn(r.Position, "Alertmanager does not escalate: after %s %s would not be told", model.Duration(step.After), strings.Join(step.Receivers, ", "))
	}
	for _, child := range r.Routes {
		out.Routes = append(out.Routes, e.route(child, r))
	}
	return out
}

func differing(d, base time.Duration) string {
	if d == base {
		return ""
	}
	return model.Duration(d).String()
}

// oneOf is a receiver that stands for all of names.
func (e *exporter) oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	name := strings.Join(names, "+")
	for _, taken := e.config.Receiver(name); taken; _, taken = e.config.Receiver(name) {
		name = "all " + name
	}
	if !slices.ContainsFunc(e.combined, func(r amReceiver) bool { return r.Name == name }) {
		all := amReceiver{Name: name, Configs: map[string][]map[string]any{}}
		for _, member := range names {
			r, _ := e.config.Receiver(member)
			for key, settings := range channels(r) {
				all.Configs[key] = append(all.Configs[key], settings...)
			}
		}
		e.combined = append(e.combined, all)
	}
	return name
}

func (e *exporter) receiver(name string, r Receiver) amReceiver {
	out := amReceiver{Name: name, Configs: channels(r)}
	for _, kind := range r.Integrations {
		e.warn(r.Position, "the %s of receiver %s are left out, because they may hold secrets: copy them", kind, name)
	}
	if r.SMS != nil {
		e.warn(r.Position, "receiver %s sends text messages, which Alertmanager does not: it needs a webhook that does", name)
	}
	switch kind := kindOf(r); {
	case r.URL == Secret{}:
	case kind.config == "":
		e.warn(r.Position, "receiver %s takes its channel from %s, which Alertmanager does not read: add its *_configs", name, r.URL)
	default:
		e.warn(r.Position, "receiver %s takes its channel from %s, which Alertmanager does not read: put %s into %s",
			name, r.URL, kind.content, secretFile(r))
	}
	return out
}

// kind is a channel that Alertmanager reads the secret of from a file.
type kind struct{ word, config, key, content string }

// kindOf goes by the words in the names of the receiver and of its secret: the
// secret itself, which would tell, is not read here. Without such a word it is
// the zero value.
func kindOf(r Receiver) kind {
	kinds := []kind{
		{"slack", "slack_configs", "api_url_file", "the URL of its incoming webhook"},
		{"pagerduty", "pagerduty_configs", "routing_key_file", "its integration key"},
		{"opsgenie", "opsgenie_configs", "api_key_file", "its API key"},
	}
	words := strings.FieldsFunc(strings.ToLower(r.Name+" "+r.URL.Env+" "+path.Base(r.URL.File)), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
	for _, k := range kinds {
		if slices.Contains(words, k.word) {
			return k
		}
	}
	return kind{}
}

func secretFile(r Receiver) string { return path.Join(SecretsFolder, path.Base("/"+r.Name)) }

func channels(r Receiver) map[string][]map[string]any {
	k := kindOf(r)
	if r.URL == (Secret{}) || k.config == "" {
		return nil
	}
	settings := map[string]any{k.key: secretFile(r)}
	if integrations()[k.config] != r.SendResolved {
		settings["send_resolved"] = r.SendResolved
	}
	return map[string][]map[string]any{k.config: {settings}}
}

func matcherTexts(ms []Matcher) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.String()
	}
	return out
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
