package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"llmops/probes/load/length"
)

// OutputLength is how long answers are, in tokens. The zero value is as long
// as the request's limit allows; draws are capped by that limit.
type OutputLength struct {
	dist length.Dist
	mean float64 // above 0: exponential
}

const exponential = "exponential:"

// ParseOutputLength reads "" (the request's limit), "exponential:mean" and
// what length.Parse reads: "100", "uniform:a,b", "normal:mean,sd" and
// "lognormal:median,sigma". The exponential is in whole tokens and so
// geometric, the discrete law without memory.
func ParseOutputLength(s string) (OutputLength, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return OutputLength{}, nil
	}
	if text, ok := strings.CutPrefix(s, exponential); ok {
		mean, err := strconv.ParseFloat(text, 64)
		if err != nil || !(mean >= 1 && mean <= length.Max) {
			return OutputLength{}, fmt.Errorf("length distribution %q: want a mean from 1 to %d", s, length.Max)
		}
		return OutputLength{mean: mean}, nil
	}
	d, err := length.Parse(s)
	return OutputLength{dist: d}, err
}

// String is the form that ParseOutputLength reads.
func (l OutputLength) String() string {
	if l.mean > 0 {
		return exponential + strconv.FormatFloat(l.mean, 'g', -1, 64)
	}
	return l.dist.String()
}

// Set makes *OutputLength a flag value.
func (l *OutputLength) Set(s string) error {
	v, err := ParseOutputLength(s)
	if err == nil {
		*l = v
	}
	return err
}

// Type names the value in help texts.
func (l *OutputLength) Type() string { return "dist" }

// draw is the length of request id, from 1 to limit, a function of seed and id.
func (l OutputLength) draw(seed uint64, id ID, limit int) int {
	r := rand.New(rand.NewPCG(seed, uint64(id)))
	switch {
	case l.mean > 1:
		// Inversion: P(X > k) = (1 - 1/mean)^k for k = 0, 1, …
		x := math.Ceil(math.Log(1-r.Float64()) / math.Log1p(-1/l.mean))
		return int(max(1, min(x, float64(limit))))
	case l.mean > 0:
		return 1
	case l.dist.IsZero():
		return limit
	}
	return max(1, min(l.dist.Draw(r), limit))
}
