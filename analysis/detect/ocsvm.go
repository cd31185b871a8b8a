package detect

import "math"

// ocsvm: a one-class support vector machine (Schoelkopf et al. 2001) with a Gaussian
// kernel over stretches of 4 rows, trained anew every 512 rows on 200 stretches, spread
// evenly over the last 2,048 rows:
//
//	minimise a'Ka / 2,  0 <= a_i <= 1/(nu n),  sum a = 1;  f(x) = sum a_i k(x_i, x)
//	strange at (rho - f(x)) / rho > 0.9, where rho is f at the support vectors' margin.
//
// It is solved by pairs, those that violate the conditions of Karush, Kuhn and Tucker
// the most first (Platt 1998, Keerthi et al. 2001). 4 µs, 0.4 MiB.
type ocsvm struct {
	past    past
	x       [][svmRows]float64
	alpha   []float64
	kernel  []float64
	f       []float64
	rho     float64
	trained bool
}

const (
	svmRows   = 4
	svmPast   = 2048
	svmFirst  = 256
	svmEvery  = 512
	svmSample = 200
	svmNu     = 0.05
	svmGamma  = 0.25
	svmLimit  = 0.9
	svmSteps  = 2000
	svmClose  = 1e-4
)

func newOCSVM() *ocsvm {
	return &ocsvm{
		past: newPast(svmPast), x: make([][svmRows]float64, svmSample),
		alpha: make([]float64, svmSample), kernel: make([]float64, svmSample*svmSample), f: make([]float64, svmSample),
	}
}

// Next judges the last rows, and learns when it is time.
func (s *ocsvm) Next(_ int64, v float64) Look {
	s.past.see(v)
	look := early
	if s.trained {
		look = nothing
		var x [svmRows]float64
		s.past.newest(x[:])
		f := 0.0
		for i, a := range s.alpha {
			if a > 0 {
				f += a * gaussian(x, s.x[i])
			}
		}
		look.Strange = max(0, (s.rho-f)/s.rho) / svmLimit
	}
	if s.past.due(svmFirst, svmEvery) && s.past.fit() {
		last := len(s.past.scaled) - svmRows
		for i := range s.x {
			copy(s.x[i][:], s.past.scaled[i*last/(svmSample-1):])
		}
		s.train()
	}
	return look
}

func gaussian(a, b [svmRows]float64) float64 {
	d := 0.0
	for i := range a {
		d += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Exp(-svmGamma * d)
}

func (s *ocsvm) train() {
	n := len(s.x)
	bound := 1 / (svmNu * float64(n))
	for i := range s.x {
		for j := range s.x {
			s.kernel[i*n+j] = gaussian(s.x[i], s.x[j])
		}
	}
	left := 1.0
	for i := range s.alpha { // the first nu n have all the weight there is
		s.alpha[i] = min(bound, left)
		left -= s.alpha[i]
	}
	for i := range s.f {
		s.f[i] = 0
		for j, a := range s.alpha {
			s.f[i] += a * s.kernel[i*n+j]
		}
	}
	for range svmSteps {
		up, down := -1, -1 // the weight of up may grow, that of down may fall
		for i, a := range s.alpha {
			if a < bound-1e-12 && (up < 0 || s.f[i] < s.f[up]) {
				up = i
			}
			if a > 1e-12 && (down < 0 || s.f[i] > s.f[down]) {
				down = i
			}
		}
		if up < 0 || down < 0 || s.f[down]-s.f[up] < svmClose {
			break
		}
		curve := s.kernel[up*n+up] + s.kernel[down*n+down] - 2*s.kernel[up*n+down]
		d := min(bound-s.alpha[up], s.alpha[down])
		if curve > 1e-12 {
			d = min(d, (s.f[down]-s.f[up])/curve)
		}
		s.alpha[up] += d
		s.alpha[down] -= d
		for i := range s.f {
			s.f[i] += d * (s.kernel[i*n+up] - s.kernel[i*n+down])
		}
	}
	margin, total := 0.0, 0.0
	for i, a := range s.alpha {
		if a > 1e-12 && a < bound-1e-12 {
			margin, total = margin+s.f[i], total+1
		}
	}
	if total == 0 { // all at the bounds
		for i, a := range s.alpha {
			margin, total = margin+a*s.f[i], total+a
		}
	}
	s.rho = margin / total
	s.trained = s.rho > 0
}
