package serving

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

// engine says under which names one kind of server shows what. Where several names
// stand for one thing, they are its names in the course of time, newest first.
type engine struct {
	name     string
	prefixes []string // of its names; the first one is canonical
	owner    string   // in the list of models at /v1/models
	models   []string // labels that may name the model
	rank     string   // label of what runs independently of its like
	copies   []string // labels of series that repeat a number or a part of it, in order

	running, waiting, slots, kv []metric

	requests, prompt, generated, preemptions []metric
	hits, lookups                            []metric // of the prefix cache
	hitRate                                  []metric // gauge, where hits are not counted
	config                                   []metric // whose labels are settings
	finished                                 []metric // by their label
	drafts, drafted, accepted                []metric // of speculative decoding
	acceptRate, acceptLength                 []metric // gauges, where tokens are not counted
	failed                                   []failure

	ttft, tpot, itl, latency, queue, prefill, decode []metric

	// ended tells how many requests ended and how many of them failed, by what was
	// counted; nil: the failures of failed over them and requests.
	ended func(counts page) (all, failed *float64)
	// only keeps the series that may be added up; nil: all.
	only func(page) page
	// derive adds what needs more than a name.
	derive func(now, counted page, seconds float64, s *snapshot.Server)
	// ask adds what the page does not say. It may fail without a word where older
	// versions of the engine do not have it.
	ask func(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem
	// steady tells that ask adds nothing that changes while the engine runs.
	steady bool
	// off says why an engine that is there has no page of metrics, and what to do.
	off, hint string
}

// metric is one name for something.
type metric struct {
	name         string
	label, value string  // only series with this value of the label
	factor       float64 // of its unit to the snapshot's; 0 is 1
}

func (m metric) scale() float64 { return cmp.Or(m.factor, 1) }

// failure is a counter of failed requests.
type failure struct {
	metric
	by    string              // label that names the class
	class func(string) string // of its value; "" is no failure
	where map[string]string   // labels that must begin with this
}

// registry is the engines that are known. They are looked for in their order: Triton
// comes last, since others may run in it and show their own metrics beside its.
type registry []*engine

func engines() registry {
	return registry{vllm(), sglang(), tensorrtLLM(), tgi(), llamaCpp(), ollama(), triton()}
}

// detect finds the engine whose metrics are on a page; nil if there is none.
func (r registry) detect(p page) *engine {
	for _, e := range r {
		for _, prefix := range e.prefixes {
			for name := range p.declared {
				if strings.HasPrefix(name, prefix) {
					return e
				}
			}
			for name := range p.series {
				if strings.HasPrefix(name, prefix) {
					return e
				}
			}
		}
	}
	return nil
}

// byOwner finds the engine that calls itself the owner of its models; nil if none does.
func (r registry) byOwner(owner string) *engine {
	return r.where(func(e *engine) bool { return e.owner != "" && e.owner == owner })
}

func (r registry) byName(name string) *engine {
	return r.where(func(e *engine) bool { return e.name == name })
}

func (r registry) where(is func(*engine) bool) *engine {
	if i := slices.IndexFunc(r, is); i >= 0 {
		return r[i]
	}
	return nil
}

// canonical gives a name the prefix that the engine's own documentation uses, and
// takes "_total" off: client libraries and proxies add or drop it, and write ":" as
// "_". It is false for names that no engine has.
func (r registry) canonical(name string) (string, bool) {
	name = strings.TrimSuffix(name, "_total")
	for _, e := range r {
		for _, prefix := range e.prefixes {
			if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
				return e.prefixes[0] + rest, true
			}
		}
	}
	// Of all engines: the HTTP layer, and what client libraries say of the process.
	return name, name == "http_requests" || name == startTime
}

// named makes a list of aliases that share a unit.
func named(names ...string) []metric { return scaled(1, names...) }

// seconds is named for durations in seconds.
func seconds(names ...string) []metric { return scaled(1000, names...) }

func scaled(factor float64, names ...string) []metric {
	var out []metric
	for _, name := range names {
		out = append(out, metric{name: name, factor: factor})
	}
	return out
}

// httpStatus is the class of a failed HTTP status, such as http_503 or http_5xx.
func httpStatus(status string) string {
	if len(status) == 3 && (status[0] == '4' || status[0] == '5') {
		return "http_" + status
	}
	return ""
}

// httpEnded counts the answers of an HTTP layer: all but those that are the caller's
// mistake, and the 5xx among them.
func httpEnded(f failure) func(page) (all, failed *float64) {
	return func(p page) (*float64, *float64) {
		found, _, ok := p.find([]metric{f.metric})
		if !ok {
			return nil, nil
		}
		all, failed := 0.0, 0.0
		for _, s := range found {
			if status := s.labels.Get(f.by); f.covers(s) && !strings.HasPrefix(status, "4") {
				all += s.value
				if strings.HasPrefix(status, "5") {
					failed += s.value
				}
			}
		}
		return &all, &failed
	}
}

func (f failure) covers(s series) bool {
	for label, prefix := range f.where {
		if !strings.HasPrefix(s.labels.Get(label), prefix) {
			return false
		}
	}
	return true
}
