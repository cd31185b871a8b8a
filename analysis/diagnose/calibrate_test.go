package diagnose

import (
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write calibration.json anew")

// forecast is an answer with its confidence.
type forecast struct {
	p     float64
	right bool
	of    string
}

func rightOf(list []forecast) (n float64) {
	for _, f := range list {
		if f.right {
			n++
		}
	}
	return n
}

// byConfidence gives forecasts in ten bins of confidence, with the mean of each.
func byConfidence(list []forecast) iter.Seq2[float64, []forecast] {
	bins := map[int][]forecast{}
	for _, f := range list {
		i := min(9, int(f.p*10))
		bins[i] = append(bins[i], f)
	}
	return func(yield func(float64, []forecast) bool) {
		for _, i := range slices.Sorted(maps.Keys(bins)) {
			sum := 0.0
			for _, f := range bins[i] {
				sum += f.p
			}
			if !yield(sum/float64(len(bins[i])), bins[i]) {
				return
			}
		}
	}
}

// calibrationError is the expected calibration error in ten bins (Naeini and others,
// "Obtaining well calibrated probabilities using Bayesian binning", 2015).
func calibrationError(list []forecast) (e float64) {
	for p, bin := range byConfidence(list) {
		e += math.Abs(p*float64(len(bin))-rightOf(bin)) / float64(len(list))
	}
	return e
}

// interval is that of 95% of the error when cases are drawn anew, each with all that was
// made of it (bootstrap by cluster).
func interval(list []forecast) (low, high float64) {
	cases := map[string][]forecast{}
	for _, f := range list {
		cases[f.of] = append(cases[f.of], f)
	}
	names := slices.Sorted(maps.Keys(cases))
	r := rand.New(rand.NewPCG(1, 2))
	var e []float64
	for range 500 {
		var drawn []forecast
		for range names {
			drawn = append(drawn, cases[names[r.IntN(len(names))]]...)
		}
		e = append(e, calibrationError(drawn))
	}
	slices.Sort(e)
	return quantile(e, 0.025), quantile(e, 0.975)
}

// fitted is the map that is fitted to answers: cases as they are count as much as all that
// are made harder.
func fitted(list []answer, keep func(answer) bool) calibration {
	plain, harder := 0.0, 0.0
	var kept []answer
	for _, a := range list {
		switch {
		case !keep(a) || a.none:
			continue
		case a.how == asTheyAre:
			plain++
		default:
			harder++
		}
		kept = append(kept, a)
	}
	var answers []scored
	for _, a := range kept {
		x := scored{a.score, a.right, 1}
		if a.how == asTheyAre {
			x.weight = harder / plain
		}
		answers = append(answers, x)
	}
	return calibrated(answers)
}

// TestCalibration holds the confidences of answers to labelled incidents, and to the same
// made harder, to the shares of them that are right: those of each engine with the map
// that is fitted to the others. With -update it writes the map that ships, which is
// fitted to all.
func TestCalibration(t *testing.T) {
	list := hardenings()
	all := answers(t, list)
	for _, h := range list {
		right, wrong, none, alarms, n := 0, 0, 0, 0, 0
		for _, a := range all {
			switch {
			case a.how != h.name:
				continue
			case a.clean && !a.none:
				alarms++
			case a.clean:
			case a.none:
				none++
			case a.right:
				right++
			default:
				wrong++
			}
			if !a.clean {
				n++
			}
		}
		t.Logf("%-30s right %d of %d, wrong %d, no incident %d; incidents in clean cases %d", h.name, right, n, wrong, none, alarms)
		if h.least > 0 && (float64(right) < h.least*float64(n) || alarms > 0) {
			t.Errorf("%s: want %.0f%% right and no alarm", h.name, 100*h.least)
		}
	}
	engines := map[string]bool{}
	for _, a := range all {
		engines[a.engine] = true
		if !a.right && a.how != asTheyAre && os.Getenv("LLMOPS_MISSES") != "" {
			t.Logf("miss: %s %s, %s: %s for %s, score %.3f", a.dir, a.engine, a.how, a.got, a.want, a.score)
		}
	}
	var plain, harder []forecast
	report := func(what string, list []forecast) {
		low, high := interval(list)
		sum := 0.0
		for _, f := range list {
			sum += f.p
		}
		t.Logf("%-24s right %3.0f of %3d, mean confidence %.3f, ECE %.3f (95%%: %.3f to %.3f)", what, rightOf(list), len(list), sum/float64(len(list)), calibrationError(list), low, high)
	}
	for _, engine := range slices.Sorted(maps.Keys(engines)) {
		c := fitted(all, func(a answer) bool { return a.engine != engine })
		var own, hard []forecast
		for _, a := range all {
			if a.engine != engine || a.none {
				continue
			}
			f := forecast{c.at(a.score), a.right, a.dir}
			if a.how == asTheyAre {
				own = append(own, f)
			} else {
				hard = append(hard, f)
			}
		}
		report(engine+" held out", own)
		report(engine+" held out, harder", hard)
		plain, harder = append(plain, own...), append(harder, hard...)
	}
	report("all held out", plain)
	report("all held out, harder", harder)
	for p, bin := range byConfidence(slices.Concat(plain, harder)) {
		t.Logf("confidence %.2f: right %.2f of %d", p, rightOf(bin)/float64(len(bin)), len(bin))
	}
	if e := calibrationError(plain); e > 0.1 {
		t.Errorf("cases of engines held out: ECE %.3f, want 0.1 at most", e)
	}
	if e := calibrationError(harder); e > 0.1 {
		t.Errorf("harder cases of engines held out: ECE %.3f, want 0.1 at most", e)
	}
	c := fitted(all, func(answer) bool { return true })
	if *update {
		b := []byte("{\"points\": [\n")
		for i, p := range c {
			line, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			b = fmt.Appendf(b, "  %s", line)
			if i+1 < len(c) {
				b = append(b, ',')
			}
			b = append(b, '\n')
		}
		if err := os.WriteFile("calibration.json", append(b, "]}\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	ships, err := shippedCalibration()
	if err != nil {
		t.Fatal(err)
	}
	for score := 0.5; score < 1; score += 0.01 {
		if a, b := ships.at(score), c.at(score); math.Abs(a-b) > 0.1 {
			t.Errorf("score %.2f: calibration.json says %.3f, what is measured %.3f: go test ./analysis/diagnose -run TestCalibration -update", score, a, b)
			break
		}
	}
}

// Fitting gives the shares of groups, falls of them pooled; what lies between is on a line.
func TestCalibrated(t *testing.T) {
	var answers []scored
	for i := range 400 { // of a hundred each so many are right; those of the third fall
		answers = append(answers, scored{float64(i%4)/4 + 0.1, i/4 < []int{10, 50, 30, 97}[i%4], 1})
	}
	c := calibrated(answers)
	want := calibration{{0.1, round(11.0 / 102), 100}, {0.475, round(81.0 / 202), 200}, {0.85, round(98.0 / 102), 100}}
	if !slices.Equal(c, want) {
		t.Errorf("%v, want %v", c, want)
	}
	for score, p := range map[float64]float64{0: 0, 0.05: 11.0 / 204, 0.1: 11.0 / 102, 0.2875: (11.0/102 + 81.0/202) / 2, 0.85: 98.0 / 102, 1: 98.0 / 102} {
		if got := c.at(score); math.Abs(got-p) > 1e-5 {
			t.Errorf("score %g: %g, want %g", score, got, p)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		answers = answers[:0]
		for range 1 + r.IntN(300) {
			answers = append(answers, scored{r.Float64(), r.IntN(2) == 0, 10 * r.Float64()})
		}
		c := calibrated(answers)
		content, err := json.Marshal(map[string]any{"points": c})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readCalibration(content); err != nil {
			t.Fatalf("%v of %v", err, c)
		}
		before := 0.0
		for s := 0.01; s <= 1; s += 0.01 {
			if p := c.at(s); p < before || p >= 1 {
				t.Fatalf("at %g: %g after %g", s, p, before)
			} else {
				before = p
			}
		}
	}
}

// A file that is no calibration is none.
func TestReadCalibration(t *testing.T) {
	for _, bad := range []string{``, `{}`, `{"points":[{"score":0.5,"confidence":1}]}`, `{"points":[{"score":0.5,"confidence":0.5},{"score":0.5,"confidence":0.6}]}`, `{"points":[{"score":0.5,"confidence":0.5},{"score":0.6,"confidence":0.4}]}`} {
		if _, err := readCalibration([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if _, err := shippedCalibration(); err != nil {
		t.Error(err)
	}
}

// The error of forecasts, by hand.
func TestCalibrationError(t *testing.T) {
	list := []forecast{{0.65, true, "a"}, {0.55, true, "a"}, {0.55, false, "b"}, {0.3, false, "b"}}
	if got, want := calibrationError(list), (0.35+2*0.05+0.3)/4; math.Abs(got-want) > 1e-12 {
		t.Errorf("%g, want %g", got, want)
	}
}
