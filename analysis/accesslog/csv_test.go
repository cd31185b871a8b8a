package accesslog

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCSV(t *testing.T) {
	base := func(set func(e *Event)) *Event {
		e := event("2026-03-28T11:11:40.437Z", func(e *Event) {
			e.Status = 200
			set(e)
		})
		return &e
	}
	full := base(func(e *Event) {
		e.Latency, e.TTFT, e.OutputTokens, e.Model, e.Route, e.Key = ms(2421.5), ms(72), 171, "m, \"x\"", "/v1/x", "team"
	})
	const header = "timestamp,method,path,status,latency_ms,ttft_ms,model,completion_tokens,user,error"
	const mapped = "when,code,took,first"
	units := map[string]string{"time": "when", "status": "code", "latency": "took:s", "ttft": "first:us"}
	for _, tt := range []struct {
		header, row string
		m           map[string]string
		want        *Event // nil: malformed
	}{
		{header, `2026-03-28T11:11:40.437Z,POST,/v1/x?y=1,200,2421.5,72,"m, ""x""",171,team,`, nil, full},
		{strings.ReplaceAll(header, ",", ";"), `2026-03-28T11:11:40.437Z;POST;/v1/x?y=1;200;2421.5;72;"m, ""x""";171;team;`, nil, full},
		{strings.ToUpper(header), `2026-03-28 11:11:40.437,POST,-,200,,-,,,,`, nil, base(func(*Event) {})},
		{header, `1774696300437,,,200,,,,,,stream_error`, nil, base(func(e *Event) { e.Failed, e.Error = true, "stream_error" })},
		{header, `1774696300.437,,,503,,,,,,stream_error`, nil, base(func(e *Event) { e.Status, e.Failed, e.Error = 503, true, "http_503" })},
		{header, `1774696300.437,,,,,,,,,`, nil, base(func(e *Event) { e.Status = 0 })},
		{header, `1774696300.437,,/livez,200,,,,,,`, nil, base(func(e *Event) { e.HealthCheck, e.Route = true, "/livez" })},
		{mapped, `1774696300.437,200,0.0015,1500`, units, base(func(e *Event) { e.Latency, e.TTFT = ms(1.5), ms(1.5) })},
		{"begin,took,status", `2026-03-28T11:11:40Z,437,200`, map[string]string{"start": "begin", "latency": "took:ms"},
			base(func(e *Event) { e.Latency = ms(437) })},

		{header, `not-a-time,,,,,,,,,`, nil, nil},
		{header, `,,,200,,,,,,`, nil, nil},
		{header, `only,three,columns`, nil, nil},
		{header, `#####`, nil, nil},
		{header, `2026-03-28T11:11:40Z,,,ok,,,,,,`, nil, nil},
		{header, `2026-03-28T11:11:40Z,,,200,soon,,,,,`, nil, nil},
		{header, `2026-03-28T11:11:40Z,,,200,,,"m"x,,,`, nil, nil},
		{header, `2026-03-28T11:11:40Z,,,200,,,"m,,,`, nil, nil},
		// The header is at fault.
		{"timestamp,timestamp,status", `2026-03-28T11:11:40Z,2026-03-28T11:11:40Z,200`, nil, nil},
		{"timestamp,model", `2026-03-28T11:11:40Z,m`, nil, nil},
		{"time,status", `2026-03-28T11:11:40Z,200`, nil, nil},
		{header, `2026-03-28T11:11:40Z,,,200,,,,,,`, map[string]string{"latency": "took"}, nil},
		{header, `2026-03-28T11:11:40Z,,,200,,,,,,`, map[string]string{"lateness": "took"}, nil},
	} {
		p := newCSV(Options{Map: tt.m})
		p.Parse([]byte(tt.header), func(*Event) {})
		if tt.want == nil {
			checkRow(t, p, tt.row, Malformed, nil)
			if why, _ := p.(Explainer).Explain(nil); why == "" {
				t.Errorf("%q: not said why", tt.row)
			}
			continue
		}
		checkRow(t, p, tt.row, Record, tt.want)
	}
}

func TestGenericFieldErrors(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"status", "code:ms", "a unit is for durations only"},
		{"latency", ":ms", "the name of the field is missing"},
		{"lateness", "x", "not one of time, start, status"},
	} {
		if _, err := genericFields(map[string]string{tt.name: tt.value}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: %v, want %q", tt.name, tt.value, err, tt.want)
		}
	}
	// What is no unit is a part of the name.
	fields, err := genericFields(map[string]string{"latency": "took:h"})
	if i := fieldOf(fields, roleLatency); err != nil || fields[i].name != "took:h" || fields[i].scale != 0 {
		t.Errorf("%+v, %v", fields, err)
	}
}

func fieldOf(fields []genericField, r role) int {
	for i, f := range fields {
		if f.role == r {
			return i
		}
	}
	return -1
}

