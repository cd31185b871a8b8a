package oracle

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"llmops/analysis/alerting"
	"llmops/analysis/alerting/internal/random"
	"llmops/analysis/series"
	"llmops/rules/alert"
)

var (
	steps = flag.Int64("steps", 20_000, "evaluations of rules to compare")
	seed  = flag.Uint64("seed", 1_000_000, "of the first case")
)

// episode is an alert from when it became active, as both sides have it.
type episode struct {
	Rule                          int
	Labels, Annotations           map[string]string
	ActiveAt, FiredAt, ResolvedAt int64
	Value                         *float64
}

// outcome is everything that is compared of a case.
type outcome struct {
	Episodes []episode
	Active   map[string][]episode   // by time and group: what is pending or firing then
	Failures [][]int64              // of each rule: how many, the first, the last
	Samples  map[string][][2]uint64 // of each recorded series: time, bits of the value
}

var (
	external = labels.FromStrings("region", "eu")
	page     = "http://p:9090"
)

func TestOracle(t *testing.T) {
	var done, compared, firing, recorded atomic.Int64
	next := *seed
	var mu sync.Mutex
	take := func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	var wg sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) { // storages wait for disks
		wg.Go(func() {
			for done.Load() < *steps && !t.Failed() {
				seed := take()
				c := random.Make(seed)
				theirs, n, err := prometheus(t.Context(), c)
				if err != nil {
					t.Errorf("seed %d: Prometheus: %v", seed, err)
					return
				}
				ours, err := replay(t.Context(), c)
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
					return
				}
				if !reflect.DeepEqual(theirs, ours) {
					t.Errorf("seed %d: Prometheus -, ours +:\n%s", seed, cmp.Diff(theirs, ours))
					return
				}
				done.Add(n)
				compared.Add(1)
				for _, e := range ours.Episodes {
					if e.FiredAt != 0 {
						firing.Add(1)
					}
				}
				for _, s := range ours.Samples {
					recorded.Add(int64(len(s)))
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d evaluations of rules in %d cases, %d alerts that fired and %d recorded samples: no difference", done.Load(), compared.Load(), firing.Load(), recorded.Load())
	if firing.Load() == 0 || recorded.Load() == 0 {
		t.Error("nothing fired, or was recorded: this shows nothing")
	}
}

// slots are the times at which each group is evaluated, all in order.
func slots(c random.Case) map[int64][]int {
	at := map[int64][]int{}
	for i, g := range c.Groups {
		for t := c.Start; t <= c.End; t += time.Duration(g.Interval).Milliseconds() {
			at[t] = append(at[t], i)
		}
	}
	return at
}

func key(t int64, group string) string { return fmt.Sprint(t, " ", group) }

// prometheus evaluates a case as a server would: samples come in as time goes on.
func prometheus(ctx context.Context, c random.Case) (out outcome, evaluations int64, err error) {
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return out, 0, err
	}
	defer os.RemoveAll(dir)
	opts := tsdb.DefaultOptions()
	opts.WALSegmentSize, opts.RetentionDuration = -1, 0
	opts.StripeSize = 16
	db, err := tsdb.Open(dir, nil, nil, opts, nil)
	if err != nil {
		return out, 0, err
	}
	defer db.Close()
	db.DisableCompactions()

	external, err := url.Parse(page)
	if err != nil {
		return out, 0, err
	}
	p := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() }, Parser: p,
	})
	manager := &rules.ManagerOptions{
		ExternalURL: external, QueryFunc: rules.EngineQueryFunc(engine, inOrder{db}), NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Context: ctx, AppendableV2: db, Queryable: db,
	}
	var groups []*rules.Group
	var all [][]rules.Rule
	index := map[rules.Rule]int{}
	for _, g := range c.Groups {
		var list []rules.Rule
		for _, r := range g.Rules {
			x, err := rule(p, g, r)
			if err != nil {
				return out, 0, err
			}
			index[x] = len(index)
			list = append(list, x)
		}
		o := rules.GroupOptions{Name: g.Name, File: "f", Interval: time.Duration(g.Interval), Limit: g.Limit, Rules: list, Opts: manager}
		if g.QueryOffset != nil {
			o.QueryOffset = new(time.Duration(*g.QueryOffset))
		}
		groups, all = append(groups, rules.NewGroup(o)), append(all, list)
	}
	out.Active = map[string][]episode{}
	out.Failures = make([][]int64, len(index))
	var feed feeder
	feed.cases(c)
	firing := map[string]episode{}
	at := slots(c)
	for _, t := range slices.Sorted(maps.Keys(at)) {
		if err := feed.until(ctx, db, t); err != nil {
			return out, 0, err
		}
		for _, i := range at[t] {
			groups[i].Eval(ctx, time.UnixMilli(t))
			for _, r := range all[i] {
				n := index[r]
				evaluations++
				if r.LastError() != nil {
					if out.Failures[n] == nil {
						out.Failures[n] = []int64{0, t, t}
					}
					out.Failures[n][0]++
					out.Failures[n][2] = t
				}
				a, ok := r.(*rules.AlertingRule)
				if !ok {
					continue
				}
				now := map[string]bool{}
				for _, x := range a.ActiveAlerts() {
					e := episode{n, plain(x.Labels), x.Annotations.Map(), x.ActiveAt.UnixMilli(), ms(x.FiredAt), 0, finite(x.Value)}
					id := fmt.Sprint(n, x.Labels)
					out.Active[key(t, c.Groups[i].Name)] = append(out.Active[key(t, c.Groups[i].Name)], e)
					if e.FiredAt != 0 {
						firing[id] = e
						now[id] = true
					}
				}
				for id, e := range firing {
					if e.Rule == n && !now[id] {
						e.ResolvedAt = t
						out.Episodes = append(out.Episodes, e)
						delete(firing, id)
					}
				}
			}
		}
	}
	for i := range all {
		last := c.Start + (c.End-c.Start)/time.Duration(c.Groups[i].Interval).Milliseconds()*time.Duration(c.Groups[i].Interval).Milliseconds()
		for _, e := range out.Active[key(last, c.Groups[i].Name)] {
			out.Episodes = append(out.Episodes, e)
		}
	}
	sortAll(&out)
	if err := feed.until(ctx, db, math.MaxInt64); err != nil {
		return out, 0, err
	}
	out.Samples, err = samples(ctx, db)
	return out, evaluations, err
}

