// Package catalog is the names of metrics: what each one means, its unit, where
// it comes from, and what engines and exporters call the same thing. It reads
// the YAML files that ship beside it and answers questions about names; it must
// not read, convert or judge a metric's values.
package catalog

import (
	"iter"
	"slices"
	"strings"

	"llmops/rules/near"
)

// The categories, in the order in which they are listed.
const (
	Performance = "performance" // what a caller notices
	Resource    = "resource"    // what the service uses up
	Business    = "business"    // what it is worth, and what it costs
)

// Categories lists them.
func Categories() []string { return []string{Performance, Resource, Business} }

// Kinds of a metric.
const (
	Gauge   = "gauge"
	Counter = "counter" // only grows, until what counts starts again
)

// Sources are the places that a metric may come from, as Metric.Sources has them.
const (
	Snapshot   = "snapshot" // llmops snapshot
	LoadTest   = "loadtest" // llmops loadtest
	Logs       = "logs"     // request logs, as per-minute series
	Budget     = "budget"   // llmops budget
	BusinessIn = "business" // the business file or URL of llmops snapshot
	Derived    = "derived"  // Metric.Expr
	Given      = "given"    // the user's own data
)

// Catalog is every metric, by category, group and the order of the files.
type Catalog struct {
	Metrics []Metric
	Systems []System

	byName  map[string]int    // of Metrics
	byAlias map[string]target // names of systems that mean a metric without more
}

// Metric is one canonical name, or a second name of one (SameAs).
type Metric struct {
	Name     string `json:"name"`
	Unit     string `json:"unit"` // one of Units
	Category string `json:"category"`
	Group    string `json:"group"` // within the category: latency, throughput, gpu, …
	Kind     string `json:"kind"`
	EN       string `json:"en"` // the meaning
	ZH       string `json:"zh"`
	// Sources tell where the program takes it from; never empty.
	Sources []string `json:"sources"`
	// Labels are those that tell its series apart, beside those of a scrape.
	Labels []string `json:"labels,omitempty"`
	// Expr computes it from other names of the catalogue, in PromQL.
	Expr string `json:"expr,omitempty"`
	// SameAs is the canonical name of which this is a second one: a value of this
	// name times Factor is a value of that one.
	SameAs  string  `json:"same_as,omitempty"`
	Factor  float64 `json:"factor,omitzero"`
	Note    string  `json:"note,omitempty"`
	Aliases []Alias `json:"aliases,omitempty"`
	// Low and High are the least and the greatest value that is possible; infinite
	// where there is none.
	Low  float64 `json:"-"`
	High float64 `json:"-"`
}

// Alias is what a System calls a metric. Either it has the same meaning in
// another unit (Factor), or Expr computes the metric from what the system has.
type Alias struct {
	System string `json:"system"` // System.ID
	Name   string `json:"name"`   // of the series; of Expr the series that it is mostly made of
	// Factor makes the metric's unit of the system's: 0.01 for percent. 0 with Expr.
	Factor float64 `json:"factor,omitzero"`
	// Expr is PromQL over the system's series that yields the metric in its unit.
	Expr string `json:"expr,omitempty"`
	// Sure is how the name is known: one of Sureness.
	Sure string `json:"sure"`
	Note string `json:"note,omitempty"`
	// Bare is a name that means the metric only where the data say what it is
	// about, such as "temperature" inside of a GPU: Resolve does not answer to it.
	Bare bool `json:"bare,omitempty"`
}

// How an alias is known.
const (
	Observed   = "observed"   // seen in the system's own output
	Documented = "documented" // in the system's documentation or source
	Recalled   = "recalled"   // from general knowledge: look before relying on it
)

// Sureness lists them, the surest first.
func Sureness() []string { return []string{Observed, Documented, Recalled} }

// System is an engine, an exporter or another source with names of its own.
type System struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Doc   string `json:"doc,omitempty"` // where its names are explained
	// Prefixes are forms of the same prefix: an OpenTelemetry pipeline turns
	// "vllm:" into "vllm_".
	Prefixes []string `json:"prefixes,omitempty"`
	// Labels are the canonical names of its labels, by its own.
	Labels map[string]string `json:"labels,omitempty"`
	// Sure is that of its aliases which do not say.
	Sure string `json:"sure"`
}

