package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// correlated is a sequence of n values, each like the one before by rho.
func correlated(rng *rand.Rand, n int, rho float64) *Sequence {
	var s Sequence
	z := rng.NormFloat64()
	for i := range n {
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		s.Add(uint64(i), 10+z, 1)
	}
	return &s
}

// Of AR(1) the effect is (1+rho)/(1-rho) (Bartlett 1946): 3 for 0.5, 19 for 0.9. Of
// independent values it stays 1 but for the few cases that the evidence allows.
func TestJointEffect(t *testing.T) {
	for rho, want := range map[float64]float64{0.5: 3, 0.9: 19} {
		sum := 0.0
		const rounds = 100
		for i := range rounds {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			sum += JointEffect(0.99, correlated(rng, 4000, rho), correlated(rng, 4000, rho))
		}
		if got := sum / rounds; got < want*0.85 || got > want*1.35 {
			t.Errorf("correlation %v: effect %v, want about %v", rho, got, want)
		}
	}
	raised := 0
	for i := range 300 {
		rng := rand.New(rand.NewPCG(uint64(i), 8))
		if JointEffect(0.99, correlated(rng, 1000, 0), correlated(rng, 1000, 0)) > 1 {
			raised++
		}
	}
	if raised > 15 {
		t.Errorf("%d of 300 pairs of independent sequences are said to be correlated", raised)
	}
	if e := JointEffect(0.99, new(Sequence)); e != 1 {
		t.Errorf("an empty sequence: %v", e)
	}
}
