package capacity

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// queue is a first-come, first-served queue of k servers with Poisson arrivals.
type queue struct {
	servers     int
	mean        float64 // service time, s
	exponential bool
}

// run gives the arrivals up to an end and when each is done, s.
func (q queue) run(rng *rand.Rand, rate, end float64) (arrive, done []float64) {
	return q.filled(rng, rate, end, 0)
}

// filled is run where so many requests come at the start.
func (q queue) filled(rng *rand.Rand, rate, end float64, extra int) (arrive, done []float64) {
	free := make([]float64, q.servers)
	for at := 0.0; at < end; {
		if extra > 0 {
			extra--
		} else if at += rng.ExpFloat64() / rate; at >= end {
			break
		}
		s := q.mean
		if q.exponential {
			s *= rng.ExpFloat64()
		}
		i := 0
		for j := range free {
			if free[j] < free[i] {
				i = j
			}
		}
		free[i] = max(free[i], at) + s
		arrive, done = append(arrive, at), append(done, free[i])
	}
	return arrive, done
}

// watch looks at a queue every tick and gives the time at which Backlog calls it
// one that grows, and what it says is done a second.
func (q queue) watch(rng *rand.Rand, rate, end float64) (at, completed float64, growing bool) {
	arrive, done := q.run(rng, rate, end)
	slices.Sort(done)
	b := Backlog{Idle: time.Duration(q.mean * float64(time.Second))}
	tick := 0.1
	var sent, over int
	for t := tick; t <= end; t += tick {
		for sent < len(arrive) && arrive[sent] <= t {
			sent++
		}
		for over < len(done) && done[over] <= t {
			over++
		}
		b.Add(time.Duration(t*float64(time.Second)), int64(sent), int64(over))
		if completed, growing = b.Growing(); growing {
			return t, completed, true
		}
	}
	return 0, 0, false
}

func TestBacklog(t *testing.T) {
	queues := map[string]queue{
		"M/M/1":   {servers: 1, mean: 0.005, exponential: true},
		"M/D/1":   {servers: 1, mean: 0.005},
		"M/D/64":  {servers: 64, mean: 0.5},
		"M/M/100": {servers: 100, mean: 2, exponential: true},
	}
	const runs = 20
	for name, q := range queues {
		capacity := float64(q.servers) / q.mean
		for _, c := range []struct {
			load   float64
			length float64 // s
			most   int     // runs that may be called growing
			least  int
		}{
			{load: 0.5, length: 30}, {load: 0.9, length: 30}, {load: 0.95, length: 30},
			{load: 0.99, length: 30, most: 1},
			{load: 1.3, length: 60, most: runs, least: runs - 1},
			{load: 2, length: 60, most: runs, least: runs},
			{load: 4, length: 60, most: runs, least: runs},
		} {
			n, when := 0, 0.0
			for seed := range uint64(runs) {
				at, completed, growing := q.watch(rand.New(rand.NewPCG(seed, 1)), c.load*capacity, c.length)
				if !growing {
					continue
				}
				n++
				when += at
				if c.load > 1 && (completed < 0.85*capacity || completed > 1.15*capacity) {
					t.Errorf("%s at %g: %.4g a second done, %g can be", name, c.load, completed, capacity)
				}
			}
			if n < c.least || n > c.most {
				t.Errorf("%s at %g of its capacity: %d of %d runs grow, want %d to %d", name, c.load, n, runs, c.least, c.most)
			}
			t.Logf("%s at %g: %d of %d grow, after %.3g s", name, c.load, n, runs, when/float64(max(n, 1)))
		}
	}
}
