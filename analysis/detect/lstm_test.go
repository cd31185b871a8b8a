package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLSTMGradient compares the gradient with differences of the loss.
func TestLSTMGradient(t *testing.T) {
	n := newNetwork(4, 6)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range n.w {
		n.w[i] = r.NormFloat64() / 2
	}
	x := make([]float64, 6)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	const target, h = 0.7, 1e-5
	loss := func() float64 { d := n.forward(x) - target; return d * d / 2 }
	n.backward(n.forward(x) - target)
	got := append([]float64(nil), n.g...)
	moved := 0
	for i := range n.w {
		w := n.w[i]
		n.w[i] = w + h
		up := loss()
		n.w[i] = w - h
		down := loss()
		n.w[i] = w
		want := (up - down) / (2 * h)
		if math.Abs(got[i]-want) > 1e-7*(1+math.Abs(want)) {
			t.Errorf("weight %d: gradient %g, want %g", i, got[i], want)
		}
		if math.Abs(want) > 1e-6 {
			moved++
		}
	}
	if moved < len(n.w)/2 {
		t.Errorf("only %d of %d weights have a gradient", moved, len(n.w))
	}
}

// TestLSTMLearns has it forecast a sine wave, which it must do better than the row
// before does.
func TestLSTMLearns(t *testing.T) {
	l := newLSTM()
	sum, naive, before := 0.0, 0.0, 0.0
	for i := range 3000 {
		v := math.Sin(2 * math.Pi * float64(i) / 20)
		if i >= 2500 {
			var x [lstmRows]float64
			l.past.newest(x[:])
			f := l.past.mid + l.net.forward(x[:])*l.past.spread
			sum += math.Abs(f - v)
			naive += math.Abs(before - v)
		}
		before = v
		l.Next(int64(i)*60_000, v)
	}
	if sum > naive/2 {
		t.Errorf("mean error %.4f, that of the row before %.4f", sum/500, naive/500)
	}
}
