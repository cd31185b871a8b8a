package series

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
)

const t0 = int64(1_780_000_000_000)

func at0(seconds float64) time.Time { return time.UnixMilli(t0 + int64(seconds*1000)) }

// shown is a result as text.
func shown(r Result) string {
	var rows []string
	for _, row := range r.Rows {
		var points []string
		for _, p := range row.Points {
			points = append(points, fmt.Sprintf("%.6g@%g", p.F, float64(p.T-t0)/1000))
		}
		rows = append(rows, row.Labels.String()+" "+strings.Join(points, " "))
	}
	return strings.Join(rows, "; ")
}

// Values worked out by hand after Prometheus's definitions.
func TestPromQL(t *testing.T) {
	var page strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&page, format+"\n", a...) }
	// A counter that grows by 2 a second, read every 15 s, and began anew at 300 s.
	for s := 0; s <= 600; s += 15 {
		v := 2 * s
		if s >= 300 {
			v = 2 * (s - 300)
		}
		line(`requests_total{pod="a"} %d %d`, v, t0/1000+int64(s))
	}
	// A gauge that ends at 100 s, one with a stale marker at 100 s, one with a gap of
	// four minutes.
	for s := 0; s <= 600; s += 20 {
		at := t0/1000 + int64(s)
		if s <= 100 {
			line(`ended{} %d %d`, s, at)
		}
		if s < 100 {
			line(`marked{} %d %d`, s, at)
		} else if s == 100 {
			line(`marked{} NaN %d`, at)
		}
		if s <= 100 || s >= 340 {
			line(`gap{} %d %d`, s, at)
		}
	}
	// 10 values up to 0.1 s, 80 up to 1 s, 100 up to 5 s: the median is 0.1 + 0.9*40/70.
	for le, n := range map[string]int{"0.1": 10, "1": 80, "5": 100, "+Inf": 100} {
		line(`ttft_seconds_bucket{le="%s"} %d %d`, le, n, t0/1000)
	}
	line(`gpu_memory_utilization{gpu="0"} 0.5 %d`, t0/1000)
	line(`gpu_memory_utilization{gpu="1"} 0.97 %d`, t0/1000)
	store, s := mustRead(t, page.String())
	if s.Malformed > 0 {
		t.Fatal(s.Samples)
	}
	e := NewEngine(Limits{})
	for _, c := range []struct {
		expression string
		at         float64
		want       string
	}{
		{`requests_total`, 7, `{__name__="requests_total", pod="a"} 0@7`},
		{`rate(requests_total[1m])`, 130, `{pod="a"} 2@130`},
		// From 247 to 307 s: samples at 255 … 300 with 510, 540, 570, 0: they grew by 60
		// in 45 s; 8 s before the first and 7 s behind the last are extrapolated.
		{`increase(requests_total[1m])`, 307, `{pod="a"} 80@307`},
		{`resets(requests_total[10m])`, 600, `{pod="a"} 1@600`},
		{`ended`, 399.999, `{__name__="ended"} 100@399.999`},
		{`ended`, 400, ``}, // the left end is excluded
		{`marked`, 99, `{__name__="marked"} 80@99`},
		{`marked`, 100, ``},
		{`count_over_time(marked[10m])`, 200, `{} 5@200`},
		{`gap`, 339, `{__name__="gap"} 100@339`},
		{`absent(ended)`, 500, `{} 1@500`},
		{`histogram_quantile(0.5, ttft_seconds_bucket)`, 0, `{} 0.614286@0`},
		{`gpu_memory_utilization > 0.95`, 1, `{__name__="gpu_memory_utilization", gpu="1"} 0.97@1`},
		{`gpu_memory_utilization{gpu=~"[0-3]"} * 100`, 0, `{gpu="0"} 50@0; {gpu="1"} 97@0`},
		{`1 + 1`, 0, `{} 2@0`},
		{`0 / 0`, 0, `{} NaN@0`},
		{`nothing > 1`, 0, ``},
		{`requests_total[31s]`, 40, `{__name__="requests_total", pod="a"} 30@15 60@30`},
		{`requests_total offset 1m`, 100, `{__name__="requests_total", pod="a"} 60@100`},
		{`max_over_time(ended[1m:20s])`, 100, `{} 100@100`},
	} {
		r, err := e.Instant(t.Context(), store, c.expression, at0(c.at))
		if got := shown(r); err != nil || got != c.want {
			t.Errorf("%s at %v: %s, want %s (%v)", c.expression, c.at, got, c.want, err)
		}
	}
	r, err := e.Range(t.Context(), store, `gap > 0`, at0(80), at0(480), 100*time.Second)
	if got, want := shown(r), `{__name__="gap"} 80@80 100@180 100@280 380@380 480@480`; err != nil || got != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
	r, err = NewEngine(Limits{Lookback: time.Minute}).Range(t.Context(), store, `gap`, at0(80), at0(480), 100*time.Second)
	if got, want := shown(r), `{__name__="gap"} 80@80 380@380 480@480`; err != nil || got != want {
		t.Errorf("a minute's lookback: %s, want %s (%v)", got, want, err)
	}
	r, err = e.Instant(t.Context(), store, `rate(gap[5m])`, at0(100))
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "might not be a counter") {
		t.Errorf("%q %v", r.Notes, err)
	}
}

