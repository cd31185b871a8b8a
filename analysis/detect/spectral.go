package detect

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// spectral: the spectral residual of Ren et al. (KDD 2019), over the last 256 rows and 5
// that are extrapolated, so that the newest is not at the edge:
//
//	L = log |F(x - mean)|;  S = |F^-1(exp(L - mean3(L)) at the phase of F(x))|
//	(S - mean21(S)) / mean21(S) at the newest row > 3.
//
// It sees what the spectrum of the window does not explain. Two transforms a row: 50 µs.
type spectral struct {
	last      ring
	fft       *fourier.CmplxFFT
	x         []complex128
	c         []complex128
	l         []float64
	stretched []float64
}

const (
	spectralRows   = 256
	spectralAhead  = 5
	spectralBehind = 21
	spectralLimit  = 3
)

func newSpectral() *spectral {
	n := spectralRows + spectralAhead
	return &spectral{
		last: newRing(spectralRows), fft: fourier.NewCmplxFFT(n),
		x: make([]complex128, n), c: make([]complex128, n), l: make([]float64, n), stretched: make([]float64, n),
	}
}

// Next judges v at the end of the window.
func (s *spectral) Next(_ int64, v float64) Look {
	s.last.push(v)
	if !s.last.full() {
		return early
	}
	n := len(s.x)
	for i := range spectralRows {
		s.stretched[i] = s.last.back(spectralRows - 1 - i)
	}
	// The slopes of the rows before carry on (equations 8 and 9 of the paper). The newest
	// has no part in that: a spike would look like a slope.
	slope := 0.0
	for i := 1; i <= spectralAhead; i++ {
		slope += (s.last.back(1) - s.last.back(1+i)) / float64(i) / spectralAhead
	}
	ahead := s.last.back(spectralAhead) + slope*spectralAhead
	for i := spectralRows; i < n; i++ {
		s.stretched[i] = ahead
	}
	level, _ := meanAndDeviation(s.stretched)
	for i, y := range s.stretched {
		s.x[i] = complex(y-level, 0)
	}
	s.fft.Coefficients(s.c, s.x)
	for i, c := range s.c {
		s.l[i] = math.Log(max(cmplx.Abs(c), math.SmallestNonzeroFloat64))
	}
	// Without the mean there is nothing at frequency 0 but rounding, which must not pull
	// down the logarithms next to it.
	s.c[0], s.l[0] = 0, s.l[1]
	for i, c := range s.c {
		a := cmplx.Abs(c)
		if a == 0 {
			continue
		}
		mean := (s.l[(i+n-1)%n] + s.l[i] + s.l[(i+1)%n]) / 3
		s.c[i] = c / complex(a, 0) * complex(math.Exp(s.l[i]-mean), 0)
	}
	s.fft.Sequence(s.x, s.c)
	now := cmplx.Abs(s.x[spectralRows-1])
	mean := 0.0
	for i := range spectralBehind {
		mean += cmplx.Abs(s.x[spectralRows-1-i]) / spectralBehind
	}
	if !(mean > 0) {
		return nothing
	}
	return Look{Strange: max(0, (now-mean)/mean) / spectralLimit, Low: math.NaN(), High: math.NaN()}
}
