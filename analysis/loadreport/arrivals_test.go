package loadreport

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
)

// What was asked for and what was sent are counted where each belongs, also of
// requests that failed, were cut off or were never sent.
func TestArrivals(t *testing.T) {
	a := New(Config{})
	a.Start(epoch)
	sent := func(at, late time.Duration) *request.Record {
		r := plain(at, ms(50))
		r.SentAt, r.Lateness = r.ScheduledAt.Add(late), new(late)
		return r
	}
	a.Add(sent(ms(10), ms(1)))
	a.Add(sent(ms(90), ms(20))) // sent in the slice behind
	a.Add(failing(ms(150), "http_503"))
	a.Add(cutAt(ms(210), ms(300)))
	never := cutAt(ms(399), ms(400))
	never.SentAt = time.Time{}
	a.Add(never)
	got := a.Summary(Run{Load: Load{Mode: "open"}}).Arrivals
	want := []Arrivals{
		{FromS: 0, ToS: 0.1, Asked: 2, Sent: 1}, {FromS: 0.1, ToS: 0.2, Asked: 1, Sent: 2},
		{FromS: 0.2, ToS: 0.3, Asked: 1, Sent: 1}, {FromS: 0.3, ToS: 0.4, Asked: 1},
	}
	p99 := got[0].LatenessP99
	got[0].LatenessP99 = nil
	if diff := cmp.Diff(want, got); diff != "" || p99 == nil || *p99 < 19.8e3 || *p99 > 20.2e3 {
		t.Errorf("lateness p99 %v µs, want 20000; %s", p99, diff)
	}
	if got := a.Summary(Run{Load: Load{Mode: "closed"}}).Arrivals; got != nil {
		t.Errorf("a closed loop has arrivals: %v", got)
	}
}

// Slices grow with the run; nothing is lost on the way.
func TestArrivalsOfALongRun(t *testing.T) {
	a := New(Config{})
	a.Start(epoch)
	const n = 5000
	for i := range n {
		a.Add(plain(time.Duration(i)*100*time.Millisecond, ms(5)))
	}
	got := a.Summary(Run{Load: Load{Mode: "open"}}).Arrivals
	asked, at := int64(0), 0.0
	for i, s := range got {
		if s.FromS != at || s.ToS <= at || s.Asked != s.Sent || i < len(got)-1 && s.Asked != int64((s.ToS-s.FromS)*10+0.5) {
			t.Errorf("slice %d: %+v", i, s)
		}
		asked, at = asked+s.Asked, s.ToS
	}
	if len(got) < maxArrival/2 || len(got) > maxArrival || asked != n {
		t.Errorf("%d slices with %d requests, want %d", len(got), asked, n)
	}
}

func TestLengths(t *testing.T) {
	var c LengthCounter
	if c.Lengths() != nil {
		t.Error("lengths of nothing")
	}
	r := streamed(0, ms(10), ms(1), 40)
	r.PromptTokens = new(int64(130))
	c.Add(100, 50, r)
	c.Add(0, 0, r) // nobody knows what was asked for
	c.Add(100, 50, failing(0, "http_500"))
	r.PromptTokens = nil
	c.Add(100, 0, r)
	l := c.Lengths()
	want := &Lengths{Prompt: &Length{Requests: 1, Asked: 100, Measured: 130}, Output: &Length{Requests: 1, Asked: 50, Measured: 40}}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Fatal(diff)
	}
	for _, tc := range []struct {
		prompt, output float64 // measured
		exact          bool
		want           []string
	}{
		{130, 40, true, []string{"130 tokens on average by the server's count where 100 were asked for (+30%)", "40 tokens on average where the trace has 50 (-20%): add --ignore-eos"}},
		{130, 40, false, []string{"(+30%)"}}, {109, 46, true, nil}, {89, 50, true, []string{"(-11%)"}},
	} {
		l.Prompt.Measured, l.Output.Measured = tc.prompt, tc.output
		got := l.warnings(tc.exact)
		if len(got) != len(tc.want) {
			t.Errorf("%+v: %q", tc, got)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], tc.want[i]) {
				t.Errorf("%q does not say %q", got[i], tc.want[i])
			}
		}
	}
	if got := (*Lengths)(nil).warnings(true); got != nil {
		t.Error(got)
	}
}
