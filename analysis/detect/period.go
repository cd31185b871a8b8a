package detect

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// period is the length, in rows, of the cycle in values: the lag of the highest peak of
// their autocorrelation that is at least a third, of lags from 4 to a third of the rows.
// Not ok: there is none. The autocorrelation is the inverse transform of the spectrum's
// power (Wiener and Khinchin), without the trend, padded so that it does not wrap.
func period(v []float64) (rows int, ok bool) {
	n := len(v)
	if n < 24 {
		return 0, false
	}
	size := 2 * n
	padded := make([]float64, size)
	mean, _ := meanAndDeviation(v)
	slope, weight := 0.0, 0.0
	for i, x := range v {
		at := float64(i) - float64(n-1)/2
		slope += at * (x - mean)
		weight += at * at
	}
	slope /= weight
	for i, x := range v {
		padded[i] = x - mean - slope*(float64(i)-float64(n-1)/2)
	}
	fft := fourier.NewFFT(size)
	c := fft.Coefficients(nil, padded)
	for i, x := range c {
		c[i] = complex(real(x)*real(x)+imag(x)*imag(x), 0)
	}
	acf := fft.Sequence(nil, c)
	if !(acf[0] > 0) {
		return 0, false
	}
	best := 0.0
	for lag := 4; lag <= n/3; lag++ {
		a := acf[lag] / acf[0] * float64(n) / float64(n-lag)
		left := acf[lag-1] / acf[0] * float64(n) / float64(n-lag+1)
		right := acf[lag+1] / acf[0] * float64(n) / float64(n-lag-1)
		if a >= left && a > right && a > best+0.05 { // of multiples the first
			best, rows = a, lag
		}
	}
	return rows, best >= 1.0/3 && !math.IsNaN(best)
}
