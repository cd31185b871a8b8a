package budget_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

func document(t *testing.T, r budget.Report) string {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// manyKeys are failures of more callers than are counted one by one, and some
// that fail a lot.
func manyKeys(n int) []accesslog.Event {
	r := rand.New(rand.NewPCG(1, 2))
	events := make([]accesslog.Event, n)
	for i := range events {
		e := &events[i]
		e.Reset()
		e.End = start + r.Int64N(3*86_400_000)
		e.Status, e.Failed, e.Error, e.Model = 500, true, "http_500", fmt.Sprint("model-", r.IntN(3))
		e.Route, e.Key = fmt.Sprint("/thread/", r.IntN(60_000)), "team-"+fmt.Sprint(r.IntN(5))
		if r.IntN(10) == 0 {
			e.Route = fmt.Sprint("/v1/", r.IntN(20))
		}
		if r.IntN(2) == 0 {
			e.Status, e.Failed, e.Error, e.Latency = 200, false, "", accesslog.Fixed(r.Int64N(4_000_000_000))
		}
	}
	return events
}

// The same events make the same bytes in any order, over any number of shards, in
// memory or in the file, and more keys than fit do not hide the large ones.
func TestOrderAndSpill(t *testing.T) {
	latency := slo.Objective{Name: "latency", Metric: "latency_ms", Statistic: slo.Quantile, Op: slo.Less, Threshold: decimal(t, "1500"), Target: decimal(t, "0.9"),
		Method: slo.Occurrences, Errors: slo.ErrorsBad, Window: 2 * 24 * time.Hour}
	steady := availability(t, "0.5")
	steady.Method, steady.Slice = slo.RatioTimeslices, time.Minute
	cfg := budget.Config{Objectives: []slo.Objective{availability(t, "0.4"), latency, steady}, By: []string{"key"}, Course: 40, Spill: spill(t)}
	events := manyKeys(60_000)
	want := report(t, cfg, 1, events)
	var routes, other, failures int64
	for _, c := range want.SLOs[0].Contributors {
		if c.By == "route" {
			routes++
			failures += c.Bad
			if c.Rest {
				other = c.Bad
			}
		}
	}
	if routes > 10_001 || routes < 5000 || other == 0 || failures != want.SLOs[0].Bad {
		t.Errorf("%d routes, %d under other, %d of %d failures", routes, other, failures, want.SLOs[0].Bad)
	}
	i := slices.IndexFunc(want.SLOs[0].Contributors, func(c budget.Contributor) bool { return c.By == "route" })
	for _, c := range want.SLOs[0].Contributors[i : i+20] {
		if !strings.HasPrefix(c.Key, "/v1/") {
			t.Errorf("%+v is before one of the large routes", c)
		}
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		cfg.Memory = []int64{1, 300_000, 0}[seed]
		got := report(t, cfg, 1+int(seed)*2, events)
		if a, b := document(t, want), document(t, got); a != b {
			t.Fatalf("shuffle %d makes a difference:\n%s", seed, cmp.Diff(strings.Split(a, "\n"), strings.Split(b, "\n")))
		}
	}
}

// spill makes files for events that do not fit into memory.
func spill(t testing.TB) func() (budget.File, error) {
	return func() (budget.File, error) { return os.CreateTemp(t.TempDir(), "events") }
}

// full is a disk without room.
type full struct{ budget.File }

func (full) WriteAt([]byte, int64) (int, error) { return 0, errors.New("no space left") }

// A disk that takes no events, or loses them, is an error of the report and not a
// wrong result.
func TestSpillFails(t *testing.T) {
	for _, c := range []struct {
		open func() (budget.File, error)
		want string
	}{
		{func() (budget.File, error) { return nil, errors.New("no such folder") }, "keep events in a temporary file: no such folder"},
		{func() (budget.File, error) { f, err := spill(t)(); return full{f}, err }, "keep events in a temporary file: no space left"},
		{func() (budget.File, error) { return lost{}, nil }, "read events back from a temporary file: unexpected EOF"},
	} {
		counter, err := budget.New(budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}, Memory: 1, Spill: c.open})
		if err != nil {
			t.Fatal(err)
		}
		s := counter.Shard()
		for _, e := range manyKeys(20_000) {
			s.Add(&e)
		}
		if _, err := counter.Report(budget.Source{}); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
		_ = counter.Close()
	}
}

// lost is a disk that forgets.
type lost struct{}

func (lost) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (lost) ReadAt([]byte, int64) (int, error)      { return 0, io.ErrUnexpectedEOF }
func (lost) Close() error                           { return nil }

