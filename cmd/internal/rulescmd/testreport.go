package rulescmd

import (
	"errors"
	"fmt"

	"github.com/prometheus/common/model"

	"llmops/analysis/alerting/unittest"
	"llmops/cmd/internal/cli"
	"llmops/rules/alert"
)

// testSchema names the JSON form.
const testSchema = "llmops.ruletest/v1"

type testReport struct {
	Schema  string     `json:"schema"`
	Files   []testFile `json:"files"`
	Tests   int        `json:"tests"`
	Failed  int        `json:"failed"`
	Skipped int        `json:"skipped"` // --run leaves them out
	Checks  int        `json:"checks"`
	Verdict string     `json:"verdict"` // pass, fail, broken: some file cannot be used, or no_tests

	broken error // the first reason
}

type testFile struct {
	File     string       `json:"file"`
	Problems []string     `json:"problems,omitempty"` // for which it cannot be used
	Tests    []testResult `json:"tests"`
}

type testResult struct {
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Checks   int           `json:"checks"`
	Failed   int           `json:"failed"`  // checks; an error of a rule is none of them
	Verdict  string        `json:"verdict"` // pass or fail
	Failures []testFailure `json:"failures,omitempty"`
}

type testFailure struct {
	Kind      unittest.Kind `json:"kind"`
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	At        string        `json:"eval_time,omitempty"` // none of a test of faults
	AlertName string        `json:"alertname,omitempty"`
	Rule      string        `json:"rule,omitempty"`
	Expr      string        `json:"expr,omitempty"`
	Message   string        `json:"message,omitempty"`
	Expected  []testEntry   `json:"expected,omitempty"`
	Got       []testEntry   `json:"got,omitempty"`

	failure unittest.Failure
}

// testEntry is an alert, a sample or a receiver. A value is text, since it may be NaN.
type testEntry struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Value       string            `json:"value,omitempty"`
	Receiver    string            `json:"receiver,omitempty"`
}

func failureOf(f unittest.Failure) testFailure {
	out := testFailure{
		Kind: f.Kind, Line: f.Position.Line, Column: f.Position.Column, At: model.Duration(f.At).String(),
		Expr: f.Expr, Message: f.Message, failure: f,
	}
	switch f.Kind {
	case unittest.Firing, unittest.Pending, unittest.Receivers:
		out.AlertName = f.Name
	case unittest.Evaluation:
		out.Rule = f.Name
	}
	for _, e := range f.Expected {
		out.Expected = append(out.Expected, entryOf(e))
	}
	for _, e := range f.Got {
		out.Got = append(out.Got, entryOf(e))
	}
	return out
}

func entryOf(e unittest.Entry) testEntry {
	out := testEntry{Labels: e.Labels, Annotations: e.Annotations, Receiver: e.Receiver}
	if e.Value != nil {
		out.Value = unittest.FormatValue(*e.Value)
	}
	return out
}

// finish counts and judges.
func (r *testReport) finish() {
	for _, f := range r.Files {
		for _, t := range f.Tests {
			r.Tests++
			r.Checks += t.Checks
			if t.Verdict == "fail" {
				r.Failed++
			}
		}
	}
	switch {
	case r.broken != nil:
		r.Verdict = "broken"
	case r.Failed > 0:
		r.Verdict = "fail"
	case r.Tests == 0:
		r.Verdict = "no_tests"
	default:
		r.Verdict = "pass"
	}
}

func (r *testReport) err() error {
	switch r.Verdict {
	case "broken":
		err := cli.Usage(r.broken)
		if bad, ok := errors.AsType[*alert.ReadError](r.broken); ok && bad.Hint() != "" {
			return cli.WithHint(err, "%s", bad.Hint())
		}
		if len(problemsOf(r.broken)) > 0 {
			return usage(r.broken)
		}
		return err
	case "fail":
		return cli.Gate(fmt.Errorf("%d of %s failed", r.Failed, plural(r.Tests, "test")))
	case "no_tests":
		err := cli.NoVerdict(errors.New("no test was run"))
		if r.Skipped > 0 {
			return cli.WithHint(err, "--run leaves out all %d of them", r.Skipped)
		}
		return cli.WithHint(err, "a unit-test file has a list of tests")
	}
	return nil
}
