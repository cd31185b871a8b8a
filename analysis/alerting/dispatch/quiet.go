package dispatch

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/rules/alert/routing"
)

// never is after all times.
const never = int64(math.MaxInt64)

// span is from a time until before another one.
type span struct {
	from, to int64
	by       string
}

// union merges spans that overlap or touch; the earliest of them gives its name.
func union(spans []span) []span {
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		if s.from >= s.to {
			continue
		}
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// at is the index of the first of disjoint spans that ends after t.
func at(spans []span, t int64) int {
	i, _ := slices.BinarySearchFunc(spans, t, func(s span, t int64) int {
		if s.to <= t {
			return -1
		}
		return 1
	})
	return i
}

func covers(spans []span, t int64) bool {
	i := at(spans, t)
	return i < len(spans) && spans[i].from <= t
}

// edge is the next time after t at which a span begins or ends.
func edge(spans []span, t int64) int64 {
	i := at(spans, t)
	switch {
	case i == len(spans):
		return never
	case spans[i].from > t:
		return spans[i].from
	default:
		return spans[i].to
	}
}

// clip is the part of the spans from one time until another.
func clip(spans []span, from, to int64) []span {
	var out []span
	for i := at(spans, from); i < len(spans) && spans[i].from < to; i++ {
		out = append(out, span{max(spans[i].from, from), min(spans[i].to, to), spans[i].by})
	}
	return out
}

func end(a Alert) int64 {
	if a.To == 0 {
		return never
	}
	return a.To
}

// inhibited are the times within which each alert is inhibited, whether it
// fires then or not.
func inhibited(rules []routing.Inhibition, alerts []Alert) [][]span {
	out := make([][]span, len(alerts))
	for _, rule := range rules {
		// By the values of the equal labels: all sources, and those that do not match
		// the target, which alone count for an alert that matches both.
		every, oneSided := map[string][]span{}, map[string][]span{}
		for _, a := range alerts {
			if !routing.Matches(rule.Source, a.Labels) {
				continue
			}
			s, key := span{a.From, end(a), alertName(a.Labels)}, equalKey(rule.Equal, a.Labels)
			every[key] = append(every[key], s)
			if !routing.Matches(rule.Target, a.Labels) {
				oneSided[key] = append(oneSided[key], s)
			}
		}
		for _, sources := range []map[string][]span{every, oneSided} {
			for key := range maps.Keys(sources) {
				sources[key] = union(sources[key])
			}
		}
		for i, a := range alerts {
			if !routing.Matches(rule.Target, a.Labels) {
				continue
			}
			sources := every
			if routing.Matches(rule.Source, a.Labels) {
				sources = oneSided
			}
			out[i] = append(out[i], sources[equalKey(rule.Equal, a.Labels)]...)
		}
	}
	for i := range out {
		out[i] = union(out[i])
	}
	return out
}

func equalKey(equal []string, labels map[string]string) string {
	var b strings.Builder
	for _, name := range equal {
		b.WriteString(labels[name])
		b.WriteByte(0)
	}
	return b.String()
}

// alertName is "HighLatency{replica="a"}".
func alertName(labels map[string]string) string {
	rest := maps.Clone(labels)
	delete(rest, "alertname")
	if len(rest) == 0 {
		return labels["alertname"]
	}
	return labels["alertname"] + labelSet(rest).String()
}

func silenced(silences []routing.Silence, alerts []Alert) [][]span {
	out := make([][]span, len(alerts))
	for i, a := range alerts {
		for _, s := range silences {
			if routing.Matches(s.Matchers, a.Labels) {
				out[i] = append(out[i], span{s.Start.UnixMilli(), s.End.UnixMilli(), silenceName(s)})
			}
		}
		out[i] = union(out[i])
	}
	return out
}

func silenceName(s routing.Silence) string {
	if s.Comment != "" {
		return s.Comment
	}
	texts := make([]string, len(s.Matchers))
	for i, m := range s.Matchers {
		texts[i] = m.String()
	}
	return strings.Join(texts, ", ")
}

// muted are the times within which the route is muted, looked up for each minute
// from one time to another: time intervals begin and end with minutes.
func muted(c routing.Config, r *routing.Route, from, to int64) []span {
	if len(r.MuteTimeIntervals)+len(r.ActiveTimeIntervals) == 0 {
		return nil
	}
	const minute = int64(time.Minute / time.Millisecond)
	var out []span
	for t := from - (from%minute+minute)%minute; t <= to; t += minute {
		by := c.MutedBy(r, time.UnixMilli(t))
		switch n := len(out); {
		case by == "":
		case n > 0 && out[n-1].to == t && out[n-1].by == by:
			out[n-1].to = t + minute
		default:
			out = append(out, span{t, t + minute, by})
		}
	}
	return out
}
