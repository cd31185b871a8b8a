package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// queueConfig is an engine that is nothing but a queue with c servers: one
// token a request, and a prefill that takes one microsecond a prompt token.
func queueConfig(c int) Config {
	cfg := Default()
	cfg.PrefillBase, cfg.PrefillPerToken = 0, time.Microsecond
	cfg.DecodeBase, cfg.DecodePerSequence = 0, 0
	cfg.MaxRunning, cfg.KVBlocks = c, c
	cfg.BlockSize, cfg.MaxModelLen = 1<<40, 1<<40 // a request is one block
	return cfg
}

// sample draws n values and scales them so that their mean is exact. Without
// it the chance error of the load alone moves the mean wait by over 1 %.
func sample(n int, mean float64, draw func() float64) []float64 {
	v := make([]float64, n)
	sum := 0.0
	for i := range v {
		v[i] = draw()
		sum += v[i]
	}
	for i := range v {
		v[i] *= mean * float64(n) / sum
	}
	return v
}

// meanWait is the mean time in the queue, in seconds, of requests with these
// gaps between arrivals and these service times. The first tenth is left out.
func meanWait(t *testing.T, c int, gaps, services []float64) float64 {
	t.Helper()
	e, err := New(queueConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	n := len(gaps)
	arrived := make([]time.Duration, n)
	var sum time.Duration
	var counted int
	emit := func(ev Event) {
		if ev.Kind == Started && ev.ID >= ID(n/10) {
			sum += ev.At - arrived[ev.ID]
			counted++
		}
	}
	at := 0.0
	for i := range n {
		at += gaps[i]
		arrived[i] = time.Duration(at * 1e9)
		e.Advance(arrived[i], emit)
		e.Submit(arrived[i], Request{PromptTokens: int(math.Round(services[i] * 1e6)), MaxTokens: 1})
	}
	e.Advance(math.MaxInt64, emit)
	if counted != n-n/10 {
		t.Fatalf("%d of %d requests started", counted, n-n/10)
	}
	return sum.Seconds() / float64(counted)
}

// erlangWait is the mean wait in M/M/c: C(c, a)/(c·mu − lambda), with Erlang's
// C by the stable recursion for B (A. O. Allen, Probability, Statistics and
// Queueing Theory, 2nd ed., 1990, section 5.2.3).
func erlangWait(c int, lambda, mu float64) float64 {
	a, b := lambda/mu, 1.0
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	rho := a / float64(c)
	return b / (1 - rho*(1-b)) / (float64(c)*mu - lambda)
}

// crommelinWait is the exact mean wait in M/D/c. Crommelin (1932): who is in
// service at some moment has left one service time later, and who arrived in
// between is there, so N(t+D) = max(N(t)−c, 0) + Poisson(lambda·D). The
// stationary law of that chain is found by iteration; Little's law then turns
// the mean queue length into the mean wait.
func crommelinWait(c int, lambda, d float64) float64 {
	const size = 400
	a := lambda * d
	poisson := make([]float64, size)
	poisson[0] = math.Exp(-a)
	for k := 1; k < size; k++ {
		poisson[k] = poisson[k-1] * a / float64(k)
	}
	p, q := make([]float64, size), make([]float64, size)
	p[0] = 1
	for {
		clear(q)
		for n, pn := range p {
			if pn < 1e-18 {
				continue
			}
			left := max(n-c, 0)
			for k := 0; left+k < size; k++ {
				if poisson[k] < 1e-18 && float64(k) > a {
					break
				}
				q[left+k] += pn * poisson[k]
			}
		}
		change := 0.0
		for n := range p {
			change += math.Abs(p[n] - q[n])
		}
		p, q = q, p
		if change < 1e-10 {
			break
		}
	}
	waiting := 0.0
	for n := c + 1; n < size; n++ {
		waiting += float64(n-c) * p[n]
	}
	return waiting / lambda
}

// The reference itself: for one server it must be Pollaczek and Khinchine's
// rho·D/(2(1−rho)), and for more it must lie near Cosmetatos's approximation
// (1976), which is good to about 1 % at these loads.
func TestCrommelinReference(t *testing.T) {
	for _, rho := range []float64{0.3, 0.5, 0.7, 0.8, 0.9} {
		got, want := crommelinWait(1, rho, 1), rho/(2*(1-rho))
		if math.Abs(got/want-1) > 1e-6 {
			t.Errorf("M/D/1, rho %g: wait %g, want %g", rho, got, want)
		}
	}
	for _, c := range []int{2, 4, 8} {
		const rho = 0.8
		n := float64(c)
		factor := 1 + (1-rho)*(n-1)*(math.Sqrt(4+5*n)-2)/(16*rho*n)
		want := factor / 2 * erlangWait(c, rho*n, 1)
		if got := crommelinWait(c, rho*n, 1); math.Abs(got/want-1) > 0.015 {
			t.Errorf("M/D/%d: wait %g, Cosmetatos %g", c, got, want)
		}
	}
}

// Textbook values of M/M/c: M/M/1 at load 0.8 with mu = 1 waits 4 on average;
// M/M/2 at 0.75 waits rho²/(1−rho²)/mu = 9/7.
func TestErlangReference(t *testing.T) {
	for _, c := range []struct {
		servers    int
		load, want float64
	}{{1, 0.8, 4}, {2, 0.75, 9.0 / 7}} {
		if got := erlangWait(c.servers, c.load*float64(c.servers), 1); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("M/M/%d: wait %g, want %g", c.servers, got, c.want)
		}
	}
}

