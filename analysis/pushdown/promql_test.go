package pushdown

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/alert"
	"llmops/rules/slo"
)

const start = 1_772_323_200_000 // a whole hour

func objectives(t *testing.T, text string) slo.File {
	t.Helper()
	file, err := slo.Load("slos", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// judged makes a counting for the objectives over n minutes from start on.
func judged(t *testing.T, text string, n int, opt alert.Options) (*counting, *budget.Minutes) {
	t.Helper()
	file := objectives(t, text)
	opt.ExcludeStatus = file.ExcludeStatus
	list, _, err := alert.CountersOf(file.Objectives, opt)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(start + n*minute)
	m, err := budget.NewMinutes(budget.Config{Objectives: file.Objectives, ExcludeStatus: file.ExcludeStatus, At: &at})
	if err != nil {
		t.Fatal(err)
	}
	return newCounting(list, m, false), m
}

func report(t *testing.T, c *counting, m *budget.Minutes) (budget.Report, counted) {
	t.Helper()
	read, err := c.fill()
	if err != nil {
		t.Fatal(err)
	}
	src := budget.Source{Records: read.events}
	if read.any {
		src.First = new(budget.Time(read.first))
	}
	r, err := m.Report(src)
	if err != nil {
		t.Fatal(err)
	}
	return r, read
}

func readAt(from, n int) []int64 {
	var out []int64
	for i := range n {
		out = append(out, start+int64(from+i)*minute)
	}
	return out
}

func TestIncreases(t *testing.T) {
	const total, failed = `requests`, `errors`
	slos := "slos: [{name: a, sli: availability, target: 0.9, window: 1h}]"
	pod := func(name string, more ...string) map[string]string {
		labels := map[string]string{"job": "j", "instance": name}
		for i := 0; i < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		return labels
	}
	type part struct {
		selector string
		labels   map[string]string
		from     int
		values   []float64
	}
	for name, c := range map[string]struct {
		parts      []part
		total, bad int64
		coverage   float64
		warns      string
		err        string
	}{
		"differences": {parts: []part{{total, pod("1"), 0, []float64{100, 103, 103, 110}}, {failed, pod("1"), 0, []float64{7, 7, 8, 8}}}, total: 10, bad: 1, coverage: 1,
			warns: "a: in 57 minutes no counter was there to be read"},
		"a counter that is lower began anew": {parts: []part{{total, pod("1"), 57, []float64{100, 103, 4, 5}}, {failed, pod("1"), 57, []float64{0, 0, 0, 0}}}, total: 8, coverage: 3. / 60, warns: "1 times a counter began anew"},
		"over a gap, and read twice": {parts: []part{{total, pod("1"), 50, []float64{100, 103}}, {total, pod("1"), 51, []float64{103}}, {total, pod("1"), 59, []float64{120, 121}}}, total: 21, coverage: 3. / 60,
			warns: "a: in 7 minutes no counter was there to be read"},
		"the first failure of a known target": {parts: []part{{total, pod("1"), 57, []float64{100, 103, 108, 109}}, {failed, pod("1", "code", "500"), 59, []float64{2, 3}}}, total: 9, bad: 3, coverage: 3. / 60},
		"a new target may have run for long":  {parts: []part{{total, pod("1"), 57, []float64{100, 103, 108, 109}}, {total, pod("2"), 59, []float64{5000, 5001}}, {failed, pod("2"), 59, []float64{400, 400}}}, total: 10, coverage: 3. / 60},
		"before the window":                   {parts: []part{{total, pod("1"), 0, []float64{1}}, {total, pod("1"), -1, []float64{0}}, {total, pod("1"), 60, []float64{5}}, {total, pod("1"), 61, []float64{9}}}, total: 4, coverage: 1. / 60, warns: "in 59 minutes"},
		"a failure after a restart":           {parts: []part{{total, pod("1"), 55, []float64{100, 103, 2, 4, 12}}, {failed, pod("1"), 55, []float64{5, 5}}, {failed, pod("1"), 59, []float64{6}}}, total: 15, bad: 6, coverage: 4. / 60},
		"the same series with another label": {parts: []part{{total, pod("1"), 56, []float64{5000, 5003}}, {total, pod("1", "cluster", "c"), 58, []float64{5008, 5009}}}, total: 4, coverage: 3. / 60,
			warns: "1 times a series began where another one of its target ended"},
		"nobody knows the target":      {parts: []part{{total, nil, 57, []float64{100, 103, 108, 109}}, {failed, nil, 59, []float64{2, 3}}}, total: 9, bad: 1, coverage: 3. / 60},
		"nothing":                      {parts: []part{{failed, pod("1"), 0, []float64{1, 2}}}, warns: "a: the server has no series of requests in the time that is looked at"},
		"more failures than requests":  {parts: []part{{total, pod("1"), 57, []float64{0, 1, 2, 3}}, {failed, pod("1"), 57, []float64{0, 2, 2, 5}}}, total: 3, bad: 3, coverage: 3. / 60, warns: "a: 2 bad events more than events"},
		"failures that are read early": {parts: []part{{total, pod("1"), 57, []float64{0, 1, 2, 6}}, {failed, pod("1"), 57, []float64{0, 2, 2, 3}}}, total: 6, bad: 3, coverage: 3. / 60},
		"a fraction":                   {parts: []part{{total, pod("1"), 0, []float64{1, 2.5}}}, err: `{instance="1",job="j"} is 2.5 at 2026-03-01T00:01:00.000Z: a counter of events has whole numbers up to 2^53`},
		"below zero":                   {parts: []part{{total, pod("1"), 0, []float64{-1}}}, err: "is -1 at"},
	} {
		t.Run(name, func(t *testing.T) {
			counting, m := judged(t, slos, 60, alert.Options{Total: total, Bad: failed})
			for _, p := range c.parts {
				err := counting.add(p.selector, p.labels, readAt(p.from, len(p.values)), p.values)
				if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
			}
			if c.err != "" {
				return
			}
			// The hour before the window is looked at by the burn rate over 72 h.
			r, read := report(t, counting, m)
			s := r.SLOs[0]
			if s.Total != c.total || s.Bad != c.bad {
				t.Errorf("%d of %d, want %d of %d", s.Bad, s.Total, c.bad, c.total)
			}
			if all := strings.Join(read.warnings, "\n"); c.warns != "" && !strings.Contains(all, c.warns) {
				t.Errorf("warnings %q, want %q", all, c.warns)
			}
			if c.coverage > 0 && s.Coverage != nil && name != "differences" && *s.Coverage != c.coverage {
				t.Errorf("coverage %v, want %v", *s.Coverage, c.coverage)
			}
		})
	}
}

func TestContributors(t *testing.T) {
	counting, m := judged(t, "slos: [{name: a, sli: availability, target: 0.9, window: 1h}]", 60, alert.Options{Engine: "sglang"})
	selectors := selectors(counting.list)
	add := func(labels map[string]string, values ...float64) {
		for _, s := range selectors {
			if !selects(t, s, labels) {
				continue
			}
			if err := counting.add(s, labels, readAt(56, len(values)), values); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(map[string]string{"status_code": "200", "endpoint": "/v1/chat/completions"}, 0, 5, 9)
	add(map[string]string{"status_code": "503", "endpoint": "/v1/chat/completions"}, 0, 1, 3)
	add(map[string]string{"status_code": "503", "endpoint": "/generate"}, 0, 0, 1)
	add(map[string]string{"status_code": "400", "endpoint": "/generate"}, 0, 0, 7)
	r, read := report(t, counting, m)
	want := []budget.Contributor{{By: "error", Key: "http_503", Bad: 4, Share: 1}, {By: "route", Key: "/v1/chat/completions", Bad: 3, Share: 0.75}, {By: "route", Key: "/generate", Bad: 1, Share: 0.25}}
	s := r.SLOs[0]
	got := slices.Clone(s.Contributors)
	slices.SortStableFunc(got, func(a, b budget.Contributor) int { return strings.Compare(a.By, b.By) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Excluded["client_error"] != 7 || s.Total != 13 || read.events != 20 {
		t.Errorf("excluded %v, total %d, events %d", s.Excluded, s.Total, read.events)
	}
}

// A calendar's period begins with its first whole minute, for those who spent the
// budget too.
func TestCalendarOfCounters(t *testing.T) {
	file := objectives(t, "slos: [{name: a, sli: availability, target: 0.9, window: 1h}]")
	file.Objectives[0].Calendar = &slo.Calendar{Start: time.UnixMilli(start + 57*minute).UTC(), Count: 1, Unit: slo.Hours}
	list, _, err := alert.CountersOf(file.Objectives, alert.Options{Engine: "sglang"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := budget.NewMinutes(budget.Config{Objectives: file.Objectives, At: new(int64(start + 60*minute))})
	if err != nil {
		t.Fatal(err)
	}
	counting := newCounting(list, m, false)
	for _, s := range selectors(list) {
		for code, values := range map[string][]float64{"200": {0, 10, 40, 60, 60}, "503": {0, 100, 104, 105, 105}} {
			if labels := map[string]string{"status_code": code, "endpoint": "/v1/x"}; selects(t, s, labels) {
				if err := counting.add(s, labels, readAt(56, len(values)), values); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r, _ := report(t, counting, m)
	s := r.SLOs[0]
	if s.Total != 55 || s.Bad != 5 || len(s.Contributors) == 0 {
		t.Errorf("%d of %d bad, by %v", s.Bad, s.Total, s.Contributors)
	}
	for _, c := range s.Contributors {
		if c.Bad != 5 {
			t.Errorf("%+v", c)
		}
	}
}

// Whatever targets come, go and begin anew, the minutes are those of the requests, and
// the report is that of a log with the same requests.
func TestSameAsLog(t *testing.T) {
	const slos = `exclude_status: [400]
slos:
  - {name: availability, sli: availability, target: 0.99, window: 6h, alerts: [{severity: page, long: 1h, short: 5m, threshold: 3}]}
  - {name: latency, sli: latency_ms <= 1000, target: 0.9, window: 12h}
  - {name: strict, sli: latency_ms <= 1000, target: 0.9, window: 6h, errors: bad, alerts: [{severity: page, long: 2h, short: 10m, threshold: 2}]}
  - {name: minutes, sli: availability, method: timeslices, slice: 1m, slice_target: 0.9, min_events: 8, target: 0.9, window: 1d}
  - {name: steady, sli: availability, method: ratio_timeslices, slice: 5m, target: 0.98, window: 6h}
  - {name: rps, sli: requests_per_second >= 0.2, method: timeslices, slice: 1m, target: 0.7, window: 6h}
  - {name: tps, sli: output_tokens_per_second >= 20, method: timeslices, slice: 2m, target: 0.7, window: 6h}
`
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 3))
		const minutes = 900
		opt := alert.Options{Engine: "sglang"}
		counting, m := judged(t, slos, minutes, opt)
		w := newWorld(t, rng, objectives(t, slos), start+minutes*minute)
		for n := 1; n <= minutes; n++ {
			w.step(n)
		}
		for _, s := range selectors(counting.list) {
			for from := 0; from <= minutes; from += 250 { // parts that overlap
				for _, x := range w.series(t, s) {
					var at []int64
					var values []float64
					for k, n := range x.minutes {
						if n >= from && n <= from+260 {
							at, values = append(at, start+int64(n)*minute), append(values, float64(x.values[k]))
						}
					}
					if err := counting.add(s, x.labels, at, values); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		got, _ := report(t, counting, m)
		want, err := w.counter.Report(budget.Source{})
		if err != nil {
			t.Fatal(err)
		}
		fired := 0
		for i := range want.SLOs {
			for _, s := range []*budget.SLO{&got.SLOs[i], &want.SLOs[i]} {
				s.Coverage, s.EmptySlices = nil, nil // since the first request, not since the first reading
				s.Contributors = nil                 // requests of logs have other keys
			}
			for _, a := range want.SLOs[i].Alerts {
				fired += len(a.Fired)
			}
		}
		if fired == 0 {
			t.Errorf("seed %d: no alert fires: the traffic tests too little", seed)
		}
		if diff := cmp.Diff(want.SLOs, got.SLOs); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// world serves requests by targets that come, stay away and begin anew, and writes both
// a log and counters, which are read at the end of each minute.
type world struct {
	rng     *rand.Rand
	counter *budget.Counter
	shard   *budget.Shard
	live    map[string]*readings
	past    map[string]*readings
}

type readings struct {
	labels  map[string]string
	minutes []int
	values  []int64
	value   int64
}

func newWorld(t *testing.T, rng *rand.Rand, file slo.File, at int64) *world {
	c, err := budget.New(budget.Config{Objectives: file.Objectives, ExcludeStatus: file.ExcludeStatus, At: &at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &world{rng: rng, counter: c, shard: c.Shard(), live: map[string]*readings{}, past: map[string]*readings{}}
}

func (w *world) inc(by int64, labels ...string) {
	key := strings.Join(labels, "\x00")
	x := w.live[key]
	if x == nil {
		x = &readings{labels: map[string]string{}}
		if was := w.past[key]; was != nil {
			was.value = 0
			x = was
		}
		for i := 0; i < len(labels); i += 2 {
			x.labels[labels[i]] = labels[i+1]
		}
		w.live[key], w.past[key] = x, x
	}
	x.value += by
}

// begin is what a target shows from its beginning on: it has counted nothing yet.
func (w *world) begin(target string) {
	for _, name := range []string{"_count", "_bucket"} {
		w.inc(0, "__name__", "sglang:e2e_request_latency_seconds"+name, "instance", target, "le", map[string]string{"_bucket": "1.0"}[name])
	}
	w.inc(0, "__name__", "sglang:generation_tokens_total", "instance", target)
}

func (w *world) step(n int) {
	target := fmt.Sprint(w.rng.IntN(3))
	restarts := n > 1 && w.rng.IntN(40) == 0
	if restarts { // for a minute; without a request there is no series of them
		for key, x := range w.live {
			if x.labels["instance"] == target {
				delete(w.live, key)
			}
		}
	}
	if n == 1 {
		for i := range 3 {
			w.begin(fmt.Sprint(i))
		}
		w.read(0)
	}
	w.begin(target)
	count := w.rng.IntN(18)
	if restarts {
		count = 0
	}
	if n/100%3 == 1 {
		count *= 2
	}
	if n/70%5 == 2 {
		count = 0
	}
	failing := 0.005
	if n/40%6 == 3 {
		failing = 0.3
	}
	for range count {
		var e accesslog.Event
		e.Reset()
		e.End, e.Status = start+int64(n)*minute-int64(w.rng.IntN(minute)), 200
		switch v := w.rng.Float64(); {
		case v < failing:
			e.Status, e.Failed = 503, true
		case v < failing+0.03:
			e.Status = 400
		case v < failing+0.05:
			e.Status = 499
		default:
			e.Latency, e.OutputTokens = accesslog.Fixed(1000*2e6), int64(w.rng.IntN(400))
			e.Latency += accesslog.Fixed(w.rng.IntN(10) / 8)
			w.inc(1, "__name__", "sglang:e2e_request_latency_seconds_count", "instance", target, "le", "")
			w.inc(int64(1-min(e.Latency-1000*2e6, 1)), "__name__", "sglang:e2e_request_latency_seconds_bucket", "instance", target, "le", "1.0")
			w.inc(e.OutputTokens, "__name__", "sglang:generation_tokens_total", "instance", target)
		}
		w.inc(1, "__name__", "sglang:http_responses_total", "instance", target, "status_code", fmt.Sprint(e.Status))
		w.shard.Add(&e)
	}
	w.read(n)
}

// read reads all counters at the end of minute n.
func (w *world) read(n int) {
	for _, x := range w.live {
		x.minutes, x.values = append(x.minutes, n), append(x.values, x.value)
	}
}

// series are those of a selector, by the matchers that stand in it.
func (w *world) series(t *testing.T, selector string) (out []*readings) {
	t.Helper()
	name, rest, _ := strings.Cut(selector, "{")
	for _, key := range slices.Sorted(maps.Keys(w.past)) {
		if x := w.past[key]; x.labels["__name__"] == name && selects(t, rest, x.labels) {
			out = append(out, x)
		}
	}
	return out
}

var statusMatcher = regexp.MustCompile(`status_code(=|!=|=~|!~)"([^"]*)"`)

// selects tells whether the matchers of a selector on the status hold.
func selects(t *testing.T, selector string, labels map[string]string) bool {
	t.Helper()
	for _, m := range statusMatcher.FindAllStringSubmatch(selector, -1) {
		if regexp.MustCompile("^(?:"+m[2]+")$").MatchString(labels["status_code"]) == strings.HasPrefix(m[1], "!") {
			return false
		}
	}
	return true
}

// Tokens come in all minutes of a slice, requests end in some.
func TestTokens(t *testing.T) {
	counting, m := judged(t, "slos: [{name: a, sli: output_tokens_per_second >= 1, method: timeslices, slice: 3m, target: 0.5, window: 1h}]", 60, alert.Options{Engine: "sglang"})
	labels := map[string]string{"job": "j"}
	for i, s := range selectors(counting.list, alert.Events, alert.Amount) {
		values := [][]float64{{0, 0, 1, 1, 1, 2, 3, 3, 3, 3}, {0, 100, 110, 180, 270, 271, 272, 272, 400, 999}}[i]
		if err := counting.add(s, labels, readAt(51, 10), values); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := report(t, counting, m)
	// 180 tokens in the first slice, 92 in the second, and a third in which no request ended.
	if s := r.SLOs[0]; s.Total != 2 || s.Good != 1 {
		t.Errorf("%d good of %d", s.Good, s.Total)
	}
}

func TestMissingBucket(t *testing.T) {
	slos := "slos: [{name: a, sli: latency_ms < 700, target: 0.9, window: 1h}]"
	counting, _ := judged(t, slos, 60, alert.Options{Histogram: "took_seconds", Match: `job="j"`})
	if err := counting.add(`took_seconds_count{job="j"}`, map[string]string{"job": "j"}, readAt(0, 2), []float64{0, 1}); err != nil {
		t.Fatal(err)
	}
	missing := counting.missingBuckets()
	if len(missing) != 1 || missing[0].buckets != `took_seconds_bucket{job="j"}` {
		t.Fatalf("%+v", missing)
	}
	err := missing[0].refuse([]string{"+Inf", "0.5", "1.0", "0.1", "2.5", "1e+01"})
	want := `objective "a": no bucket of took_seconds_bucket{job="j"} has the bound 0.7; next to it are 0.5 and 1`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := missing[0].refuse(nil); !strings.Contains(err.Error(), "no bucket le=") {
		t.Error(err)
	}
}

func BenchmarkAdd(b *testing.B) {
	at := int64(start)
	file, err := slo.Load("slos", strings.NewReader("slos: [{name: a, sli: availability, target: 0.9}]"))
	if err != nil {
		b.Fatal(err)
	}
	list, _, err := alert.CountersOf(file.Objectives, alert.Options{Total: "x", Bad: "y"})
	if err != nil {
		b.Fatal(err)
	}
	m, err := budget.NewMinutes(budget.Config{Objectives: file.Objectives, At: &at})
	if err != nil {
		b.Fatal(err)
	}
	var ts []int64
	var vs []float64
	for i := range 10_000 {
		ts, vs = append(ts, m.Since()+int64(i)*minute), append(vs, float64(3*i))
	}
	for b.Loop() {
		c := newCounting(list, m, false)
		if err := c.add("x", map[string]string{"job": "j"}, ts, vs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/10_000, "ns/point")
}
