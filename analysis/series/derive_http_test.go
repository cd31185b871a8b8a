package series

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What gateways and servers count by status gives rates and shares: callers' mistakes
// and health checks are no requests to judge by, and 429 is a failure where it can be
// told.
func TestDeriveHTTP(t *testing.T) {
	wants := []string{"requests_per_second", "error_rate", "success_rate", "availability", "timeout_rate", "p50_latency_ms", "mean_latency_ms", "p95_ttft_ms", "retries_per_second"}
	for name, c := range map[string]struct {
		text string
		want map[string]string // the value at the end
	}{
		"envoy": {`
			envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="200"} 0 80
			envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="404"} 0 50
			envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="429"} 0 15
			envoy_cluster_upstream_rq{envoy_cluster_name="llm",envoy_response_code="504"} 0 5
			envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="2"} 0 80
			envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="4"} 0 65
			envoy_cluster_upstream_rq_xx{envoy_cluster_name="llm",envoy_response_code_class="5"} 0 5
			envoy_cluster_upstream_rq_retry{envoy_cluster_name="llm"} 0 2
			envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="llm",le="100"} 0 40
			envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="llm",le="300"} 0 100
			envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="llm",le="+Inf"} 0 100
			envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="in",envoy_response_code_class="5"} 0 100`,
			map[string]string{
				`error_rate{envoy_cluster_name="llm"}`: "0.2", `success_rate{envoy_cluster_name="llm"}`: "0.8", `availability{envoy_cluster_name="llm"}`: "0.8",
				`timeout_rate{envoy_cluster_name="llm"}`: "0.05", `requests_per_second{envoy_cluster_name="llm"}`: "100", `retries_per_second{envoy_cluster_name="llm"}`: "2",
				`p50_latency_ms{envoy_cluster_name="llm"}`: "133.333333"}},
		"envoy without clusters": {`
			envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="in",envoy_response_code_class="2"} 0 90
			envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="in",envoy_response_code_class="4"} 0 50
			envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="in",envoy_response_code_class="5"} 0 10
			envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="admin",envoy_response_code_class="2"} 0 10`,
			map[string]string{
				`error_rate{envoy_http_conn_manager_prefix="in"}`: "0.1", `success_rate{envoy_http_conn_manager_prefix="in"}`: "0.9", `availability{envoy_http_conn_manager_prefix="in"}`: "0.9",
				`requests_per_second{envoy_http_conn_manager_prefix="in"}`: "100"}},
		"istio counts at both ends": {`
			istio_requests_total{reporter="destination",destination_workload="llm",source_workload="a",response_code="200"} 0 6
			istio_requests_total{reporter="destination",destination_workload="llm",source_workload="b",response_code="503"} 0 2
			istio_requests_total{reporter="source",destination_workload="llm",source_workload="b",response_code="503"} 0 9
			istio_request_duration_milliseconds_sum{reporter="destination",destination_workload="llm",response_code="200"} 0 600
			istio_request_duration_milliseconds_count{reporter="destination",destination_workload="llm",response_code="200"} 0 6
			istio_request_duration_milliseconds_sum{reporter="destination",destination_workload="llm",response_code="503"} 0 1
			istio_request_duration_milliseconds_count{reporter="destination",destination_workload="llm",response_code="503"} 0 2`,
			map[string]string{
				`error_rate{destination_workload="llm", reporter="destination"}`: "0.25", `success_rate{destination_workload="llm", reporter="destination"}`: "0.75",
				`availability{destination_workload="llm", reporter="destination"}`: "0.75", `timeout_rate{destination_workload="llm", reporter="destination"}`: "0",
				`requests_per_second{destination_workload="llm", reporter="destination"}`: "8", `mean_latency_ms{destination_workload="llm", reporter="destination"}`: "100"}},
		"ingress-nginx": {`
			nginx_ingress_controller_requests{ingress="llm",status="200",method="POST"} 0 3
			nginx_ingress_controller_requests{ingress="llm",status="499",method="POST"} 0 7
			nginx_ingress_controller_requests{ingress="llm",status="504",method="POST"} 0 1
			nginx_ingress_controller_request_duration_seconds_sum{ingress="llm",status="200",method="POST"} 0 0.75
			nginx_ingress_controller_request_duration_seconds_count{ingress="llm",status="200",method="POST"} 0 3`,
			map[string]string{
				`error_rate{ingress="llm"}`: "0.25", `success_rate{ingress="llm"}`: "0.75", `availability{ingress="llm"}`: "0.75", `timeout_rate{ingress="llm"}`: "0.25",
				`requests_per_second{ingress="llm"}`: "4", `mean_latency_ms{ingress="llm"}`: "250"}},
		"traefik": {`
			traefik_service_requests_total{service="llm@docker",code="200",method="POST",protocol="http"} 0 3
			traefik_service_requests_total{service="llm@docker",code="502",method="POST",protocol="http"} 0 1
			traefik_entrypoint_requests_total{entrypoint="web",code="200",method="POST",protocol="http"} 0 9`,
			map[string]string{
				`error_rate{service="llm@docker"}`: "0.25", `success_rate{service="llm@docker"}`: "0.75", `availability{service="llm@docker"}`: "0.75",
				`timeout_rate{service="llm@docker"}`: "0", `requests_per_second{service="llm@docker"}`: "4"}},
		"litellm": {`
			litellm_proxy_total_requests_metric_total{requested_model="m",status_code="200",user="a",team="x"} 0 3
			litellm_proxy_total_requests_metric_total{requested_model="m",status_code="429",user="b",team="x"} 0 1
			litellm_llm_api_time_to_first_token_metric_bucket{requested_model="m",model="p/m",user="a",le="0.5"} 0 3
			litellm_llm_api_time_to_first_token_metric_bucket{requested_model="m",model="p/m",user="a",le="+Inf"} 0 3`,
			map[string]string{
				`error_rate{model="m"}`: "0.25", `success_rate{model="m"}`: "0.75", `availability{model="m"}`: "0.75", `timeout_rate{model="m"}`: "0",
				`requests_per_second{model="m"}`: "4", `p95_ttft_ms{model="m"}`: "475"}},
		"http servers": {`
			http_requests_total{code="200",method="post",instance="a"} 0 3
			http_requests_total{code="408",method="post",instance="a"} 0 1
			http_requests_total{status="2xx",handler="/predict",method="POST",instance="b"} 0 3
			http_requests_total{status="5xx",handler="/predict",method="POST",instance="b"} 0 1
			http_requests_total{status="2xx",handler="/health",method="GET",instance="b"} 0 9
			http_requests_total{status_code="200",instance="c"} 0 2
			http_requests_total{status="success",instance="d"} 0 2
			http_request_duration_seconds_sum{instance="a"} 0 1
			http_request_duration_seconds_count{instance="a"} 0 4
			http_request_duration_seconds_sum{handler="/predict",instance="b"} 0 1
			http_request_duration_seconds_count{handler="/predict",instance="b"} 0 4`,
			map[string]string{
				`error_rate{instance="a"}`: "0.25", `success_rate{instance="a"}`: "0.75", `availability{instance="a"}`: "0.75", `timeout_rate{instance="a"}`: "0.25", `requests_per_second{instance="a"}`: "4",
				`error_rate{instance="b"}`: "0.25", `success_rate{instance="b"}`: "0.75", `availability{instance="b"}`: "0.75", `requests_per_second{instance="b"}`: "4",
				`error_rate{instance="c"}`: "0", `success_rate{instance="c"}`: "1", `availability{instance="c"}`: "1", `timeout_rate{instance="c"}`: "0", `requests_per_second{instance="c"}`: "2",
				`mean_latency_ms{instance="a"}`: "250"}},
		"an engine counts its requests itself": {`
			vllm:num_requests_running{instance="a"} 1 0
			vllm:request_success_total{model_name="m",finished_reason="stop",instance="a"} 0 3
			http_requests_total{status="2xx",handler="/v1/chat/completions",method="POST",instance="a"} 0 3
			http_requests_total{status="5xx",handler="/v1/chat/completions",method="POST",instance="a"} 0 1
			http_requests_total{status="2xx",handler="/v1/models",method="GET",instance="a"} 0 9`,
			map[string]string{
				`error_rate{instance="a"}`: "0.25", `success_rate{instance="a"}`: "0.75", `availability{instance="a"}`: "0.75",
				`requests_per_second{instance="a", model="m"}`: "3"}},
		"a gateway beside an engine with a share of its own": {`
			tgi_request_count{instance="a"} 0 4
			tgi_request_success{instance="a"} 0 3
			tgi_request_failure{err="overloaded",instance="a"} 0 1
			nginx_ingress_controller_requests{status="200",instance="g"} 0 4`,
			map[string]string{
				`error_rate{instance="a"}`: "0.25", `success_rate{instance="a"}`: "0.75", `availability{instance="a"}`: "0.75", `requests_per_second{instance="a"}`: "3",
				`error_rate{instance="g"}`: "0", `success_rate{instance="g"}`: "1", `availability{instance="g"}`: "1", `timeout_rate{instance="g"}`: "0", `requests_per_second{instance="g"}`: "4"}},
	} {
		t.Run(name, func(t *testing.T) {
			store, s := mustRead(t, steady(c.text))
			cat := names(t)
			derived, err := NewEngine(Limits{}).Derive(t.Context(), Canonical(store, cat), cat, wants, time.UnixMilli(s.First), time.UnixMilli(s.Last), 15*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, name := range wants {
				for _, x := range derived.Named(name) {
					var last float64
					for _, v := range x.Points() {
						last = v
					}
					_, rest, _ := strings.Cut(x.Labels().String(), name+`"`)
					got[name+"{"+strings.TrimPrefix(rest, ", ")] = fmt.Sprintf("%.9g", last)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
