package diagnose

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"sync"
)

// calibration turns the score of a first answer into the share of such answers that are
// right: straight lines between points, none of which falls. It was fitted to labelled
// incidents and to the same made harder, half and half, by isotonic regression (Ayer and others, "An
// empirical distribution function for sampling with incomplete information", 1955); the
// tests make the file.
type calibration []calibrationPoint

type calibrationPoint struct {
	Score      float64 `json:"score"`
	Confidence float64 `json:"confidence"`
	Answers    int     `json:"answers"` // of which the point is made
}

//go:embed calibration.json
var calibrationFile []byte

var shippedCalibration = sync.OnceValues(func() (calibration, error) { return readCalibration(calibrationFile) })

func readCalibration(content []byte) (calibration, error) {
	var file struct{ Points calibration }
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	if len(file.Points) == 0 {
		return nil, fmt.Errorf("calibration: no points")
	}
	for i, p := range file.Points {
		if p.Confidence <= 0 || p.Confidence >= 1 || i > 0 && (p.Score <= file.Points[i-1].Score || p.Confidence < file.Points[i-1].Confidence) {
			return nil, fmt.Errorf("calibration: point %d: want rising scores, and confidences between 0 and 1 that do not fall", i+1)
		}
	}
	return file.Points, nil
}

// at is the confidence of a score. Below the first point, where nothing is an answer, it
// falls to 0 with the score.
func (c calibration) at(score float64) float64 {
	i := sort.Search(len(c), func(i int) bool { return c[i].Score >= score })
	switch {
	case i == len(c):
		return c[len(c)-1].Confidence
	case i == 0:
		return c[0].Confidence * max(0, score) / c[0].Score
	}
	a, b := c[i-1], c[i]
	return a.Confidence + (b.Confidence-a.Confidence)*(score-a.Score)/(b.Score-a.Score)
}

// leastAnswers is of how many answers a point is made at least.
const leastAnswers = 25

// group is a number of answers with neighbouring scores.
type group struct {
	scores, right, weight float64 // all weighed
	n                     int
}

func (g group) with(o group) group {
	return group{g.scores + o.scores, g.right + o.right, g.weight + o.weight, g.n + o.n}
}

// share is that of the right answers, with one right and one wrong answer more: it stays
// between 0 and 1, and what few answers say is not taken for certain.
func (g group) share() float64 { return (g.right + 1) / (g.weight + 2) }

// scored is an answer to a labelled incident.
type scored struct {
	score  float64
	right  bool
	weight float64
}

// calibrated fits the points to answers: groups of them by score, those of equal scores in
// one, and of neighbours whose shares of right answers do not rise one (pool adjacent
// violators).
func calibrated(answers []scored) calibration {
	answers = slices.Clone(answers)
	slices.SortStableFunc(answers, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	var groups []group
	for i, a := range answers {
		one := group{a.weight * a.score, 0, a.weight, 1}
		if a.right {
			one.right = a.weight
		}
		if n := len(groups); n > 0 && (groups[n-1].n < leastAnswers || a.score == answers[i-1].score) {
			groups[n-1] = groups[n-1].with(one)
		} else {
			groups = append(groups, one)
		}
	}
	if n := len(groups); n > 1 && groups[n-1].n < leastAnswers {
		groups = append(groups[:n-2], groups[n-2].with(groups[n-1]))
	}
	var pooled []group
	for _, g := range groups {
		for n := len(pooled); n > 0 && pooled[n-1].share() >= g.share(); n = len(pooled) {
			g = pooled[n-1].with(g)
			pooled = pooled[:n-1]
		}
		pooled = append(pooled, g)
	}
	var c calibration
	for _, g := range pooled {
		c = append(c, calibrationPoint{round(g.scores / g.weight), round(g.share()), g.n})
	}
	return c
}