func TestPromQLErrors(t *testing.T) {
	b := NewBuilder()
	for i := range int64(2000) {
		b.Add(labels.FromStrings("__name__", "x", "n", fmt.Sprint(i)), Gauge, t0, 1)
	}
	store := b.Store(nil)
	e := NewEngine(Limits{MaxSamples: 1000})
	for expression, want := range map[string]string{
		`rate(x`:  `expression "rate(x": at character 7: unclosed left parenthesis`,
		`x > `:    `expression "x > ": at character 5: unexpected end of input`,
		`rate(x)`: `expression "rate(x)": at character 6: expected type range vector in call to function "rate", got instant vector`,
		`"text"`:  `expression "\"text\"": it gives a string, not numbers`,
		`sum(x)`:  `expression "sum(x)": query processing would load too many samples into memory in query execution`,
		`foo(x)`:  `expression "foo(x)": at character 1: unknown function with name "foo"`,
	} {
		_, err := e.Instant(t.Context(), store, expression, time.UnixMilli(t0))
		if _, ok := errors.AsType[*ExpressionError](err); !ok || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, c := range []struct {
		end, step time.Duration
		want      string
	}{{-time.Second, time.Second, "before it begins"}, {time.Hour, 0, "at least a millisecond"}, {1000 * time.Second, time.Millisecond, "more than 1000000 steps"}} {
		if _, err := e.Range(t.Context(), store, "x", at0(0), at0(0).Add(c.end), c.step); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Instant(ctx, store, "x{n='1'}", at0(0)); err == nil {
		t.Error("a query that was cancelled gives a result")
	}
	if _, err := NewEngine(Limits{Timeout: time.Nanosecond}).Instant(t.Context(), store, "x{n='1'}", at0(0)); err == nil {
		t.Error("a query without time gives a result")
	}
	none, err := e.Unmatched(store, `x{n="5"} > 1 or y > 2 and x{n="none"} > rate(z_total[5m])`)
	if diff := cmp.Diff([]string{"y", `x{n="none"}`, "z_total"}, none); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Whatever is asked for first, an iterator gives what a plain list would.
func TestIterator(t *testing.T) {
	b := NewBuilder()
	ls := labels.FromStrings("__name__", "x")
	var all []Point
	for i := range int64(3*chunkSamples + 7) {
		p := Point{T: i * i, F: math.Sqrt(float64(i))}
		all = append(all, p)
		b.Add(ls, Gauge, p.T, p.F)
	}
	x := b.Store(nil).Series()[0]
	end := all[len(all)-1].T
	for _, bounds := range [][2]int64{{minTime, maxTime}, {0, end}, {50, 60}, {1000, 900}, {end, end}, {end + 1, maxTime}, {-10, -1}, {230_000, 240_000}} {
		var inside []Point
		for _, p := range all {
			if p.T >= bounds[0] && p.T <= bounds[1] {
				inside = append(inside, p)
			}
		}
		var got []Point
		for at, v := range x.Between(bounds[0], bounds[1]) {
			got = append(got, Point{T: at, F: v})
		}
		if diff := cmp.Diff(inside, got); diff != "" {
			t.Errorf("%v %s", bounds, diff)
		}
		for _, stride := range []int64{1, 1000, 100_000, end / 2} {
			it := x.iterator(bounds[0], bounds[1])
			for at := int64(-5); at < end+stride; at += 1 + stride {
				var want *Point
				for i := range inside {
					if inside[i].T >= at {
						want = &inside[i]
						break
					}
				}
				switch kind := it.Seek(at); {
				case (kind == 0) != (want == nil):
					t.Fatalf("%v: seek %d: %v, want %v", bounds, at, kind, want)
				case want == nil:
					continue
				}
				if gotT, v := it.At(); gotT != want.T || v != want.F {
					t.Fatalf("%v: seek %d: %d %v, want %v", bounds, at, gotT, v, *want)
				}
				if stride == 1 && at > 5000 {
					break
				}
			}
		}
	}
}

func TestIncreases(t *testing.T) {
	store, _ := mustRead(t, "# TYPE x counter\nx_total 5 1780000000\nx_total 7 1780000001\nx_total NaN 1780000002\nx_total 3 1780000003\nx_total 3 1780000004\n")
	x := store.Named("x_total")[0]
	var got []float64
	for _, v := range x.Increases() {
		got = append(got, v)
	}
	if diff := cmp.Diff([]float64{2, 3, 0}, got); diff != "" || x.Kind() != Counter || x.Count() != 4 || x.Missing() != 1 || x.Step() != 1000 {
		t.Error(diff, x.Kind(), x.Count(), x.Missing(), x.Step())
	}
}

func TestKinds(t *testing.T) {
	store, _ := mustRead(t, lines("# TYPE h histogram", `h_bucket{le="1"} 1 1780000000`, "h_sum 1 1780000000", "h_count 1 1780000000", "# TYPE s summary", `s{quantile="0.5"} 1 1780000000`,
		"s_count 1 1780000000", "# TYPE g gauge", "g 1 1780000000", "connection_count 1 1780000000", "d_sum 1 1780000000", "d_count 1 1780000000", "e_total 1 1780000000", "u 1 1780000000"))
	got := map[string]string{}
	for _, x := range store.Series() {
		got[x.Name()] = x.Kind().String()
	}
	want := map[string]string{"h_bucket": "counter", "h_sum": "counter", "h_count": "counter", "s": "gauge", "s_count": "counter", "g": "gauge",
		"connection_count": "unknown", "d_sum": "counter", "d_count": "counter", "e_total": "counter", "u": "unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Another name stands beside the first one, in its own unit; a series that is there
// under that name keeps it.
func TestAliases(t *testing.T) {
	b := NewBuilder()
	for i, gpu := range []string{"0", "1"} {
		b.Add(labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL", "gpu", gpu), Gauge, t0, 80+float64(i))
		b.Add(labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL", "gpu", gpu), Gauge, t0+1000, math.NaN())
	}
	b.Add(labels.FromStrings("__name__", "gpu_utilization", "gpu", "1"), Gauge, t0, 0.25)
	store := b.Store(func(ls labels.Labels) []Alias {
		if ls.Get("__name__") != "DCGM_FI_DEV_GPU_UTIL" {
			return nil
		}
		return []Alias{{labels.FromStrings("__name__", "gpu_utilization", "gpu", ls.Get("gpu")), 0.01}}
	})
	want := lines(`{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="0"} 80 @1780000000000`, `{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="0"} stale @1780000001000`,
		`{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="1"} 81 @1780000000000`, `{__name__="DCGM_FI_DEV_GPU_UTIL", gpu="1"} stale @1780000001000`,
		`{__name__="gpu_utilization", gpu="0"} 0.8 @1780000000000`, `{__name__="gpu_utilization", gpu="0"} stale @1780000001000`, `{__name__="gpu_utilization", gpu="1"} 0.25 @1780000000000`)
	if got := dump(store); got != want || store.Points() != 3 {
		t.Error(cmp.Diff(want, got), store.Points())
	}
	r, err := NewEngine(Limits{}).Instant(t.Context(), store, `gpu_utilization`, at0(0))
	if got := shown(r); err != nil || got != `{__name__="gpu_utilization", gpu="0"} 0.8@0; {__name__="gpu_utilization", gpu="1"} 0.25@0` {
		t.Error(got, err)
	}
}
