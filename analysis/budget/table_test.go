package budget

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/rules/slo"
)

// entry is a cell and where it is.
type entry struct{ Bucket, Valid, Bad, Amount int64 }

func cellsFrom(c cursor) (out []entry) {
	for k, x, ok := c.next(); ok; k, x, ok = c.next() {
		out = append(out, entry{k, x.valid, x.bad, x.amount})
	}
	return out
}

// model is what a table must hold.
type model map[int64]entry

func (m model) add(k int64, c cell) {
	e := m[k]
	m[k] = entry{k, e.Valid + c.valid, e.Bad + c.bad, addAmount(e.Amount, c.amount)}
}

// addAmount adds what is not negative; beyond int64 it stays at the greatest one.
func addAmount(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxInt64
}

func (m model) from(k int64) (out []entry) {
	for _, e := range m {
		if e.Bucket >= k {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return int(a.Bucket - b.Bucket) })
	return out
}

func TestTableCountsLikeAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	sizes := []int64{1, 1, 1, 200, 255, 256, 60_000, 65_536, 1 << 32, 1 << 40}
	for range 200 {
		amounts := r.IntN(2) == 0
		want, parts := model{}, []table{newTable(amounts), newTable(amounts), newTable(amounts)}
		for range r.IntN(2000) {
			k, size := r.Int64N(3000)-1500, sizes[r.IntN(1+r.IntN(len(sizes)))]
			c := cell{valid: size, bad: r.Int64N(size + 1)}
			if amounts {
				c.amount = r.Int64N(1 << (1 + r.IntN(62)))
			}
			want.add(k, c)
			parts[r.IntN(len(parts))].add(k, c)
		}
		all := &parts[0]
		all.merge(&parts[1])
		all.merge(&parts[2])
		for _, begin := range []int64{math.MinInt64, -1500, -700, -256, -1, 0, 1, 255, 256, 900, 5000} {
			if d := cmp.Diff(want.from(begin), cellsFrom(all.from(begin))); d != "" {
				t.Fatalf("from %d (-want +got):\n%s", begin, d)
			}
		}
	}
}

