package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// last feeds values to a channel, a quarter of an hour apart, and gives what it says of the last.
func last(c Channel, values ...float64) (look Look) {
	for i, v := range values {
		look = c.Next(1_700_000_000_000+int64(i)*900_000, v)
	}
	return look
}

// repeated is the values, over and over, n of them.
func repeated(n int, values ...float64) []float64 {
	var all []float64
	for i := range n {
		all = append(all, values[i%len(values)])
	}
	return all
}

func TestChannelValues(t *testing.T) {
	tenTwelve := repeated(100, 10, 12, 14, 16, 18, 20)
	for _, c := range []struct {
		name      string
		channel   Channel
		values    []float64
		want      float64
		low, high float64
	}{
		// 25 is 5 above the greatest, of a range of 15 with it: 1/3 over 1/20.
		{"novelty above", newNovelty(noveltyLimit, noveltyDelay, 0), append(slices.Clone(tenTwelve), 25), 20.0 / 3, 10, 20},
		// 13 lies 1 from 12 and 14, of a range of 10: 0.1 over 1/20. 12 ± 0.5 was expected.
		{"novelty between", newNovelty(noveltyLimit, noveltyDelay, 0), append(slices.Clone(tenTwelve), 13), 2, 11.5, 12.5},
		{"novelty known", newNovelty(noveltyLimit, noveltyDelay, 0), append(slices.Clone(tenTwelve), 14), 0, 13.5, 14.5},
		// With a least range of 100 the same 5 are 1/20.
		{"novelty floor", newNovelty(noveltyLimit, noveltyDelay, 100), append(slices.Clone(tenTwelve), 25), 1, 10, 20},
		// The mean of 6 rows has always been 15; that of 25, 10 … 18 is 95/6: no scale before.
		{"z-score", newZscore(), append(repeated(60, 9, 11), 14), 4.0 / 3, 7, 13},
		{"z-score of equals", newZscore(), append(repeated(60, 7), 9), 0, math.NaN(), math.NaN()},
		// Median 12 and quantiles 10 and 14 of the rows before; (14-10)/2.563 is one
		// deviation, which Poisson's sqrt(12) exceeds.
		{"robust Poisson", newRobust(200, 1, 8, math.Inf(1)), append(repeated(201, 10, 12, 14), 20), 8 / math.Sqrt(12) / 8, 12 - 8*math.Sqrt(12), 12 + 8*math.Sqrt(12)},
		{"robust", newRobust(200, 1, 8, math.Inf(1)), append(repeated(201, 10.5, 12.5, 14.5), 20.5), 8 / (4 / gaussianQ) / 8, 12.5 - 8*4/gaussianQ, 12.5 + 8*4/gaussianQ},
		// z of both is 8/(4/2.563); twice in a row they count against 4.
		{"robust twice", newRobust(200, 1, 8, 4), append(repeated(201, 10.5, 12.5, 14.5), 20.5, 20.5), 8 / (4 / gaussianQ) / 4, 12.5 - 8*4/gaussianQ, 12.5 + 8*4/gaussianQ},
		// 1 is 1 from the median 0 of zeros, which is what a Poisson count does.
		{"robust zeros", newRobust(200, 1, 8, 6), append(repeated(100, 0), 1), 1.0 / 8, -8, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := last(c.channel, c.values...)
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 || math.IsNaN(a) && math.IsNaN(b) }
			if !near(got.Strange, c.want) || !near(got.Low, c.low) || !near(got.High, c.high) {
				t.Errorf("%+v, want %v in %v to %v", got, c.want, c.low, c.high)
			}
		})
	}
}

// TestEWMA against the recurrence of its comment, row by row.
func TestEWMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	e := new(ewma)
	var m, s float64
	for i := range 200 {
		v := r.NormFloat64()
		if i == 150 {
			v = 20
		}
		got := e.Next(0, v)
		if i == 0 {
			m = v
		}
		d := v - m
		if n := float64(i + 1); i < ewmaWarm {
			s, m = s+(d*d-s)/n, m+d/n
			continue
		}
		sd := math.Sqrt(s)
		if want := math.Abs(d) / sd / 6; math.Abs(got.Strange-want) > 1e-12 {
			t.Fatalf("row %d: %v, want %v", i, got.Strange, want)
		}
		if i == 150 && got.Strange < 1 {
			t.Errorf("a spike of 20 deviations is %v", got.Strange)
		}
		d = max(-3*sd, min(3*sd, d))
		s, m = s+0.05*(d*d-s), m+0.1*d
	}
}

