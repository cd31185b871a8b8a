package snapshot

import (
	"cmp"
	"math"
	"slices"
)

// Kind tells a value that goes up and down from one that only grows.
type Kind string

// The kinds of a sample. A counter's name ends in _total.
const (
	Gauge   Kind = "gauge"
	Counter Kind = "counter"
)

// Label is one name and value of a sample.
type Label struct{ Name, Value string }

// Sample is one number of a snapshot as a time series has it. Labels are
// sorted by name and none of them is empty. Value is finite.
type Sample struct {
	Name   string
	Labels []Label
	Value  float64
	Kind   Kind
}

// Samples yields every number of s under its series name, in a fixed order:
// host, GPUs, servers, business, then the snapshot's own (findings, errors,
// timings). docs/snapshot.md lists the names. Use it as `for x := range
// s.Samples`.
func (s Snapshot) Samples(yield func(Sample) bool) {
	w := &samples{yield: yield}
	hostSamples(w, s.Host)
	busSamples(w, s.GPUsOnBus)
	gpuSamples(w, s.GPUs)
	serverSamples(w, s.Servers)
	businessSamples(w, s.Business)
	ownSamples(w, s)
}

// samples passes numbers on until the reader has had enough.
type samples struct {
	yield   func(Sample) bool
	stopped bool
}

// number is what a field of a snapshot may hold.
type number interface {
	~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64 | ~float64
}

// gauge passes on *v as a gauge, and nothing when v is nil. labels are names
// and values in turn; a label without a value is left out.
func gauge[N number](w *samples, name string, v *N, labels ...string) {
	if v != nil {
		w.put(Gauge, name, float64(*v), labels)
	}
}

// counter is gauge for a value that only grows; name ends in _total.
func counter[N number](w *samples, name string, v *N, labels ...string) {
	if v != nil {
		w.put(Counter, name, float64(*v), labels)
	}
}

// flag passes on a yes or no as 1 or 0.
func flag(w *samples, name string, v *bool, labels ...string) {
	if v == nil {
		return
	}
	n := 0.0
	if *v {
		n = 1
	}
	w.put(Gauge, name, n, labels)
}

// info passes on a 1 that carries facts as labels; name ends in _info.
func info(w *samples, name string, labels ...string) { w.put(Gauge, name, 1, labels) }

func (w *samples) put(kind Kind, name string, v float64, pairs []string) {
	if w.stopped || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	labels := make([]Label, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			labels = append(labels, Label{pairs[i], pairs[i+1]})
		}
	}
	slices.SortFunc(labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	w.stopped = !w.yield(Sample{Name: name, Labels: labels, Value: v, Kind: kind})
}

// ownSamples are the numbers about the snapshot itself. Findings are counted
// for each severity, also those with none, so that a gate on them never lacks
// data; errors and timings are there for what was asked.
func ownSamples(w *samples, s Snapshot) {
	for _, sev := range Severities() {
		n := 0
		for _, f := range s.Findings {
			if f.Severity == sev {
				n++
			}
		}
		gauge(w, "findings", &n, "severity", string(sev))
	}
	type key struct{ source, status string }
	errors := map[key]int{}
	for _, p := range s.Errors {
		errors[key{p.Source, string(p.Status)}]++
	}
	keys := make([]key, 0, len(errors))
	for k := range errors {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.status, b.status))
	})
	for _, k := range keys {
		gauge(w, "probe_errors", new(errors[k]), "source", k.source, "status", k.status)
	}
	probes := make([]string, 0, len(s.TimingsMS))
	for p := range s.TimingsMS {
		probes = append(probes, p)
	}
	slices.Sort(probes)
	for _, p := range probes {
		gauge(w, "probe_duration_ms", new(s.TimingsMS[p]), "probe", p)
	}
}