type target struct {
	metric int // of Catalog.Metrics
	factor float64
	labels map[string]string // of the system
}

// Names yields every name of the catalogue, aliases left out.
func (c Catalog) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, m := range c.Metrics {
			if !yield(m.Name) {
				return
			}
		}
	}
}

// Lookup is the metric of that name: a canonical one or a second one, not an
// alias of a system.
func (c Catalog) Lookup(name string) (Metric, bool) {
	i, ok := c.byName[name]
	if !ok {
		return Metric{}, false
	}
	return c.Metrics[i], true
}

// Resolve tells which canonical metric the series of a name measures, and the
// factor that makes its unit of the series': GPU memory in MiB has the factor
// 1048576. A canonical name resolves to itself. Names are also found with or
// without the _total of a counter, and with any prefix that the system is known
// to have. False: nothing is known of the name, or it takes more than a factor
// (see Alias.Expr).
func (c Catalog) Resolve(series string) (canonical string, factor float64, ok bool) {
	t, ok := c.resolve(series)
	if !ok {
		return "", 0, false
	}
	return c.Metrics[t.metric].Name, t.factor, true
}

// ResolveFrom is Resolve for the metrics that a source may give: what a business
// file says of the host's memory would stand beside what was measured.
func (c Catalog) ResolveFrom(source, series string) (canonical string, factor float64, ok bool) {
	t, ok := c.resolve(series)
	if !ok || !slices.Contains(c.Metrics[t.metric].Sources, source) {
		return "", 0, false
	}
	return c.Metrics[t.metric].Name, t.factor, true
}

func (c Catalog) resolve(series string) (target, bool) {
	if t, ok := c.find(series); ok {
		return t, true
	}
	other, cut := strings.CutSuffix(series, "_total")
	if !cut {
		other += "_total"
	}
	t, ok := c.find(other)
	// A name that only the suffix tells apart from a gauge's is not the same.
	return t, ok && c.Metrics[t.metric].Kind == Counter
}

// Labels are the canonical names of the labels that a series has by its own, for a
// name that Resolve knows: "UUID" of the DCGM exporter is "uuid". Labels that are
// not in it keep their names.
func (c Catalog) Labels(series string) map[string]string {
	t, _ := c.resolve(series)
	return t.labels
}

func (c Catalog) find(name string) (target, bool) {
	if t, ok := c.byAlias[name]; ok {
		return t, true
	}
	for _, s := range c.Systems {
		for _, p := range s.Prefixes {
			rest, found := strings.CutPrefix(name, p)
			if !found {
				continue
			}
			for _, other := range s.Prefixes {
				if t, ok := c.byAlias[other+rest]; ok && other != p {
					return t, true
				}
			}
		}
	}
	return target{}, false
}

// System is that of the id.
func (c Catalog) System(id string) (System, bool) {
	i := slices.IndexFunc(c.Systems, func(s System) bool { return s.ID == id })
	if i < 0 {
		return System{}, false
	}
	return c.Systems[i], true
}

// Near are the names that one was most likely meant to be, at most so many.
func (c Catalog) Near(name string, most int) []string {
	return near.Names(name, c.Names(), most)
}

// Search are the metrics in whose names, texts or aliases every word of text
// stands, whatever its case.
func (c Catalog) Search(text string) []Metric {
	words := strings.Fields(strings.ToLower(text))
	var found []Metric
	for _, m := range c.Metrics {
		if hay := m.haystack(); !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(hay, w) }) {
			found = append(found, m)
		}
	}
	return found
}

func (m Metric) haystack() string {
	parts := []string{m.Name, m.Unit, m.Category, m.Group, m.EN, m.ZH, m.SameAs, m.Note}
	for _, a := range m.Aliases {
		parts = append(parts, a.System, a.Name, a.Expr)
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}
