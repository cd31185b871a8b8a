package compare

import (
	"fmt"
	"slices"
	"strings"
)

// few is the number of requests below which little can be told apart.
const few = 200

// unequal is by how much shares of failed requests may differ, between sides, before
// latencies are of different requests.
const unequal = 0.01

// beware looks for what makes the sides differ beside the service, and tells whether
// it leaves no verdict.
func (c *Comparison) beware(baseline, candidate []Run) {
	for _, f := range []struct {
		name string
		of   func(About) string
	}{
		{"tool", func(a About) string { return a.Tool }},
		{"model", func(a About) string { return a.Model }},
		{"interface", func(a About) string { return a.API }},
		{"load", func(a About) string { return a.Load }},
		{"seed", func(a About) string { return a.Seed }},
		{"prompts", func(a About) string { return a.Prompts }},
	} {
		a, b := said(baseline, f.of), said(candidate, f.of)
		if a != "" && b != "" && a != b {
			c.warn("the %s is not the same: %s before, %s after", f.name, a, b)
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

func (c *Comparison) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.Warnings, text) {
		c.Warnings = append(c.Warnings, text)
	}
}

// void leaves no verdict.
func (c *Comparison) void(format string, args ...any) {
	c.Invalid = append(c.Invalid, fmt.Sprintf(format, args...))
}

// said is what the runs of a side say, each thing once.
func said(runs []Run, of func(About) string) string {
	var list []string
	for _, r := range runs {
		if v := of(r.About); v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// share is that of failed requests.
func share(runs []Run) float64 {
	var failed, total float64
	for _, r := range runs {
		failed, total = failed+float64(len(r.Failed)), total+float64(r.Total)
	}
	return failed / max(total, 1)
}