func TestPeriod(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, want := range []int{6, 24, 96, 144} {
		v := make([]float64, 600)
		for i := range v {
			v[i] = 100 + float64(i)/10 + 10*math.Sin(2*math.Pi*float64(i)/float64(want)) + r.NormFloat64()
		}
		if got, ok := period(v); !ok || got < want-want/50-1 || got > want+want/50+1 {
			t.Errorf("period %d, %v; want %d", got, ok, want)
		}
	}
	noise := make([]float64, 600)
	for i := range noise {
		noise[i] = r.NormFloat64()
	}
	if got, ok := period(noise); ok {
		t.Errorf("period %d in noise", got)
	}
	if _, ok := period(make([]float64, 600)); ok {
		t.Error("a period in zeros")
	}
}

// TestSeasons: what is usual at one hour is not at another. Channels that know of
// seasons see it, and novelty does not.
func TestSeasons(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var all []Row
	for i := range 20 * 24 {
		v := 100 - 80*math.Cos(2*math.Pi*float64(i%24)/24) + r.NormFloat64()
		if i == 18*24+1 {
			v = 160 // as at 17:00
		}
		all = append(all, Row{1_699_920_000_000 + int64(i)*hourMS, v})
	}
	for name, sees := range map[string]bool{"timeofday": true, "yesterday": true, "holtwinters": true, "novelty": false} {
		set, err := SetOf(name)
		if err != nil {
			t.Fatal(err)
		}
		s := scoresOf(Options{Class: Gauge, Channels: set}, all)
		if got := s[18*24+1].Value >= Alert; got != sees {
			t.Errorf("%s: score %.3f at the wrong hour", name, s[18*24+1].Value)
		}
	}
}

// TestFinds: each channel sees, in a series with noise, what it is there for.
func TestFinds(t *testing.T) {
	const n, at = 1500, 1200
	spike := func(i int) float64 { return map[bool]float64{i == at: 60}[true] }
	shift := func(i int) float64 { return map[bool]float64{i >= at: 8}[true] }
	small := func(i int) float64 { return map[bool]float64{i >= at: 3}[true] }
	flat := func(i int) float64 { return map[bool]float64{i >= at && i < at+40: 25}[true] }
	for name, what := range map[string]func(int) float64{
		"novelty": spike, "level": flat, "sustained": flat, "timeofday": spike, "yesterday": spike, "robust": spike, "zscore": spike,
		"meanshift": shift, "ewma": spike, "holtwinters": spike, "cusum": small, "spectral": spike, "iforest": spike, "ocsvm": flat, "subknn": flat, "lstm": spike,
	} {
		r := rand.New(rand.NewPCG(9, 9))
		set, err := SetOf(name)
		if err != nil {
			t.Fatal(err)
		}
		d := New(Options{Channels: set})
		hit := false
		for i := range n {
			v := 100 + math.Sin(2*math.Pi*float64(i)/96) + r.NormFloat64() + what(i)
			s := d.Next(1_700_000_000_000+int64(i)*900_000, v)
			hit = hit || i >= at && i < at+40 && s.Value >= Alert
		}
		if !hit {
			t.Errorf("%s does not see it", name)
		}
	}
	if got := len(Kinds()); got != 16 {
		t.Errorf("%d channels, of which 16 are tested here", got)
	}
}

func TestNeighbours(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	n := neighbours{finest: 1.0 / 256}
	var all []float64
	for i := range 5000 {
		x := r.NormFloat64() * math.Exp(float64(i)/1000)
		all = append(all, x)
		n.add(x)
		if !slices.IsSorted(n.set) || len(n.set) > n.most() {
			t.Fatalf("after %d values: %d are kept, sorted %v", i, len(n.set), slices.IsSorted(n.set))
		}
		if i%100 != 99 {
			continue
		}
		x = r.NormFloat64() * 100
		got, _ := n.nearest(x)
		want := math.Inf(1)
		for _, y := range all {
			want = min(want, math.Abs(x-y))
		}
		if off := math.Abs(x-got) - want; off < -1e-9 || off > 2*n.finest*(n.hi-n.lo) {
			t.Fatalf("nearest to %v is %v, %v off the nearest of all", x, got, off)
		}
	}
}

func TestSortedWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	w := newSortedWindow(17)
	var all []float64
	for range 500 {
		x := float64(r.IntN(40))
		all = append(all, x)
		w.push(x)
		want := slices.Clone(all[max(0, len(all)-17):])
		slices.Sort(want)
		if !slices.Equal(w.s, want) {
			t.Fatalf("%v, want %v", w.s, want)
		}
	}
}
