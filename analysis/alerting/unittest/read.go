package unittest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"llmops/rules/alert"
)

// maxSize bounds a unit-test file.
const maxSize = 16 << 20

// Options say how a file is read.
type Options struct {
	IgnoreUnknownFields bool
}

// Read reads a unit-test file. The error is an *alert.ReadError with all that is
// wrong, unless r fails.
func Read(name string, r io.Reader, o Options) (File, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	f := File{Name: name, Interval: time.Minute}
	w := &reader{walker: walker{file: name, lenient: o.IgnoreUnknownFields}, promql: parser.NewParser(parser.Options{})}
	start := &yaml.Node{Line: 1, Column: 1}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	switch err := decoder.Decode(&document); {
	case len(content) > maxSize:
		w.failf(start, "split it into several files", "the file is larger than 16 MiB")
	case errors.Is(err, io.EOF): // nothing in it
	case err != nil:
		why := strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(why); m != nil {
			start.Line, _ = strconv.Atoi(m[1]) // digits
			why = m[2]
		}
		w.failf(start, "check indentation, quotes and colons near that line", "this is no YAML: %s", why)
	case len(document.Content) > 0:
		w.most = count(&document) + mostAliased
		w.file(&f, document.Content[0])
		if next := after(decoder); next != nil {
			w.failf(next, "one document a file", "a second YAML document, which promtool passes over")
		}
	}
	if len(w.problems) > 0 {
		return File{}, &alert.ReadError{Problems: sorted(w.problems)}
	}
	f.Notes = sorted(w.notes)
	return f, nil
}

// after is where a further document begins with something in it; nil where there is none.
func after(decoder *yaml.Decoder) *yaml.Node {
	for {
		var next yaml.Node
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &yaml.Node{Line: 1, Column: 1}
		case len(next.Content) > 0 && next.Content[0].Tag != "!!null":
			return next.Content[0]
		}
	}
}

var yamlLine = regexp.MustCompile(`^line (\d+): (.*)`)

// A reader makes a File of YAML.
type reader struct {
	walker
	promql parser.Parser
}

func (r *reader) file(f *File, n *yaml.Node) {
	r.mapping(n, "a unit-test file",
		field{"rule_files", func(n *yaml.Node) {
			r.each(n, "rule_files", func(n *yaml.Node) { f.RuleFiles = append(f.RuleFiles, r.placed(n, "a rule file")) })
		}},
		field{"routes_file", func(n *yaml.Node) { f.RoutesFile = r.placed(n, "routes_file") }},
		field{"evaluation_interval", func(n *yaml.Node) {
			if d := r.duration(n, "evaluation_interval"); d > 0 {
				f.Interval = d
			}
		}},
		field{"group_eval_order", func(n *yaml.Node) {
			given := map[string]bool{}
			r.each(n, "group_eval_order", func(n *yaml.Node) {
				name, _ := r.text(n, "the name of a group")
				if given[name] {
					r.failf(n, "remove one", "group %q stands twice in group_eval_order", name)
				}
				given[name] = true
				f.GroupOrder = append(f.GroupOrder, name)
			})
		}},
		field{"fuzzy_compare", func(n *yaml.Node) {
			if err := n.Decode(&f.Fuzzy); err != nil {
				r.failf(n, "", "fuzzy_compare must be true or false")
			}
		}},
		field{"tests", func(n *yaml.Node) {
			r.each(n, "tests", func(n *yaml.Node) { f.Tests = append(f.Tests, r.test(n, len(f.Tests)+1)) })
		}})
	// Only now is it known what the file says for all of them.
	for i := range f.Tests {
		t := &f.Tests[i]
		if t.Interval == 0 {
			t.Interval = f.Interval
		}
		if t.RoutesFile.Value == "" {
			t.RoutesFile = f.RoutesFile
		}
	}
}

func (r *reader) test(n *yaml.Node, number int) Test {
	t := Test{Number: number, Start: time.Unix(0, 0).UTC(), Position: r.at(n)}
	places := map[string]bool{}
	r.mapping(n, "a test",
		field{"name", func(n *yaml.Node) { t.Name, _ = r.text(n, "name") }},
		field{"interval", func(n *yaml.Node) { t.Interval = r.duration(n, "interval") }},
		field{"start_timestamp", func(n *yaml.Node) { t.Start = r.start(n) }},
		field{"external_labels", func(n *yaml.Node) { t.ExternalLabels = r.strings(n, "external_labels") }},
		field{"external_url", func(n *yaml.Node) { t.ExternalURL, _ = r.text(n, "external_url") }},
		field{"routes_file", func(n *yaml.Node) { t.RoutesFile = r.placed(n, "routes_file") }},
		field{"input_series", func(n *yaml.Node) {
			r.each(n, "input_series", func(n *yaml.Node) {
				s, ok := r.series(n)
				if !ok {
					return
				}
				if key := s.Labels.String(); places[key] {
					r.notef(n, "remove one", "the series %s is given before, and only the last one counts", key)
				} else {
					places[key] = true
				}
				t.Series = append(t.Series, s)
			})
		}},
		field{"alert_rule_test", func(n *yaml.Node) {
			r.each(n, "alert_rule_test", func(n *yaml.Node) { t.Alerts = append(t.Alerts, r.alertCase(n)) })
		}},
		field{"promql_expr_test", func(n *yaml.Node) {
			r.each(n, "promql_expr_test", func(n *yaml.Node) { t.Exprs = append(t.Exprs, r.exprCase(n)) })
		}})
	return t
}

func (r *reader) series(n *yaml.Node) (Series, bool) {
	s := Series{Position: r.at(n)}
	var name, values string
	r.mapping(n, "an input series",
		field{"series", func(n *yaml.Node) { name, _ = r.text(n, "series"); s.Position = r.at(n) }},
		field{"values", func(n *yaml.Node) { values, _ = r.text(n, "values") }})
	var err error
	if s.Labels, s.Values, err = parseSeries(r.promql, name, values); err != nil {
		r.failf(n, "series: 'up{job=\"a\"}' with values: '1 2 _ 1+1x10 stale'", "input series %q: %v", shorten(name), err)
		return s, false
	}
	return s, true
}

func (r *reader) placed(n *yaml.Node, what string) Text {
	text, _ := r.text(n, what)
	return Text{text, r.at(n)}
}

// duration reads a duration of Prometheus: 90s, 1h30m, 0.
func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	text, ok := r.text(n, what)
	if !ok {
		return 0
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		r.failf(n, "write a duration such as 30s, 5m or 1h30m", "%s: %v", what, err)
	}
	return time.Duration(d)
}

// start reads seconds since the epoch, or RFC 3339.
func (r *reader) start(n *yaml.Node) time.Time {
	text, _ := r.text(n, "start_timestamp")
	if s, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(s) < 1e12 {
		whole, part := math.Modf(s)
		return time.Unix(int64(whole), int64(part*1e9)).UTC()
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.failf(n, "write seconds since 1970, or 2026-03-01T00:00:00Z", "start_timestamp %q is no time", text)
		return time.Unix(0, 0).UTC()
	}
	return t.UTC()
}
