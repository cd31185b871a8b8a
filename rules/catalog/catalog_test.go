package catalog

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/prometheus/prometheus/promql/parser"
)

func load(t *testing.T) Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// endings are the units of names that end so.
var endings = []struct{ end, unit string }{
	{"_ms", "ms"}, {"_ms_total", "ms"}, {"_seconds", "s"}, {"_seconds_total", "s"},
	{"_bytes", "bytes"}, {"_bytes_total", "bytes"}, {"_c", "°C"}, {"_w", "W"}, {"_j_total", "J"}, {"_mhz", "MHz"},
	{"_utilization", "ratio"}, {"_rate", "ratio"}, {"_ratio", "ratio"}, {"_gb", "GiB"}, {"_cores", "cores"},
	{"bytes_per_second", "bytes/s"}, {"bytes_per_s", "bytes/s"}, {"bits_per_second", "bits/s"}, {"tokens_per_second", "tokens/s"},
	{"requests_per_second", "requests/s"}, {"_info", "bool"}, {"_up", "bool"},
}

func TestMetrics(t *testing.T) {
	c := load(t)
	var units, listed []string
	for _, u := range Units() {
		units = append(units, u.Name)
	}
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	sources := []string{Snapshot, LoadTest, Logs, Budget, BusinessIn, Derived, Given}
	for _, m := range c.Metrics {
		fail := func(format string, args ...any) { t.Helper(); t.Errorf(m.Name+": "+format, args...) }
		if !name.MatchString(m.Name) {
			fail("not a name of a metric")
		}
		if !slices.Contains(units, m.Unit) {
			fail("unit %q is not among %q", m.Unit, units)
		}
		listed = append(listed, m.Unit)
		for _, e := range endings {
			if strings.HasSuffix(m.Name, e.end) && m.Unit != e.unit {
				fail("ends in %s and has the unit %q", e.end, m.Unit)
			}
		}
		if !slices.Contains(Categories(), m.Category) || m.Group == "" {
			fail("category %q, group %q", m.Category, m.Group)
		}
		// A user's own name need not follow the rule.
		if counter := strings.HasSuffix(m.Name, "_total"); m.Kind != Gauge && m.Kind != Counter ||
			counter != (m.Kind == Counter) && !slices.Equal(m.Sources, []string{Given}) {
			fail("kind %q", m.Kind)
		}
		if m.EN == "" || strings.ContainsFunc(m.EN, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || strings.Contains(m.EN, "{of}") {
			fail("English meaning %q", m.EN)
		}
		if !strings.ContainsFunc(m.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || strings.Contains(m.ZH, "{of}") {
			fail("Chinese meaning %q", m.ZH)
		}
		if len(m.Sources) == 0 {
			fail("no source")
		}
		for _, s := range m.Sources {
			if !slices.Contains(sources, s) {
				fail("source %q", s)
			}
		}
		if slices.Contains(m.Sources, Derived) && m.Expr == "" {
			fail("derived from nothing")
		}
		for _, a := range m.Aliases {
			if _, ok := c.System(a.System); !ok || a.Name == "" || !slices.Contains(Sureness(), a.Sure) {
				fail("alias %+v", a)
			}
			if (a.Expr == "") != (a.Factor > 0) || a.Bare && a.Expr != "" {
				fail("alias %s needs either a factor or an expression", a.Name)
			}
		}
	}
	for _, u := range units {
		if !slices.Contains(listed, u) {
			t.Errorf("no metric has the unit %q", u)
		}
	}
	if len(c.Metrics) < 250 {
		t.Errorf("only %d metrics: was a file left out?", len(c.Metrics))
	}
}

func TestSystems(t *testing.T) {
	c := load(t)
	used := map[string]int{}
	for _, m := range c.Metrics {
		for _, a := range m.Aliases {
			used[a.System]++
		}
	}
	for i, s := range c.Systems {
		if s.Title == "" || !slices.Contains(Sureness(), s.Sure) || used[s.ID] == 0 {
			t.Errorf("%+v is used %d times", s, used[s.ID])
		}
		if s.Sure == Documented && !strings.HasPrefix(s.Doc, "https://") {
			t.Errorf("%s is documented nowhere", s.ID)
		}
		if slices.IndexFunc(c.Systems, func(o System) bool { return o.ID == s.ID }) != i {
			t.Errorf("%s stands twice", s.ID)
		}
	}
	for _, id := range []string{"vllm", "sglang", "tgi", "triton", "tensorrt_llm", "llama.cpp", "dcgm", "node", "nvidia-gpu-exporter", "cadvisor"} {
		if used[id] == 0 {
			t.Errorf("no metric has an alias of %s", id)
		}
	}
}

// Every expression is PromQL. One of an alias names the series it is listed
// under, and none of ours; one of a metric names only what the catalogue has,
// and leads back to no metric that it computes.
func TestExpressions(t *testing.T) {
	c := load(t)
	p := parser.NewParser(parser.Options{})
	names := func(where, expr string) []string {
		e, err := p.ParseExpr(expr)
		if err != nil {
			t.Fatalf("%s: %s: %v", where, expr, err)
		}
		found := map[string]bool{}
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok {
				found[v.Name] = true
			}
			return nil
		})
		return slices.Sorted(maps.Keys(found))
	}
	uses := map[string][]string{}
	for _, m := range c.Metrics {
		if m.Expr != "" {
			uses[m.Name] = names(m.Name, m.Expr)
			for _, n := range uses[m.Name] {
				if _, ok := c.Lookup(n); !ok {
					t.Errorf("%s: %s is not in the catalogue", m.Name, n)
				}
			}
		}
		for _, a := range m.Aliases {
			if a.Expr == "" {
				continue
			}
			found := names(m.Name, a.Expr)
			if !slices.ContainsFunc(found, func(n string) bool { return strings.HasPrefix(n, a.Name) }) {
				t.Errorf("%s: alias %s: its expression is of %q", m.Name, a.Name, found)
			}
			for _, n := range found {
				if _, ok := c.Lookup(n); ok {
					t.Errorf("%s: alias %s: its expression uses our own %s", m.Name, a.Name, n)
				}
			}
		}
	}
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		if slices.Contains(path, name) {
			t.Errorf("%s is computed from itself: %q", name, append(path, name))
			return
		}
		m, _ := c.Lookup(name)
		if m.SameAs != "" {
			visit(m.SameAs, append(path, name))
		}
		for _, n := range uses[name] {
			visit(n, append(path, name))
		}
	}
	for name := range c.Names() {
		visit(name, nil)
	}
}