func TestTableKeepsToTheGreatestAmount(t *testing.T) {
	table := newTable(true)
	for range 3 {
		table.add(5, cell{valid: 1, amount: math.MaxInt64 - 1})
	}
	want := []entry{{5, 3, 0, math.MaxInt64}}
	if d := cmp.Diff(want, cellsFrom(table.from(0))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A year of quiet minutes is what the memory of a report depends on.
func TestTableOfAYearIsSmall(t *testing.T) {
	table := newTable(false)
	for k := range int64(365 * 24 * 60) {
		table.add(k, cell{valid: 200, bad: 1})
	}
	size := 0
	for _, k := range table.chunks {
		size += cap(k.data)
	}
	if most := 365*24*60*2 + 2*chunkLen; size > most {
		t.Errorf("%d bytes, want at most %d", size, most)
	}
}

func TestShareIsRoundedToTheNearest(t *testing.T) {
	for _, c := range []struct{ a, b, unit, want int64 }{
		{0, 3, ratioUnit, 0}, {1, 3, ratioUnit, 3_333_333_333}, {2, 3, ratioUnit, 6_666_666_667}, {1, 2, 1, 1}, {1, 3, 1, 0}, {5, 5, ratioUnit, ratioUnit},
		{math.MaxInt64 - 1, math.MaxInt64, ratioUnit, ratioUnit}, {1, math.MaxInt64, ratioUnit, 0},
	} {
		if got := share(c.a, c.b, c.unit); got != c.want {
			t.Errorf("share(%d, %d, %d) = %d, want %d", c.a, c.b, c.unit, got, c.want)
		}
	}
}

// mixed are objectives with all kinds of tables.
func mixed(t *testing.T) []slo.Objective {
	t.Helper()
	decimal := func(text string) slo.Decimal {
		d, err := slo.ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	day := slo.DefaultWindow / 30
	burn := []slo.BurnAlert{{Severity: "page", Long: day / 24, Short: day / 288, Op: slo.Greater, Threshold: decimal("2")}}
	return []slo.Objective{
		{Name: "a", Metric: "success_rate", Statistic: slo.Ratio, Op: slo.GreaterEqual, Target: decimal("0.9"), Method: slo.Occurrences, Window: 3 * day, Alerts: burn},
		{Name: "b", Metric: "latency_ms", Statistic: slo.Quantile, Op: slo.Less, Threshold: decimal("500"), Target: decimal("0.8"), Method: slo.Occurrences, Window: day},
		{Name: "c", Metric: "success_rate", Statistic: slo.Ratio, Target: decimal("0.9"), Method: slo.RatioTimeslices, Slice: day / 24, Window: 2 * day, Alerts: burn},
		{Name: "d", Metric: "tokens_per_second", Statistic: slo.Rate, Op: slo.GreaterEqual, Threshold: decimal("3"), Target: decimal("0.5"), Method: slo.Timeslices, Slice: day / 1440, Window: day},
		{Name: "e", Metric: "success_rate", Statistic: slo.Ratio, Target: decimal("0.99"), Method: slo.Timeslices, Slice: day / 288, SliceTarget: decimal("0.9"), Window: 5 * day},
	}
}

func TestReportDoesNotDependOnTheRoomForTables(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var events []accesslog.Event
	for range 20_000 {
		var e accesslog.Event
		e.Reset()
		e.End = 1_772_323_200_000 + r.Int64N(6*86_400_000)
		e.Status, e.Latency, e.OutputTokens = 200, accesslog.Fixed(2_000_000*r.Int64N(700)), r.Int64N(900)
		e.Model = []string{"m", "n", "o"}[r.IntN(3)]
		if r.IntN(12) == 0 {
			e.Status = 503
		}
		events = append(events, e)
	}
	report := func(room int64) Report {
		c, err := New(Config{Objectives: mixed(t), Course: 50})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.tables = room
		shards := []*Shard{c.Shard(), c.Shard(), c.Shard()}
		for i := range events {
			shards[i%len(shards)].Add(&events[i])
		}
		got, err := c.Report(Source{})
		if err != nil {
			t.Fatal(err)
		}
		f := c.frame(int64(*got.Now), events[0].End)
		if batches, workers := c.batches(&f, int64(len(events))); room == 1 && (len(batches) != len(c.rules) || workers != 1) {
			t.Fatalf("%d batches, %d workers", len(batches), workers)
		}
		return got
	}
	want := report(tableRoom)
	if want.SLOs[0].Bad == 0 || len(want.SLOs[0].Contributors) < 4 || want.Metrics.LatencyMS.Count == 0 {
		t.Fatalf("nothing to compare: %+v", want.SLOs[0])
	}
	for _, room := range []int64{1, 20_000} {
		if d := cmp.Diff(want, report(room)); d != "" {
			t.Errorf("room %d (-want +got):\n%s", room, d)
		}
	}
}

// A request a minute for a year must not cost more than some bytes each, whatever
// is asked of them: no list of minutes is made.
func TestReportOfALongTimeTakesLittleMemory(t *testing.T) {
	c, err := New(Config{Objectives: mixed(t), Course: 200, Window: 365 * 24 * 60 * 60e9})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	shard := c.Shard()
	const minutes = 365 * 24 * 60
	for k := range int64(minutes) {
		var e accesslog.Event
		e.Reset()
		e.End, e.Status, e.Latency, e.OutputTokens = 1_772_323_200_000+k*minute, 200, accesslog.Whole(100), 7
		if k%50 == 0 {
			e.Status = 503
		}
		shard.Add(&e)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := c.Report(Source{})
	runtime.ReadMemStats(&after)
	if err != nil || r.SLOs[0].Total != minutes {
		t.Fatalf("%v, %d events", err, r.SLOs[0].Total)
	}
	// The tables of five objectives have two or three numbers a minute.
	if each := float64(after.TotalAlloc-before.TotalAlloc) / minutes; each > 30 {
		t.Errorf("%.1f bytes a minute", each)
	} else {
		t.Logf("%.1f bytes a minute", each)
	}
}