// A calendar period holds its first moment, not its end, and goes by its zone.
func TestCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := availability(t, "0.9")
	o.Calendar = &slo.Calendar{Start: time.Date(2026, 1, 1, 0, 0, 0, 0, berlin), Count: 1, Unit: slo.Months}
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, berlin).UnixMilli()
	var events []accesslog.Event
	// What is older than the period covers nothing of it.
	for i, end := range []int64{from - 10*86_400_000, from, from + 1, from + 86_400_000, from + 2*86_400_000} {
		events = append(events, traffic(nil, 0, 1, i%2)...)
		events[i].End = end
	}
	s := one(t, o, events)
	if s.Total != 4 || s.Bad != 2 || *s.Coverage > 0.06461 || *s.Coverage < 0.0646 {
		t.Errorf("%d of %d bad, coverage %v", s.Bad, s.Total, *s.Coverage)
	}
	// March has 31 days and, in Berlin, an hour less.
	if got := s.Period.To.Sub(s.Period.From); got != 743*time.Hour {
		t.Errorf("the period is %s", got)
	}
	near(t, "consumed of the period", s.Period.Consumed, 5*48.0/743, 1e-6)
	if r := report(t, budget.Config{Objectives: []slo.Objective{o}, Window: time.Hour}, 1, events).SLOs[0]; r.Period != nil || r.Total != 1 || r.Window != "1h" {
		t.Errorf("--window in place of a calendar: %+v", r)
	}

	// At 2 of 1000 an hour against 1 in 100, half of the month's traffic to come:
	// nothing runs out; at 30 of 1000 it does before the end.
	o.Target = decimal(t, "0.99")
	for _, c := range []struct {
		bad  int
		runs bool
	}{{2, false}, {30, true}} {
		var events []accesslog.Event
		for hour := range 15 * 24 {
			bad := 2
			if hour >= 14*24 {
				bad = c.bad
			}
			first := len(events)
			events = traffic(events, 0, 1000, bad)
			for i := range events[first:] {
				events[first+i].End += from - start + int64(hour+1)*3_600_000
			}
		}
		s := one(t, o, events)
		if runs := s.Exhaustion.At != nil; runs != c.runs {
			t.Errorf("%d an hour: runs out at %v", c.bad, s.Exhaustion.At)
		}
		if c.runs {
			// After k hours: 2*336 + 30*(24+k) = 0.01 * 1000 * 743.
			hours := float64(int64(*s.Exhaustion.At)-from)/3_600_000 - 15*24
			if want := (7430-2*336)/30.0 - 24; hours < want-0.01 || hours > want+0.03 {
				t.Errorf("runs out after %v hours, want %v", hours, want)
			}
		}
	}
}

// Shares that are no decimals add up to one exactly at the target.
func TestRatioAtTheTarget(t *testing.T) {
	o := availability(t, "0.9")
	o.Method, o.Slice = slo.RatioTimeslices, time.Minute
	var events []accesslog.Event
	for k, bad := range []int{1, 1, 1, 0, 0} { // of 6: a mean of 1 in 10
		events = traffic(events, k+1, 6, bad)
	}
	o.Alerts = []slo.BurnAlert{{Severity: "page", Long: 5 * time.Minute, Short: 5 * time.Minute, Op: slo.Greater, Threshold: decimal(t, "1")},
		{Severity: "page", Long: 5 * time.Minute, Short: 5 * time.Minute, Op: slo.GreaterEqual, Threshold: decimal(t, "1")}}
	s := one(t, o, events)
	now := budget.Time(start + 5*60_000)
	if s.Status != budget.Exhausted {
		t.Errorf("status %s", s.Status)
	}
	for i, still := range []bool{false, true} {
		fired := s.Alerts[i].Fired
		if got := fired[len(fired)-1]; (got.To == nil) != still || !still && *got.To != now {
			t.Errorf("alert %d: %+v", i, fired)
		}
	}
}

// An alert says so if it can say nothing else: not even a minute in which all is bad
// burns faster than 1/(1 - target).
func TestAlertsThatSayNothing(t *testing.T) {
	for _, c := range []struct {
		target, threshold string
		op                slo.Op
		want              string
	}{
		{"0.9", "14.4", slo.Greater, "page alert over 1h and 5m can never fire: at target 0.9 no burn rate is above 10.00"},
		{"0.9", "10", slo.Greater, "page alert over 1h and 5m can never fire: at target 0.9 no burn rate is above 10.00"},
		{"0.9", "10", slo.GreaterEqual, ""},
		{"0.9", "9.99999999999999999", slo.Greater, ""},
		{"0.9", "10.0000000000000000001", slo.GreaterEqual, "page alert over 1h and 5m can never fire: at target 0.9 no burn rate is above 10.00"},
		{"0.999", "14.4", slo.Greater, ""},
		{"0.999", "0.5", slo.Greater, "page alert over 1h and 5m fires while the budget lasts: its threshold 0.5 is below the even pace 1"},
		{"1", "14.4", slo.Greater, ""}, // any bad event burns at an infinite rate
	} {
		o := availability(t, c.target)
		o.Alerts = []slo.BurnAlert{{Severity: "page", Long: time.Hour, Short: 5 * time.Minute, Op: c.op, Threshold: decimal(t, c.threshold)}}
		s := one(t, o, traffic(nil, 1, 10, 10))
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if !slices.Equal(s.Warnings, want) {
			t.Errorf("target %s, %s %s: %q, want %q", c.target, c.op, c.threshold, s.Warnings, want)
		}
		if never := strings.Contains(c.want, "never"); never == (len(s.Alerts[0].Fired) > 0) {
			t.Errorf("target %s, %s %s: fired %v", c.target, c.op, c.threshold, s.Alerts[0].Fired)
		}
	}
}

