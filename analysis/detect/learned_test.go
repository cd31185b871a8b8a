package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestOCSVMConditions: what training ends with fulfils the conditions of Karush, Kuhn
// and Tucker, and at most a share nu of the sample lies outside of the region, as
// proposition 3 of Schoelkopf et al. says.
func TestOCSVMConditions(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newOCSVM()
		for i := range s.x {
			for k := range s.x[i] {
				s.x[i][k] = r.NormFloat64() + 3*float64(i%2)
			}
		}
		s.train()
		n := len(s.x)
		bound := 1 / (svmNu * float64(n))
		sum, outside := 0.0, 0
		least, greatest := math.Inf(1), math.Inf(-1) // f where the weight may grow, and where it may fall
		for i, a := range s.alpha {
			if sum += a; a < 0 || a > bound+1e-12 {
				t.Fatalf("seed %d: weight %v of at most %v", seed, a, bound)
			}
			f := 0.0
			for j, b := range s.alpha {
				f += b * gaussian(s.x[i], s.x[j])
			}
			if math.Abs(f-s.f[i]) > 1e-9 {
				t.Fatalf("seed %d: f is %v, kept as %v", seed, f, s.f[i])
			}
			if a < bound-1e-12 {
				least = min(least, f)
			}
			if a > 1e-12 {
				greatest = max(greatest, f)
			}
			if f < s.rho-svmClose {
				outside++
			}
		}
		if math.Abs(sum-1) > 1e-9 || greatest-least > svmClose || !s.trained {
			t.Errorf("seed %d: weights sum to %v, conditions violated by %v", seed, sum, greatest-least)
		}
		if most := int(svmNu * float64(n)); outside > most {
			t.Errorf("seed %d: %d of %d outside, want at most %d", seed, outside, n, most)
		}
	}
}

// TestIsolationForest: c(n) has the values of equation 1 of Liu, Ting and Zhou, trees are
// no deeper than the paper's limit, and what is far out is isolated sooner.
func TestIsolationForest(t *testing.T) {
	for n, want := range map[int]float64{1: 0, 2: 1, 256: 10.244770920116851} {
		if got := unsuccessful(n); math.Abs(got-want) > 1e-9 {
			t.Errorf("c(%d) is %v, want %v", n, got, want)
		}
	}
	r := rand.New(rand.NewPCG(2, 2))
	f := newIForest()
	for range forestFirst {
		f.Next(0, r.NormFloat64())
	}
	depth := func(x [3]float64) (sum float64) {
		for _, tree := range f.trees {
			sum += pathLength(tree, x) / forestTrees
		}
		return sum
	}
	near, far := depth([3]float64{}), depth([3]float64{20, 20, 8})
	if !(far < near/2) {
		t.Errorf("depth %v far out, %v in the middle", far, near)
	}
	for _, tree := range f.trees {
		var walk func(at int32, depth int)
		walk = func(at int32, depth int) {
			if depth > forestDepth {
				t.Fatal("a tree is too deep")
			}
			if tree[at].axis >= 0 {
				walk(tree[at].left, depth+1)
				walk(tree[at].right, depth+1)
			}
		}
		walk(0, 0)
	}
}

// TestNearest: the distance of subknn is that of a plain search of all stretches.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	s := newSubKNN()
	for range knnFirst {
		s.Next(0, r.NormFloat64())
	}
	var now [knnRows]float64
	for i := range now {
		now[i] = r.NormFloat64()
	}
	var all []float64
	for at := 0; at+knnRows <= len(s.past.scaled); at += knnStride {
		d := 0.0
		for i := range now {
			d += (s.past.scaled[at+i] - now[i]) * (s.past.scaled[at+i] - now[i])
		}
		all = append(all, math.Sqrt(d/knnRows))
	}
	below := 0
	got := s.distance(now)
	for _, d := range all {
		if d < got-1e-12 {
			below++
		}
	}
	if below != knnK-1 {
		t.Errorf("%d stretches are nearer than the %dth nearest", below, knnK)
	}
}
