package trend

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/probes/snapshot"
)

// A query picks values of a snapshot, which it is given as text too.
type query interface {
	find(line []byte, s snapshot.Snapshot) iter.Seq[found]
}

// pathText is what tells a path from a name: it has steps, or begins as one.
var pathText = regexp.MustCompile(`^\$?\.|^[A-Za-z0-9_-]+[.\[][^{}"]*$`)

func parse(metric string) (query, error) {
	metric = strings.TrimSpace(metric)
	if metric == "" {
		return nil, errors.New("the metric is empty")
	}
	if pathText.MatchString(metric) {
		return parsePath(metric)
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(metric)
	if err != nil {
		return nil, fmt.Errorf("metric %q: %w", metric, err)
	}
	return selector(matchers), nil
}

// selector picks series.
type selector []*labels.Matcher

func (m selector) find(_ []byte, s snapshot.Snapshot) iter.Seq[found] {
	return func(yield func(found) bool) {
		for x := range s.Samples {
			value := func(name string) string {
				if name == model.MetricNameLabel {
					return x.Name
				}
				i, ok := slices.BinarySearchFunc(x.Labels, name, func(l snapshot.Label, n string) int { return strings.Compare(l.Name, n) })
				if !ok {
					return ""
				}
				return x.Labels[i].Value
			}
			if slices.ContainsFunc(m, func(m *labels.Matcher) bool { return !m.Matches(value(m.Name)) }) {
				continue
			}
			f := found{name: x.Name, value: x.Value, counter: x.Kind == snapshot.Counter, labels: map[string]string{}}
			for _, l := range x.Labels {
				f.labels[l.Name] = l.Value
			}
			if !yield(f) {
				return
			}
		}
	}
}

// path picks fields of the JSON. A step is the name of a field, the number of a member
// or "*" for every one.
type path []string

var step = regexp.MustCompile(`^(?:\.?([A-Za-z0-9_:/-]+)|\[([0-9]+|\*)\])`)

func parsePath(text string) (path, error) {
	rest := strings.TrimPrefix(text, "$")
	var p path
	for rest != "" {
		m := step.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("metric %q: not a path at %q: such as gpus[0].temperature.gpu_c, or gpus[*].utilization", text, rest)
		}
		p = append(p, m[1]+m[2])
		rest = rest[len(m[0]):]
	}
	return p, nil
}

func (p path) find(line []byte, _ snapshot.Snapshot) iter.Seq[found] {
	return func(yield func(found) bool) {
		var document any
		if json.Unmarshal(line, &document) == nil {
			walk(document, p, "", yield)
		}
	}
}

// walk follows the path, and tells whether to go on. Numbers are values, and so are
// yes and no, as 1 and 0.
func walk(at any, rest path, name string, yield func(found) bool) bool {
	switch x := at.(type) {
	case map[string]any:
		if len(rest) == 0 {
			return true
		}
		if rest[0] != "*" {
			next, ok := x[rest[0]]
			return !ok || walk(next, rest[1:], strings.TrimPrefix(name+"."+rest[0], "."), yield)
		}
		for key, next := range x {
			if !walk(next, rest[1:], strings.TrimPrefix(name+"."+key, "."), yield) {
				return false
			}
		}
	case []any:
		if len(rest) == 0 {
			return true
		}
		for i, next := range x {
			number := strconv.Itoa(i)
			if (rest[0] == "*" || rest[0] == number) && !walk(next, rest[1:], name+"["+number+"]", yield) {
				return false
			}
		}
	case float64:
		return len(rest) > 0 || yield(found{name: name, value: x, counter: strings.HasSuffix(name, "_total")})
	case bool:
		value := 0.0
		if x {
			value = 1
		}
		return len(rest) > 0 || yield(found{name: name, value: value})
	}
	return true
}