// What nobody can tell yet is no leave to go on, whatever is left of the budget.
func TestPolicyWaitsForMoreEvents(t *testing.T) {
	loose, strict := availability(t, "0.5"), availability(t, "0.9")
	strict.Name = "strict"
	for _, c := range []struct {
		all, bad int
		want     []budget.Action // of the strict one
		verdict  budget.Verdict
		release  budget.Action
	}{
		{30, 2, []budget.Action{budget.Wait}, budget.Undetermined, budget.Wait},
		{38, 3, []budget.Action{budget.Wait, budget.Warn}, budget.Undetermined, budget.Wait},
		{30, 4, []budget.Action{budget.Freeze, budget.Postmortem}, budget.Undetermined, budget.Freeze},
		{30, 12, []budget.Action{budget.Freeze, budget.Postmortem}, budget.Fail, budget.Freeze},
		{1000, 0, nil, budget.Pass, budget.Proceed},
	} {
		r := report(t, budget.Config{Objectives: []slo.Objective{loose, strict}}, 1, traffic(nil, 1, c.all, c.bad))
		var got []budget.Action
		for _, p := range r.SLOs[1].Policy {
			got = append(got, p.Action)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) || r.SLOs[1].Verdict != c.verdict || r.Release != c.release {
			t.Errorf("%d of %d bad: %v, %s, release %s; want %v, %s, %s", c.bad, c.all, got, r.SLOs[1].Verdict, r.Release, c.want, c.verdict, c.release)
		}
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		bad     []int // of the 1000 requests of each hour
		want    []budget.Action
		release budget.Action
	}{
		{[]int{100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 99, 0}, nil, budget.Proceed},
		{[]int{200, 0, 200, 0, 200, 0, 200, 0, 200, 0, 50, 0, 0, 0}, []budget.Action{budget.Warn}, budget.Warn},
		{[]int{280, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, nil, budget.Proceed},
		{[]int{281, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []budget.Action{budget.Postmortem}, budget.Proceed},
		{[]int{700, 0, 700, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []budget.Action{budget.Freeze, budget.Postmortem, budget.Postmortem}, budget.Freeze},
	} {
		var events []accesslog.Event
		for hour, bad := range c.bad {
			events = traffic(events, 60*hour+1, 1000, bad)
		}
		r := report(t, budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}}, 1, events)
		var got []budget.Action
		for _, p := range r.SLOs[0].Policy {
			got = append(got, p.Action)
		}
		if !slices.Equal(got, c.want) || r.Release != c.release {
			t.Errorf("%v: %v, release %s; want %v, %s", c.bad, got, r.Release, c.want, c.release)
		}
	}
}

// The course ends where the budget does, and counts every event once.
func TestCourse(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		o := randomObjective(t, r)
		cfg := budget.Config{Objectives: []slo.Objective{o}, ExcludeStatus: []int{404}, Course: 1 + r.IntN(50)}
		s := report(t, cfg, 1, randomEvents(r, 300, 3*time.Hour)).SLOs[0]
		if s.Total == 0 {
			continue
		}
		var total, bad int64
		for i, p := range s.Course {
			total, bad = total+p.Total, bad+p.Bad
			if i > 0 && p.At <= s.Course[i-1].At {
				t.Errorf("seed %d: %v after %v", seed, p.At, s.Course[i-1].At)
			}
		}
		if len(s.Course) == 0 || len(s.Course) > cfg.Course || total != s.Total || bad != s.Bad {
			t.Fatalf("seed %d: %d points of %d, %d of %d, want %d of %d", seed, len(s.Course), cfg.Course, bad, total, s.Bad, s.Total)
		}
		near(t, "remaining", s.Course[len(s.Course)-1].Remaining, *s.Remaining, 1e-9)
	}
}

