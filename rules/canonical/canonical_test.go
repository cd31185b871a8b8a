package canonical

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"llmops/rules/alert"
	"llmops/rules/catalog"
)

func load(t *testing.T) catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rules(t *testing.T, o Options) Result {
	t.Helper()
	r, err := Rules(load(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t *testing.T, f alert.File) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// recorded are the names of a result in their order.
func recorded(r Result) (names []string) {
	for _, g := range r.File.Groups {
		for _, x := range g.Rules {
			names = append(names, x.Record)
		}
	}
	return names
}

func TestAllRules(t *testing.T) {
	c := load(t)
	r := rules(t, Options{Interval: model.Duration(30 * time.Second)})
	text := written(t, r.File)
	if again := written(t, rules(t, Options{Interval: model.Duration(30 * time.Second)}).File); text != again {
		t.Error("two runs write different rules")
	}
	if _, err := alert.Read("all.yaml", strings.NewReader(text)); err != nil {
		t.Error(err)
	}
	names := recorded(r)
	if len(names) < 200 {
		t.Errorf("only %d rules", len(names))
	}
	seen := map[string]int{}
	for _, g := range r.File.Groups {
		if !strings.HasPrefix(g.Name, "llmops-canonical-") || g.Interval != model.Duration(30*time.Second) {
			t.Errorf("group %s, every %s", g.Name, g.Interval)
		}
		for i, x := range g.Rules {
			if _, twice := seen[x.Record]; twice {
				t.Errorf("%s is recorded twice", x.Record)
			}
			seen[x.Record] = i
			looks, err := selected(x.Expr)
			if err != nil {
				t.Error(err)
			}
			for _, n := range looks {
				if n == x.Record {
					t.Errorf("%s looks at itself, and would never end", n)
				}
				// What it is made of stands before it, where it is in the same group.
				if k := slices.IndexFunc(g.Rules, func(o alert.Rule) bool { return o.Record == n }); k > i {
					t.Errorf("%s looks at %s, which is recorded after it", x.Record, n)
				}
				if _, ours := c.Lookup(n); ours && !slices.Contains(names, n) {
					t.Errorf("%s looks at %s, which nobody records", x.Record, n)
				}
			}
		}
	}
	// Whatever a system has is recorded.
	for _, m := range c.Metrics {
		used := slices.ContainsFunc(m.Aliases, func(a catalog.Alias) bool { return !a.Bare })
		if _, ok := seen[m.Name]; used && !ok {
			t.Errorf("%s is not recorded", m.Name)
		}
	}
}

// Prometheus's own tool loads the rules, and its engine makes the names.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"rules.yaml": written(t, rules(t, Options{}).File), "tests.yaml": `
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 15s
    input_series:
      - {series: 'vllm:num_requests_waiting{model_name="m",instance="a"}', values: '3+0x40'}
      - {series: 'DCGM_FI_DEV_GPU_UTIL{UUID="x",gpu="0",uuid="own"}', values: '7+0x40'}
      - {series: 'envoy_cluster_upstream_rq{envoy_cluster_name="c",envoy_response_code="200"}', values: '0+60x40'}
      - {series: 'envoy_cluster_upstream_rq{envoy_cluster_name="c",envoy_response_code="429"}', values: '0+20x40'}
    promql_expr_test:
      - {expr: queue_length, eval_time: 8m, exp_samples: [{labels: 'queue_length{model="m",instance="a"}', value: 3}]}
      - {expr: gpu_utilization, eval_time: 8m, exp_samples: [{labels: 'gpu_utilization{UUID="x",uuid="own",gpu="0"}', value: 0.07}]}
      - {expr: availability, eval_time: 8m, exp_samples: [{labels: 'availability{envoy_cluster_name="c"}', value: 0.75}]}
      - {expr: p95_latency_ms, eval_time: 8m, exp_samples: []}
`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "tests.yaml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "SUCCESS") {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestSomeRules(t *testing.T) {
	for name, c := range map[string]struct {
		o       Options
		want    map[string]string // expressions, by name
		missing []string
	}{
		"a factor, and labels": {Options{Systems: []string{"triton"}, Names: []string{"gpu_utilization"}},
			map[string]string{"gpu_utilization": `label_replace(label_replace(label_join(nv_gpu_utilization, "gpu_uuid", ";", "gpu_uuid", "uuid"), "uuid", "$1", "gpu_uuid", "(.+);"), "gpu_uuid", "$1", "gpu_uuid", ".*;|(.*);.+")`}, nil},
		"several names, the first one by name first": {Options{Systems: []string{"node", "cadvisor", "tgi"}, Names: []string{"concurrent_requests", "gpu_utilization"}},
			map[string]string{"concurrent_requests": "tgi_batch_current_size"}, []string{"gpu_utilization"}},
		"what it is made of comes with it": {Options{Systems: []string{"tgi"}, Names: []string{"availability"}},
			map[string]string{
				"error_rate":   `(sum without (err) (rate(tgi_request_failure{err!~"validation|dropped"}[5m])) or 0 * rate(tgi_request_count[5m])) / (rate(tgi_request_count[5m]) > 0)`,
				"success_rate": `rate(tgi_request_success[5m]) / (rate(tgi_request_count[5m]) > 0) or 1 - error_rate`,
				"availability": "success_rate"}, nil},
		"what others record is theirs": {Options{Systems: []string{"tgi"}, Names: []string{"availability"}, Recorded: []string{"success_rate"}},
			map[string]string{"availability": "success_rate"}, nil},
		"over a range of what was scraped": {Options{Systems: []string{"node"}, Names: []string{"disk_io_utilization"}},
			map[string]string{"disk_io_utilization": "(rate(node_disk_io_time_seconds_total[5m]) * 1000) / 1000"}, nil},
		"a second name": {Options{Systems: []string{"tgi"}, Names: []string{"requests_per_minute", "my_own"}},
			map[string]string{"requests_per_second": "rate(tgi_request_success[5m])", "requests_per_minute": "requests_per_second * 60"}, nil},
		"nothing has it": {Options{Names: []string{"quality_score", "output_quality_score"}}, map[string]string{}, []string{"output_quality_score", "quality_score"}},
		"no names":       {Options{Names: []string{}}, map[string]string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := rules(t, c.o)
			got := map[string]string{}
			for _, g := range r.File.Groups {
				for _, x := range g.Rules {
					got[x.Record] = strings.Join(strings.Fields(x.Expr), " ")
				}
			}
			want := map[string]string{}
			for n, expr := range c.want {
				parsed, err := parse(expr)
				if err != nil {
					t.Fatal(err)
				}
				want[n] = strings.Join(strings.Fields(parsed.Pretty(0)), " ")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.missing, r.Missing); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownSystem(t *testing.T) {
	if _, err := Rules(load(t), Options{Systems: []string{"vlm"}}); err == nil || !strings.Contains(err.Error(), `"vlm": did you mean vllm?`) {
		t.Error(err)
	}
}

func TestLooked(t *testing.T) {
	f, err := alert.Read("r.yaml", strings.NewReader(`groups: [{name: g, rules: [
		{record: "a:b", expr: "rate(x_total[5m]) / {__name__=\"y\"} and {job=\"z\"}"},
		{alert: A, expr: "a:b > 1 or x_total"}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	names, own, err := Looked(f.Groups)
	if diff := cmp.Diff([]string{"a:b", "x_total", "y"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"a:b"}, own); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Looked([]alert.Group{{Rules: []alert.Rule{{Alert: "A", Expr: "("}}}}); err == nil {
		t.Error("no expression is none")
	}
}

// A system's series stand in for those of a formula only where that is the same.
func TestReplace(t *testing.T) {
	own := map[string]catalog.Alias{"a": {Name: "x", Factor: 0.01}, "b": {Name: "y", Factor: 1}}
	for formula, want := range map[string]string{
		"rate(a[5m])":                   "(rate(x[5m]) / 100)",
		"rate(a[5m]) / (b > 0)":         "(rate(x[5m]) / 100) / (y > 0)",
		"a - a offset 5m":               "(x / 100) - (x offset 5m / 100)",
		"delta(b[5m]) + changes(b[5m])": "delta(y[5m]) + changes(y[5m])",
		"changes(a[5m])":                "",
		"c":                             "c",
	} {
		got, ok, err := replace(formula, own)
		if err != nil || ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q %v %v, want %q", formula, got, ok, err, want)
		}
		if _, err := parse(got); err != nil {
			t.Error(err)
		}
	}
}