// A CSV file in all its trimmings reads like the same one in plain.
func TestCSVFile(t *testing.T) {
	const plain = "timestamp,status,error,model\n" +
		"2026-03-28T11:11:40Z,200,,a\n" +
		"2026-03-28T11:11:41Z,200,\"broke,\n\"\"off\"\"\",b\n" +
		"x,200,,a\n" +
		"2026-03-28T11:11:42Z,503,,a\n"
	read := func(text string) (Summary, []Event) {
		var events []Event
		s, err := Read(t.Context(), []Source{{Name: "x", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text)), nil
		}}}, Options{Workers: 1}, func() func(*Event) { return func(e *Event) { events = append(events, *e) } })
		if err != nil {
			t.Fatal(err)
		}
		s.Bytes = 0
		return s, events
	}
	want, events := read(plain)
	if want.Format != "csv" || want.Records != 3 || want.Malformed != 1 || want.Samples[0].Line != 5 ||
		events[1].Error != "broke,\n\"off\"" {
		t.Fatalf("%+v, %+v", want, events)
	}
	for _, text := range []string{
		strings.TrimSuffix(plain, "\n"),
		"\uFEFF" + plain,
		strings.ReplaceAll(plain, "\n", "\r\n"),
	} {
		got, also := read(text)
		got.Samples, want.Samples = nil, nil
		if diff := cmp.Diff(want, got) + cmp.Diff(events, also); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestCSVHeaderErrors(t *testing.T) {
	for _, tt := range []struct {
		text string
		o    Options
		want string
	}{
		{"a,b\n1,2\n", Options{Format: "csv"}, "x:1: no column for the time: name one with --map time=…"},
		{"timestamp,b\n1,2\n", Options{Format: "csv"}, "x:1: no column for how a request ended"},
		{"at,status\n1,2\n", Options{Map: map[string]string{"time": "at", "latency": "took"}}, `x:1: no column "took" for --map latency`},
	} {
		_, err := Read(t.Context(), []Source{{Name: "x", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader([]byte(tt.text))), nil
		}}}, tt.o, ignore)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestSpendLogsCSV(t *testing.T) {
	const header = "request_id,spend,completion_tokens,startTime,endTime,completionStartTime,model,user,metadata,status,request_duration_ms"
	base := func(set func(e *Event)) *Event {
		e := event("2026-05-30T16:24:06.589Z", func(e *Event) {
			e.Latency, e.TTFT, e.OutputTokens, e.Cost, e.Model, e.Key = ms(7965), ms(257), 414, Fixed(797), "llama, 8b", "team"
			set(e)
		})
		return &e
	}
	row := func(first, metadata, status string) string {
		return `r,0.0003984,414,2026-05-30 16:23:58.624,2026-05-30 16:24:06.589,` + first + `,"llama, 8b",team,` + metadata + `,` + status + `,`
	}
	for _, tt := range []struct {
		row  string
		want *Event
	}{
		{row("2026-05-30 16:23:58.881", `{}`, "success"), base(func(*Event) {})},
		{row("2026-05-30 16:23:58.881", `"{""user_api_key_alias"": ""alias"", ""status"": ""success""}"`, "success"),
			base(func(e *Event) { e.Key = "alias" })},
		{row("2026-05-30 16:24:06.589", ``, "success"), base(func(e *Event) { e.TTFT = Absent })},
		{row("2026-05-30 16:23:58.624", ``, "success"), base(func(e *Event) { e.TTFT = Absent })},
		{row("", ``, "success"), base(func(e *Event) { e.TTFT = Absent })},
		{row("", `"{""error_information"": {""error_code"": ""429"", ""error_message"": ""said \""no\"", twice""}}"`, "failure"),
			base(func(e *Event) { e.TTFT, e.Status, e.Failed, e.Error = Absent, 429, true, "http_429" })},
		{row("", `"{""error_information"": {""error_code"": """"}}"`, "failure"),
			base(func(e *Event) { e.TTFT, e.Failed, e.Error = Absent, true, "stream_error" })},
		{row("", `"{""error_information"": {""error_code"": ""499""}}"`, "failure"),
			base(func(e *Event) {
				e.TTFT, e.Status, e.Failed, e.Error, e.Cancelled = Absent, 499, true, "http_499", true
			})},
		{row("", `"{broken"`, "failure"), base(func(e *Event) { e.TTFT, e.Failed, e.Error = Absent, true, "stream_error" })},
		{`not-a-time,,,,,,,,,,`, nil},
		{`only,three,columns`, nil},
		{row("soon", ``, "success"), nil},
	} {
		p := spendLogsCSVFormat().New(Options{})
		p.Parse([]byte(header), nil)
		if tt.want == nil {
			checkRow(t, p, tt.row, Malformed, nil)
			continue
		}
		checkRow(t, p, tt.row, Record, tt.want)
	}
}

func TestCSVCorpora(t *testing.T) {
	checkCorpus(t, "csv", "truth.json", csvFormat(), clientErrors(429)...)
	checkCorpus(t, "litellm-spendlogs", "truth.json", spendLogsCSVFormat(), clientErrors()...)
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(`2026-03-28T11:11:40.437Z,POST,/v1/x?y=1,200,2421.5,72,"m, ""x""",171,team,`))
	f.Add([]byte("1774696300,,,,-,\"\",\"a\r\nb\",,,\"stream, error\""))
	fuzzParser(f, func() Parser { return newCSV(Options{}) }, "timestamp,method,path,status,latency_ms,ttft_ms,model,completion_tokens,user,error")
}

func FuzzSpendLogsCSV(f *testing.F) {
	f.Add([]byte(`r,414,2026-05-30 16:23:58.624,2026-05-30 16:24:06.589,,"llama, 8b","{""error_information"": {""error_code"": ""429""}}",failure`))
	fuzzParser(f, func() Parser { return spendLogsCSVFormat().New(Options{}) },
		"request_id,completion_tokens,startTime,endTime,completionStartTime,model,metadata,status")
}