func rule(p parser.Parser, g alert.Group, r alert.Rule) (rules.Rule, error) {
	e, err := p.ParseExpr(r.Expr)
	if err != nil {
		return nil, err
	}
	merged := map[string]string{}
	maps.Copy(merged, g.Labels)
	maps.Copy(merged, r.Labels)
	if r.Record != "" {
		return rules.NewRecordingRule(r.Record, e, labels.FromMap(merged)), nil
	}
	return rules.NewAlertingRule(r.Alert, e, time.Duration(r.For), time.Duration(r.KeepFiringFor), labels.FromMap(merged),
		labels.FromMap(r.Annotations), external, page, true, slog.New(slog.DiscardHandler)), nil
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func plain(ls labels.Labels) map[string]string {
	m := ls.Map()
	delete(m, labels.AlertName)
	return m
}

// A feeder puts the samples of a case into a storage, in order of time.
type feeder struct {
	all []fed
}

type fed struct {
	labels labels.Labels
	t      int64
	v      float64
}

func (f *feeder) cases(c random.Case) {
	for _, s := range c.Series {
		for _, x := range s.Samples {
			v := x.Value
			if x.Stale {
				v = math.Float64frombits(value.StaleNaN)
			}
			f.all = append(f.all, fed{s.Labels, x.T, v})
		}
	}
	slices.SortStableFunc(f.all, func(a, b fed) int {
		if a.t != b.t {
			return int(a.t - b.t)
		}
		return labels.Compare(a.labels, b.labels)
	})
}

// inOrder gives series in the order of their labels, as ours does, and not in that in
// which the storage came to know them: ties and the rounding of sums go by it.
type inOrder struct{ storage.Queryable }

func (q inOrder) Querier(from, to int64) (storage.Querier, error) {
	querier, err := q.Queryable.Querier(from, to)
	return ordered{querier}, err
}

type ordered struct{ storage.Querier }

func (q ordered) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return q.Querier.Select(ctx, true, hints, matchers...)
}

