package accesslog

import (
	"bytes"
	"testing"
)

// BenchmarkText is the parsers alone, on rows that are in the cache.
func BenchmarkText(b *testing.B) {
	for _, bench := range []struct {
		format Format
		rows   []string
	}{
		{nginxFormat(), []string{
			`10.234.162.77 - team-red-6 [14/May/2026:11:05:41 +0000] "POST /v1/chat/completions HTTP/1.1" 200 77480 "-" "OpenAI/Python 1.54.4" 4.124 0.293`,
			`10.143.90.4 - team-red-0 [14/May/2026:09:43:21 +0000] "POST /v1/completions?api-version=2024-06-01 HTTP/1.1" 503 190 "-" "curl/8.5.0" 7.683 -`,
		}},
		{envoyTextFormat(), []string{
			`[2026-05-31T15:36:41.555Z] "POST /v1/chat/completions HTTP/1.1" 200 - 4704 74440 3347 174 "10.83.210.110" "curl/8.5.0" "7e81f8df-2dc9-47c6-a314-56f8c7041a4a" "llm.example.com" "10.1.0.2:8000"`,
		}},
		{vllmCRIFormat(), []string{
			`2026-04-05T07:49:08.115000000Z stdout F (APIServer pid=1) INFO:     10.199.86.208:30001 - "POST /v1/chat/completions HTTP/1.1" 200 OK`,
			`2026-04-05T07:49:35.740Z stderr F (EngineCore_0 pid=77) WARNING 03-01 10:00:00 [scheduler.py:500] "POST /v1/chat/completions HTTP/1.1" is only a text here`,
		}},
		{vllmDockerFormat(), []string{
			`{"log":"(APIServer pid=1) INFO:     10.199.86.208:30001 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK\n","stream":"stdout","time":"2026-04-05T07:49:08.115000000Z"}`,
		}},
		{csvFormat(), []string{
			`timestamp,method,path,status,latency_ms,ttft_ms,model,prompt_tokens,completion_tokens,user,error,user_agent`,
			`2026-03-28T11:11:40.437Z,POST,/v1/chat/completions,200,2421,72,gpt-4o-mini,201,171,team-red-0,,OpenAI/Python 1.54.4`,
		}},
		{spendLogsCSVFormat(), []string{
			`request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,completionStartTime,model,model_id,model_group,custom_llm_provider,api_base,user,metadata,cache_hit,cache_key,request_tags,team_id,end_user,requester_ip_address,messages,response,session_id,status,request_duration_ms`,
			`4183159b-3592-41ca-a108-eda12d20e169,acompletion,88dc000000000000000000000000000000000000000000000000000000000000,0.000398400,1414,1000,414,2026-05-30 16:23:58.624,2026-05-30 16:24:06.589,2026-05-30 16:23:58.881,llama-3.1-8b-instruct,id-0,llama,vllm,https://vllm.example/v1,team-blue-0,"{""user_api_key_alias"": ""team-blue-0"", ""status"": ""success""}",False,Cache OFF,"[""User-Agent: curl""]",blue,,10.43.234.114,{},{},,success,`,
		}},
	} {
		b.Run(bench.format.Name, func(b *testing.B) {
			p := bench.format.New(Options{})
			var rows [][]byte
			size := 0
			for i, row := range bench.rows {
				if i == 0 && bench.format.CSV {
					p.Parse([]byte(row), nil)
					continue
				}
				rows = append(rows, bytes.Clone([]byte(row)))
				size += len(row) + 1
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			events := 0
			emit := func(*Event) { events++ }
			for b.Loop() {
				for _, row := range rows {
					p.Parse(row, emit)
				}
			}
			if events < b.N {
				b.Fatalf("%d events of %d times %d rows", events, b.N, len(rows))
			}
		})
	}
}
