package accesslog

import "testing"

func TestAccessLine(t *testing.T) {
	for _, tt := range []struct {
		message, target, status string
		kind                    Row
	}{
		{`(APIServer pid=1) INFO:     10.1.2.3:30001 - "POST /v1/chat/completions?x HTTP/1.1" 200 OK`, "/v1/chat/completions?x", "200", Record},
		{`INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 503 Service Unavailable`, "/v1/x", "503", Record},
		{`INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 599`, "/v1/x", "599", Record},
		{`[2026-05-01 10:00:00] INFO:     ::1:30001 - "POST /generate HTTP/1.1" 200 OK`, "/generate", "200", Record},
		{`INFO:      - "GET /v1/models HTTP/1.1" 200 OK`, "/v1/models", "200", Record},
		{"\x1b[1;36m(APIServer pid=1)\x1b[0;0m \x1b[32mINFO\x1b[0m:     10.1.2.3:1 - \"\x1b[1mGET /v1/x HTTP/1.1\x1b[0m\" \x1b[32m200 OK\x1b[0m", "/v1/x", "200", Record},
		{``, "", "", NoRecord},
		{`INFO:     Application startup complete.`, "", "", NoRecord},
		{`INFO:     Started server process [1]`, "", "", NoRecord},
		{`INFO:     10.1.2.3:1 - "WebSocket /v1/realtime" [accepted]`, "", "", NoRecord},
		{`INFO:     `, "", "", NoRecord},
		{`(EngineCore_0 pid=77) WARNING 03-01 10:00:00 [scheduler.py:500] "POST /v1/chat/completions HTTP/1.1" is only a text here`, "", "", NoRecord},
		{`(APIServer pid=1) INFO 03-01 10:00:00 [logger.py:1] Received: 'INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 500'`, "", "", NoRecord},
		{`ERROR:    10.1.2.3:1 - "GET /v1/x HTTP/1.1" 500`, "", "", NoRecord},
		{`INFO:     said - "GET /v1/x HTTP/1.1" 500`, "", "", NoRecord},
		{`(APIServer pid=1) INFO:     10.1.2`, "", "", Malformed},
		{`INFO:     10.1.2.3:30001 -`, "", "", Malformed},
		{`INFO:     10.1.2.3:30001 - "POST /v1/x HT`, "", "", Malformed},
		{`INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1"`, "", "", Malformed},
		{`INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 20`, "", "", Malformed},
		{`INFO:     10.1.2.3:30001 - "garbage" 200 OK`, "", "", Malformed},
	} {
		var a accessLine
		kind := a.read([]byte(tt.message))
		if kind != tt.kind || kind == Record && (string(a.target) != tt.target || string(a.status) != tt.status) {
			t.Errorf("%q: row is %d, %q %q, want %d", tt.message, kind, a.target, a.status, tt.kind)
		}
	}
}

func TestCRI(t *testing.T) {
	const line = `(APIServer pid=1) INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 200 OK`
	const at = `2026-04-05T07:49:08.115000001Z `
	good := event("2026-04-05T07:49:08.116Z", func(e *Event) { e.Status, e.Route = 200, "/v1/x" })
	for _, tt := range []struct {
		rows []string
		kind Row // of the last row
		n    int // events
	}{
		{[]string{at + "stdout F " + line}, Record, 1},
		{[]string{at + "stdout F:x " + line}, Record, 1},
		{[]string{at + "stdout P " + line[:20], at + "stdout F " + line[20:]}, Record, 1},
		{[]string{at + "stdout P " + line[:20], at + "stdout P " + line[20:30], at + "stdout F " + line[30:]}, Record, 1},
		{[]string{at + "stdout P " + line[:20], at + "stderr F INFO:     something", at + "stdout F " + line[20:]}, Record, 1},
		{[]string{at + "stdout P " + line, at + "stdout F "}, Record, 1},
		{[]string{at + "stdout P " + line[:20]}, NoRecord, 0},
		{[]string{at + "stdout F "}, NoRecord, 0},
		{[]string{at + "stdout F"}, NoRecord, 0},
		{[]string{""}, NoRecord, 0},
		{[]string{at + "stdout X " + line}, Malformed, 0},
		{[]string{at + "stdin F " + line}, Malformed, 0},
		{[]string{"stdout F " + line}, Malformed, 0},
		{[]string{line}, Malformed, 0},
		{[]string{at}, Malformed, 0},
		{[]string{"2026-04-0"}, Malformed, 0},
		{[]string{at + "stdout F " + line[:60]}, Malformed, 0},
	} {
		events, kind := parsed(vllmCRIFormat().New(Options{}), tt.rows...)
		if kind != tt.kind || len(events) != tt.n {
			t.Errorf("%q: row is %d with %d events, want %d with %d", tt.rows, kind, len(events), tt.kind, tt.n)
		}
		for _, e := range events {
			if e != good {
				t.Errorf("%q: %+v, want %+v", tt.rows, e, good)
			}
		}
	}
}

// A part without an end must not grow with the file.
func TestCRIPartsAreBounded(t *testing.T) {
	var p criParser
	row := "2026-04-05T07:49:08Z stdout P " + string(make([]byte, 10_000))
	for range 100 {
		parsed(&p, row)
	}
	if n := len(p.parts[0]); n > partLimit {
		t.Errorf("%d bytes kept, want at most %d", n, partLimit)
	}
}

func TestCRICorpus(t *testing.T) {
	checkCorpus(t, "vllm-cri", "truth.json", vllmCRIFormat(), clientErrors()...)
}

func FuzzCRI(f *testing.F) {
	f.Add([]byte(`2026-04-05T07:49:08.115Z stdout F (APIServer pid=1) INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 200 OK`))
	f.Add([]byte("2026-04-05T07:49:08.115Z stdout F 0.1:2 - \"\x1b[1mGET /v1/x HTTP/1.1\x1b[0m\" \x1b[32m200 OK\x1b[0m"))
	fuzzParser(f, func() Parser { return vllmCRIFormat().New(Options{}) }, `2026-04-05T07:49:08.115Z stdout P INFO:     10.`)
}
