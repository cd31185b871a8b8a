package accesslog

import "testing"

func TestEnvoyText(t *testing.T) {
	const end = ` "10.0.0.7" "Zürich/2.0 "quoted"" "7e81f8df" "llm.example.com" "10.1.0.2:8000"`
	const start = `[2026-05-31T15:36:41.555Z] "POST /v1/chat/completions?x=1 HTTP/1.1" `
	base := func(set func(e *Event)) *Event {
		e := event("2026-05-31T15:36:44.902Z", func(e *Event) {
			e.Status, e.Route, e.Latency, e.TTFT = 200, "/v1/chat/completions", ms(3347), ms(174)
			set(e)
		})
		return &e
	}
	good := base(func(*Event) {})
	parser := func() Parser { return envoyTextFormat().New(Options{}) }
	for _, tt := range []struct {
		row  string
		want *Event
	}{
		{start + `200 - 4704 74440 3347 174` + end, good},
		// Istio
		{start + `200 - via_upstream - "-" 4704 74440 3347 174` + end + ` outbound|8000||vllm 10.0.0.2:1 10.0.0.1:8000 - - default`, good},
		{start + `0 DC 4704 0 3347 -` + end, base(func(e *Event) { e.Status, e.TTFT, e.Cancelled = 0, Absent, true })},
		{start + `200 DC 4704 0 3347 174` + end, base(func(e *Event) { e.Cancelled = true })},
		{start + `503 DC 4704 0 3347 174` + end, base(func(e *Event) { e.Status, e.Failed, e.Error = 503, true, "http_503" })},
		{start + `503 UF,URX 4704 0 3347 -` + end, base(func(e *Event) {
			e.Status, e.TTFT, e.Failed, e.Error, e.Notes = 503, Absent, true, "http_503", RetryTold|Retried
		})},
		{start + `200 UPE 4704 0 3347 174` + end, base(func(e *Event) { e.Failed, e.Error = true, "stream_error" })},
		{start + `206 URX,UT 4704 0 3347 174` + end, base(func(e *Event) {
			e.Status, e.Failed, e.Error, e.Notes = 206, true, "stream_error", RetryTold|Retried
		})},
		{start + `200 URX 4704 0 3347 174` + end, base(func(e *Event) { e.Notes = RetryTold | Retried })}, // not one of those that mark a broken stream
		{start + `301 UC 4704 0 3347 174` + end, base(func(e *Event) { e.Status = 301 })},
		{`[2026-05-31T15:36:44.902Z] "- - HTTP/1.1" 400 DPE 0 11 - -` + end, base(func(e *Event) {
			e.Status, e.Route, e.Latency, e.TTFT, e.Failed, e.Error = 400, "", Absent, Absent, true, "http_400"
		})},
	} {
		checkRow(t, parser(), tt.row, Record, tt.want)
	}
	checkRow(t, parser(), "", NoRecord, nil)
	checkRow(t, parser(), `[2026-05-31T15:36:41.555Z] "- - -" 0 - - - "-" 1234 5678 90 - "-" "-" "-" "-" "10.1.0.2:8000" x`, NoRecord, nil)
	for _, row := range []string{
		`[2026-03-01T00:00`, `----`, `] "GET / HTTP/1.1" x y z`,
		`10.0.0.9 - - [not a time] "POST / HTTP/1.1" abc`,
		`[2026-05-31T15:36:41.555Z]`,
		start + `200 - 4704 74440 3347`,
		start + `200 - 4704 74440 x 174` + end,
		start + `200 - 4704 74440 3347 x` + end,
		start + `2000 - 4704 74440 3347 174` + end,
		start + `200 - 4704 74440 3347 174 "10.0.0.7" "curl" "7e81f8df" "llm.example.com"`,
		start + `200 - 4704 74440 3347 174 "10.0.0.7" "curl" "7e81f8df" "llm.example.com" "10.1.0`,
	} {
		checkRow(t, parser(), row, Malformed, nil)
	}
}

func TestEnvoyTextCorpus(t *testing.T) {
	checkCorpus(t, "envoy-text", "truth.json", envoyTextFormat(), clientErrors()...)
}

func FuzzEnvoyText(f *testing.F) {
	f.Add([]byte(`[2026-05-31T15:36:41.555Z] "POST /v1/x?y HTTP/1.1" 200 UC,UT 4704 74440 3347 174 "-" "a "b"" "c" "d" "e"`))
	f.Add([]byte(`[2026-05-31T15:36:41.555Z] "- - -" 0 - - - "-" 1234 5678 90 - "-" "-" "-" "-" "10.1.0.2:8000" x`))
	fuzzParser(f, func() Parser { return envoyTextFormat().New(Options{}) })
}