func (f *feeder) until(ctx context.Context, db *tsdb.DB, t int64) error {
	app := db.Appender(ctx)
	for len(f.all) > 0 && f.all[0].t <= t {
		x := f.all[0]
		f.all = f.all[1:]
		if _, err := app.Append(0, x.labels, x.t, x.v); err != nil {
			return fmt.Errorf("%s at %d: %w", x.labels, x.t, err)
		}
	}
	return app.Commit()
}

// samples are those of what rules may record, bit for bit.
func samples(ctx context.Context, q storage.Queryable) (map[string][][2]uint64, error) {
	querier, err := q.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer querier.Close()
	set := querier.Select(ctx, true, nil, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, "r:.*|ALERTS|ALERTS_FOR_STATE"))
	all := map[string][][2]uint64{}
	for set.Next() {
		name := set.At().Labels().String()
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			t, v := it.At()
			all[name] = append(all[name], [2]uint64{uint64(t), math.Float64bits(v)})
		}
		if it.Err() != nil {
			return nil, it.Err()
		}
	}
	return all, set.Err()
}

// replay does the same with ours.
func replay(ctx context.Context, c random.Case) (outcome, error) {
	b := series.NewBuilder()
	for _, s := range c.Series {
		for _, x := range s.Samples {
			v := x.Value
			if x.Stale {
				v = math.NaN()
			}
			b.Add(s.Labels, series.Unknown, x.T, v)
		}
	}
	at := slots(c)
	out := outcome{Active: map[string][]episode{}}
	of := func(a alerting.Alert) episode {
		return episode{a.Rule, a.Labels, a.Annotations, a.ActiveAt, a.FiredAt, a.ResolvedAt, a.Value}
	}
	res, err := alerting.Replay(ctx, b.Store(nil), c.Groups, alerting.Options{
		Start: time.UnixMilli(c.Start), End: time.UnixMilli(c.End), Merge: c.Own, ExternalLabels: external.Map(), ExternalURL: page,
		ObserveAt: slices.Sorted(maps.Keys(at)),
		Observe: func(t int64, g alert.Group, active []alerting.Alert) {
			if !slices.ContainsFunc(at[t], func(i int) bool { return c.Groups[i].Name == g.Name }) {
				return // it was evaluated before, not now
			}
			for _, a := range active {
				out.Active[key(t, g.Name)] = append(out.Active[key(t, g.Name)], of(a))
			}
		},
	})
	if err != nil {
		return out, err
	}
	for _, a := range res.Alerts {
		out.Episodes = append(out.Episodes, of(a))
	}
	for _, r := range res.Rules {
		var f []int64
		if r.Failures > 0 {
			f = []int64{r.Failures, r.FirstError.At, r.LastError.At}
		}
		out.Failures = append(out.Failures, f)
	}
	sortAll(&out)
	out.Samples, err = samples(ctx, res.Store)
	return out, err
}

func sortAll(o *outcome) {
	compare := func(a, b episode) int {
		return cmpText(fmt.Sprint(a.Rule, a.ActiveAt, a.FiredAt, a.Labels), fmt.Sprint(b.Rule, b.ActiveAt, b.FiredAt, b.Labels))
	}
	slices.SortFunc(o.Episodes, compare)
	for _, list := range o.Active {
		slices.SortFunc(list, compare)
	}
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
