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
	for want, err := range map[string]error{
		"run it to its end":                Shown{Summary: killed, Interrupted: true}.Outcome(),
		"more free CPU":                    Shown{Summary: killed}.Outcome(),
		"llmops report":                    outcome(part, &firstFailure{}, 0),
		": --requests 49":                  outcome(whole, &firstFailure{}, 0),
		": --duration 33s\n":               outcome(timed, &firstFailure{}, 0),
		": --duration 8m10s --requests 49": outcome(both, &firstFailure{}, 0),
		": --requests 88":                  outcome(counted, &firstFailure{}, 0),
	} {
		verb := func(*cli.App) *cobra.Command {
			return &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return err }}
		}
		if r := clitest.Run(t, &cli.App{}, []cli.Verb{verb}, "x"); r.Code != cli.CodeNoVerdict || strings.Count(r.Err, "hint:") != 1 || !strings.Contains(r.Err, want) {
			t.Errorf("exit %v, want %q in %s", r.Code, want, r.Err)
		}
	}
}
