package accesslog

import "testing"

func TestNginx(t *testing.T) {
	const prefix = `10.234.162.77 - team-red-6 [14/May/2026:11:05:41 +0200] "POST /v1/chat/completions?api-version=1 HTTP/1.1" `
	base := func(set func(e *Event)) *Event {
		e := event("2026-05-14T11:05:41+02:00", func(e *Event) {
			e.Status, e.Route = 200, "/v1/chat/completions"
			set(e)
		})
		return &e
	}
	plain := base(func(*Event) {})
	timed := base(func(e *Event) { e.Latency, e.TTFT = ms(4124), ms(293) })
	retried := base(func(e *Event) { e.Latency, e.TTFT, e.Notes = ms(4124), ms(293), RetryTold|Retried })
	total := base(func(e *Event) { e.Latency = ms(4124) })
	for _, tt := range []struct {
		row  string
		want *Event
	}{
		{prefix + `200 77480`, plain},
		{prefix + `200 -`, plain},
		{prefix + `200 77480 "-" "curl/8.5.0"`, plain},
		{prefix + `200 77480 "-" "say \"hi\" \\"`, plain},
		{prefix + `200 77480 "-" "curl/8.5.0" "10.0.0.1"`, plain},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 0.293`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" "4.124" "0.293"`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" "10.0.0.1" 4.124 0.293`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 0.100, 0.293`, retried},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 -, 0.293`, retried},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 0.293, -`, retried},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 0.1 : 0.293`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124 -`, total},
		{prefix + `200 77480 "-" "curl/8.5.0" 4.124`, total},
		{prefix + `200 77480 4.124 0.293`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" rt=4.124 uct="0.001" uht="0.100, 0.293" urt="0.5"`, retried},
		{prefix + `200 77480 "-" "curl/8.5.0" "-" rt=4.124 uct=0.001 uht=0.293 urt=4.1 gz=3.21`, timed},
		{prefix + `200 77480 "-" "curl/8.5.0" rt=4.124 uht="-"`, total},
		{prefix + `200 77480 "-" "curl/8.5.0" request_time=4.124 upstream_header_time=0.293`, timed},
		// ingress-nginx: the length of the request, then its time; what follows is of the upstream.
		{prefix + `200 77480 "-" "curl/8.5.0" 1204 4.124 [llm-vllm-8000] [] 10.1.0.2:8000 77480 4.120 200 8f1c`, total},
		// A whole number alone may be anything here.
		{prefix + `200 77480 "-" "curl/8.5.0" 4124000`, plain},
		{prefix + `200 77480 "-" "curl/8.5.0" 4/4124000`, total},
		{`llm.example.com:443 ::1 - - [14/May/2026:11:05:41 +0200] "POST /v1/chat/completions HTTP/2.0" 200 1`, plain},
		{`10.0.0.1 - [me] [14/May/2026:11:05:41 +0200] "POST https://llm.example.com/v1/chat/completions HTTP/2.0" 200 1`, plain},
		{`10.0.0.1 - - [14/May/2026:11:05:41 +0200] "\x16\x03\x01" 400 157 "-" "-"`,
			base(func(e *Event) { e.Status, e.Route, e.Failed, e.Error = 400, "", true, "http_400" })},
		{`10.0.0.1 - - [14/May/2026:11:05:41 +0200] "-" 408 - "-" "-"`,
			base(func(e *Event) { e.Status, e.Route, e.Failed, e.Error = 408, "", true, "http_408" })},
		{prefix + `499 0 "-" "curl/8.5.0" 10.260 -`, base(func(e *Event) {
			e.Status, e.Latency, e.Failed, e.Error, e.Cancelled = 499, ms(10260), true, "http_499", true
		})},
		{`10.0.0.1 - - [14/May/2026:11:05:41 +0200] "GET /healthz?x HTTP/1.1" 200 90 "-" "kube-probe/1.31" 0.004 0.004`,
			base(func(e *Event) { e.Route, e.HealthCheck, e.Latency, e.TTFT = "/healthz", true, ms(4), ms(4) })},
	} {
		checkRow(t, newNginx(loneUnknown)(Options{}), tt.row, Record, tt.want)
	}
	checkRow(t, newNginx(loneMicroseconds)(Options{}), prefix+`200 77480 "-" "curl/8.5.0" 4124000`, Record, total)
	checkRow(t, newNginx(loneSeconds)(Options{}), prefix+`200 77480 "-" "curl/8.5.0" 4`, Record,
		base(func(e *Event) { e.Latency = ms(4000) }))

	for _, row := range []string{
		"\x01\x02\x03 binary",
		`] "GET / HTTP/1.1" x y z`,
		`[2026-03-01T00:00`,
		`10.0.0.9 - - [not a time] "POST / HTTP/1.1" abc`,
		`10.0.0.9 - - [31/Feb/2026:11:05:41 +0000] "POST / HTTP/1.1" 200 1`,
		`[14/May/2026:11:05:41 +0000] "POST / HTTP/1.1" 200 1`,
		`10.0.0.9 - - [14/May/2026:11:05:41 +0000] "POST / HTTP/1.1`,
		`10.0.0.9 - - [14/May/2026:11:05:41 +0000] "POST / HTTP/1.1" 20x 1`,
		`10.0.0.9 - - [14/May/2026:11:05:41 +0000] "POST / HTTP/1.1" 200`,
		prefix + `200 77480 "-" "Mozilla/5.0 (compatible; Googlebot/2.1`,
		prefix + `200 77480 "-" "curl/8.5.0\"`,
		prefix + `200 77480 "-" "curl/8.5.0" rt=4.124 uht="0.1`,
	} {
		checkRow(t, newNginx(loneUnknown)(Options{}), row, Malformed, nil)
	}
	checkRow(t, newNginx(loneUnknown)(Options{}), " \t", NoRecord, nil)
}

func TestNginxDetect(t *testing.T) {
	const prefix = `10.0.0.1 - - [14/May/2026:11:05:41 +0200] "POST /v1/x HTTP/1.1" 200 1 "-" "-" `
	rows := func(tails ...string) (all [][]byte) {
		for _, tail := range tails {
			all = append(all, []byte(prefix+tail))
		}
		return all
	}
	for _, tt := range []struct {
		rows [][]byte
		want string
	}{
		{rows("4.124 0.293", "1.000 -", "0 0.1"), "nginx"},
		{rows("4124000", "90", "12"), "apache-us"},
		{rows("4", "0", "12"), "apache-s"},
		{rows("1204", "980", "3100"), "nginx"}, // as likely the length of the request
		{[][]byte{[]byte("garbage"), []byte(prefix)}, "nginx"},
		{[][]byte{[]byte("garbage")}, ""},
	} {
		best, name := 0, ""
		for _, f := range []Format{nginxFormat(), apacheMicrosecondsFormat(), apacheSecondsFormat()} {
			if sure := f.Detect(tt.rows); sure > best {
				best, name = sure, f.Name
			}
		}
		if name != tt.want {
			t.Errorf("%q…: %q, want %q", tt.rows[0], name, tt.want)
		}
	}
}

func TestNginxCorpora(t *testing.T) {
	checkCorpus(t, "nginx", "truth.json", nginxFormat(), clientErrors()...)
	checkCorpus(t, "apache", "truth_alt.json", nginxFormat(), 400, 401, 403, 404, 405, 413, 415, 416, 422, 499)
}

func FuzzNginx(f *testing.F) {
	f.Add([]byte(`10.0.0.1 - - [14/May/2026:11:05:41 +0200] "POST /v1/x HTTP/1.1" 200 1 "-" "-" 4.124 -, 0.293`))
	f.Add([]byte(`::1 - - [14/May/2026:11:05:41 +0200] "-" 400 - "-" "a\"b" rt=1 uht="0.1 : -"`))
	fuzzParser(f, func() Parser { return newNginx(loneMicroseconds)(Options{}) })
}
