package loadtestcmd

import (
	"strings"
	"testing"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
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
