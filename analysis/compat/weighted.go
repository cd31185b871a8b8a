package compat

import (
	"cmp"
	"math"
	"slices"
)

// weighted is a value and how much it counts.
type weighted struct{ value, weight float64 }

type weights []weighted

func ones(list []float64) weights {
	out := make(weights, len(list))
	for i, v := range list {
		out[i] = weighted{v, 1}
	}
	return out
}

// summary is guidellm's summary of a distribution: a percentile is the least value
// at which the summed weights reach its share. Values of no weight are left out; nil
// when nothing is left.
func (w weights) summary() any {
	total := 0.0
	for _, v := range w {
		total += v.weight
	}
	return w.counted(math.Round(total))
}

// counted is the same with the number of observations.
func (w weights) counted(n float64) any {
	slices.SortFunc(w, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var list weights // each value once
	total := 0.0
	for _, v := range w {
		switch last := len(list) - 1; {
		case v.weight <= 0:
			continue
		case last >= 0 && list[last].value == v.value:
			list[last].weight += v.weight
		default:
			list = append(list, v)
		}
		total += v.weight
	}
	if len(list) == 0 {
		return nil
	}
	mean, mode := 0.0, list[0]
	for _, v := range list {
		mean += v.value * v.weight / total
		if v.weight > mode.weight {
			mode = v
		}
	}
	variance := 0.0
	for _, v := range list {
		variance += (v.value - mean) * (v.value - mean) * v.weight / total
	}
	below, i := list[0].weight/total, 0
	reach := func(share float64) float64 {
		for below < share && i < len(list)-1 {
			i++
			below += list[i].weight / total
		}
		return list[i].value
	}
	percentiles := object{}
	median := 0.0
	for _, p := range []struct {
		name  string
		share float64
	}{{"p001", 0.001}, {"p01", 0.01}, {"p05", 0.05}, {"p10", 0.1}, {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}} {
		v := reach(p.share)
		percentiles.set(p.name, v)
		if p.share == 0.5 {
			median = v
		}
	}
	return object{
		{"mean", mean}, {"median", median}, {"mode", mode.value}, {"variance", variance}, {"std_dev", math.Sqrt(variance)},
		{"min", list[0].value}, {"max", list[len(list)-1].value}, {"count", int64(n)}, {"total_sum", mean * n},
		{"percentiles", percentiles},
	}
}

// event is n things at a time in seconds, flight a request under way.
type event struct{ at, n float64 }
type flight struct{ from, to float64 }

// near is how close events are that guidellm takes for one, in seconds; least is
// the least length that it gives to the last of them.
const near, least = 1e-4, 1e-6

// rates is the distribution over time of the rate of events between 0 and length:
// each holds for half of the time to both of its neighbours.
func rates(list []event, length float64) any {
	list = append([]event{{0, 0}}, list...)
	list = merge(append(list, event{length, 0}))
	n := len(list)
	if n < 2 {
		return nil
	}
	out := make(weights, n)
	count := 0.0
	for i, e := range list {
		span := 0.0
		if i > 0 {
			span += (e.at - list[i-1].at) / 2
		}
		if i < n-1 {
			span += (list[i+1].at - e.at) / 2
		} else {
			span = max(span, least)
		}
		out[i] = weighted{e.n / span, span}
		count += e.n
	}
	return out.counted(math.Round(count))
}

// inFlight is the distribution over time of the requests under way.
func inFlight(list []flight, length float64) any {
	changes := []event{{0, 0}}
	for _, f := range list {
		changes = append(changes, event{f.from, 1}, event{f.to, -1})
	}
	changes = merge(append(changes, event{length, 0}))
	var out weights
	now := 0.0
	for i := range len(changes) - 1 {
		now += changes[i].n
		out = append(out, weighted{max(now, 0), changes[i+1].at - changes[i].at})
	}
	return out.counted(float64(len(list)))
}

// merge sorts events and puts together those that are near to the first of them.
func merge(list []event) (out []event) {
	slices.SortFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range list {
		if n := len(out); n > 0 && e.at-out[n-1].at <= near {
			out[n-1].n += e.n
			continue
		}
		out = append(out, e)
	}
	return out
}
