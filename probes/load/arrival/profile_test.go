package arrival

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestParseStages(t *testing.T) {
	p, err := ParseStages("30s:20, 10s:0..50,1m:10~50/20s")
	want := Profile{{Length: 30 * time.Second, From: 20, To: 20}, {Length: 10 * time.Second, To: 50}, {Length: time.Minute, From: 10, To: 50, Period: 20 * time.Second}}
	if err != nil || !slices.Equal(p, want) {
		t.Errorf("%+v, %v", p, err)
	}
	if p.Length() != 100*time.Second || p.Peak() != 50 {
		t.Errorf("length %v, peak %v", p.Length(), p.Peak())
	}
	for _, s := range []string{"", "30s", "x:1", "-1s:1", "0s:1", "1s:-1", "1s:NaN", "1s:1..", "1s:1~2", "1s:1~2/0s", "1s:1,", "1s:2e6"} {
		if p, err := ParseStages(s); err == nil {
			t.Errorf("ParseStages(%q) = %v", s, p)
		}
	}
}

// The n-th arrival of equal gaps is where the integral of the rate is n.
func TestArrivalsFollowTheRate(t *testing.T) {
	for _, s := range []string{"10s:20", "10s:0..50", "10s:50..0", "4s:5,1s:200,5s:5", "20s:10~50/7s", "3s:0,3s:10"} {
		profile, err := ParseStages(s)
		if err != nil {
			t.Fatal(err)
		}
		var total float64
		for _, st := range profile {
			total += st.mass(st.Length.Seconds())
		}
		var at []time.Duration
		for a := range (Process{Kind: Constant, Profile: profile}).Times() {
			at = append(at, a)
		}
		if n := float64(len(at)); math.Abs(n-total) > 1 {
			t.Errorf("%s: %v arrivals, the rate's integral is %.2f", s, n, total)
		}
		if !slices.IsSorted(at) || at[len(at)-1] > profile.Length() {
			t.Errorf("%s: not in order, or beyond the end", s)
		}
		for i := 1; i < len(at); i++ {
			if n := numeric(profile, at[i].Seconds()); math.Abs(n-float64(i)) > 0.02 {
				t.Fatalf("%s: arrival %d at %v, where the integral is %.3f", s, i, at[i], n)
			}
		}
	}
}

// numeric integrates the rate from its definition, by the midpoint rule.
func numeric(p Profile, t float64) (n float64) {
	const dt = 1e-4
	start := 0.0
	for _, st := range p {
		for x := dt / 2; x < st.Length.Seconds() && start+x < t; x += dt {
			switch {
			case st.Period > 0:
				n += dt * (st.From + (st.To-st.From)*(1-math.Cos(2*math.Pi*x/st.Period.Seconds()))/2)
			default:
				n += dt * (st.From + (st.To-st.From)*x/st.Length.Seconds())
			}
		}
		start += st.Length.Seconds()
	}
	return n
}

func TestRampStaysAtItsTop(t *testing.T) {
	at := take(Process{Kind: Constant, Profile: Ramp(10*time.Second, 100)}, 10_000)
	// 500 arrivals while it rises, then 100 a second.
	if i := slices.IndexFunc(at, func(a time.Duration) bool { return a >= 10*time.Second }); i < 499 || i > 501 {
		t.Errorf("%d arrivals in the ramp, want 500", i)
	}
	if got, want := at[1500], 20*time.Second; (got - want).Abs() > time.Millisecond {
		t.Errorf("arrival 1500 at %v, want %v", got, want)
	}
}

// Poisson arrivals of a changing rate: counts in equal parts of the integral are
// Poisson with the same mean, so their chi-square is near its degrees of freedom.
func TestPoissonWithAProfile(t *testing.T) {
	profile, err := ParseStages("50s:0..200,50s:20~180/10s")
	if err != nil {
		t.Fatal(err)
	}
	const parts = 50
	total := numeric(profile, 100)
	var counts [parts]float64
	for a := range (Process{Kind: Poisson, Profile: profile, Seed: 3}).Times() {
		n := profile[0].mass(math.Min(a.Seconds(), 50))
		if a > 50*time.Second {
			n += profile[1].mass(a.Seconds() - 50)
		}
		counts[min(int(n/total*parts), parts-1)]++
	}
	want, chi := total/parts, 0.0
	for _, c := range counts {
		chi += (c - want) * (c - want) / want
	}
	if chi < 24 || chi > 87 { // 0.1 % and 99.9 % of chi-square with 50 degrees of freedom
		t.Errorf("chi-square %.1f of %d parts", chi, parts)
	}
}
