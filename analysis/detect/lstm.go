package detect

import (
	"math"
	"math/rand/v2"
)

// lstm: how far a value is from the forecast of a small LSTM network (Hochreiter and
// Schmidhuber 1997, with forget gates after Gers 2000) of 8 units, from the 16 rows
// before; |r| over 1.2533 times a weighted mean of |r|, strange at 8. After each row the
// network learns from it: one step of Adam (Kingma and Ba 2015) down the gradient of
// r^2/2 through the 16 rows. The first 512 rows only teach. 30 µs, 30 KiB.
//
// No network on these benchmarks is worth its cost; the channel is there to be compared
// with.
type lstm struct {
	past   past
	net    network
	adam   adam
	spread float64
	rows   int
}

const (
	lstmUnits  = 8
	lstmRows   = 16
	lstmFirst  = 128
	lstmWarm   = 512
	lstmLimit  = 8
	lstmSpread = 0.02
	lstmRate   = 0.01
	lstmClip   = 3
)

func newLSTM() *lstm {
	l := &lstm{past: newPast(lstmWarm), net: newNetwork(lstmUnits, lstmRows)}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range l.net.w {
		l.net.w[i] = (2*r.Float64() - 1) / math.Sqrt(lstmUnits)
	}
	l.adam = newAdam(len(l.net.w))
	return l
}

// Next judges v by the forecast, and learns from it.
func (l *lstm) Next(_ int64, v float64) Look {
	look := early
	if l.past.fitted {
		var x [lstmRows]float64
		l.past.newest(x[:])
		f := l.net.forward(x[:])
		r := l.past.scale(v) - f
		sd := l.spread * math.Sqrt(math.Pi/2)
		if l.rows > lstmWarm {
			look = nothing
		}
		if l.rows > lstmWarm && sd > 0 {
			low, high := l.past.mid+(f-lstmLimit*sd)*l.past.spread, l.past.mid+(f+lstmLimit*sd)*l.past.spread
			look = Look{math.Abs(r) / sd / lstmLimit, low, high}
		}
		clipped := r
		if l.rows > lstmWarm {
			clipped = min(max(r, -lstmClip*sd), lstmClip*sd)
		}
		l.net.backward(-clipped)
		l.adam.step(l.net.w, l.net.g, lstmRate)
		l.spread += max(lstmSpread, 1/float64(l.rows-lstmFirst+2)) * (math.Abs(clipped) - l.spread)
	}
	l.past.see(v)
	if l.rows++; !l.past.fitted && l.rows >= lstmFirst && l.rows%lstmFirst == 0 {
		if l.past.fit() {
			l.rows = lstmFirst // what was before, all the same, has taught nothing
		}
	}
	return look
}

// A network is one layer of LSTM units over single values and a linear output. Its
// weights are, for each of the gates in, forget, out and the candidate: of each unit
// those of x, of the h of all units, and the bias; at the end those of the output.
type network struct {
	units, rows int
	w, g        []float64
	x           []float64
	gate        []float64 // by row, gate and unit, after the activation
	c, h        []float64 // by row and unit, row 0 before the first
	dh, dc, dz  []float64
}

func newNetwork(units, rows int) network {
	n := 4*units*(units+2) + units + 1
	return network{
		units: units, rows: rows, w: make([]float64, n), g: make([]float64, n), x: make([]float64, rows),
		gate: make([]float64, rows*4*units), c: make([]float64, (rows+1)*units), h: make([]float64, (rows+1)*units),
		dh: make([]float64, units), dc: make([]float64, units), dz: make([]float64, 4*units),
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// forward is the forecast of what follows x.
func (n *network) forward(x []float64) float64 {
	u := n.units
	copy(n.x, x)
	for t := range n.rows {
		h := n.h[t*u : (t+1)*u]
		for k := range 4 * u {
			w := n.w[k*(u+2) : (k+1)*(u+2)]
			z := w[0]*x[t] + w[u+1]
			for j, y := range h {
				z += w[1+j] * y
			}
			if k < 3*u {
				z = logistic(z)
			} else {
				z = math.Tanh(z)
			}
			n.gate[t*4*u+k] = z
		}
		gate := n.gate[t*4*u:]
		for j := range u {
			c := gate[u+j]*n.c[t*u+j] + gate[j]*gate[3*u+j]
			n.c[(t+1)*u+j] = c
			n.h[(t+1)*u+j] = gate[2*u+j] * math.Tanh(c)
		}
	}
	out := n.w[4*u*(u+2):]
	y := out[u]
	for j := range u {
		y += out[j] * n.h[n.rows*u+j]
	}
	return y
}

// backward puts the gradient of a loss into g, given its derivative by the forecast that
// was made last.
func (n *network) backward(dy float64) {
	u := n.units
	clear(n.g)
	clear(n.dc)
	out, dout := n.w[4*u*(u+2):], n.g[4*u*(u+2):]
	dout[u] = dy
	for j := range u {
		dout[j] = dy * n.h[n.rows*u+j]
		n.dh[j] = dy * out[j]
	}
	for t := n.rows - 1; t >= 0; t-- {
		gate := n.gate[t*4*u:]
		for j := range u {
			in, forget, open, cand := gate[j], gate[u+j], gate[2*u+j], gate[3*u+j]
			th := math.Tanh(n.c[(t+1)*u+j])
			dc := n.dc[j] + n.dh[j]*open*(1-th*th)
			n.dz[j] = dc * cand * in * (1 - in)
			n.dz[u+j] = dc * n.c[t*u+j] * forget * (1 - forget)
			n.dz[2*u+j] = n.dh[j] * th * open * (1 - open)
			n.dz[3*u+j] = dc * in * (1 - cand*cand)
			n.dc[j] = dc * forget
		}
		clear(n.dh)
		h := n.h[t*u : (t+1)*u]
		for k, d := range n.dz {
			w, g := n.w[k*(u+2):(k+1)*(u+2)], n.g[k*(u+2):(k+1)*(u+2)]
			g[0] += d * n.x[t]
			g[u+1] += d
			for j, y := range h {
				g[1+j] += d * y
				n.dh[j] += d * w[1+j]
			}
		}
	}
}

// adam is the state of the optimiser.
type adam struct {
	m, v []float64
	t    float64
}

func newAdam(n int) adam { return adam{m: make([]float64, n), v: make([]float64, n)} }

func (a *adam) step(w, g []float64, rate float64) {
	const b1, b2, tiny = 0.9, 0.999, 1e-8
	a.t++
	c1, c2 := 1-math.Pow(b1, a.t), 1-math.Pow(b2, a.t)
	for i, x := range g {
		a.m[i] += (1 - b1) * (x - a.m[i])
		a.v[i] += (1 - b2) * (x*x - a.v[i])
		w[i] -= rate * (a.m[i] / c1) / (math.Sqrt(a.v[i]/c2) + tiny)
	}
}
