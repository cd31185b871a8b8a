// Package arrival says when the requests of an open loop are due. A schedule is
// absolute: each arrival is a time since the start of the run, so that lateness
// never adds up. It knows no clock and sends nothing.
package arrival

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Kind is the family of the gaps between arrivals.
type Kind string

// The kinds of --arrivals.
const (
	Constant Kind = "constant" // equal gaps
	Poisson  Kind = "poisson"  // exponential gaps: independent users
	Gamma    Kind = "gamma"    // gamma gaps of a given burstiness
)

// Kinds lists the names that Process.Kind accepts.
func Kinds() []string { return []string{string(Constant), string(Poisson), string(Gamma)} }

// Process is a renewal process of arrivals.
type Process struct {
	Kind Kind
	// Rate is the mean number of arrivals a second.
	Rate float64
	// Profile, if set, changes the rate with time and stands in place of Rate.
	Profile Profile
	// Burstiness is the shape of the gamma gaps, whose coefficient of variation
	// is 1/sqrt(Burstiness): 1 is Poisson, below 1 is burstier.
	Burstiness float64
	Seed       uint64
}

// Validate says what is wrong with p.
func (p Process) Validate() error {
	if p.Profile != nil && !(p.Profile.Peak() > 0) {
		return errors.New("the stages hold no arrivals: every rate is 0")
	}
	if p.Profile == nil && (!(p.Rate > 0) || p.Rate > MaxRate) {
		return fmt.Errorf("rate %v must be above 0 and at most %d requests a second", p.Rate, int(MaxRate))
	}
	switch p.Kind {
	case Constant, Poisson:
		return nil
	case Gamma:
		if !(p.Burstiness > 0) || p.Burstiness > 1e6 {
			return fmt.Errorf("burstiness %v must be above 0 and at most 1,000,000", p.Burstiness)
		}
		return nil
	}
	return fmt.Errorf("unknown arrivals %q: want constant, poisson or gamma", p.Kind)
}

// seedStream keeps the arrivals' random numbers apart from those of the prompts.
const seedStream = 0x61727269_76616c73

// Times yields the arrivals in order, without end unless Profile has one. The same Process yields the
// same times on every machine: they are rounded to whole microseconds, far
// above the last bits in which floating-point units differ. Constant arrivals
// begin at 0; random ones begin with a gap.
func (p Process) Times() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		rng := rand.New(rand.NewPCG(p.Seed, seedStream))
		inv := inverse{p: p.Profile}
		var sum float64 // gaps so far, in units of 1/rate
		for i := 0; ; i++ {
			switch p.Kind {
			case Constant:
				sum = float64(i) // a product, not a running sum: no drift
			case Gamma:
				sum += gamma(rng, p.Burstiness) / p.Burstiness
			default:
				sum += rng.ExpFloat64()
			}
			at, ok := sum/p.Rate, true
			if p.Profile != nil {
				at, ok = inv.at(sum)
			}
			us := math.Round(at * 1e6)
			if !ok || us > math.MaxInt64/1e3 || !yield(time.Duration(us)*time.Microsecond) {
				return
			}
		}
	}
}

// gamma draws from the gamma distribution of the given shape and scale 1.
// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM
// TOMS 26 (2000); below shape 1 by their boost G(a) = G(a+1)*U^(1/a).
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(1-rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if u := 1 - rng.Float64(); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
