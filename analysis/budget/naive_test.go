package budget_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// The definitions once more, word by word, slow: fractions everywhere, every
// event for every question, every minute for every alert.

// naive is an objective and its events up to now.
type naive struct {
	o      slo.Objective
	now    int64
	events []accesslog.Event
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

// verdictOf is 1 good, 0 bad, -1 neither with the reason.
func (n naive) verdictOf(e accesslog.Event) (int, string) {
	switch {
	case e.HealthCheck:
		return -1, "health_check"
	case e.Cancelled:
		return -1, "cancelled"
	case e.Status == 404:
		return -1, "client_error"
	}
	bad := e.Failed || e.Status >= 400
	measured := e.Latency
	switch n.o.Metric {
	case "latency_ms":
	case "ttft_ms":
		measured = e.TTFT
	default:
		if bad {
			return 0, ""
		}
		return 1, ""
	}
	switch {
	case bad && n.o.Errors == slo.ErrorsBad:
		return 0, ""
	case bad:
		return -1, "failed"
	case !measured.Known():
		return -1, "unmeasured"
	}
	value := big.NewRat(int64(measured), 2_000_000)
	if n.o.Op.Holds(value.Cmp(n.o.Threshold.Rat)) {
		return 1, ""
	}
	return 0, ""
}

func ceilTo(t, length int64) int64 {
	k := t / length
	if k*length < t {
		k++
	}
	return k * length
}

// sum is a number of events or slices, how many of them have some bad event, and
// the sum of their bad shares.
type sum struct {
	total, bad int64
	lost       *big.Rat
}

// in counts what lies in (from, to], where of slices only those up to whole
// count, if that is not 0.
func (n naive) in(from, to, whole int64) (s sum, left map[string]int64) {
	s.lost, left = new(big.Rat), map[string]int64{}
	if !n.o.Method.Sliced() {
		for _, e := range n.events {
			if e.End > from && e.End <= to {
				v, why := n.verdictOf(e)
				if v < 0 {
					left[why]++
					continue
				}
				s.total++
				s.bad += int64(1 - v)
			}
		}
		s.lost.SetInt64(s.bad)
		return s, left
	}
	length := ms(n.o.Slice)
	byEnd := map[int64][]accesslog.Event{}
	for _, e := range n.events {
		if e.End <= n.now {
			byEnd[ceilTo(e.End, length)] = append(byEnd[ceilTo(e.End, length)], e)
		}
	}
	for end, events := range byEnd {
		at := min(end, n.now)
		if at <= from || at > to || whole != 0 && end > whole {
			continue
		}
		good, valid, tokens := int64(0), int64(0), int64(0)
		for _, e := range events {
			v, _ := n.verdictOf(e)
			if v < 0 {
				continue
			}
			valid++
			good += int64(v)
			if v == 1 && e.OutputTokens > 0 {
				tokens += e.OutputTokens
			}
		}
		switch {
		case valid == 0:
			continue
		case valid < int64(n.o.MinEvents):
			left["unmeasured_slices"]++
			continue
		}
		s.total++
		share := big.NewRat(valid-good, valid)
		switch {
		case n.o.Method == slo.RatioTimeslices:
			s.lost.Add(s.lost, share)
			if share.Sign() > 0 {
				s.bad++
			}
			continue
		case n.o.Statistic == slo.Rate:
			amount := tokens
			if n.o.Metric == "requests_per_second" {
				amount = good
			}
			if n.o.Op.Holds(big.NewRat(amount*1000, length).Cmp(n.o.Threshold.Rat)) {
				continue
			}
		case big.NewRat(good, valid).Cmp(n.o.SliceTarget.Rat) >= 0:
			continue
		}
		s.bad++
		s.lost.Add(s.lost, big.NewRat(1, 1))
	}
	return s, left
}

func (n naive) allowed() *big.Rat { return new(big.Rat).Sub(big.NewRat(1, 1), n.o.Target.Rat) }

func (n naive) burn(s sum) *big.Rat {
	if s.total == 0 {
		return nil
	}
	r := new(big.Rat).Quo(s.lost, big.NewRat(s.total, 1))
	return r.Quo(r, n.allowed())
}

// fired are the times at which an alert fires, minute by minute.
func (n naive) fired(a slo.BurnAlert) (out []string) {
	var since int64
	var from *int64
	first := n.events[0].End
	for _, e := range n.events {
		first = min(first, e.End)
	}
	for t := ceilTo(first, 60_000); t <= n.now; t += 60_000 {
		long, _ := n.in(t-ms(a.Long), t, t)
		short, _ := n.in(t-ms(a.Short), t, t)
		l, s := n.burn(long), n.burn(short)
		burns := l != nil && s != nil && a.Op.Holds(l.Cmp(a.Threshold.Rat)) && a.Op.Holds(s.Cmp(a.Threshold.Rat))
		switch {
		case !burns && from != nil:
			out = append(out, fmt.Sprint(*from, " to ", t))
			fallthrough
		case !burns:
			since, from = 0, nil
			continue
		case since == 0:
			since = t
		}
		if from == nil && t-since >= ms(a.For) {
			from = new(t)
		}
	}
	if from != nil {
		out = append(out, fmt.Sprint(*from, " to now"))
	}
	return out
}

// incidents are runs of bad minutes in the window.
func (n naive) incidents(start int64) (out []string) {
	length := int64(60_000)
	if n.o.Method.Sliced() {
		length = ms(n.o.Slice)
	}
	type run struct{ from, to int64 }
	var runs []run
	for end := ceilTo(start+1, length); end-length < n.now; end += length {
		from := max(start, end-length)
		if n.o.Method.Sliced() {
			from = end - length
		}
		to := min(end, n.now)
		s, _ := n.in(max(from, start), to, 0)
		if b := n.burn(s); b == nil || b.Cmp(big.NewRat(1, 1)) <= 0 {
			continue
		}
		from = max(from, start)
		if k := len(runs); k > 0 && from-runs[k-1].to <= 5*60_000 {
			runs[k-1].to = to
			continue
		}
		runs = append(runs, run{from, to})
	}
	whole, _ := n.in(start, n.now, 0)
	for _, r := range runs {
		s, _ := n.in(r.from, r.to, 0)
		share := new(big.Rat).Quo(s.lost, big.NewRat(whole.total, 1))
		share.Quo(share, n.allowed())
		out = append(out, fmt.Sprintf("%d-%d %d/%d %s", r.from, r.to, s.bad, s.total, share.FloatString(6)))
	}
	slices.Sort(out)
	return out
}

// runsOut is the minute at which nothing is left if things go on as they did over
// the pace; 0 if there is none.
func (n naive) runsOut(start int64, pace time.Duration) int64 {
	length := int64(60_000)
	if n.o.Method.Sliced() {
		length = ms(n.o.Slice)
	}
	type old struct {
		end int64
		sum
	}
	var minutes []old
	for end := ceilTo(start+1, length); end-length < n.now; end += length {
		from := max(start, end-length)
		if s, _ := n.in(from, min(end, n.now), 0); s.total > 0 {
			minutes = append(minutes, old{end, s})
		}
	}
	per, _ := n.in(n.now-ms(pace), n.now, 0)
	each := new(big.Rat).SetFrac64(60_000, ms(pace))
	for k := int64(1); k <= ms(n.o.Window)/60_000+1; k++ {
		at := n.now + k*60_000
		total, lost := new(big.Rat), new(big.Rat)
		for _, m := range minutes {
			if m.end > at-ms(n.o.Window) {
				total.Add(total, big.NewRat(m.total, 1))
				lost.Add(lost, m.lost)
			}
		}
		step := new(big.Rat).Mul(each, big.NewRat(k, 1))
		total.Add(total, new(big.Rat).Mul(step, big.NewRat(per.total, 1)))
		lost.Add(lost, new(big.Rat).Mul(step, per.lost))
		if lost.Cmp(total.Mul(total, n.allowed())) >= 0 {
			return at
		}
	}
	return 0
}

func (n naive) describe(window time.Duration, burns []time.Duration) []string {
	start := n.now - ms(window)
	s, left := n.in(start, n.now, 0)
	out := []string{fmt.Sprintf("%d/%d lost %s left %v", s.bad, s.total, s.lost.FloatString(6), left)}
	for _, w := range burns {
		b, _ := n.in(n.now-ms(w), n.now, 0)
		line := fmt.Sprintf("burn %s %d/%d", slo.FormatDuration(w), b.bad, b.total)
		if r := n.burn(b); r != nil {
			line += " " + r.FloatString(6)
		}
		out = append(out, line)
	}
	for i, a := range n.o.Alerts {
		for _, f := range n.fired(a) {
			out = append(out, fmt.Sprint("alert ", i, " ", f))
		}
	}
	if b := n.burn(s); b != nil && b.Cmp(big.NewRat(1, 1)) < 0 {
		for _, w := range burns {
			if p, _ := n.in(n.now-ms(w), n.now, 0); w >= time.Hour && p.total > 0 {
				out = append(out, fmt.Sprint("runs out ", n.runsOut(start, w), " by ", slo.FormatDuration(w)))
				break
			}
		}
	}
	return append(out, n.incidents(start)...)
}

func describe(s budget.SLO, now int64) []string {
	lost := func(bad int64, l *float64) *big.Rat {
		if l != nil {
			return new(big.Rat).SetFloat64(*l)
		}
		return big.NewRat(bad, 1)
	}
	out := []string{fmt.Sprintf("%d/%d lost %s left %v", s.Bad, s.Total, lost(s.Bad, s.Lost).FloatString(6), s.Excluded)}
	for _, b := range s.BurnRates {
		line := fmt.Sprintf("burn %s %d/%d", b.Window, b.Bad, b.Total)
		if b.Rate != nil {
			line += fmt.Sprintf(" %.6f", *b.Rate)
		}
		out = append(out, line)
	}
	for i, a := range s.Alerts {
		for _, f := range a.Fired {
			to := "now"
			if f.To != nil {
				to = fmt.Sprint(int64(*f.To))
			}
			out = append(out, fmt.Sprintf("alert %d %d to %s", i, int64(f.From), to))
		}
	}
	if s.Exhaustion.Pace != "" {
		at := int64(0)
		if s.Exhaustion.At != nil {
			at = int64(*s.Exhaustion.At)
		}
		out = append(out, fmt.Sprint("runs out ", at, " by ", s.Exhaustion.Pace))
	}
	var incidents []string
	for _, x := range s.Incidents {
		incidents = append(incidents, fmt.Sprintf("%d-%d %d/%d %.6f", int64(x.From), int64(x.To), x.Bad, x.Total, *x.Share))
	}
	slices.Sort(incidents)
	return append(out, incidents...)
}

func decimal(t *testing.T, text string) slo.Decimal {
	t.Helper()
	d, err := slo.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// randomEvents come in bursts of failures and of traffic, around exact limits.
func randomEvents(r *rand.Rand, n int, span time.Duration) []accesslog.Event {
	base := int64(1_772_323_200_000) + r.Int64N(120_000)
	grid := []int64{1, 1000, 10_000}[r.IntN(3)] // on a coarse one, much lies on the edges of windows
	events := make([]accesslog.Event, n)
	for i := range events {
		e := &events[i]
		e.Reset()
		e.End = base + r.Int64N(ms(span))
		e.End -= e.End % grid
		burst := e.End/600_000%3 == 0
		e.Status = []int16{200, 200, 200, 200, 200, 200, 404, 0}[r.IntN(8)]
		switch {
		case burst && r.IntN(3) == 0:
			e.Status, e.Failed, e.Error = 503, true, "http_503"
		case r.IntN(40) == 0:
			e.Failed, e.Error = true, "stream_error"
		case r.IntN(30) == 0:
			e.Cancelled = true
		case r.IntN(30) == 0:
			e.HealthCheck = true
		}
		if r.IntN(5) > 0 {
			e.Latency = accesslog.Fixed(2_000_000 * (495 + r.Int64N(8)))
			if r.IntN(10) == 0 { // by less than a millionth
				e.Latency++
			}
		}
		if r.IntN(5) > 0 {
			e.TTFT = accesslog.Fixed(500_000 * (1980 + r.Int64N(32)))
		}
		if r.IntN(5) > 0 {
			e.OutputTokens = r.Int64N(200)
		}
	}
	return events
}

func randomObjective(t *testing.T, r *rand.Rand) slo.Objective {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	span := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	o := slo.Objective{Name: "o", Target: decimal(t, pick("0.9", "0.5", "0.75", "0.99")), Method: slo.Occurrences, Errors: slo.ErrorsExclude,
		Window: span(time.Hour, 90*time.Minute, 47*time.Minute+13*time.Second, 4*time.Hour, 100*time.Second)}
	switch r.IntN(4) {
	case 0:
		o.Metric, o.Statistic, o.Op = "success_rate", slo.Ratio, slo.GreaterEqual
	case 1, 2:
		o.Metric, o.Statistic, o.Op = pick("latency_ms", "ttft_ms"), slo.Quantile, []slo.Op{slo.Less, slo.LessEqual, slo.Greater, slo.GreaterEqual}[r.IntN(4)]
		o.Threshold = decimal(t, pick("500", "498.5", "497"))
		o.Errors = []slo.Errors{slo.ErrorsExclude, slo.ErrorsBad}[r.IntN(2)]
	default:
		o.Metric, o.Statistic, o.Op = pick("tokens_per_second", "requests_per_second"), slo.Rate, []slo.Op{slo.Less, slo.GreaterEqual, slo.Greater}[r.IntN(3)]
		o.Threshold, o.Method = decimal(t, pick("0.05", "1", "2.5")), slo.Timeslices
	}
	if o.Statistic != slo.Rate {
		o.Method = []slo.Method{slo.Occurrences, slo.Timeslices, slo.RatioTimeslices}[r.IntN(3)]
	}
	if o.Method.Sliced() {
		o.Slice, o.SliceTarget, o.MinEvents = span(time.Minute, 5*time.Minute, 10*time.Second, 90*time.Second), decimal(t, pick("0.9", "0.5")), 1+r.IntN(4)
	}
	for range r.IntN(3) {
		long := span(time.Hour, 10*time.Minute, 7*time.Minute, 90*time.Second)
		o.Alerts = append(o.Alerts, slo.BurnAlert{Severity: "page", Long: long, Short: span(long, min(long, 2*time.Minute)), Op: []slo.Op{slo.Greater, slo.GreaterEqual}[r.IntN(2)],
			Threshold: decimal(t, pick("1", "2", "0.5", "1.25")), For: span(0, 0, 3*time.Minute, 90*time.Second)})
	}
	return o
}

// The report says what the definitions say, of any objective and any events, by
// one shard or several, in memory or in the file.
func TestDefinitions(t *testing.T) {
	rounds := uint64(80)
	if testing.Short() {
		rounds = 40
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(seed, 4))
		events := randomEvents(r, 20+r.IntN(300), []time.Duration{3 * time.Hour, 20 * time.Minute}[r.IntN(2)])
		var objectives []slo.Objective
		for range 1 + r.IntN(3) {
			objectives = append(objectives, randomObjective(t, r))
		}
		cfg := budget.Config{Objectives: objectives, ExcludeStatus: []int{404}, Memory: int64(r.IntN(2)), Spill: spill(t)}
		for range r.IntN(2) { // a whole minute, as often as not
			last := &events[0]
			last.End = 1_772_323_200_000 + 4*3_600_000
		}
		now := slices.MaxFunc(events, func(a, b accesslog.Event) int { return int(a.End - b.End) }).End
		if r.IntN(2) == 0 {
			now += r.Int64N(1200)*1000 - 900_000
			cfg.At = new(now)
			if !slices.ContainsFunc(events, func(e accesslog.Event) bool { return e.End <= now }) {
				continue
			}
		}
		all := report(t, cfg, 1+r.IntN(3), events)
		events = slices.DeleteFunc(slices.Clone(events), func(e accesslog.Event) bool { return e.End > now })
		for i, o := range objectives {
			got := all.SLOs[i]
			var burns []time.Duration
			for _, b := range got.BurnRates {
				w, err := slo.ParseDuration(b.Window)
				if err != nil {
					t.Fatal(err)
				}
				burns = append(burns, w)
			}
			want := naive{o, now, events}.describe(o.Window, burns)
			if got.IncidentsOmitted > 0 {
				continue
			}
			if diff := cmp.Diff(want, describe(got, now)); diff != "" {
				t.Fatalf("seed %d: %+v now %d (-want +got)\n%s", seed, o, now, diff)
			}
		}
	}
}

// report judges events that come by several shards in turn.
func report(t testing.TB, cfg budget.Config, shards int, events []accesslog.Event) budget.Report {
	t.Helper()
	c, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var all []*budget.Shard
	for range shards {
		all = append(all, c.Shard())
	}
	for i := range events {
		all[i%shards].Add(&events[i])
	}
	r, err := c.Report(budget.Source{Format: "test", Records: int64(len(events))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