// A second name has the dimension of the first: a factor of 1 means the same
// unit, and another factor another one.
func TestSameAs(t *testing.T) {
	c := load(t)
	n := 0
	for _, m := range c.Metrics {
		if m.SameAs == "" {
			continue
		}
		n++
		to, ok := c.Lookup(m.SameAs)
		if !ok || to.SameAs != "" {
			t.Errorf("%s is the same as %q, which is no canonical name", m.Name, m.SameAs)
		}
		if (m.Factor == 1) != (m.Unit == to.Unit) {
			t.Errorf("%s in %s times %g is said to be %s in %s", m.Name, m.Unit, m.Factor, to.Name, to.Unit)
		}
		if (m.Kind == Counter) != (to.Kind == Counter) || m.Category != to.Category {
			t.Errorf("%s is a %s of %s, %s a %s of %s", m.Name, m.Kind, m.Category, to.Name, to.Kind, to.Category)
		}
	}
	if n < 15 {
		t.Errorf("only %d second names", n)
	}
}

func TestResolve(t *testing.T) {
	c := load(t)
	for _, tc := range []struct {
		series, want string
		factor       float64
	}{
		{"p95_latency_ms", "p95_latency_ms", 1},
		{"DCGM_FI_DEV_GPU_UTIL", "gpu_utilization", 0.01},
		{"DCGM_FI_DEV_FB_USED", "gpu_memory_used_bytes", 1 << 20},
		{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "gpu_energy_j_total", 0.001},
		{"nvidia_smi_clocks_current_sm_clock_hz", "gpu_sm_clock_mhz", 1e-6},
		{"vllm:kv_cache_usage_perc", "kv_cache_utilization", 1},
		{"vllm_kv_cache_usage_perc", "kv_cache_utilization", 1}, // as OpenTelemetry writes it
		{"vllm:gpu_cache_usage_perc", "kv_cache_utilization", 1},
		{"sglang_num_running_reqs", "concurrent_requests", 1},
		{"vllm:num_preemptions", "preemptions_total", 1}, // before its client added the suffix
		{"requests_per_minute", "requests_per_second", 1. / 60},
		{"memory_used_gb", "memory_used_bytes", 1 << 30},
		{"gpu_memory_usage", "gpu_memory_utilization", 1},
		{"node_load1", "load1", 1},
		{"vllm:time_to_first_token_seconds_bucket", "", 0}, // more than a factor
		{"temperature", "", 0},                             // of what?
		{"queue_length_total", "", 0},                      // no counter
		{"no_such_thing", "", 0},
		{"", "", 0},
	} {
		got, factor, ok := c.Resolve(tc.series)
		if got != tc.want || ok != (tc.want != "") || math.Abs(factor-tc.factor) > 1e-15 {
			t.Errorf("Resolve(%q) = %q, %g, %v, want %q, %g", tc.series, got, factor, ok, tc.want, tc.factor)
		}
	}
}

