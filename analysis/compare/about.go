package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// few is the number of requests below which little can be told apart.
const few = 200

// unequal is by how much shares of failed requests may differ, between sides, before
// latencies are of different requests.
const unequal = 0.01

// unlike is by how much the mean length of prompts or outputs may differ, as a share,
// before times are of different work.
const unlike = 0.05

// beware looks for what makes the sides differ beside the service, and tells whether
// it leaves no verdict.
func (c *Comparison) beware(baseline, candidate []Run) {
	differ := func(name string, of func(About) string) bool {
		a, b := said(baseline, of), said(candidate, of)
		if a == "" || b == "" || a == b {
			for _, runs := range [][]Run{baseline, candidate} {
				if list := all(runs, of); len(list) > 1 {
					c.warn("the %s is not the same in all runs of a side: %s", name, strings.Join(list, ", "))
				}
			}
			return false
		}
		c.warn("the %s is not the same: %s before, %s after", name, a, b)
		return true
	}
	tools := differ("tool", func(a About) string { return a.Tool })
	differ("model", func(a About) string { return a.Model })
	if !tools { // each has words of its own
		differ("interface", func(a About) string { return a.API })
		differ("load", func(a About) string { return a.Load })
		differ("prompts", func(a About) string { return a.Prompts })
		if len(baseline)+len(candidate) == 2 { // repeated runs are meant to have others
			differ("seed", func(a About) string { return a.Seed })
		}
	}
	for _, f := range []struct {
		name string
		of   func(About) float64
	}{{"prompts", func(a About) float64 { return a.PromptTokens }}, {"answers", func(a About) float64 { return a.OutputTokens }}} {
		if a, b := length(baseline, f.of), length(candidate, f.of); a > 0 && b > 0 && math.Abs(b/a-1) > unlike {
			c.warn("%s are not of the same length: %.4g tokens before, %.4g after", f.name, a, b)
		}
	}
	if a, b := said(baseline, func(a About) string { return a.Target }), said(candidate, func(a About) string { return a.Target }); a != "" && a == b {
		c.Target = a
	}
	for _, r := range slices.Concat(baseline, candidate) {
		for _, w := range r.About.Warnings {
			c.warn("%s: %s", r.Name, w)
		}
		switch {
		case r.About.Client == "invalid":
			c.void("the client of %s is invalid: %s", r.Name, strings.Join(r.About.Reasons, "; "))
		case r.About.Stopped != "":
			c.void("%s: %s", r.Name, r.About.Stopped)
		case r.About.Client == "suspect":
			c.warn("the client of %s is suspect: %s", r.Name, strings.Join(r.About.Reasons, "; "))
		}
		if n := r.Total - int64(len(r.Failed)); r.Total > 0 && n < few {
			c.warn("%s has %d succeeded requests: below %d little can be told apart", r.Name, n, few)
		}
	}
	a, b := share(baseline), share(candidate)
	if a-b > unequal || b-a > unequal {
		c.warn("%.3g%% of the requests failed before and %.3g%% after: latencies are of the others", 100*a, 100*b)
	}
}

// loops looks for sides of which one is an open loop and the other a closed one, or one
// sends all at once. They carry other loads, and what is left of figures that mean the same is too little for a
// verdict that nobody asked for by name.
func (c *Comparison) loops(baseline, candidate []Run, asked bool) {
	of := func(runs []Run) string {
		var list []string
		for _, r := range runs {
			switch {
			case r.About.Load == "" || r.Capped: // not known, or in between
			case r.About.Load == AtOnce:
				list = append(list, AtOnce)
			case r.Open:
				list = append(list, "an open loop")
			default:
				list = append(list, "a closed loop")
			}
		}
		slices.Sort(list)
		return strings.Join(slices.Compact(list), " and ")
	}
	a, b := of(baseline), of(candidate)
	switch {
	case a == "" || b == "" || a == b:
	case asked:
		c.warn("%s before, %s after: they carry other loads, and a change may be of the load", a, b)
	default:
		c.void("%s before, %s after: they carry other loads; name what is to be judged all the same (--metrics, --max-regression)", a, b)
	}
}

func (c *Comparison) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.Warnings, text) {
		c.Warnings = append(c.Warnings, text)
	}
}

// void leaves no verdict.
func (c *Comparison) void(format string, args ...any) {
	c.Invalid = append(c.Invalid, fmt.Sprintf(format, args...))
}

// said is what the runs of a side say.
func said(runs []Run, of func(About) string) string { return strings.Join(all(runs, of), ", ") }

// all are the things that runs say, each once.
func all(runs []Run, of func(About) string) (list []string) {
	for _, r := range runs {
		if v := of(r.About); v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return list
}

// length is the mean over runs that tell it; 0: none does.
func length(runs []Run, of func(About) float64) float64 {
	var sum, n float64
	for _, r := range runs {
		if v := of(r.About); v > 0 {
			sum, n = sum+v, n+1
		}
	}
	return sum / max(n, 1)
}

// share is that of failed requests.
func share(runs []Run) float64 {
	var failed, total float64
	for _, r := range runs {
		failed, total = failed+float64(len(r.Failed)), total+float64(r.Total)
	}
	return failed / max(total, 1)
}
