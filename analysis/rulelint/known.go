package rulelint

import (
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/catalog"
)

// known is what the catalogue says of the names of series, also of those that a metric
// is only computed of.
type known struct {
	catalog.Catalog
	parts    map[string]bool // names in the expressions of aliases
	prefixes map[string]bool // "node_", of names in the catalogue
}

func newKnown(c catalog.Catalog) known {
	k := known{Catalog: c, parts: map[string]bool{}, prefixes: map[string]bool{}}
	p := parser.NewParser(parser.Options{})
	for _, m := range c.Metrics {
		for _, a := range m.Aliases {
			k.prefixes[prefix(a.Name)] = true
			k.parts[a.Name] = true
			expr, err := p.ParseExpr(a.Expr)
			if err != nil {
				continue // none is given
			}
			inspect(expr, func(n parser.Node, _ []parser.Node) {
				if v, ok := n.(*parser.VectorSelector); ok {
					k.parts[nameOf(v)] = true
				}
			})
		}
	}
	// What Prometheus and its client libraries say of every process.
	for _, p := range []string{"process_", "go_", "python_", "prometheus_", "alertmanager_", "kube_", "http_"} {
		k.prefixes[p] = true
	}
	delete(k.prefixes, "")
	return k
}

// prefix is what a name has in common with others of its system: "node_", "vllm:".
func prefix(name string) string {
	if i := strings.IndexAny(name, "_:"); i > 0 {
		return name[:i+1]
	}
	return ""
}

// nameOf is the metric that a selector names, "" if it names none.
func nameOf(v *parser.VectorSelector) string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// histogramParts are how the series of a classic histogram or a summary end.
var histogramParts = []string{"_bucket", "_sum", "_count", "_total", "_created"}

// has tells whether the catalogue knows of a name.
func (k known) has(name string) bool {
	if _, _, ok := k.Resolve(name); ok || k.parts[name] {
		return true
	}
	for _, s := range k.Systems {
		for _, p := range s.Prefixes {
			rest, found := strings.CutPrefix(name, p)
			for _, other := range s.Prefixes {
				if found && k.parts[other+rest] {
					return true
				}
			}
		}
	}
	for _, part := range histogramParts {
		base, cut := strings.CutSuffix(name, part)
		if !cut {
			continue
		}
		for _, other := range append([]string{""}, histogramParts...) {
			if k.parts[base+other] {
				return true
			}
		}
	}
	return false
}

// metric is what a series is of, if the catalogue knows: the metric and the factor that
// makes its unit of the series'.
func (k known) metric(name string) (catalog.Metric, float64, bool) {
	canonical, factor, ok := k.Resolve(name)
	if !ok {
		return catalog.Metric{}, 0, false
	}
	m, _ := k.Lookup(canonical)
	return m, factor, true
}

// A kind is that of a series, as far as it is known.
type kind int

const (
	unknownKind kind = iota
	gauge
	counter
)

// kindOf is the kind of a series by the catalogue, or by its name.
func (k known) kindOf(name string) kind {
	m, _, ok := k.metric(name)
	switch {
	case ok && m.Kind == catalog.Counter:
		return counter
	case ok:
		return gauge
	case strings.HasSuffix(name, "_total"), strings.HasSuffix(name, "_bucket"):
		return counter
	}
	for _, part := range []string{"_sum", "_count"} {
		if base, cut := strings.CutSuffix(name, part); cut && (k.parts[base+"_bucket"] || k.parts[base+"_sum"] && k.parts[base+"_count"]) {
			return counter
		}
	}
	return unknownKind
}

// A span is what values may be: from low to high, in a unit of the catalogue ("" when
// it is not known). sure: the catalogue says so; else it is the custom of names.
type span struct {
	low, high float64
	unit      string // also "percent"
	sure      bool
	of        string // the series that it is of; "" where it is several
}

func anything() span { return span{low: math.Inf(-1), high: math.Inf(1)} }

// spanOf is what the values of a series may be.
func (k known) spanOf(name string) span {
	m, factor, ok := k.metric(name)
	if !ok {
		return byName(name)
	}
	if other, same := k.Lookup(name); same { // its own unit, where it is a second name
		return span{other.Low, other.High, other.Unit, true, name}
	}
	s := span{m.Low / factor, m.High / factor, m.Unit, true, name}
	switch {
	case factor == 1:
	case m.Unit == "ratio" && factor == 0.01:
		s.unit = "percent"
	case m.Unit == "ms" && factor == 1000:
		s.unit = "s"
	case m.Unit == "s" && factor == 0.001:
		s.unit = "ms"
	case m.Unit == "GiB" && factor == 1.0/(1<<30):
		s.unit = "bytes"
	default:
		s.unit = ""
	}
	return s
}

// isRatio tells whether a name says so, also that of a recorded series: job:x:ratio_rate5m.
func isRatio(name string) bool {
	for part := range strings.SplitSeq(name, ":") {
		if part == "ratio" || strings.HasPrefix(part, "ratio_") || strings.HasSuffix(part, "_ratio") || strings.HasSuffix(part, "_utilization") {
			return true
		}
	}
	return false
}

// byName is what a name that nobody explains promises.
func byName(name string) span {
	s := anything()
	s.of = name
	base := name
	for _, part := range []string{"_bucket", "_sum", "_total"} {
		base = strings.TrimSuffix(base, part)
	}
	switch {
	case strings.HasSuffix(name, "_info"), name == "up":
		s.low, s.high, s.unit = 0, 1, "bool"
	case isRatio(base):
		s.low, s.high, s.unit = 0, 1, "ratio"
	case strings.HasSuffix(base, "_percent"), strings.HasSuffix(base, "_percentage"):
		s.unit = "percent"
	case strings.HasSuffix(base, "_seconds"):
		s.unit = "s"
	case strings.HasSuffix(base, "_milliseconds"), strings.HasSuffix(base, "_ms"):
		s.unit = "ms"
	case strings.HasSuffix(base, "_bytes"):
		s.unit = "bytes"
	case strings.HasSuffix(name, "_total"), strings.HasSuffix(name, "_bucket"), strings.HasSuffix(name, "_count"):
		s.low = 0
	}
	return s
}