func TestResolveFrom(t *testing.T) {
	c := load(t)
	for name, want := range map[string]string{
		"active_users": "active_users", "cost_per_request_usd": "cost_per_request", "output_quality_score": "quality_score",
		"memory_used_gb": "", "p95_latency_ms": "", "no_such_thing": "",
	} {
		if got, factor, ok := c.ResolveFrom(BusinessIn, name); got != want || ok != (want != "") || ok != (factor == 1) {
			t.Errorf("ResolveFrom(business, %q) = %q, %g, %v, want %q", name, got, factor, ok, want)
		}
	}
	for _, m := range c.Metrics {
		to := m
		if m.SameAs != "" {
			to, _ = c.Lookup(m.SameAs)
		}
		if slices.Contains(m.Sources, BusinessIn) != slices.Contains(to.Sources, BusinessIn) {
			t.Errorf("%s and %s do not come from the same sources", m.Name, to.Name)
		}
	}
}

func TestLabels(t *testing.T) {
	c := load(t)
	for series, want := range map[string]string{"DCGM_FI_DEV_GPU_TEMP": "uuid", "gpu_temperature_c": "", "no_such_thing": ""} {
		if got := c.Labels(series)["UUID"]; got != want {
			t.Errorf("UUID of %s is %q, want %q", series, got, want)
		}
	}
	if got := c.Labels("vllm_num_preemptions")["model_name"]; got != "model" {
		t.Errorf("model_name of vLLM is %q", got)
	}
}

// What something resolves to is canonical, and every name resolves.
func TestResolveAll(t *testing.T) {
	c := load(t)
	for _, m := range c.Metrics {
		names := []string{m.Name}
		for _, a := range m.Aliases {
			if a.Expr == "" && !a.Bare {
				names = append(names, a.Name)
			}
		}
		for _, name := range names {
			got, factor, ok := c.Resolve(name)
			to, found := c.Lookup(got)
			if !ok || !found || to.SameAs != "" || !(factor > 0) {
				t.Errorf("Resolve(%q) = %q, %g, %v", name, got, factor, ok)
			}
			if want := m.Name; m.SameAs == "" && got != want {
				t.Errorf("Resolve(%q) = %q, want %q", name, got, want)
			}
		}
	}
}

func TestNearAndSearch(t *testing.T) {
	c := load(t)
	if got := c.Near("p95_latncy_ms", 1); !slices.Equal(got, []string{"p95_latency_ms"}) {
		t.Errorf("Near: %q", got)
	}
	names := func(ms []Metric) (out []string) {
		for _, m := range ms {
			out = append(out, m.Name)
		}
		return out
	}
	for text, want := range map[string]string{
		"满意度":              "user_satisfaction_score",
		"Preemptions GPU":  "",
		"dcgm FB_RESERVED": "gpu_memory_reserved_bytes",
		"首 token P99":      "",
	} {
		got := names(c.Search(text))
		if want == "" && text == "Preemptions GPUs zebra" && len(got) != 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("Search(%q) = %q, want %q", text, got, want)
		}
	}
	if got := c.Search("  "); len(got) != len(c.Metrics) {
		t.Errorf("an empty search finds %d of %d", len(got), len(c.Metrics))
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	c, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.Resolve("some_series_that_nobody_knows_total")
	}
}

// What is possible follows from the unit and the kind, where the entry does not say.
func TestRange(t *testing.T) {
	c := load(t)
	inf := math.Inf(1)
	for name, want := range map[string][2]float64{
		"conversion_rate": {0, 1}, "active_users": {0, inf}, "hourly_cost_usd": {0, inf}, "cost_trend": {-1, inf},
		"remaining_budget": {-inf, 1}, "user_satisfaction_score": {-inf, inf}, "errors_total": {0, inf}, "server_up": {0, 1},
	} {
		m, ok := c.Lookup(name)
		if !ok || m.Low != want[0] || m.High != want[1] {
			t.Errorf("%s: %v to %v, want %v", name, m.Low, m.High, want)
		}
	}
	for _, m := range c.Metrics {
		if !(m.Low < m.High) {
			t.Errorf("%s: %v to %v", m.Name, m.Low, m.High)
		}
	}
}
