package length

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestParseTimes(t *testing.T) {
	for text, ok := range map[string]bool{
		"5s": true, "0": true, "0s": true, "1ms": true, " 2m ": true, "uniform:1s,10s": true, "uniform: 1s , 10s ": true,
		"normal:5s,2s": true, "normal:5s,0s": true, "lognormal:5s,0.8": true, "2h46m40s": true,
		"": false, "5": false, "-1s": false, "1us": false, "1500us": false, "2h46m40.001s": false, "uniform:10s,1s": false, "uniform:1,10": false,
		"uniform:0s,1s": false, "lognormal:5s,0.8s": false, "lognormal:5s": false, "lognormal:0.8,5s": false, "gamma:1s,2s": false,
		"normal:5s,-2s": false, "uniform:1s,2s,3s": false, "lognormal:5s,NaN": false,
	} {
		d, err := ParseTimes(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
}

// The moments are those of the distributions: mean of the uniform (a+b)/2, of the
// normal its first number; median of the lognormal its first.
func TestTimesAreDrawn(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "3s": 3 * time.Second, "uniform:1s,3s": 2 * time.Second, "normal:5s,1s": 5 * time.Second, "lognormal:4s,0.5": 4 * time.Second,
	} {
		d, err := ParseTimes(text)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		const n = 20_000
		var sum float64
		below := 0
		for range n {
			v := d.Draw(rng)
			if v%time.Millisecond != 0 || v < 0 {
				t.Fatalf("%s: %v", text, v)
			}
			if v < want {
				below++
			}
			sum += v.Seconds()
		}
		if text == "lognormal:4s,0.5" {
			if share := float64(below) / n; math.Abs(share-0.5) > 0.015 {
				t.Errorf("%s: %.3f are below the median", text, share)
			}
		} else if mean := sum / n; math.Abs(mean-want.Seconds()) > 0.03 {
			t.Errorf("%s: mean %v s, want %v", text, mean, want)
		}
	}
}

func FuzzParseTimes(f *testing.F) {
	for _, s := range []string{"5s", "0", "uniform:1s,10s", "normal:5s,2s", "lognormal:5s,0.8", "lognormal:5s,1e9", "x:,", "uniform:,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseTimes(s)
		if err != nil {
			return
		}
		again, err := ParseTimes(d.String())
		if err != nil || again != d {
			t.Fatalf("%q: %v became %v: %v", s, d, again, err)
		}
		if v := d.Draw(rand.New(rand.NewPCG(1, 2))); v < 0 || v > Max*time.Millisecond {
			t.Fatalf("%q: %v", s, v)
		}
	})
}
