package pushdown

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"llmops/rules/alert"
	"llmops/rules/slo"
)

// A bucket is one that an objective needs and of which there is no series, though its
// histogram counts.
type bucket struct {
	objective slo.Objective
	buckets   string // selects those that there are
	limit     string
}

// missingBuckets are those.
func (c *counting) missingBuckets() (out []bucket) {
	for _, o := range c.list {
		if o.Buckets == "" || c.firstSeen(o) < 0 {
			continue
		}
		for _, p := range o.Parts {
			if (p.Role == alert.Good || p.Role == alert.Bad) && len(c.reader(p.Selector).series) == 0 {
				out = append(out, bucket{o.Objective, o.Buckets, o.Limit})
			}
		}
	}
	return out
}

// refuse names the bounds on both sides of the limit, from labels le of the histogram.
func (b bucket) refuse(bounds []string) error {
	limit, ok := new(big.Rat).SetString(b.limit)
	if !ok || len(bounds) == 0 {
		return fmt.Errorf("objective %q: the server has no bucket le=%q of %s", b.objective.Name, b.limit, b.buckets)
	}
	var below, above *big.Rat
	for _, text := range bounds {
		bound, ok := new(big.Rat).SetString(text)
		if !ok {
			continue // +Inf
		}
		switch c := bound.Cmp(limit); {
		case c < 0 && (below == nil || bound.Cmp(below) > 0):
			below = bound
		case c > 0 && (above == nil || bound.Cmp(above) < 0):
			above = bound
		}
	}
	var near []string
	for _, x := range []*big.Rat{below, above} {
		if x != nil {
			f, _ := x.Float64()
			near = append(near, fmt.Sprint(f))
		}
	}
	if len(near) == 0 {
		return errors.New("objective " + b.objective.Name + ": the histogram has no bounds")
	}
	return fmt.Errorf("objective %q: no bucket of %s has the bound %s; next to it are %s", b.objective.Name, b.buckets, b.limit, strings.Join(near, " and "))
}
