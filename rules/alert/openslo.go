package alert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// OpenSLOQueries reads the queries of an SLO file that rules/slo has read: one
// for each of its objectives, in their order. It is nil for the short form, which
// has none. What is wrong with the file was told by then, so it looks for
// queries only.
func OpenSLOQueries(data []byte) ([]Query, error) {
	c := catalogue{indicators: map[string]indicator{}, sources: map[string]string{}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var root yaml.Node
		if err := dec.Decode(&root); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read the queries: %w", err)
		}
		var list []object
		var one object
		if root.Decode(&list) != nil {
			if root.Decode(&one) != nil {
				continue
			}
			list = []object{one}
		}
		for _, o := range list {
			if err := c.add(o); err != nil {
				return nil, err
			}
		}
	}
	var out []Query
	for _, s := range c.slos {
		for _, o := range s.Objectives {
			i, ok := c.indicator(o.indicated)
			if !ok {
				i, _ = c.indicator(s.indicated)
			}
			q := c.query(i)
			q.Limit = strings.TrimSpace(o.Value.Value)
			out = append(out, q)
		}
	}
	return out, nil
}

// The parts of OpenSLO v1 in which queries stand.
type (
	object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       yaml.Node
	}
	indicated struct {
		Indicator    *struct{ Spec indicator }
		IndicatorRef string `yaml:"indicatorRef"`
	}
	objectives struct {
		indicated  `yaml:",inline"`
		Objectives []struct {
			indicated `yaml:",inline"`
			Value     yaml.Node
		}
	}
	indicator struct {
		ThresholdMetric *metric `yaml:"thresholdMetric"`
		RatioMetric     *struct {
			Counter               bool
			Good, Bad, Total, Raw *metric
			RawType               string `yaml:"rawType"`
		} `yaml:"ratioMetric"`
	}
	metric struct {
		MetricSource struct {
			Ref  string `yaml:"metricSourceRef"`
			Type string
			Spec yaml.Node
		} `yaml:"metricSource"`
	}
	catalogue struct {
		indicators map[string]indicator
		sources    map[string]string
		slos       []objectives
	}
)

func (c *catalogue) add(o object) error {
	if o.APIVersion == "" {
		return nil
	}
	var err error
	switch o.Kind {
	case "SLI":
		var i indicator
		err = o.Spec.Decode(&i)
		c.indicators[o.Metadata.Name] = i
	case "DataSource":
		var s struct{ Type string }
		err = o.Spec.Decode(&s)
		c.sources[o.Metadata.Name] = s.Type
	case "SLO":
		var s objectives
		err = o.Spec.Decode(&s)
		c.slos = append(c.slos, s)
	}
	if err != nil {
		return fmt.Errorf("read the queries of %s %s: %w", o.Kind, o.Metadata.Name, err)
	}
	return nil
}

func (c *catalogue) indicator(i indicated) (indicator, bool) {
	if i.Indicator != nil {
		return i.Indicator.Spec, true
	}
	found, ok := c.indicators[i.IndicatorRef]
	return found, ok && i.IndicatorRef != ""
}

// query puts together what the sources of an indicator ask for.
func (c *catalogue) query(i indicator) (q Query) {
	if r := i.RatioMetric; r != nil {
		q.Counter, q.RawBad = r.Counter, r.RawType == "failure"
		c.put(&q, &q.Good, r.Good)
		c.put(&q, &q.Bad, r.Bad)
		c.put(&q, &q.Total, r.Total)
		c.put(&q, &q.Raw, r.Raw)
	}
	c.put(&q, &q.Value, i.ThresholdMetric)
	return q
}

// compatible are the sources that are asked in PromQL.
var compatible = []string{"prometheus", "thanos", "cortex", "mimir", "victoriametrics"}

func (c *catalogue) put(q *Query, to *string, m *metric) {
	if m == nil {
		return
	}
	source := m.MetricSource
	kind := strings.TrimSpace(source.Type)
	if kind == "" {
		kind = c.sources[source.Ref]
	}
	var spec struct{ Query string }
	switch {
	case kind == "llmops": // no query: ours to measure
	case kind == "":
		q.Unknown = true
	case !slices.Contains(compatible, strings.ToLower(kind)):
		q.Type = kind
	case source.Spec.Decode(&spec) == nil:
		*to = spec.Query
	}
}
