// Package length draws token counts from a stated distribution. It is pure:
// the caller brings the random source, so that equal seeds give equal lengths.
package length

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Max is the largest length that a distribution gives or accepts: above any
// context window, low enough that a prompt of that length still fits in memory.
const Max = 10_000_000

// kind is the family of a distribution.
type kind int

const (
	constant kind = iota
	uniform
	normal
	lognormal
)

// Dist is a distribution of lengths in tokens. The zero value always gives 0.
type Dist struct {
	kind kind
	a, b float64
	text string
}

// Constant always gives n.
func Constant(n int) Dist { return Dist{a: float64(n), text: strconv.Itoa(n)} }

// Parse reads
//
//	100                     constant
//	uniform:a,b             whole numbers from a to b, both included
//	normal:mean,sd          normal, rounded, at least 1
//	lognormal:median,sigma  exp(ln(median) + sigma*N(0,1)), rounded, at least 1
func Parse(s string) (Dist, error) {
	name, args, named := strings.Cut(strings.TrimSpace(s), ":")
	if !named {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return Dist{}, fmt.Errorf("%q is no length distribution: want 100, uniform:a,b, normal:mean,sd or lognormal:median,sigma", s)
		}
		if n < 1 || n > Max {
			return Dist{}, fmt.Errorf("length %d is outside 1 to %d", n, Max)
		}
		return Constant(n), nil
	}
	a, b, err := pair(args)
	if err != nil {
		return Dist{}, fmt.Errorf("length distribution %q: %w", s, err)
	}
	d := Dist{a: a, b: b, text: strings.TrimSpace(s)}
	if a < 1 || a > Max {
		return Dist{}, fmt.Errorf("length distribution %q: the first number must be from 1 to %d", s, Max)
	}
	switch strings.TrimSpace(name) {
	case "uniform":
		d.kind = uniform
		if a != math.Trunc(a) || b != math.Trunc(b) || b < a || b > Max {
			return Dist{}, fmt.Errorf("length distribution %q: want whole numbers a <= b, at most %d", s, Max)
		}
	case "normal":
		d.kind = normal
		if b < 0 {
			return Dist{}, fmt.Errorf("length distribution %q: the standard deviation is negative", s)
		}
	case "lognormal":
		d.kind = lognormal
		if b < 0 || b > 10 {
			return Dist{}, fmt.Errorf("length distribution %q: sigma must be from 0 to 10", s)
		}
	default:
		return Dist{}, fmt.Errorf("length distribution %q: unknown family %q: want uniform, normal or lognormal", s, name)
	}
	return d, nil
}

func pair(args string) (a, b float64, err error) {
	first, second, ok := strings.Cut(args, ",")
	if !ok {
		return 0, 0, errors.New("want two numbers with a comma between them")
	}
	if a, err = number(first); err != nil {
		return 0, 0, err
	}
	b, err = number(second)
	return a, b, err
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a finite number", strings.TrimSpace(s))
	}
	return v, nil
}

// Draw gives one length, at least 1 (0 for the zero Dist).
func (d Dist) Draw(rng *rand.Rand) int {
	switch d.kind {
	case uniform:
		return int(d.a) + rng.IntN(int(d.b-d.a)+1)
	case normal:
		return bound(d.a + d.b*rng.NormFloat64())
	case lognormal:
		return bound(d.a * math.Exp(d.b*rng.NormFloat64()))
	default:
		return int(d.a)
	}
}

func bound(v float64) int { return int(math.Round(min(max(v, 1), Max))) }

// IsZero tells whether d is unset.
func (d Dist) IsZero() bool { return d == Dist{} }

// String is the text that Parse reads.
func (d Dist) String() string { return d.text }

// Set makes *Dist a flag value.
func (d *Dist) Set(s string) error {
	v, err := Parse(s)
	if err == nil {
		*d = v
	}
	return err
}

// Type names the value in help texts.
func (d *Dist) Type() string { return "dist" }
