package detect

import (
	"math"
	"slices"
	"testing"
)

// near is how many rows an alert may be off an event, and alerts of one alarm apart.
const near = 7

// cloudCount counts events found and alarms that are true, at a threshold.
func cloudCount(files []labelled, threshold float64) (found, events, right, alarms int) {
	for _, f := range files {
		hit := map[int]bool{}
		last, hits, size := -1, []int{}, 0
		flush := func() {
			if size == 0 {
				return
			}
			alarms++
			if 2*len(hits) >= size {
				right++
				for _, e := range hits {
					hit[e] = true
				}
			}
			hits, size = hits[:0], 0
		}
		for i, s := range f.scores {
			if s < threshold {
				continue
			}
			if size > 0 && i-last > near {
				flush()
			}
			last, size = i, size+1
			for e := len(f.windows) - 1; e >= 0; e-- {
				if w := f.windows[e]; i >= w[0]-near && i <= w[1]+near {
					hits = append(hits, e)
					break
				}
			}
		}
		flush()
		found, events = found+len(hit), events+len(f.windows)
	}
	return found, events, right, alarms
}

func f1(found, events, right, alarms int) float64 {
	if found == 0 || right == 0 {
		return 0
	}
	p, r := float64(right)/float64(alarms), float64(found)/float64(events)
	return 2 * p * r / (p + r)
}

// cloudBest is the best F1 over a grid of thresholds, and its threshold.
func cloudBest(files []labelled) (best, threshold float64) {
	seen := map[float64]bool{}
	for _, f := range files {
		for _, s := range f.scores {
			if s = math.Round(s*1e6) / 1e6; s > 0 {
				seen[s] = true
			}
		}
	}
	var all []float64
	for s := range seen {
		all = append(all, s)
	}
	slices.Sort(all)
	slices.Reverse(all)
	if len(all) > 400 {
		grid := make([]float64, 400)
		for i := range grid {
			grid[i] = all[int(float64(i*i)/160000*float64(len(all)-1))]
		}
		all = grid
	}
	for _, at := range all {
		if s := f1(cloudCount(files, at)); s >= best {
			if s > best || at > threshold {
				best, threshold = s, at
			}
		}
	}
	return best, threshold
}

func TestCloudMonitoring(t *testing.T) {
	files := scored(t, "cloud-monitoring", "labels.json", Options{})
	var halves [2][]labelled
	for i, f := range files {
		halves[i%2] = append(halves[i%2], f)
	}
	var sum [4]int
	for i, half := range halves {
		_, at := cloudBest(half)
		a, b, c, d := cloudCount(halves[1-i], at)
		for k, x := range []int{a, b, c, d} {
			sum[k] += x
		}
	}
	cv := f1(sum[0], sum[1], sum[2], sum[3])
	best, at := cloudBest(files)
	t.Logf("cross-validated F1 %.3f; best %.3f (threshold %.4f), at the default %.3f", cv, best, at, f1(cloudCount(files, Alert)))
	if cv < 0.62 {
		t.Errorf("cross-validated F1 %.3f: want at least 0.62", cv)
	}
}
