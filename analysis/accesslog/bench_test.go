package accesslog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
)

// sampleLog is rows like those of a format that differ as those of a log do, at
// least size bytes.
func sampleLog(format string, size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		ms, status := i%1000, 200
		if i%50 == 0 {
			status = 503
		}
		switch format {
		case "envoy-ai-gateway":
			fmt.Fprintf(&b, `{"start_time":"2026-03-%02dT07:%02d:%02d.%03dZ","method":"POST","x-envoy-origin-path":"/v1/chat/completions","protocol":"HTTP/1.1","response_code":%d,"response_code_details":"via_upstream","connection_termination_details":null,"response_flags":"-","upstream_transport_failure_reason":null,"bytes_received":%d,"bytes_sent":%d,"duration":%d,"x-envoy-upstream-service-time":"%d","x-forwarded-for":"10.117.%d.%d","user-agent":"langchain/0.3.7 (batch)","x-request-id":"f117b4b8-6ec7-4b84-a66d-%012d",":authority":"llm.example.com","upstream_host":"10.1.0.6:8000","upstream_cluster":"httproute/default/llm/rule/%d","upstream_local_address":"10.1.9.9:%d","downstream_local_address":"10.1.9.9:10080","downstream_remote_address":"10.117.121.123:%d","requested_server_name":null,"route_name":"httproute/default/llm/rule/4/match/0/*","genai_model_name":"model-%d","genai_model_name_override":null,"genai_backend_name":"default/mistral/route/llm/rule/4/ref/0","genai_tokens_input":%d,"genai_tokens_output":%d,"genai_tokens_total":%d,"token_latency_ttft":%d,"token_latency_itl":%d.%03d,"session.id":"team-blue-%d"}`+"\n",
				1+i%28, i%60, i/60%60, ms, status, i%9000, i*7%90000, 100+i*13%9000, 20+i%700, i%256, i*3%256, i, i%5, 10000+i%20000, 20000+i%20000, i%5, i%3000, i%700, i%3700, 20+i%700, 5+i%30, ms, i%12)
		case "llmops":
			fmt.Fprintf(&b, `{"schema":"llmops.request/v1","id":%d,"scheduled_at":"2026-04-19T20:29:05.021Z","sent_at":"2026-04-19T20:29:05.021Z","first_byte_at":"2026-04-19T20:29:05.302Z","first_token_at":"2026-04-19T20:29:05.302Z","last_token_at":"2026-04-19T20:29:07.023Z","done_at":"2026-04-%02dT20:%02d:%02d.%03dZ","status":%d,"ok":%v,"error":"","prompt_tokens":%d,"completion_tokens":%d,"ttft_ms":%d,"tpot_ms":21.5125,"latency_ms":%d,"queue_ms":0,"model":"mistral-small-%d","session":"","quality":null}`+"\n",
				i, 1+i%28, i%60, i/60%60, ms, status, status == 200, i%4000, i%800, 20+i%700, 100+i*13%9000, i%5)
		case "nginx":
			fmt.Fprintf(&b, `10.1.%d.%d - team-blue-%d [14/May/2026:%02d:%02d:41 +0200] "POST /v1/chat/completions HTTP/1.1" %d %d "-" "OpenAI/Python 1.54.4" %d.%03d 0.%03d`+"\n",
				i%256, i*3%256, i%12, i/60%24, i%60, status, i*7%90000, i%20, ms, ms)
		}
	}
	return b.Bytes()
}

func memory(name string, b []byte) Source {
	return Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"envoy-ai-gateway", "llmops", "nginx"} {
		log := sampleLog(format, 64<<20)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", format, workers), func(b *testing.B) {
				if workers > runtime.NumCPU() {
					b.Skip("too few processors")
				}
				b.SetBytes(int64(len(log)))
				for b.Loop() {
					var n atomic.Int64
					s, err := Read(context.Background(), []Source{memory("x", log)}, Options{Workers: workers}, func() func(*Event) {
						return func(*Event) {}
					})
					if err != nil || s.Malformed > 0 || s.Format != format {
						b.Fatal(s, err)
					}
					n.Add(s.Records)
				}
			})
		}
	}
}

func BenchmarkJSONObject(b *testing.B) {
	log := sampleLog("envoy-ai-gateway", 1<<20)
	var rows [][]byte
	for rest := log; len(rest) > 0; {
		n := splitter{}.next(rest)
		rows = append(rows, rest[:n-1])
		rest = rest[n:]
	}
	var r jsonReader
	s := newShape("start_time", "response_code", "duration")
	out := make([]field, 3)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		for _, row := range rows {
			if !r.row(row, s, out) {
				b.Fatal("not valid")
			}
		}
	}
}
