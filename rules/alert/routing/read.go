package routing

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxFileSize bounds a routes file, in bytes.
const MaxFileSize = 4 << 20

// Read reads a routes file, or a configuration file of Alertmanager. What is
// wrong with it is a *ReadError; other errors are those of r. name is what
// messages call the file.
func Read(name string, r io.Reader) (Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return Config{}, fmt.Errorf("read %s: %w", name, err)
	}
	rd := &reader{file: name}
	c := rd.config(data)
	if len(rd.problems) > 0 {
		slices.SortStableFunc(rd.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Position.Line, b.Position.Line), cmp.Compare(a.Position.Column, b.Position.Column))
		})
		rd.problems = slices.CompactFunc(rd.problems, func(a, b Problem) bool { return a == b }) // an alias is read where it is used
		return Config{}, &ReadError{rd.problems}
	}
	return c, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > MaxFileSize {
		r.failAt(Position{}, "is it a routes file?", "the file is larger than %d bytes", MaxFileSize)
		return nil
	}
	var doc, next yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF), err == nil && (len(doc.Content) == 0 || null(doc.Content[0])):
		r.failAt(Position{1, 1}, "it needs at least 'route' with a receiver, and 'receivers'", "the file is empty")
		return nil
	case err != nil:
		msg, at := strings.TrimPrefix(err.Error(), "yaml: "), Position{}
		if m := yamlLine.FindStringSubmatch(msg); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			msg = m[2]
		}
		r.failAt(at, "check indentation, quotes and colons near that line", "not valid YAML: %s", msg)
		return nil
	}
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		r.failAt(Position{next.Line, next.Column}, "put everything into one document: remove the line '---'", "a second document in the file")
		return nil
	}
	if _, ok := expanded(doc.Content[0], map[*yaml.Node]int{}); !ok {
		r.fail(doc.Content[0], "write out what the aliases stand for", "the aliases of the file are too many, or go round in a circle")
		return nil
	}
	return doc.Content[0]
}

func (r *reader) config(data []byte) Config {
	c := Config{File: r.file}
	root := r.document(data)
	if root == nil {
		return c
	}
	var route *yaml.Node
	names := map[string]bool{}
	interval := func(n *yaml.Node) {
		for _, item := range r.list(n, "time_intervals") {
			v := r.interval(item)
			if names[v.Name] {
				r.failAt(v.Position, "give each its own name", "two time intervals are named %s", quote(v.Name))
			}
			names[v.Name] = true
			c.Intervals = append(c.Intervals, v)
		}
	}
	r.fields(root, "the file", map[string]func(*yaml.Node){
		// Settings of Alertmanager that tell nobody's name and no time.
		"global": nil, "templates": nil, "tracing": nil, "event_recorder": nil,

		"route":               func(n *yaml.Node) { route = n },
		"receivers":           func(n *yaml.Node) { c.Receivers = r.receivers(n) },
		"time_intervals":      interval,
		"mute_time_intervals": interval,
		"inhibit_rules": func(n *yaml.Node) {
			for _, item := range r.list(n, "inhibit_rules") {
				c.Inhibit = append(c.Inhibit, r.inhibition(item))
			}
		},
		"silences": func(n *yaml.Node) {
			for _, item := range r.list(n, "silences") {
				c.Silences = append(c.Silences, r.silence(item))
			}
		},
	})
	if route == nil {
		r.fail(root, "add 'route:' with a receiver for what no other route takes", "the file has no route")
		return c
	}
	c.Route = r.route(route, nil)
	r.references(c)
	return c
}

// references finds names of receivers and intervals that the file does not have.
func (r *reader) references(c Config) {
	receivers, intervals := make([]string, len(c.Receivers)), make([]string, len(c.Intervals))
	for i, v := range c.Receivers {
		receivers[i] = v.Name
	}
	for i, v := range c.Intervals {
		intervals[i] = v.Name
	}
	check := func(at Position, what string, known, used []string) {
		for _, name := range used {
			if !slices.Contains(known, name) {
				r.failAt(at, nearest(name, what, known), "the route uses %s %s, which the file does not have", what, quote(name))
			}
		}
	}
	c.Walk(func(v *Route) {
		check(v.Position, "the receiver", receivers, v.Receivers)
		for _, step := range v.Escalation {
			check(v.Position, "the receiver", receivers, step.Receivers)
		}
		check(v.Position, "the time interval", intervals, v.MuteTimeIntervals)
		check(v.Position, "the time interval", intervals, v.ActiveTimeIntervals)
	})
}

func (r *reader) inhibition(n *yaml.Node) Inhibition {
	v := Inhibition{Position: Position{n.Line, n.Column}}
	source, target := r.matcherKeys(&v.Source, "source_"), r.matcherKeys(&v.Target, "target_")
	readers := map[string]func(*yaml.Node){
		"name": nil,
		"equal": func(n *yaml.Node) {
			v.Equal = r.texts(n, "equal")
			for _, label := range v.Equal {
				r.label(n, label)
			}
		},
	}
	for _, keys := range []map[string]func(*yaml.Node){source, target} {
		for key, read := range keys {
			readers[key] = read
		}
	}
	r.fields(n, "the inhibition rule", readers)
	return v
}

func (r *reader) silence(n *yaml.Node) Silence {
	v := Silence{Position: Position{n.Line, n.Column}}
	at := map[string]time.Time{}
	when := func(key string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			s, _ := r.text(n, key)
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				r.fail(n, "want a time such as 2026-03-01T08:00:00Z", "%s is no time", key)
				return
			}
			at[key] = t
		}
	}
	before := len(r.problems)
	r.fields(n, "the silence", map[string]func(*yaml.Node){
		"matchers":   r.matcherKeys(&v.Matchers, "")["matchers"],
		"starts_at":  when("starts_at"),
		"ends_at":    when("ends_at"),
		"comment":    func(n *yaml.Node) { v.Comment, _ = r.text(n, "comment") },
		"created_by": nil,
	})
	v.Start, v.End = at["starts_at"], at["ends_at"]
	switch {
	case len(r.problems) > before:
	case v.Start.IsZero() || v.End.IsZero():
		r.fail(n, "give both, such as starts_at: 2026-03-01T08:00:00Z", "the silence has no starts_at, or no ends_at")
	case !v.Start.Before(v.End):
		r.fail(n, "ends_at must be after starts_at", "the silence ends before it starts")
	case !slices.ContainsFunc(v.Matchers, func(m Matcher) bool { return !m.Matches("") }):
		r.fail(n, "name a label and its value, such as alertname=\"HighLatency\"", "the silence would keep every alert quiet")
	}
	return v
}
