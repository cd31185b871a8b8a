package serving

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

// What engines tell of how they were started. The pages have the keys of the engines'
// own documentation.
func TestConfig(t *testing.T) {
	for name, tt := range map[string]struct {
		pages map[string][]answer
		want  map[string]string
	}{
		"vllm": {
			pages: map[string][]answer{
				"/v1/models": {{body: `{"data":[{"id":"m","owned_by":"vllm","root":"/models/m-7b","parent":null,"max_model_len":8192},{"id":"lora","owned_by":"vllm","root":"lora","parent":"m"}]}`}},
				"/metrics": {{body: `
vllm:num_requests_running{engine="0",model_name="m"} 1
vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.9",num_gpu_blocks="24188",sliding_window="None"} 1
vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="True",engine="1",gpu_memory_utilization="0.9",num_gpu_blocks="24100",sliding_window="None"} 1
`}},
			},
			want: map[string]string{"root": "/models/m-7b", "max_model_len": "8192", "block_size": "16", "cache_dtype": "auto", "enable_prefix_caching": "True", "gpu_memory_utilization": "0.9", "num_gpu_blocks": "24100, 24188"},
		},
		"vllm that tells all": {
			pages: map[string][]answer{"/metrics": {{body: `
vllm:num_requests_running 1
vllm:vllm_config_info{cache_config_block_size="8576",attention_config="` + strings.Repeat("x", 300) + `",instance_id="a1b2c",parallel_config_tensor_parallel_size="8"} 1
`}}},
			want: map[string]string{"cache_config_block_size": "8576", "parallel_config_tensor_parallel_size": "8", "attention_config": "300 bytes, sha256 0d4e2ca9e9cb"},
		},
		"sglang": {
			pages: map[string][]answer{
				"/v1/models": {models("sglang", "m")},
				"/get_server_info": {{body: `{"model_path":"org/Model-7B-Instruct","tp_size":2,"mem_fraction_static":0.88,"kv_cache_dtype":"auto","chunked_prefill_size":8192,
					"tokenizer_path":"org/Model-7B-Instruct","max_total_num_tokens":414382,"cuda_graph_bs":[1,2,4,8],"lora_paths":[],"context_length":null,"disable_radix_cache":false,
					"random_seed":123456789,"status":"ready","version":"0.5.6","skip_tokenizer_init":false,
					"internal_states":[{"last_gen_throughput":51.2,"memory_usage":{"kvcache":10}}]}`}},
			},
			want: map[string]string{"model_path": "org/Model-7B-Instruct", "tp_size": "2", "mem_fraction_static": "0.88", "kv_cache_dtype": "auto", "chunked_prefill_size": "8192",
				"tokenizer_path": "org/Model-7B-Instruct", "max_total_num_tokens": "414382", "cuda_graph_bs": "1, 2, 4, 8", "disable_radix_cache": "false", "skip_tokenizer_init": "false"},
		},
		"tgi": {
			pages: map[string][]answer{
				"/metrics": {{body: fixture(t, "tgi.txt")}},
				"/info": {{body: `{"model_id":"org/m","model_sha":"e4ab1a33c6ed9b5d31a1b1d29c2a6f8d0f6fbd3c","model_dtype":"float16","max_concurrent_requests":128,"max_input_tokens":1024,"max_total_tokens":2048,
					"validation_workers":2,"router":"text-generation-router","version":"3.3.4","sha":"abc","docker_label":null}`}},
			},
			want: map[string]string{"model_sha": "e4ab1a33c6ed9b5d31a1b1d29c2a6f8d0f6fbd3c", "model_dtype": "float16", "max_concurrent_requests": "128", "max_input_tokens": "1024", "max_total_tokens": "2048",
				"validation_workers": "2", "router": "text-generation-router", "sha": "abc"},
		},
		"llama.cpp": {
			pages: map[string][]answer{
				"/v1/models": {models("llamacpp", "m")},
				"/props": {{body: `{"default_generation_settings":{"id":0,"n_ctx":4096,"is_processing":true,"prompt":"what a user wrote","params":{"temperature":0.8,"top_k":40,"samplers":["top_k","min_p"],"logit_bias":[]}},
					"total_slots":4,"model_path":"/models/m.Q4_K_M.gguf","chat_template":"` + strings.Repeat("{{ bos_token }}", 40) + `","modalities":{"vision":false},"build_info":"b7000-abc","bos_token":"<s>","is_sleeping":false}`}},
			},
			want: map[string]string{"n_ctx": "4096", "default.temperature": "0.8", "default.top_k": "40", "default.samplers": "top_k, min_p", "model_path": "/models/m.Q4_K_M.gguf", "modalities.vision": "false",
				"chat_template": "600 bytes, sha256 7ccc7749c89b"},
		},
		"triton": {
			pages: map[string][]answer{"/v2": {{body: `{"name":"triton","version":"2.60.0","extensions":["classification","sequence"]}`}}},
			want:  map[string]string{"extensions": "classification, sequence"},
		},
		"ollama tells none": {
			pages: map[string][]answer{"/v1/models": {models("library", "a")}, "/api/version": {{body: `{"version":"0.13.1"}`}}, "/api/ps": {{body: `{"models":[]}`}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := serve(t, tt.pages)
			s, _ := read(t, Config{}, base, 0)
			if diff := cmp.Diff(tt.want, s.Config); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Nothing that may be a secret leaves an engine, wherever it stands; what only sounds a
// little like one does.
func TestConfigHasNoSecrets(t *testing.T) {
	const leaked = "leak3d"
	info := map[string]any{"version": "1", "status": "ready"}
	for _, key := range []string{"api_key", "admin_api_key", "apiKey", "OPENAI_API_KEY", "hf_token", "hfToken", "token", "secret", "client-secret", "db_password", "ssl_keyfile_password", "ssl.keyfile",
		"basic_auth", "authorization", "aws_credentials", "cookie", "webhook_url", "http_headers", "env", "dsn", "access_keys",
		"accesskey", "privateKey", "license_key", "oauth", "hf_access_token"} {
		info[key] = leaked
		info[key+"_list"] = []string{leaked}
	}
	for i, value := range []string{"sk-" + leaked + "0000", "Bearer " + leaked, "http://user:" + leaked + "@host/v1", "https://bucket/x?X-Amz-Signature=" + leaked, `--api-key ` + leaked, `{"password": "` + leaked + `"}`,
		"eyJhbGciOiJI." + leaked + ".x", "hf_" + strings.Repeat("a", 20) + leaked, leaked + "Zq7Rt2Xw9Lp4Vb8Nm1Ks6", "-----BEGIN PRIVATE KEY-----" + leaked,
		"user:" + leaked + "@host:3128", "//user:" + leaked + "@host/m", "AccountKey=" + leaked + "=="} {
		info[fmt.Sprintf("flag_%d", i)] = value
		info[fmt.Sprintf("flags_%d", i)] = []string{"x", value}
		info[fmt.Sprintf("nested_%d", i)] = map[string]any{"x": value}
	}
	info["sk-"+leaked+"0000"] = 1
	info["password"], info["pin"], info["access_token"] = 123456, 4321, 54321
	kept := map[string]any{"max_total_tokens": 5, "tokenizer_mode": "auto", "token_budget": 100, "enable_key_cache": true, "kv_cache_dtype": "fp8_e5m2", "served_model_name": "org/Llama-3.1-8B-Instruct-AWQ-INT4",
		"quantization_method": "CompressedTensorsW8A8Fp8", "dist_init_addr": "10.0.0.1:5000", "model_revision": "0e9e39f249a16976918f6564b8830bc894c89659", "own": "the credential is opensesame",
		"image_digest": "registry:5000/vllm:v0.11@sha256:" + strings.Repeat("0a", 32)}
	for key, value := range kept {
		info[key] = value
	}
	body, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/server_info", "/get_server_info"} {
		base, _ := serve(t, map[string][]answer{"/v1/models": {models("sglang", "m")}, path: {{body: string(body)}}})
		s, _ := read(t, Config{Access: remote.Access{Secrets: []string{"opensesame"}}}, base, 0)
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{leaked, "opensesame", "123456", "4321", "54321"} {
			if strings.Contains(string(out), secret) {
				t.Errorf("%s shows %s: %s", path, secret, out)
			}
		}
		for key := range kept {
			if _, ok := s.Config[key]; !ok && key != "own" {
				t.Errorf("%s lacks %s", path, key)
			}
		}
	}
	labels := `vllm:num_requests_running 1` + "\n" + `vllm:vllm_config_info{hf_token="` + leaked + `",model_config_hf_token="` + leaked + `",args="--api-key ` + leaked + `",block_size="16"} 1` + "\n"
	base, _ := serve(t, map[string][]answer{"/metrics": {{body: labels}}})
	if s, _ := read(t, Config{}, base, 0); !cmp.Equal(s.Config, map[string]string{"block_size": "16"}) {
		t.Errorf("%v", s.Config)
	}
}

// A server that says too much is cut, and the same every time.
func TestConfigIsBounded(t *testing.T) {
	info := map[string]any{"version": "1", strings.Repeat("k", maxKey+1): 1, "long": strings.Repeat("v", 1<<20), "lines": "a\nb\x1b[31m"}
	for i := range 3 * maxSettings {
		info[fmt.Sprintf("z%05d", i)] = i
	}
	body, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := serve(t, map[string][]answer{"/v1/models": {models("sglang", "m")}, "/server_info": {{body: string(body)}}})
	first, _ := read(t, Config{}, base, 0)
	again, _ := read(t, Config{}, base, 0)
	if len(first.Config) != maxSettings || len(first.Config["long"]) > maxValue || first.Config["lines"] != "a b [31m" {
		t.Errorf("%d settings, %d bytes, %q", len(first.Config), len(first.Config["long"]), first.Config["lines"])
	}
	if diff := cmp.Diff(first.Config, again.Config); diff != "" {
		t.Error(diff)
	}
}

// A lean reading asks for nothing more and does not repeat what was told.
func TestLeanHasNoConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := New(Config{Lean: true, Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked++
			if r.URL.Path != "/metrics" {
				return plain(404, ""), nil
			}
			return plain(200, "vllm:num_requests_running 1\nvllm:cache_config_info{block_size=\"16\"} 1\n"), nil
		})})
		x, err := c.Target("http://server:8000")
		if err != nil {
			t.Fatal(err)
		}
		first, _ := x.Read(t.Context(), 0)
		before := asked
		second, _ := x.Read(t.Context(), 0)
		if first.Config["block_size"] != "16" || second.Config != nil || asked != before+1 {
			t.Errorf("%v, then %v with %d requests", first.Config, second.Config, asked-before)
		}
	})
}
