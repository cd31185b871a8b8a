package series_test

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/alerting"
	"llmops/analysis/series"
	"llmops/rules/canonical"
	"llmops/rules/catalog"
)

// pages are what exporters show: each line is a series, its first value and its growth
// by the second.
var pages = map[string]string{
	"engines": `
		vllm:num_requests_waiting{model_name="m",instance="a"} 3 0.01
		vllm_num_requests_waiting{model_name="m",instance="b"} 4 0
		vllm:gpu_cache_usage_perc{model_name="m",instance="a"} 0.25 0
		vllm:kv_cache_usage_perc{model_name="m",instance="a"} 0.5 0
		vllm:kv_cache_usage_perc{model_name="m",model="own",instance="b"} 0.75 0
		vllm:time_to_first_token_seconds_bucket{model_name="m",instance="a",le="0.1"} 0 9
		vllm:time_to_first_token_seconds_bucket{model_name="m",instance="a",le="0.3"} 0 10
		vllm:time_to_first_token_seconds_bucket{model_name="m",instance="a",le="+Inf"} 0 10
		vllm:spec_decode_num_drafts_total{model_name="m",instance="a"} 0 2
		vllm:spec_decode_num_draft_tokens_total{model_name="m",instance="a"} 0 8
		vllm:spec_decode_num_accepted_tokens_total{model_name="m",instance="a"} 0 6
		tgi_request_count{instance="c"} 0 10
		tgi_request_success{instance="c"} 0 8
		tgi_request_failure{err="generation",instance="c"} 0 2`,
	"gateways": `
		envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="200",instance="g"} 0 80
		envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="429",instance="g"} 0 15
		envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="404",instance="g"} 0 90
		envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="504",instance="g"} 0 5
		envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="2",instance="g"} 0 80
		envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="4",instance="g"} 0 105
		envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="5",instance="g"} 0 5
		envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="in",envoy_response_code_class="2",instance="g"} 0 80
		http_requests_total{code="200",method="POST",instance="h"} 0 9
		http_requests_total{code="503",method="POST",instance="h"} 0 1`,
	"hosts": `
		DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="x",Hostname="n",modelName="H100"} 7 0
		DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="y",Hostname="n",host="own",modelName="H100"} 50 0
		DCGM_FI_DEV_FB_USED{gpu="0",UUID="x",Hostname="n"} 60000 1
		DCGM_FI_DEV_FB_FREE{gpu="0",UUID="x",Hostname="n"} 20000 -1
		DCGM_FI_DEV_POWER_VIOLATION{gpu="0",UUID="x",Hostname="n"} 0 250000000
		nv_gpu_memory_used_bytes{gpu_uuid="z"} 10 0
		nv_gpu_memory_total_bytes{gpu_uuid="z"} 40 0
		node_cpu_seconds_total{cpu="0",mode="idle"} 0 0.25
		node_cpu_seconds_total{cpu="0",mode="user"} 0 0.75
		node_memory_MemTotal_bytes 100 0
		node_memory_MemAvailable_bytes 25 0
		kube_deployment_status_replicas_available{deployment="d"} 2 0`,
}

// The recording rules give a server the series that the catalogue gives to an export:
// of the same labels, and with the same values at each time.
func TestRulesLikeCanonical(t *testing.T) {
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for line := range strings.Lines(page) {
				var id string
				var first, rate float64
				if n, _ := fmt.Sscan(line, &id, &first, &rate); n == 3 {
					for s := range 61 {
						fmt.Fprintf(&b, "%s %v %d\n", id, first+rate*float64(15*s), 1_780_000_000+15*s)
					}
				}
			}
			n := sameByRules(t, accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(b.String())), nil }})
			if n < 10 {
				t.Errorf("only %d series", n)
			}
		})
	}
}

// So they do over recorded incidents.
func TestRulesLikeCanonicalRecorded(t *testing.T) {
	folder := os.Getenv("LLMOPS_DATA")
	if folder == "" {
		t.Skip("LLMOPS_DATA is not set")
	}
	for _, id := range []string{"005", "009", "013"} {
		files, err := filepath.Glob(filepath.Join(folder, "incidents", "case-"+id, "metrics*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		t.Run(id, func(t *testing.T) {
			if n := sameByRules(t, accesslog.Source{Name: files[0], Open: func() (io.ReadCloser, error) { return os.Open(files[0]) }}); n < 100 {
				t.Errorf("only %d series", n)
			}
		})
	}
}

// sameByRules compares both ways, and tells how many series were compared.
func sameByRules(t *testing.T, source accesslog.Source) int {
	t.Helper()
	store, s, err := series.Read(t.Context(), []accesslog.Source{source}, series.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := canonical.Rules(c, canonical.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range rules.File.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Record)
		}
	}
	const step = time.Minute
	start, end := time.UnixMilli(s.First), time.UnixMilli(s.Last)
	e := series.NewEngine(series.Limits{})
	derived, err := e.Derive(t.Context(), series.Canonical(store, c), c, names, start, end, step)
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := alerting.Replay(t.Context(), store, rules.File.Groups, alerting.Options{Start: start, End: end, Interval: step})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range replayed.Rules {
		if r.Failures > 0 {
			t.Errorf("%s: %s", r.Rule.Record, r.FirstError.Message)
		}
	}
	at := func(of *series.Store, name string) map[string]float64 {
		got, err := e.Range(t.Context(), of, name, start, end, step)
		if err != nil {
			t.Fatal(err)
		}
		points := map[string]float64{}
		for _, row := range got.Rows {
			for _, p := range row.Points {
				points[fmt.Sprintf("%s %d", row.Labels, p.T)] = p.F
			}
		}
		return points
	}
	// Where a rule has the factor after rate, the last bits differ.
	near := cmp.Comparer(func(a, b float64) bool {
		return math.Abs(a-b) <= 1e-6*max(math.Abs(a), math.Abs(b)) || math.IsNaN(a) && math.IsNaN(b)
	})
	n := 0
	for _, name := range names {
		if diff := cmp.Diff(at(derived, name), at(replayed.Recorded, name), near); diff != "" {
			t.Errorf("%s: - derived + by rules\n%s", name, diff)
		}
		n += len(derived.Named(name))
	}
	return n
}
