package loadreport

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
	"llmops/rules/slo"
)

// scored adds n requests, of which the first low have the lower score.
func scored(a *Aggregator, n, low int, lower, upper float64) {
	for i := range n {
		r := plain(time.Duration(i)*time.Millisecond, ms(50))
		r.Quality = new(upper)
		// Apart from each other: neighbours that resemble each other weigh less.
		if low > 0 && i%(n/low) == 0 && i/(n/low) < low {
			r.Quality = new(lower)
		}
		a.Add(r)
	}
}

// shortForm reads an objective of the short form.
func shortForm(t *testing.T, text string) slo.Objective {
	t.Helper()
	file, err := slo.Load("slo.yaml", strings.NewReader("slos:\n  - {name: q, "+text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return file.Objectives[0]
}

// The mean by Student's t: ten scores of 0, 0.1 … 0.9 have the mean 0.45, the
// variance 0.55/6 and the bounds 0.45 -/+ 1.8331 * sqrt(0.55/60) = 0.2745 to 0.6255.
func TestQualityMean(t *testing.T) {
	for objective, want := range map[string]Verdict{
		"quality_score > 0.274": Pass, "quality_score >= 0.275": Inconclusive, "quality_score > 0.6": Inconclusive,
		"quality_score > 0.626": Fail, "quality_score < 0.626": Pass, "quality_score < 0.274": Fail,
	} {
		a := New(Config{Objectives: objectives(t, objective)})
		for i := range 10 {
			r := plain(time.Duration(i)*time.Millisecond, ms(50))
			r.Quality = new(float64(i) / 10)
			a.Add(r)
		}
		a.Add(plain(11*time.Millisecond, ms(50))) // has no checks
		s := a.Summary(Run{})
		if j := s.SLO[0]; j.Verdict != want || *j.Observed != 0.45 || j.N != 10 {
			t.Errorf("%s: %s, observed %v of %d: %s", objective, j.Verdict, *j.Observed, j.N, j.Detail)
		}
		if q := s.Quality; *q.Score != 0.45 || *q.Min != 0 || q.Count != 10 || q.Full != 0 {
			t.Errorf("%+v", q)
		}
	}
}

// The share by the exact binomial test: "95 % score above 0.8" needs 59 clean
// replies, or 93 with one miss (0.95^93 + 93*0.05*0.95^92 = 0.0499); 3 of 10
// are a miss too many (P(K>=3 | 10, 0.05) = 0.0115), 2 of 10 are not (0.0861).
func TestQualityShare(t *testing.T) {
	for _, c := range []struct {
		n, low int
		want   Verdict
	}{
		{59, 0, Pass}, {58, 0, Inconclusive}, {93, 1, Pass}, {92, 1, Inconclusive},
		{10, 3, Fail}, {10, 2, Inconclusive}, {3, 0, Inconclusive}, {0, 0, Inconclusive},
	} {
		a := New(Config{Objectives: []slo.Objective{shortForm(t, "sli: quality_score > 0.8, target: 0.95")}})
		scored(a, c.n, c.low, 0.8, 0.81) // 0.8 itself is not above
		j := a.Summary(Run{}).SLO[0]
		if j.Verdict != c.want || j.N != uint64(c.n) || c.n > 0 && (*j.Bad != uint64(c.low) || *j.Observed != float64(c.n-c.low)/float64(c.n)) {
			t.Errorf("%d of %d low: %s, %+v", c.low, c.n, j.Verdict, j)
		}
	}
}

// Failed requests have no quality; the detail says how many they were.
func TestQualityLeavesFailuresOut(t *testing.T) {
	run := func(o slo.Objective) Judgement {
		a := New(Config{Objectives: []slo.Objective{o}})
		scored(a, 100, 0, 0, 0.9)
		for i := range 7 {
			a.Add(failing(time.Duration(100+i)*time.Millisecond, request.Connect))
		}
		return a.Summary(Run{}).SLO[0]
	}
	for _, o := range []slo.Objective{objectives(t, "quality_score > 0.8")[0], shortForm(t, "sli: quality_score > 0.8, target: 0.9")} {
		if j := run(o); j.Verdict != Pass || j.FailedExcluded != 7 || !strings.Contains(j.Detail, "7 failed requests left out") {
			t.Errorf("%s: %s %d %s", o, j.Verdict, j.FailedExcluded, j.Detail)
		}
	}
	// With errors: bad they are misses: P(K>=7 | 107, 0.01) = 0.0001.
	if j := run(shortForm(t, "sli: quality_score > 0.8, target: 0.99, errors: bad")); j.Verdict != Fail || *j.Bad != 7 || j.N != 107 {
		t.Errorf("errors: bad: %+v", j)
	}
}

// A pass must not rest on replies that could not be checked.
func TestUncheckedReplies(t *testing.T) {
	for unchecked, want := range map[int]Verdict{0: Pass, 1: Pass, 20: Inconclusive} {
		for _, o := range []slo.Objective{objectives(t, "quality_score > 0.8")[0], shortForm(t, "sli: quality_score > 0.8, target: 0.95")} {
			a := New(Config{Objectives: []slo.Objective{o}})
			scored(a, 100, 0, 0, 1)
			for i := range unchecked {
				a.Add(plain(time.Duration(200+i)*time.Millisecond, ms(50)))
				a.AddChecks(Checked{ID: int64(200 + i), NotChecked: "too_long"})
			}
			s := a.Summary(Run{})
			j := s.SLO[0]
			if j.Verdict != want || strings.Contains(j.Detail, "could not be checked") != (unchecked > 0) {
				t.Errorf("%s with %d unchecked: %s, %s", o, unchecked, j.Verdict, j.Detail)
			}
			if said := strings.Contains(strings.Join(s.Warnings, "\n"), fmt.Sprintf("%d of %d replies with checks were not checked (too long", unchecked, 100+unchecked)); said != (unchecked > 0) {
				t.Errorf("warnings %q", s.Warnings)
			}
		}
	}
	a := New(Config{Objectives: objectives(t, "quality_score > 0.8")})
	a.Add(plain(0, ms(50)))
	a.AddChecks(Checked{NotChecked: "behind"})
	if s := a.Summary(Run{}); s.Quality == nil || s.Quality.Score != nil || s.SLO[0].Verdict != Inconclusive {
		t.Errorf("nothing but unchecked: %+v, %+v", s.Quality, s.SLO[0])
	}
}

// The worst checks come first, and the samples do not depend on the order in
// which requests end.
func TestQualitySummary(t *testing.T) {
	const n = 40
	order := rand.New(rand.NewPCG(1, 1))
	var first *Quality
	for range 5 {
		a := New(Config{})
		for _, i := range order.Perm(n) {
			r := plain(time.Duration(i)*time.Millisecond, ms(50))
			failed := i%4 == 3
			r.Quality = new(1.0)
			if failed {
				r.Quality = new(0.5)
			}
			a.Add(r)
			a.AddChecks(Checked{ID: int64(i), Answer: fmt.Sprintf("answer %d", i), Checks: []CheckResult{
				{Name: "exact", Text: fmt.Sprintf("exact \"%d\"", i), Passed: !failed},
				{Name: "form", Text: "json_schema", Passed: true},
				{Name: "contains", Text: "contains \"a\"", Why: "why", Passed: i != 30},
			}})
		}
		q := a.Summary(Run{}).Quality
		if first == nil {
			first = q
		}
		if diff := cmp.Diff(first, q); diff != "" {
			t.Fatal(diff)
		}
	}
	want := &Quality{Score: new(0.875), Min: new(0.5), Count: n, Full: 30,
		ByCheck: []CheckCount{{"exact", n, 10, 0.75}, {"contains", n, 1, 0.975}, {"form", n, 0, 1}},
		Samples: []FailedSample{
			{3, "exact", `exact "3"`, "", "answer 3"}, {7, "exact", `exact "7"`, "", "answer 7"}, {11, "exact", `exact "11"`, "", "answer 11"},
			{30, "contains", `contains "a"`, "why", "answer 30"}}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if q := New(Config{}).Summary(Run{}).Quality; q != nil {
		t.Errorf("nothing checked: %+v", q)
	}
}

// However many requests, the summary stays small.
func TestQualityIsBounded(t *testing.T) {
	a := New(Config{})
	for i := range 5000 {
		r := plain(time.Duration(i)*time.Millisecond, ms(50))
		r.Quality = new(0.0)
		a.Add(r)
		a.AddChecks(Checked{ID: int64(i), Checks: []CheckResult{{Name: fmt.Sprintf("n%d", i%50), Text: "t"}}})
	}
	q := a.Summary(Run{}).Quality
	if len(q.ByCheck) != 50 || len(q.Samples) != samplesOfCheck*sampledChecks || *q.Score != 0 || math.Signbit(*q.Score) {
		t.Errorf("%d names, %d samples, score %v", len(q.ByCheck), len(q.Samples), *q.Score)
	}
}
