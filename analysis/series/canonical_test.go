package series

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/catalog"
)

func names(t *testing.T) catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// aliases are the series that did not stand in the file, with their first point.
func aliases(s *Store) map[string]string {
	got := map[string]string{}
	for _, x := range s.Series() {
		if x.Original() {
			continue
		}
		for _, v := range x.Points() {
			got[x.Labels().String()] = fmt.Sprintf("%v %s", v, x.Kind())
			break
		}
	}
	return got
}

func TestCanonical(t *testing.T) {
	for name, c := range map[string]struct {
		text []string
		want map[string]string
	}{
		"another unit and labels": {
			[]string{`DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",Hostname="n1",instance="n1:9400"} 50 1780000000`},
			map[string]string{`{__name__="gpu_utilization", gpu="0", host="n1", instance="n1:9400", uuid="GPU-a"}`: "0.5 gauge"},
		},
		"a counter stays one": {
			[]string{`DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 5000 1780000000`},
			map[string]string{`{__name__="gpu_energy_j_total", gpu="0"}`: "5 counter"},
		},
		"by another prefix, and without _total": {
			[]string{`vllm_num_requests_waiting{model_name="m"} 3 1780000000`, `vllm:generation_tokens{model_name="m"} 7 1780000000`},
			map[string]string{`{__name__="queue_length", model="m"}`: "3 gauge", `{__name__="generation_tokens_total", model="m"}`: "7 counter"},
		},
		"a second name of ours": {
			[]string{`requests_per_minute{model="m"} 120 1780000000`},
			map[string]string{`{__name__="requests_per_second", model="m"}`: "2 gauge"},
		},
		"a label that is there stays": {
			[]string{`vllm:num_requests_waiting{model_name="m",model="own"} 3 1780000000`},
			map[string]string{`{__name__="queue_length", model="own", model_name="m"}`: "3 gauge"},
		},
		"what was measured stands alone": {
			[]string{`gpu_utilization{gpu="0",uuid="GPU-a"} 0.25 1780000000`, `DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",instance="n1"} 50 1780000000`,
				`DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-b",instance="n2"} 60 1780000000`},
			map[string]string{`{__name__="gpu_utilization", gpu="0", instance="n2", uuid="GPU-b"}`: "0.6 gauge"},
		},
		"the first of two with the same labels": {
			[]string{`vllm:gpu_cache_usage_perc{engine="0"} 0.5 1780000000`, `vllm:kv_cache_usage_perc{engine="0"} 0.75 1780000000`},
			map[string]string{`{__name__="kv_cache_utilization", engine="0"}`: "0.5 gauge"},
		},
		"nothing is known, or it takes more than a factor": {
			[]string{`some_metric 1 1780000000`, `node_cpu_seconds_total{cpu="0",mode="idle"} 1 1780000000`, `temperature{gpu="0"} 1 1780000000`},
			map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, _ := mustRead(t, lines(c.text...))
			both := Canonical(store, names(t))
			if diff := cmp.Diff(c.want, aliases(both)); diff != "" {
				t.Error(diff)
			}
			if both.Points() != store.Points() || len(aliases(store)) != 0 {
				t.Errorf("%d points, want %d", both.Points(), store.Points())
			}
		})
	}
}

// steady is ten minutes at 15 s: each line is a series, its first value and its growth
// by the second.
func steady(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		var name string
		var first, rate float64
		if n, _ := fmt.Sscan(line, &name, &first, &rate); n == 3 {
			for s := range 41 {
				fmt.Fprintf(&b, "%s %v %d\n", name, first+rate*float64(15*s), t0+int64(s)*15_000)
			}
		}
	}
	return b.String()
}

