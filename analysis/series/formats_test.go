package series

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"llmops/analysis/accesslog"
)

const minTime, maxTime = -1 << 63, 1<<63 - 1

// dump is a store as text: a line for each sample; stale markers as "stale".
func dump(s *Store) string {
	var b strings.Builder
	for _, x := range s.Series() {
		it := x.iterator(minTime, maxTime)
		for it.Next() != chunkenc.ValNone {
			t, v := it.At()
			text := fmt.Sprint(v)
			if value.IsStaleNaN(v) {
				text = "stale"
			}
			fmt.Fprintf(&b, "%s %s @%d\n", x.Labels(), text, t)
		}
	}
	return b.String()
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

// The same two series in every format.
func TestFormats(t *testing.T) {
	want := lines(`{__name__="gpu_utilization", gpu="0"} 0.5 @1780000000000`, `{__name__="gpu_utilization", gpu="0"} 0 @1780000015250`,
		`{__name__="queue_length"} -3 @1780000000000`)
	for name, c := range map[string]struct{ format, text string }{
		"wide":                      {"csv-wide", "timestamp,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n1780000000,0.5,-3\n1780000015.25,0,\n"},
		"wide, CRLF, no end":        {"csv-wide", "timestamp,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\r\n1780000000000,0.5,-3\r\n1780000015250,0,"},
		"wide, quoted cells":        {"csv-wide", "Time,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n\"1780000000\",\"0.5\",\"-3.0\"\n\"2026-05-28 20:26:55.250\",\"0\",\"\"\n"},
		"wide, an index column":     {"csv-wide", ",timestamp,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n0,1780000000,0.5,-3\n1,1780000015.25,0,NaN\n"},
		"wide, semicolons":          {"csv-wide", "ts;gpu_utilization{gpu=\"0\"};queue_length\n2026-05-28T20:26:40Z;.5;-3e0\n2026-05-28T22:26:55.25+02:00;0.0;null\n"},
		"wide, microseconds, a BOM": {"csv-wide", "\uFEFFtimestamp,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n1780000000000000,0.5,-3\n\n1780000015250000,0,NA\n"},
		"wide, unsorted":            {"csv-wide", "timestamp,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n1780000015250000000,0,\n1780000000000000000,0.5,-3\n"},
		"wide, an unnamed date":     {"csv-wide", "when,\"gpu_utilization{gpu=\"\"0\"\"}\",queue_length\n2026-05-28 20:26:40,0.5,-3\n2026-05-28 20:26:55.25,0,-\n"},
		"long":                      {"csv-long", "timestamp,metric,value,gpu\n1780000000,gpu_utilization,0.5,0\n1780000000,queue_length,-3,\n1780000015.25,gpu_utilization,0,0\n1780000016,queue_length,,\n"},
		"long, another order":       {"csv-long", "metric,gpu,value,timestamp\nqueue_length,,-3,1780000000\n\"gpu_utilization\",0,0.5,1780000000\ngpu_utilization,0,0,1780000015.25\n"},
		"long, labels in the name":  {"csv-long", "timestamp,metric,value\n1780000000,\"gpu_utilization{gpu=\"\"0\"\"}\",0.5\n1780000000,queue_length,-3\n1780000015250,\"gpu_utilization{gpu=\"\"0\"\"}\",0\n"},
		"matrix": {"prometheus-json", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"gpu_utilization","gpu":"0"},"values":[[1780000000,"0.5"],[1780000015.25,"0"]]},` +
			`{"metric":{"__name__":"queue_length"},"values":[[1780000000,"-3"]]}]}}`},
		"matrix, spread out": {"prometheus-json", "{ \"data\" : {\n \"result\": [ { \"values\": [ [ 1780000000.000 , \"0.5\" ],\n [1780000015.250, 0] ], \"metric\": {\"__name__\": \"gpu\\u005futilization\", \"gpu\":\"0\", \"x\":\"\"}, \"more\":[{\"a\":\"]\\\"}\"},null,1.5]} ,\n" +
			"{\"metric\":{\"__name__\":\"queue_length\"},\"values\":[[1780000000,\"-3\"]]} ], \"resultType\":\"matrix\" }, \"status\" : \"success\"}\n"},
		"data only":   {"prometheus-json", `{"resultType":"matrix","result":[{"metric":{"__name__":"queue_length"},"values":[[1780000000,"-3"]]},{"metric":{"__name__":"gpu_utilization","gpu":"0"},"values":[[1780000000,"0.5"],[1780000015.25,"0"]]}]}`},
		"result only": {"prometheus-json", `[{"metric":{"__name__":"queue_length"},"value":[1780000000,"-3"]},{"metric":{"__name__":"gpu_utilization","gpu":"0"},"values":[[1780000000,"0.5"],[1780000015.25,"0"]]}]`},
		"vectors": {"prometheus-json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"queue_length"},"value":[1780000000,"-3"]},{"metric":{"__name__":"gpu_utilization","gpu":"0"},"value":[1780000000,"0.5"]}]}}` + "\n" +
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"gpu_utilization","gpu":"0"},"value":[1780000015.25,"0"]}]}}`},
		"VictoriaMetrics":              {"victoriametrics", `{"metric":{"__name__":"gpu_utilization","gpu":"0"},"values":[0.5,0],"timestamps":[1780000000000,1780000015250]}` + "\n" + `{"metric":{"__name__":"queue_length"},"values":[-3],"timestamps":[1780000000000]}` + "\n"},
		"VictoriaMetrics, other order": {"victoriametrics", `{"timestamps": [1780000000000, 1780000015250], "values": [0.5, 0.0], "metric": {"__name__": "gpu_utilization", "gpu": "0"}}` + "\n\n" + `{"metric":{"__name__":"queue_length"},"values":["-3"],"timestamps":[1780000000000]}`},
		"text in ms":                   {"prometheus-text", "# HELP gpu_utilization how busy\n# TYPE gpu_utilization gauge\ngpu_utilization{gpu=\"0\"} 0.5 1780000000000\ngpu_utilization{gpu=\"0\"} 0 1780000015250\n# TYPE queue_length gauge\nqueue_length -3 1780000000000\n"},
		"OpenMetrics":                  {"prometheus-text", "# TYPE gpu_utilization gauge\ngpu_utilization{gpu=\"0\"} 0.5 1780000000 # {trace_id=\"a\"} 0.4 1\ngpu_utilization{gpu=\"0\"} 0 1780000015.25\nqueue_length -3.0 1780000000\n# EOF\n"},
		"tsdb dump":                    {"prometheus-text", "{__name__=\"gpu_utilization\", gpu=\"0\"} 0.5 1780000000000\n{__name__=\"gpu_utilization\", gpu=\"0\"} 0 1780000015250\n{__name__=\"queue_length\"} -3 1780000000000\n"},
		"quoted names":                 {"prometheus-text", "{\"gpu_utilization\",gpu=\"0\"} 0.5 1780000000000\n  gpu_utilization { gpu = \"0\" , }\t0 1780000015250  \r\nqueue_length{} -3 1780000000000\n"},
	} {
		t.Run(name, func(t *testing.T) {
			store, s := mustRead(t, c.text)
			if got := dump(store); got != want {
				t.Errorf("%s", cmp.Diff(want, got))
			}
			if s.Format != c.format || s.Points != 3 || s.Series != 2 || s.Malformed != 0 || s.First != 1780000000000 || s.Last != 1780000015250 {
				t.Errorf("%+v", s)
			}
			for ending, packed := range map[string]string{"gz": gz(t, c.text), "zst": zst(t, c.text)} {
				if again, _ := mustRead(t, packed); dump(again) != want {
					t.Errorf("%s: %s", ending, cmp.Diff(want, dump(again)))
				}
			}
		})
	}
}

func gz(t *testing.T, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// What is not a plain number, and what comes twice.
func TestMissingAndTwice(t *testing.T) {
	for name, c := range map[string]struct {
		text             string
		want             string
		missing, dropped int64
	}{
		"empty cells are no samples": {"timestamp,a,b\n1780000000,,0\n1780000001,null,NaN\n1780000002,1,N/A\n",
			lines(`{__name__="a"} 1 @1780000002000`, `{__name__="b"} 0 @1780000000000`), 0, 0},
		"the last of equal times": {"timestamp,a\n1780000001,1\n1780000000,2\n1780000001,3\n1780000001,\n",
			lines(`{__name__="a"} 2 @1780000000000`, `{__name__="a"} 3 @1780000001000`), 0, 1},
		"NaN in text": {"a 1 1780000000\na NaN 1780000001\na +Inf 1780000002\n",
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="a"} stale @1780000001000`, `{__name__="a"} +Inf @1780000002000`), 1, 0},
		"NaN in an answer": {`{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[1780000000,"1"],[1780000001,"NaN"],[1780000002,"-Inf"]]}]}`,
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="a"} stale @1780000001000`, `{__name__="a"} -Inf @1780000002000`), 1, 0},
		"null in an export": {`{"metric":{"__name__":"a"},"values":[1,null,"Infinity"],"timestamps":[1780000000000,1780000001000,1780000002000]}`,
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="a"} stale @1780000001000`, `{__name__="a"} +Inf @1780000002000`), 1, 0},
		"a scalar":         {`{"status":"success","data":{"resultType":"scalar","result":[1780000000.5,"42"]}}`, lines(`{__name__="value"} 42 @1780000000500`), 0, 0},
		"without a name":   {`{"resultType":"vector","result":[{"metric":{"job":"x"},"value":[1780000000,"7"]}]}`, lines(`{__name__="value", job="x"} 7 @1780000000000`), 0, 0},
		"before the epoch": {"timestamp,a\n1969-12-31T23:59:59.5Z,1\n1969-12-31 23:59:58,2\n", lines(`{__name__="a"} 2 @-2000`, `{__name__="a"} 1 @-500`), 0, 0},
		"half milliseconds": {"timestamp,a\n1780000000.0004,1\n1780000001.0005,2\n1780000002.9996,3\n",
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="a"} 2 @1780000001001`, `{__name__="a"} 3 @1780000003000`), 0, 0},
		"escapes":           {"a{x=\"1\\\\2\\\"3\\n4\\d\"} 1 1780000000\n", lines(`{__name__="a", x="1\\2\"3\n4\\d"} 1 @1780000000000`), 0, 0},
		"escapes of a dump": {"{__name__=\"a\", x=\"\\u00e9\\t\\x01\\\\\\\"\"} 1 1780000000000\n", lines(`{__name__="a", x="é\t\x01\\\""} 1 @1780000000000`), 0, 0},
		"braces within":     {"a{x=\"}{,=\"} 1 1780000000\n", lines(`{__name__="a", x="}{,="} 1 @1780000000000`), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			store, s := mustRead(t, c.text)
			if got := dump(store); got != c.want {
				t.Errorf("%s", cmp.Diff(c.want, got))
			}
			if s.Malformed != 0 || s.Missing != c.missing || s.Dropped != c.dropped {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Malformed rows are counted and shown, and cost themselves only.
func TestMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		bad        []string // line:column why
	}{
		"wide": {"timestamp,a,b\n1780000000,1,2\n1780000001,x,3\nnow,1,1\n1780000002,1\n1780000003,1,2,3\n1780000004,\"1,2\n",
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="b"} 2 @1780000000000`, `{__name__="b"} 3 @1780000001000`),
			[]string{`3:12 "x", of a, is no number`, `4:1 "now" is no timestamp`, `5:0 2 fields, the header has 3`, `6:0 4 fields, the header has 3`, `7:0 the quotes of the row do not match`}},
		"wide, from the first row": {"timestamp,a\nsoon,1\n1780000000,2\n",
			lines(`{__name__="a"} 2 @1780000000000`),
			[]string{`2:1 "soon" is no timestamp`}},
		"snapshots, of which the first is torn": {`0,"timings_ms":{"host":2}}` + "\n" + `{"schema":"llmops.snapshot/v1","at":"2026-05-28T20:26:40Z","findings":[],"timings_ms":{"host":3}}` + "\n",
			lines(`{__name__="findings", severity="critical"} 0 @1780000000000`, `{__name__="findings", severity="info"} 0 @1780000000000`, `{__name__="findings", severity="warning"} 0 @1780000000000`, `{__name__="probe_duration_ms", probe="host"} 3 @1780000000000`),
			[]string{`1:2 invalid character ',' after top-level value`}},
		"long": {"timestamp,metric,value,gpu\n1780000000,a,1,0\n1780000001,a,one,0\nlater,a,1,0\n1780000002,,1,0\n1780000003,a,1\n",
			lines(`{__name__="a", gpu="0"} 1 @1780000000000`),
			[]string{`3:14 "one" is no number`, `4:1 "later" is no timestamp`, `5:12 the name of the metric is missing`, `6:0 3 fields, the header has 4`}},
		"text": {"a 1 1780000000\na one 1780000001\na{x=\"1\"} 1\na{x=1} 1 1780000000\na{x=\"1\" 1 1780000000\na{x=\"1\",x=\"2\"} 1 1780000000\n",
			lines(`{__name__="a"} 1 @1780000000000`),
			[]string{`2:2 the value is no number`, `3:9 ` + errNoTime.Error(), `4:5 the value of label "x" is not in quotes; want x="…"`, `5:1 the labels are not closed by }`, `6:9 label "x" is there twice`}},
		"export": {`{"metric":{"__name__":"a"},"values":[1],"timestamps":[1780000000000]}` + "\n" + `{"metric":{"__name__":"b"},"values":[1,2],"timestamps":[1780000000000]}` + "\n" +
			`{"metric":{"__name__":"c"},"values":[1` + "\n" + `{"metric":{"__name__":"d"},"values":[1],"timestamps":[1780000000000]}` + "\n" + `{"metric":{"__name__":"e"},"values":[x],"timestamps":[1]}`,
			lines(`{__name__="a"} 1 @1780000000000`, `{__name__="d"} 1 @1780000000000`),
			[]string{`2:72 2 values and 1 timestamps`, `3:0 the line breaks off within a value`, `5:38 "x" is no number`}},
		"snapshots": {`{"schema":"llmops.snapshot/v1","at":"2026-05-28T20:26:40Z","timings_ms":{"host":2}}` + "\n" + `{"schema":"llmops.snapshot/v1","at":"2026-05-28T20:2` + "\n" + `{"schema":"llmops.request/v1"}` + "\n",
			lines(`{__name__="findings", severity="critical"} 0 @1780000000000`, `{__name__="findings", severity="info"} 0 @1780000000000`, `{__name__="findings", severity="warning"} 0 @1780000000000`, `{__name__="probe_duration_ms", probe="host"} 2 @1780000000000`),
			[]string{`2:52 unexpected end of JSON input`, `3:0 the schema is "llmops.request/v1", not llmops.snapshot/v1`}},
	} {
		t.Run(name, func(t *testing.T) {
			store, s := mustRead(t, c.text)
			if got := dump(store); got != c.want {
				t.Errorf("%s", cmp.Diff(c.want, got))
			}
			var bad []string
			for _, x := range s.Samples {
				bad = append(bad, fmt.Sprintf("%d:%d %s", x.Line, x.Column, x.Why))
			}
			if diff := cmp.Diff(c.bad, bad); diff != "" || s.Malformed != int64(len(c.bad)) {
				t.Errorf("%d malformed %s", s.Malformed, diff)
			}
		})
	}
}

