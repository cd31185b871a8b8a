package rulescmd

import (
	"bytes"
	"context"
	"fmt"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/diagnose"
	"llmops/analysis/faulttest"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/catalog"
)

// diagnosis is the kind of what fails in a test of faults.
const diagnosis unittest.Kind = "diagnosis"

// faults runs the tests of faults of one file. The error says why it cannot be used.
func (r *testRun) faults(ctx context.Context, d rulefiles.Document, into *testFile) error {
	f, err := faulttest.Read(d.Name, bytes.NewReader(d.Data))
	if err != nil {
		return err
	}
	all, err := shippedFaults()
	if err == nil {
		all, err = faultsFor(f, all)
	}
	if err == nil {
		err = f.Check(all, diagnose.Unknown)
	}
	if err != nil {
		return err
	}
	names, err := catalog.Load()
	if err != nil {
		return cli.Failed(err)
	}
	for _, c := range f.Cases {
		if r.only != nil && !r.only.MatchString(c.Name) {
			r.report.Skipped++
			continue
		}
		out, err := c.Run(ctx, all, names)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", c.Position, c.Name, err)
		}
		result := testResult{Name: c.Name, Line: c.Line, Checks: out.Checks, Failed: len(out.Failures), Verdict: "pass"}
		for _, x := range out.Failures {
			result.Verdict = "fail"
			result.Failures = append(result.Failures, testFailure{Kind: diagnosis, Line: x.Line, Column: x.Column, Message: x.Message})
		}
		into.Tests = append(into.Tests, result)
	}
	return nil
}
