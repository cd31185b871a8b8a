package loadreport

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Quality is how the answers fared against the checks of their prompts. Scores
// are from 0 to 1, which is best; absent means that nothing was checked.
type Quality struct {
	Score *float64 `json:"score,omitempty"` // mean over the checked replies
	Min   *float64 `json:"min,omitempty"`
	Count uint64   `json:"count"` // replies that were checked
	Full  uint64   `json:"full"`  // of them, those that passed every check
	// NotChecked counts the replies that have checks and were not held against
	// them, by the reason.
	NotChecked map[string]uint64 `json:"not_checked,omitempty"`
	ByCheck    []CheckCount      `json:"by_check,omitempty"`       // worst first
	Samples    []FailedSample    `json:"failed_samples,omitempty"` // of the worst checks, the first by their ids
}

// CheckCount is how often the checks of one name, or of one kind, failed.
type CheckCount struct {
	Check   string  `json:"check"`
	Checked uint64  `json:"checked"` // results, not requests: a prompt may have several checks of a name
	Failed  uint64  `json:"failed"`
	Score   float64 `json:"score"` // share that passed; weights are left out
}

// FailedSample is a check that failed.
type FailedSample struct {
	ID     int64  `json:"id"`               // of the request
	Name   string `json:"name"`             // as in CheckCount
	Check  string `json:"check"`            // in words
	Detail string `json:"detail,omitempty"` // why it failed, if there is more to say
	Answer string `json:"answer"`           // how the answer begins, without secrets
}

// Checked is what the checks of one reply found, beside the score in its record.
// Texts are to be clean already.
type Checked struct {
	ID         int64
	NotChecked string // why the reply was not checked; "" when it was
	Answer     string // how it begins
	Checks     []CheckResult
}

// CheckResult is the result of one check.
type CheckResult struct {
	Name, Text, Why string
	Passed          bool
}

const (
	samplesOfCheck = 3
	sampledChecks  = 10 // the worst ones
)

// grades sums up scores and checks. Its size depends on the names of the
// checks, not on the requests.
type grades struct {
	least      float64
	count      uint64
	full       uint64
	notChecked map[string]uint64
	checks     map[string]*checkGrades
}

type checkGrades struct {
	n, failed uint64
	samples   []FailedSample // by id, no more than samplesOfCheck
}

func (g *grades) score(v float64) {
	if g.count == 0 || v < g.least {
		g.least = v
	}
	if v >= 1 {
		g.full++
	}
	g.count++
}

// AddChecks counts the checks of one measured request, in any order. Add takes
// its score.
func (a *Aggregator) AddChecks(c Checked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := &a.grades
	if c.NotChecked != "" {
		if g.notChecked == nil {
			g.notChecked = map[string]uint64{}
		}
		g.notChecked[c.NotChecked]++
	}
	if g.checks == nil {
		g.checks = map[string]*checkGrades{}
	}
	for _, r := range c.Checks {
		of := g.checks[r.Name]
		if of == nil {
			of = &checkGrades{}
			g.checks[r.Name] = of
		}
		of.n++
		if !r.Passed {
			of.failed++
			of.sample(FailedSample{ID: c.ID, Name: r.Name, Check: r.Text, Detail: r.Why, Answer: c.Answer})
		}
	}
}

// sample keeps the samples with the least ids, so that the order in which
// requests end does not show.
func (c *checkGrades) sample(s FailedSample) {
	i, _ := slices.BinarySearchFunc(c.samples, s, func(a, b FailedSample) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), strings.Compare(a.Check, b.Check))
	})
	if i == samplesOfCheck {
		return
	}
	if c.samples = slices.Insert(c.samples, i, s); len(c.samples) > samplesOfCheck {
		c.samples = c.samples[:samplesOfCheck]
	}
}

// unchecked is how many replies have checks that could not be held against them.
func (g *grades) unchecked() (n uint64) {
	for _, k := range g.notChecked {
		n += k
	}
	return n
}

func (a *Aggregator) qualitySummary() *Quality {
	g := &a.grades
	if g.count == 0 && g.unchecked() == 0 {
		return nil
	}
	q := &Quality{Count: g.count, Full: g.full, NotChecked: maps.Clone(g.notChecked)}
	if mean, ok := a.quality.Estimate(); ok {
		q.Score, q.Min = new(round6(mean)), new(round6(g.least))
	}
	for name, c := range g.checks {
		q.ByCheck = append(q.ByCheck, CheckCount{Check: name, Checked: c.n, Failed: c.failed, Score: round6(float64(c.n-c.failed) / float64(c.n))})
	}
	slices.SortFunc(q.ByCheck, func(a, b CheckCount) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(b.Failed, a.Failed), strings.Compare(a.Check, b.Check))
	})
	for _, c := range q.ByCheck[:min(len(q.ByCheck), sampledChecks)] {
		q.Samples = append(q.Samples, g.checks[c.Check].samples...)
	}
	return q
}

// qualityWarning says which replies have no score although they should.
func (a *Aggregator) qualityWarning() string {
	n := a.grades.unchecked()
	if n == 0 {
		return ""
	}
	var reasons []string
	for _, why := range slices.Sorted(maps.Keys(a.grades.notChecked)) {
		words, ok := map[string]string{
			"too_long":    "too long for it",
			"too_complex": "too complex for its schema",
			"behind":      "the checks could not keep up with the requests",
			"interrupted": "the run was broken off",
		}[why]
		if !ok {
			words = why
		}
		reasons = append(reasons, fmt.Sprintf("%s: %d", words, a.grades.notChecked[why]))
	}
	return fmt.Sprintf("%d of %s with checks were not checked (%s); they are not in the quality score", n, replies.of(n+a.grades.count), strings.Join(reasons, ", "))
}