// Files that cannot be read say where and why.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[1780000000,"1"],`: "m:1:115: the file ends here, where '[' is due; was it cut off?",
		"{\"resultType\":\"matrix\",\n\"result\":[{\"metric\":{\"a\":1}}]}":                                                  "m:2:26: '1' where a string is due",
		`{"status":"error","errorType":"bad_data","error":"parse error"}`:                                                    "m: the query that this is the answer to failed: parse error",
		"timestamp,a,a\n1780000000,1,2\n":                                                                                    "m:1:1: two columns a",
		"timestamp,\"a{x=1}\"\n1780000000,1\n":                                                                               `m:1:1: column 2, a{x=1}: the value of label "x" is not in quotes; want x="…"`,
		"# HELP a b\na 1\nb{x=\"1\"} 2\n":                                                                                    "m:2:2: " + errNoTime.Error(),
		"2026-01-01 00:00:00,123 INFO up\n2026-01-01 00:00:01,456 INFO on\n":                                                 `m: no metrics of a known format: it begins with "2026-01-01 00:00:00,123 INFO up"`,
		strings.Repeat("\x00", 200_000):                                                                                      `m: no metrics of a known format: it begins with "` + strings.Repeat("�", 120) + `"`,
		"hello\nworld\n":                                                                                                     `m: no metrics of a known format: it begins with "hello"`,
	} {
		_, _, err := Read(t.Context(), []accesslog.Source{textSource("m", text)}, Options{})
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestEmptyAndSkipped(t *testing.T) {
	open := func(text string) func() (io.ReadCloser, error) { return textSource("", text).Open }
	sources := []accesslog.Source{{Name: "b", Open: open("hello"), Found: true}, {Name: "a", Open: open(" \n")}, {Name: "c", Open: open("timestamp,x\n1780000000,1\n"), Found: true}}
	store, s, err := Read(t.Context(), sources, Options{})
	if err != nil || store.Points() != 1 {
		t.Fatal(err, s)
	}
	if diff := cmp.Diff([][]string{{"a", "c"}, {"b"}}, [][]string{s.Files, s.Skipped}); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Read(t.Context(), sources[:1], Options{}); err == nil {
		t.Error("a folder of no metrics at all is no error")
	}
	if store, _, err := Read(t.Context(), nil, Options{}); err != nil || len(store.Series()) != 0 {
		t.Error(err)
	}
}
