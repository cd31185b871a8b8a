package loadtestcmd

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// An invalid client gives no verdict, and the advice follows from what it lacked.
func TestInvalidClient(t *testing.T) {
	s := loadreport.Summary{Verdict: loadreport.Invalid}
	s.Client.Reasons = []string{"one", "two"}
	for exhausted, want := range map[int64]string{0: "more free CPU", 3: "ulimit -n"} {
		err := outcome(s, &firstFailure{}, exhausted)
		if cli.CodeOf(err) != cli.CodeNoVerdict || err.Error() != "the client is invalid: one; two" {
			t.Errorf("error %v with code %v", err, cli.CodeOf(err))
		}
		if advice := clientAdvice(exhausted); !strings.Contains(advice, want) {
			t.Errorf("%d requests without a descriptor: %q, want %q", exhausted, advice, want)
		}
	}
}

// A run that was broken off lacked time, not CPU; a shard that decides nothing has others
// beside it.
func TestHints(t *testing.T) {
	killed := loadreport.Summary{Verdict: loadreport.Invalid}
	killed.Client.Reasons = []string{"it was killed"}
	more := uint64(40)
	part := loadreport.Summary{Verdict: loadreport.Inconclusive, Requests: loadreport.Requests{Total: 9, Succeeded: 9},
		SLO: []loadreport.Judgement{{Verdict: loadreport.Inconclusive, MoreNeeded: &more}}}
	whole := part
	part.Load.Shard = "1/2"
	timed, both := whole, whole
	timed.Load.DurationS, both.Load.DurationS, both.Load.Requests = new(6.0), new(90.0), new(int64(48))
	counted := both // it sent all that it was to send
	counted.Requests.Total = 48
	// What is over at its end has no more to come, however long the run.
	stages, early, ramp, trace, begun := timed, timed, timed, whole, whole
	stages.Load.Shape, early.Load.Shape, ramp.Load.Shape = "3s:2,3s:1", "3s:2,60s:1", "2 req/s after a ramp of 3s"
	trace.Load.Requests, trace.Load.Trace = new(int64(9)), &loadreport.Trace{Rows: 9}
	begun.Load.Requests, begun.Load.Trace = new(int64(9)), &loadreport.Trace{Rows: 90}
	far := timed
	far.Load.DurationS = new(1e10)
	for want, err := range map[string]error{
		"run it to its end":                 Shown{Summary: killed, Interrupted: true}.Outcome(),
		"more free CPU":                     Shown{Summary: killed}.Outcome(),
		"llmops report":                     outcome(part, &firstFailure{}, 0),
		": --requests 49":                   outcome(whole, &firstFailure{}, 0),
		": --duration 33s\n":                outcome(timed, &firstFailure{}, 0),
		": --duration 8m10s --requests 49":  outcome(both, &firstFailure{}, 0),
		": --requests 88":                   outcome(counted, &firstFailure{}, 0),
		"more requests: longer --stages\n":  outcome(stages, &firstFailure{}, 0),
		"requests: --duration 33s\n":        outcome(early, &firstFailure{}, 0),
		"more requests: --duration 33s\n":   outcome(ramp, &firstFailure{}, 0),
		"more requests: a longer --trace\n": outcome(trace, &firstFailure{}, 0),
		"more requests: --requests 49\n":    outcome(begun, &firstFailure{}, 0),
		"requests: --requests 49\n":         outcome(far, &firstFailure{}, 0),
	} {
		verb := func(*cli.App) *cobra.Command {
			return &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return err }}
		}
		if r := clitest.Run(t, &cli.App{}, []cli.Verb{verb}, "x"); r.Code != cli.CodeNoVerdict || strings.Count(r.Err, "hint:") != 1 || !strings.Contains(r.Err, want) {
			t.Errorf("exit %v, want %q in %s", r.Code, want, r.Err)
		}
	}
}