func TestDerive(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		wants []string
		want  map[string]string // the value at the end
	}{
		"of a histogram": {`
			vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.1"} 0 9
			vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.3"} 0 10
			vllm:time_to_first_token_seconds_bucket{model_name="m",le="+Inf"} 0 10`,
			[]string{"p95_ttft_ms"}, map[string]string{`{__name__="p95_ttft_ms", model="m"}`: "200 gauge"}},
		"by another prefix": {`
			vllm_request_success_total{model_name="m",finished_reason="stop"} 0 3
			vllm_request_success_total{model_name="m",finished_reason="length"} 0 1`,
			[]string{"requests_per_second"}, map[string]string{`{__name__="requests_per_second", model="m"}`: "4 gauge"}},
		"a counter by a label, whose kind stays": {`
			vllm:request_success_total{finished_reason="stop"} 0 2`,
			[]string{"requests_finished_total"}, map[string]string{
				`{__name__="requests_finished_total", finished_reason="stop", reason="stop"}`: "1200 counter"}},
		"of others of ours, and these of a system's": {`
			nvidia_smi_memory_used_bytes{uuid="a"} 30 0
			nvidia_smi_memory_total_bytes{uuid="a"} 40 0`,
			[]string{"gpu_memory_utilization"}, map[string]string{`{__name__="gpu_memory_utilization", uuid="a"}`: "0.75 gauge"}},
		"of others of ours alone": {`
			preemptions_total{server="a"} 0 2`,
			[]string{"preemptions_per_second"}, map[string]string{`{__name__="preemptions_per_second", server="a"}`: "2 gauge"}},
		"over two steps": {`
			tgi_request_count 0 10
			tgi_request_failure{err="generation"} 0 2`,
			[]string{"success_rate", "availability"}, map[string]string{
				`{__name__="error_rate"}`: "0.2 gauge", `{__name__="success_rate"}`: "0.8 gauge", `{__name__="availability"}`: "0.8 gauge"}},
		"a second name": {`
			requests_per_second 5 0`,
			[]string{"requests_per_minute"}, map[string]string{`{__name__="requests_per_minute"}`: "300 gauge"}},
		"not what is measured": {`
			requests_per_second 5 0
			tgi_request_success 0 7`,
			[]string{"requests_per_second"}, map[string]string{}},
		"not what nobody asks for": {`
			tgi_request_success 0 7`,
			[]string{"p95_ttft_ms", "of my own"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			store, s := mustRead(t, steady(c.text))
			cat := names(t)
			got, err := NewEngine(Limits{}).Derive(t.Context(), Canonical(store, cat), cat, c.wants, time.UnixMilli(s.First), time.UnixMilli(s.Last), 15*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			ends := map[string]string{}
			for _, x := range got.Series() {
				var last float64
				for _, v := range x.Points() {
					last = v
				}
				if canonical := Canonical(store, cat); !x.Original() && len(canonical.Named(x.Name())) == 0 {
					ends[x.Labels().String()] = fmt.Sprintf("%.9g %s", last, x.Kind())
				}
			}
			if diff := cmp.Diff(c.want, ends); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Where an expression has no result any more its series has no value, at the next step.
func TestDeriveEnds(t *testing.T) {
	var b strings.Builder
	for s := 0; s <= 600; s += 15 {
		if s < 200 || s > 500 {
			fmt.Fprintf(&b, "memory_used_bytes %d %d\n", s, t0+int64(s)*1000)
		} else {
			fmt.Fprintf(&b, "memory_used_bytes NaN %d\n", t0+int64(s)*1000)
		}
		fmt.Fprintf(&b, "memory_total_bytes 1000 %d\n", t0+int64(s)*1000)
	}
	store, s := mustRead(t, b.String())
	got, err := NewEngine(Limits{}).Derive(t.Context(), store, names(t), []string{"memory_utilization"}, time.UnixMilli(s.First), time.UnixMilli(s.Last), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	it := got.Named("memory_utilization")[0].iterator(0, s.Last)
	for it.Next() != 0 {
		at, v := it.At()
		text += fmt.Sprintf("%d:%v ", (at-t0)/1000, v)
	}
	if want := "0:0 60:0.06 120:0.12 180:0.18 240:NaN 540:0.54 600:0.6 "; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}

func TestNeeds(t *testing.T) {
	e := NewEngine(Limits{})
	_, err := e.Needs(
		`sum(rate(http_requests_total{code=~"5..",job="a"}[5m])) / sum(rate(http_requests_total{job="a"}[1h] offset 1d))`,
		`max_over_time(rate(x_total{a="1"}[2m])[30m:1m] offset 10m) > 1 and on () {job="b"}`,
		`x_total{a="2"} or {__name__="up"} or {__name__=~"node_.*"} or vector(1)`,
		`predict_linear(y[4h], 3600) offset -5m`,
	)
	if err == nil {
		t.Error("an offset of no selector is none")
	}
	got, err := e.Needs(
		`sum(rate(http_requests_total{code=~"5..",job="a"}[5m])) / sum(rate(http_requests_total{job="a"}[1h] offset 1d))`,
		`max_over_time(rate(x_total{a="1"}[2m])[30m:1m] offset 10m) > 1 and on () {job="b"}`,
		`x_total{a="2"} or {__name__="up"} or {__name__=~"node_.*"} or vector(1)`,
		`y offset -5m`,
	)
	if err != nil {
		t.Fatal(err)
	}
	const m = time.Minute
	want := []Selector{
		{"http_requests_total", `http_requests_total{job="a"}`, 24*60*m + 60*m + 5*m},
		{"up", "up", 5 * m},
		{"x_total", "x_total", 47 * m},
		{"y", "y", 5 * m},
		{"", `{__name__=~"node_.*"}`, 5 * m},
		{"", `{job="b"}`, 5 * m},
	}
	if diff := cmp.Diff(want, got.Selectors); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{`up`: "up", `{job="b",__name__="up"}`: `up{job="b"}`, `(up)`: "", `up offset 1m`: "", `up @ 5`: "", `up[5m]`: "", `up > 1`: "", `up{`: "error"} {
		got, ok, err := e.Selector(text)
		if err != nil {
			got.Text = "error"
		}
		if got.Text != want || ok != (want != "" && want != "error") {
			t.Errorf("%s: %q %v %v, want %q", text, got.Text, ok, err, want)
		}
	}
}

// What is looked at is made of what has other names, and has to be known that far back.
func TestOrigins(t *testing.T) {
	const m = time.Minute
	of, err := NewEngine(Limits{}).Origins(names(t), map[string]time.Duration{"availability": 15 * m, "gpu_utilization": 5 * m, "my_own": 7 * m})
	if err != nil {
		t.Fatal(err)
	}
	for series, want := range map[string]time.Duration{
		"my_own": 7 * m, "availability": 15 * m, "success_rate": 20 * m, "error_rate": 25 * m,
		"tgi_request_count": 35 * m, "DCGM_FI_DEV_GPU_UTIL": 5 * m, "nvidia_smi_utilization_gpu_ratio": 5 * m,
		"DCGM_FI_DEV_FB_USED": -1, "up": -1, "sglang_http_responses_total": 35 * m,
	} {
		got, ok := of(series)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %v %v, want %v", series, got, ok, want)
		}
	}
}

// Each metric of the catalogue can be asked for, and what there is of two systems gives
// what the catalogue says that it gives.
func TestDeriveAll(t *testing.T) {
	store, s := mustRead(t, steady(`
		vllm:generation_tokens_total{model_name="m"} 0 50
		vllm:prefix_cache_hits_total 0 1
		vllm:prefix_cache_queries_total 0 4
		node_cpu_seconds_total{cpu="0",mode="idle"} 0 0.25
		node_cpu_seconds_total{cpu="0",mode="user"} 0 0.75
		node_memory_MemTotal_bytes 100 0
		node_memory_MemAvailable_bytes 25 0`))
	cat := names(t)
	all := slices.Collect(cat.Names())
	looked := map[string]time.Duration{}
	for _, n := range all {
		looked[n] = lookback
	}
	e := NewEngine(Limits{})
	of, err := e.Origins(cat, looked)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Derive(t.Context(), Canonical(store, cat), cat, all, time.UnixMilli(s.First), time.UnixMilli(s.Last), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokens_per_second", "cache_hit_rate", "cpu_utilization", "cpu_user", "memory_utilization", "memory_used_bytes"} {
		if len(got.Named(name)) != 1 {
			t.Errorf("%s: %d series", name, len(got.Named(name)))
		}
	}
	for _, x := range store.Series() {
		if _, ok := of(x.Name()); !ok {
			t.Errorf("%s is asked for by nobody", x.Name())
		}
	}
	if _, err := e.Derive(t.Context(), store, cat, all, time.UnixMilli(0), time.UnixMilli(s.Last), time.Second); err == nil || !strings.Contains(err.Error(), "more than 1000000 steps") {
		t.Error(err)
	}
}

func BenchmarkCanonical(b *testing.B) {
	w := NewBuilder()
	for i := range 2000 {
		w.Add(labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL", "UUID", fmt.Sprint("GPU-", i), "gpu", fmt.Sprint(i%8)), Gauge, t0, 1)
	}
	store := w.Store(nil)
	c, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if len(Canonical(store, c).Series()) != 4000 {
			b.Fatal("not twice as many")
		}
	}
}