func TestMeanWaitAgainstTheory(t *testing.T) {
	const (
		n         = 400_000
		mean      = 0.05 // seconds of service
		tolerance = 0.02
	)
	for _, q := range []struct {
		servers int
		load    float64
	}{{1, 0.6}, {2, 0.5}, {4, 0.5}, {8, 0.5}} {
		lambda := q.load * float64(q.servers) / mean
		rng := rand.New(rand.NewPCG(1, uint64(q.servers)))
		gaps := sample(n, 1/lambda, rng.ExpFloat64)
		check := func(law string, services []float64, want float64) {
			got := meanWait(t, q.servers, gaps, services)
			t.Logf("M/%s/%d load %.2f: wait %.4f ms, theory %.4f ms, off by %+.2f %%", law, q.servers, q.load, got*1e3, want*1e3, 100*(got/want-1))
			if !(math.Abs(got/want-1) < tolerance) {
				t.Errorf("M/%s/%d load %g: mean wait %g s, theory %g s", law, q.servers, q.load, got, want)
			}
		}
		check("M", sample(n, mean, rng.ExpFloat64), erlangWait(q.servers, lambda, 1/mean))
		check("D", slices.Repeat([]float64{mean}, n), crommelinWait(q.servers, lambda, mean))
	}
}

// Kiefer and Wolfowitz's recursion gives each single wait of a queue with c
// servers: sort the servers' backlogs, the next request takes the smallest.
// The engine must agree to the nanosecond, at any load.
func TestEachWaitAgainstRecursion(t *testing.T) {
	for _, c := range []int{1, 3, 32} {
		rng := rand.New(rand.NewPCG(7, uint64(c)))
		e, err := New(queueConfig(c))
		if err != nil {
			t.Fatal(err)
		}
		free := make([]time.Duration, c) // when each server is free again
		var at time.Duration
		var want, got []time.Duration
		emit := func(ev Event) {
			if ev.Kind == Started {
				got = append(got, ev.At)
			}
		}
		for range 20_000 {
			at += time.Duration(rng.ExpFloat64() * 1e9)
			prompt := 1 + int(rng.ExpFloat64()*1.05e6*float64(c)) // overload: the queue grows
			e.Submit(at, Request{PromptTokens: prompt, MaxTokens: 1})
			slices.Sort(free)
			start := max(at, free[0])
			free[0] = start + time.Duration(prompt)*time.Microsecond
			want = append(want, start)
		}
		e.Advance(math.MaxInt64, emit)
		if !slices.Equal(got, want) {
			t.Errorf("c = %d: start times differ from the recursion", c)
		}
	}
}
