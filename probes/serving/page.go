package serving

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// series is one line of a page.
type series struct {
	labels labels.Labels // with the name, as the engine writes it
	value  float64       // finite and not negative
}

// page is what one reading of a page of metrics holds. Names are canonical:
// see registry.canonical.
type page struct {
	at       time.Time
	series   map[string][]series
	declared map[string]model.MetricType // also of families without a series
}

// startTime is when the engine's process started, seconds since the epoch; most
// client libraries show it.
const startTime = "process_start_time_seconds"

// parse reads the Prometheus text format or OpenMetrics. Lines of no engine are
// skipped, and so are values that are no measurement: NaN, infinite or negative, as
// llama.cpp shows NaN until its first token. A page with a broken line is refused as
// a whole, as Prometheus does: part of it would make sums that are too small.
func (r registry) parse(body []byte, contentType string) (page, error) {
	p := page{series: map[string][]series{}, declared: map[string]model.MetricType{}}
	// A Content-Type that is not known is taken for the text format.
	parser, err := textparse.New(body, contentType, nil, textparse.ParserOptions{FallbackContentType: "text/plain", IgnoreNativeHistograms: true})
	if parser == nil {
		return p, err
	}
	var line []byte
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return p, fmt.Errorf("line %d: %w", lineAfter(body, line), err)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			if name, ok := r.canonical(string(name)); ok {
				p.declared[name] = kind
			}
		case textparse.EntrySeries:
			var v float64
			line, _, v = parser.Series()
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				continue
			}
			name, _, quoted := bytes.Cut(line, []byte("{"))
			if !quoted || len(name) > 0 {
				if _, ok := r.canonical(string(name)); !ok {
					continue
				}
			}
			var l labels.Labels
			parser.Labels(&l)
			if name, ok := r.canonical(l.Get(model.MetricNameLabel)); ok {
				p.series[name] = append(p.series[name], series{l, v})
			}
		}
	}
}

// lineAfter is the number of the line after the one that holds part, which is a
// piece of body.
func lineAfter(body, part []byte) int {
	at := bytes.Index(body, part)
	if len(part) == 0 || at < 0 {
		return 1
	}
	return bytes.Count(body[:at], []byte("\n")) + 2
}

// find gives the series of the first of several names for one thing that the page
// has, and whether the page has it at all: a counter that was declared and never
// counted has no series, and is 0.
func (p page) find(names []metric) ([]series, metric, bool) {
	for _, m := range names {
		name := strings.TrimSuffix(m.name, "_total")
		var found []series
		for _, s := range p.series[name] {
			if m.label == "" || s.labels.Get(m.label) == m.value {
				found = append(found, s)
			}
		}
		if len(found) > 0 {
			return found, m, true
		}
		if kind, ok := p.declared[name]; ok && kind == model.MetricTypeCounter && len(p.series[name]) == 0 {
			return nil, m, true
		}
	}
	return nil, metric{}, false
}

// minus is what was counted between two pages. A counter that went back has been
// restarted and counts from 0, as Prometheus takes it; all of a histogram restarts
// together. A series that was not there before began at 0. A process that started
// in between makes everything start again. Gauges come out meaningless.
func (p page) minus(before page) (out page, reset bool) {
	out = page{at: p.at, declared: p.declared, series: make(map[string][]series, len(p.series))}
	if then, now := before.first(startTime), p.first(startTime); then != nil && now != nil && *now-*then > 1 {
		out.series = p.series
		return out, true
	}
	was := make(map[uint64]float64)
	for _, list := range before.series {
		for _, s := range list {
			was[s.labels.Hash()] = s.value
		}
	}
	restarted := map[family]bool{}
	for name, list := range p.series {
		for _, s := range list {
			if then, ok := was[s.labels.Hash()]; ok && s.value < then {
				restarted[familyOf(name, s)] = true
				reset = reset || p.counts(name)
			}
		}
	}
	for name, list := range p.series {
		diff := make([]series, len(list))
		for i, s := range list {
			diff[i] = s
			if !restarted[familyOf(name, s)] {
				diff[i].value -= was[s.labels.Hash()] // not below 0: it would have restarted
			}
		}
		out.series[name] = diff
	}
	return out, reset
}

// first is the value of a series without labels.
func (p page) first(name string) *float64 {
	if list := p.series[name]; len(list) > 0 {
		return new(list[0].value)
	}
	return nil
}

// counts tells whether name belongs to a counter or a histogram.
func (p page) counts(name string) bool {
	switch p.declared[baseName(name)] {
	case model.MetricTypeCounter, model.MetricTypeHistogram:
		return true
	}
	return false
}

// family is what restarts together: a histogram of one set of labels.
type family struct {
	name string
	set  uint64
}

func familyOf(name string, s series) family {
	return family{baseName(name), key(s.labels, labels.BucketLabel)}
}

// baseName is the name of the histogram that name is a series of, or name.
func baseName(name string) string {
	for _, suffix := range [...]string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base
		}
	}
	return name
}

// key is what tells series apart when the name and some labels, in the order of
// their names, do not count.
func key(l labels.Labels, without ...string) uint64 {
	h, _ := l.HashWithoutLabels(nil, without...)
	return h
}
