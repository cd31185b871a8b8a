// Package faulttest runs tests of fault patterns: it makes series of what a test gives,
// diagnoses them, and compares the report with what the test expects. It opens no file
// and prints nothing.
package faulttest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/diagnose"
	"llmops/analysis/series"
	"llmops/rules/catalog"
	"llmops/rules/fault"
)

// File is a file of tests with the samples that its series stand for.
type File struct {
	fault.Tests
	Cases []Case // as Tests.Tests
}

// Case is a test that can be run.
type Case struct {
	fault.Case
	input, baseline []unittest.Series
}

// Read reads a file of tests; the error is fault.Problems, unless r fails.
func Read(name string, r io.Reader) (File, error) {
	tests, err := fault.ReadTests(name, r)
	if err != nil {
		return File{}, err
	}
	f := File{Tests: tests}
	var problems fault.Problems
	parse := func(list []fault.Samples) (out []unittest.Series) {
		for _, s := range list {
			ls, values, err := unittest.ParseSeries(s.Series, s.Values)
			if err != nil {
				problems = append(problems, &fault.Problem{Position: s.Position, Why: fmt.Sprintf("series %s: %v", s.Series, err), Hint: "series: 'up{job=\"a\"}' with values: '1 2 _ 1+1x10 stale'"})
				continue
			}
			out = append(out, unittest.Series{Labels: ls, Values: values})
		}
		return out
	}
	for _, t := range tests.Tests {
		f.Cases = append(f.Cases, Case{t, parse(t.Series), parse(t.Baseline)})
	}
	if len(problems) > 0 {
		return File{}, problems
	}
	return f, nil
}

// start is when the series of a test begin.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// store has series from a time on, or, where end is set, up to it.
func store(list []unittest.Series, from time.Time, interval time.Duration, end bool, names catalog.Catalog) *series.Store {
	r := series.NewRecorder()
	at := from.UnixMilli()
	if end {
		longest := 0
		for _, s := range list {
			longest = max(longest, len(s.Values))
		}
		at -= int64(longest) * interval.Milliseconds()
	}
	seen := map[string]bool{}
	for _, s := range slices.Backward(list) { // of two with the same labels the last one counts
		key := s.Labels.String()
		if seen[key] {
			continue
		}
		seen[key] = true
		into := r.Series(s.Labels)
		for i, v := range s.Values {
			if !v.Omitted {
				_ = into.Append(at+int64(i)*interval.Milliseconds(), v.Value) // the times grow
			}
		}
	}
	return series.Canonical(r.Store(), names)
}

// Outcome is what became of a test.
type Outcome struct {
	Checks   int
	Failures []Failure
	Report   diagnose.Report
}

// Failure is one expectation that does not hold.
type Failure struct {
	fault.Position
	Message string
}

// Run diagnoses the series of a test and compares. The error is one of the context, or of
// an expression that cannot be evaluated.
func (c Case) Run(ctx context.Context, faults fault.Catalogue, names catalog.Catalog) (Outcome, error) {
	o := diagnose.Options{Faults: faults}
	if len(c.baseline) > 0 {
		o.Baseline = store(c.baseline, start, c.Interval, true, names)
	}
	report, err := diagnose.Run(ctx, store(c.input, start, c.Interval, false, names), o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Outcome{}, err
	}
	k := checker{c: c, report: report, Outcome: Outcome{Report: report}}
	k.all()
	return k.Outcome, nil
}

type checker struct {
	c      Case
	report diagnose.Report
	Outcome
}

func (k *checker) check(at fault.Position, ok bool, format string, args ...any) {
	k.Checks++
	if !ok {
		k.Failures = append(k.Failures, Failure{at, fmt.Sprintf(format, args...)})
	}
}

func (k *checker) all() {
	c := k.c
	found := "found: " + k.found()
	if c.Verdict != "" {
		k.check(c.Position, c.Verdict == k.report.Verdict, "the verdict is %s, not %s; %s", k.report.Verdict, c.Verdict, found)
	}
	if c.First != "" {
		got := ""
		if len(k.report.Incidents) > 0 {
			got = k.report.Incidents[0].Diagnoses[0].Fault
		}
		k.check(c.Position, got == c.First, "the first answer is %q, not %s; %s", got, c.First, found)
	}
	for _, id := range c.Absent {
		k.check(c.Position, !slices.ContainsFunc(k.diagnoses(), func(d diagnose.Diagnosis) bool {
			return d.Fault == id && d.Answer
		}), "%s is an answer; %s", id, found)
	}
	for _, e := range c.Expected {
		k.expected(e, found)
	}
}

// least is the confidence that a diagnosis has to have where a test does not say.
const least = 0.5

func (k *checker) diagnoses() (all []diagnose.Diagnosis) {
	for _, in := range k.report.Incidents {
		all = append(all, in.Diagnoses...)
	}
	return all
}

// found is what there is, in a line.
func (k *checker) found() string {
	var words []string
	for _, d := range k.diagnoses() {
		text := fmt.Sprintf("%s of %s %.2f", d.Fault, d.Entity, d.Confidence)
		if d.Explained != "" {
			text += " (an effect of " + d.Explained + ")"
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// expected looks for a diagnosis, and at what is said of it.
func (k *checker) expected(e fault.Expected, found string) {
	i := slices.IndexFunc(k.diagnoses(), func(d diagnose.Diagnosis) bool {
		return d.Fault == e.Fault && (e.Entity == "" || d.Entity == e.Entity)
	})
	if i < 0 {
		k.check(e.Position, false, "no %s; %s", strings.TrimSpace(e.Fault+" "+of(e.Entity)), found)
		return
	}
	d := k.diagnoses()[i]
	want := fault.Ramp{From: least, To: 1}
	if e.Confidence != nil {
		want = *e.Confidence
	}
	k.check(e.Position, want.From <= d.Confidence && d.Confidence <= want.To, "the confidence in %s is %.3f, not from %g to %g; %s", e.Fault, d.Confidence, want.From, want.To, found)
	if e.ExplainedBy != "" {
		k.check(e.Position, d.Explained == e.ExplainedBy, "%s is explained by %q, not by %s; %s", e.Fault, d.Explained, e.ExplainedBy, found)
	}
	seen := func(list []diagnose.Evidence) (names []string) {
		for _, x := range list {
			names = append(names, x.Symptom)
		}
		return names
	}
	var missing []string
	for _, m := range d.NotCollected {
		missing = append(missing, m.Symptom)
	}
	for _, group := range []struct {
		what string
		want []fault.Text
		got  []string
	}{{"evidence", e.Evidence, seen(d.Evidence)}, {"against it", e.Against, seen(d.Against)}, {"not collected", e.NotCollected, missing}} {
		for _, w := range group.want {
			ok := slices.ContainsFunc(group.got, func(name string) bool { return name == w.Value || name == "not seen: "+w.Value })
			k.check(w.Position, ok, "%s: %q is not %s, which is %s", e.Fault, w.Value, group.what, strings.Join(quoted(group.got), ", "))
		}
	}
}

func of(entity string) string {
	if entity == "" {
		return ""
	}
	return "of " + entity
}

func quoted(names []string) []string {
	if len(names) == 0 {
		return []string{"empty"}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}