func TestRefused(t *testing.T) {
	parse := func(text string) slo.Objective {
		o, err := slo.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	odd := availability(t, "0.9")
	odd.Alerts = []slo.BurnAlert{{Long: time.Hour, Short: 1001 * time.Millisecond, Op: slo.Greater, Threshold: decimal(t, "2")}}
	for _, c := range []struct {
		cfg  budget.Config
		want string
	}{
		{budget.Config{}, "no objective"},
		{budget.Config{Objectives: []slo.Objective{parse("p95_itl_ms < 50")}}, "do not tell itl_ms"},
		{budget.Config{Objectives: []slo.Objective{parse("goodput > 3")}}, "do not tell goodput"},
		{budget.Config{Objectives: []slo.Objective{parse("mean_latency_ms < 50")}}, "a mean has no error budget"},
		{budget.Config{Objectives: []slo.Objective{parse("quality_score > 0.8")}}, "a mean has no error budget"},
		{budget.Config{Objectives: []slo.Objective{parse("tokens_per_second > 10")}}, "a rate over the whole period has no error budget"},
		{budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}, By: []string{"user"}}, `no contributors by "user"`},
		{budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}, ExcludeStatus: []int{1200}}, "exclude status 1200"},
		{budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}, Window: time.Millisecond}, "want a whole number of milliseconds"},
		{budget.Config{Objectives: []slo.Objective{odd}}, "no whole second in common"},
	} {
		if _, err := budget.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for _, text := range []string{"error_rate < 1%", "timeout_rate < 1%", "p99_tpot_ms < 30", "success_rate >= 0.99"} {
		if _, err := budget.New(budget.Config{Objectives: []slo.Objective{parse(text)}}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What an objective looks at beside latency and failures.
func TestOtherMetrics(t *testing.T) {
	events := traffic(nil, 1, 8, 4)
	events[0].Status, events[0].Error = 504, "http_504"
	events[1].Error = "timeout_first_token"
	for i := range events {
		e := &events[i]
		e.Quality, e.Cost, e.TPOT = accesslog.Fixed(200_000*i), accesslog.Fixed(20_000*i), accesslog.Fixed(20_000_000*i)
	}
	file := func(sli string) slo.Objective {
		f, err := slo.Load("x", strings.NewReader("slos:\n- {sli: '"+sli+"', target: 0.9}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return f.Objectives[0]
	}
	inline := func(text string) slo.Objective {
		o, err := slo.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for _, c := range []struct {
		o         slo.Objective
		total     int64
		bad       int64
		unreached int64 // failed ones, left out
	}{
		{inline("timeout_rate < 1%"), 8, 2, 0},
		{inline("error_rate < 1%"), 8, 4, 0},
		{file("quality_score > 0.5"), 4, 2, 4}, // 0.4, 0.5 of 0.4 to 0.7
		{file("cost_per_request < 0.06"), 4, 2, 4},
		{inline("p90_tpot_ms <= 60"), 4, 1, 4},
	} {
		s := one(t, c.o, events)
		if s.Total != c.total || s.Bad != c.bad || s.Excluded["failed"] != c.unreached {
			t.Errorf("%s: %d of %d, %v", c.o.Name, s.Bad, s.Total, s.Excluded)
		}
	}
}

// Percentiles are those of the sorted values, by nearest rank.
func TestPercentiles(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, different := range []int64{5, 3000, 1 << 40} {
		var values []int64
		var events []accesslog.Event
		for k := 1; k <= 50; k++ {
			events = traffic(events, k, 100, 0)
		}
		for i := range events {
			events[i].Latency = accesslog.Fixed(2_000_000 + r.Int64N(different))
			values = append(values, int64(events[i].Latency))
		}
		slices.Sort(values)
		d := report(t, budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}}, 2, events).Metrics.LatencyMS
		for q, got := range map[float64]*float64{0.5: d.P50, 0.9: d.P90, 0.95: d.P95, 0.99: d.P99, 0.999: d.P999, 1: d.Max} {
			near(t, fmt.Sprint(q), got, accesslog.Fixed(values[int(q*5000+0.5)-1]).Float64(), 0)
		}
		if d.Within != 0 || d.Count != 5000 {
			t.Errorf("%+v", d)
		}
	}
}

// The document reads back as it was, and times are RFC 3339.
func TestDocument(t *testing.T) {
	events := randomEvents(rand.New(rand.NewPCG(1, 1)), 300, 3*time.Hour)
	o := availability(t, "0.95")
	o.Alerts = []slo.BurnAlert{{Severity: "page", Long: time.Hour, Short: 5 * time.Minute, Op: slo.Greater, Threshold: decimal(t, "1")}}
	want := report(t, budget.Config{Objectives: []slo.Objective{o}, Course: 10}, 1, events)
	text := document(t, want)
	var got budget.Report
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{`"schema": "llmops.budget/v1"`, `"now": "2026-03-01T0`, `"files": []`, `"at": null`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is missing in\n%s", part, text)
		}
	}
}
