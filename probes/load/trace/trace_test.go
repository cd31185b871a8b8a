package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"llmops/probes/load/prompt"
)

func read(t testing.TB, data string, o Options) *Trace {
	t.Helper()
	tr, err := Read("f", strings.NewReader(data), o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func rows(tr *Trace) (all []Row) {
	for i := range tr.Len() {
		all = append(all, tr.Row(i))
	}
	return all
}

const ms, s = time.Millisecond, time.Second

func TestFormats(t *testing.T) {
	for name, tc := range map[string]struct {
		data   string
		o      Options
		format string
		want   []Row
		failed int
		sorted int // rows out of order
	}{
		"azure 2023": {format: "azure", data: "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,0\r\n",
			want: []Row{{Input: new(374), Output: new(44)}, {At: 4314579 * time.Microsecond, Input: new(396), Output: new(0)}}},
		"azure 2024": {format: "azure", data: "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:00.017335+00:00,2399,6\n2024-05-10 00:00:01+00:00,7,8",
			want: []Row{{Input: new(2162), Output: new(5)}, {At: 7405 * time.Microsecond, Input: new(2399), Output: new(6)}, {At: 990070 * time.Microsecond, Input: new(7), Output: new(8)}}},
		"burstgpt": {format: "burstgpt", data: "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,Conversation log\n118.5,GPT-4,417,276,693,API log\n",
			want: []Row{{Input: new(472), Output: new(18)}, {At: 113500 * ms, Input: new(417), Output: new(276)}}, failed: 1},
		"burstgpt with sessions": {format: "burstgpt", data: "\ufeffTimestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n0,7,2.25,ChatGPT,10,20,30,Conversation log\n9,7,,ChatGPT,40,20,60,Conversation log\n9,,1,GPT-4,1,2,3,API log\n",
			want: []Row{{Input: new(10), Output: new(20), Session: "7", Took: 2250 * ms}, {At: 9 * s, Input: new(40), Output: new(20), Session: "7"}, {At: 9 * s, Input: new(1), Output: new(2), Took: s}}},
		"mooncake": {format: "mooncake", data: `{"timestamp": 3000, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}` + "\n\n" + `{"timestamp": 27.5, "input_length": 10, "output_length": 6, "hash_ids": [0]}`,
			want: []Row{{Input: new(10), Output: new(6)}, {At: 2972500 * time.Microsecond, Input: new(600), Output: new(5)}}, sorted: 1},
		"bailian": {format: "bailian", data: `{"chat_id": 159, "parent_chat_id": -1, "timestamp": 0.5, "input_length": 20, "output_length": 3, "type": "text", "turn": 1, "hash_ids": [9, 8]}
{"chat_id": 160, "parent_chat_id": 44, "timestamp": 0.75, "input_length": 1, "output_length": 3, "type": "text", "turn": 4, "hash_ids": [9]}
{"chat_id": 161, "parent_chat_id": 159, "timestamp": 4, "input_length": 30, "output_length": 3, "type": "text", "turn": 2, "hash_ids": [9, 8, 7]}
{"chat_id": 162, "parent_chat_id": 161, "timestamp": 5, "input_length": 31, "output_length": 3, "type": "text", "turn": 3, "hash_ids": []}`,
			want: []Row{{Input: new(20), Output: new(3), Session: "159"}, {At: 250 * ms, Input: new(1), Output: new(3), Session: "160"},
				{At: 3500 * ms, Input: new(30), Output: new(3), Session: "159"}, {At: 4500 * ms, Input: new(31), Output: new(3), Session: "159"}}},
		"requests": {format: "requests", data: `{"schema":"llmops.request/v1","id":1,"scheduled_at":"2026-01-02T03:04:06.5Z","sent_at":"2026-01-02T03:04:06.501Z","done_at":"2026-01-02T03:04:08Z","ok":true,"error":"","prompt_tokens":12,"completion_tokens":64,"session":"a","quality":null}
{"schema":"llmops.request/v1","id":0,"sent_at":"2026-01-02T04:04:06+01:00","done_at":"2026-01-02T04:04:07+01:00","ok":false,"error":"cancelled","by_plan":true,"completion_tokens":3,"session":""}
{"schema":"llmops.request/v1","id":2,"scheduled_at":"2026-01-02T03:04:09Z","done_at":"2026-01-02T03:04:10Z","error":"cancelled","session":"a"}`,
			want: []Row{{Took: s, CutAfter: s}, {At: 500 * ms, Input: new(12), Output: new(64), Session: "a", Took: 1500 * ms}, {At: 3 * s, Session: "a"}}, sorted: 1},
		"csv": {format: "csv", data: "id,arrival_time,prompt_tokens\n1,1700000000.25,5\n2,1700000001,\n",
			want: []Row{{Input: new(5)}, {At: 750 * ms}}},
		"csv in ns": {format: "csv", data: "time,x\n1700000000000000001,5\n1700000000000000002,\n", want: []Row{{}, {At: 1}}},
		"csv with a map": {format: "csv", o: Options{Format: "csv", Columns: map[string]string{"time": "when", "input": "in", "output": "out", "session": "who"}},
			data: "in,out,when,who\n5.0,6,2026-01-02T03:04:05Z,eve\n7,8,2026-01-02 03:04:05.5,\"adam, b\"\n",
			want: []Row{{Input: new(5), Output: new(6), Session: "eve"}, {At: 500 * ms, Input: new(7), Output: new(8), Session: "adam, b"}}},
		"limit": {format: "csv", o: Options{Limit: 2}, data: "time,input\n4,1\n3,2\n2,3\nbroken", want: []Row{{Input: new(2)}, {At: s, Input: new(1)}}, sorted: 1},
	} {
		t.Run(name, func(t *testing.T) {
			tr := read(t, tc.data, tc.o)
			if diff := cmp.Diff(tc.want, rows(tr)); diff != "" {
				t.Error(diff)
			}
			if tr.Format != tc.format || tr.Name != "f" || tr.Failed != tc.failed || tr.Unsorted != tc.sorted {
				t.Errorf("format %s, name %s, %d failed, %d out of order", tr.Format, tr.Name, tr.Failed, tr.Unsorted)
			}
		})
	}
}

// A fault has its line and column, and says what is wanted.
func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct{ data, format, want string }{
		"empty":             {"", "", "f:1:1: the file is empty"},
		"unknown":           {"hello\nworld", "", "f:1:1: the content is of no trace format that is known here"},
		"sharegpt":          {`[{"id":"x","conversations":[]}]`, "", "f:1:1: " + ErrConversations.Error()},
		"header only":       {"TIMESTAMP,ContextTokens,GeneratedTokens\n", "", "f:1: no request in the file"},
		"bad time":          {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\nnoon,1,2", "", `f:3:1: column "TIMESTAMP": "noon" is no time`},
		"bad tokens":        {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1.5,2", "", `f:2:21: column "ContextTokens": 1.5 is no number of tokens from 0 to 10000000`},
		"negative":          {"time,output\n1,-1", "", `f:2:3: column "output": -1 is no number of tokens from 0 to 10000000`},
		"ragged":            {"time,output\n1\n", "", "f:2:1: wrong number of fields"},
		"quote":             {"time,output\n1,\"2\n", "", "f:2:6: extraneous or missing \" in quoted-field"},
		"huge time":         {"time,output\n-1e300,1", "", `f:2:1: column "time": -1e+300 is no time`},
		"no number at all":  {"time,output\nNaN,1", "", `f:2:1: column "time": NaN is no time`},
		"no column":         {"TIMESTAMP,a\n1,2", "azure", `f:1:1: no column for input: want "ContextTokens"`},
		"no JSON":           {`{"timestamp":1,"input_length":5}` + "\n" + `{"timestamp":1,"input_length":x}`, "", "f:2:31: invalid JSON"},
		"cut JSON":          {`{"timestamp":1,"input_length":5`, "", "f:1:31: unexpected end of JSON"},
		"no object":         {`[1]`, "mooncake", "f:1:1: want a JSON object"},
		"no length":         {`{"timestamp":1,"input_length":null}`, "", `f:1:1: want the keys "timestamp" and "input_length"`},
		"text for a number": {`{"timestamp":"é","input_length":"5"}`, "", `f:1:14: key "timestamp": want a number`},
		"bad ids":           {`{"timestamp":1,"input_length":5,"hash_ids":[1,"a"]}`, "", `f:1:44: key "hash_ids": want a list of whole numbers`},
		"ids no list":       {`{"timestamp":1,"input_length":5,"hash_ids":7}`, "", `f:1:44: key "hash_ids": want a list of whole numbers`},
		"no time":           {`{"schema":"llmops.request/v1","id":0}`, "", `f:1:1: want the key "scheduled_at" or "sent_at"`},
		"wrong time":        {`{"schema":"llmops.request/v1","sent_at":"today"}`, "", `f:1:41: key "sent_at": want a time in RFC 3339`},
		"unknown format":    {"time\n1", "sql", `f:1:1: unknown trace format "sql"`},
	} {
		_, err := Read("f", strings.NewReader(tc.data), Options{Format: tc.format})
		if _, ok := errors.AsType[*prompt.FileError](err); !ok || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestCompressed(t *testing.T) {
	const data = "time,input\n1,2\n3,4\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(data)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"gzip": zipped.Bytes(), "zstd": e.EncodeAll([]byte(data), nil)} {
		if tr := read(t, string(b), Options{}); tr.Len() != 2 || tr.Span() != 2*s {
			t.Errorf("%s: %+v", name, rows(tr))
		}
		if _, err := Read("f", bytes.NewReader(b[:len(b)-6]), Options{}); err == nil {
			t.Errorf("%s: half a file is no error", name)
		}
	}
}

func TestTurns(t *testing.T) {
	tr := read(t, "time,session\n5,b\n1,a\n2,\n3,b\n4,a\n6,\n", Options{})
	// In order of arrival: a, -, b, a, b, -.
	if got, want := slices.Collect(tr.Turns()), [][]int{{0, 3}, {1}, {2, 4}, {5}}; !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := slices.Collect(read(t, "time,x\n1,1\n2,2", Options{}).Turns()); !cmp.Equal(got, [][]int{{0}, {1}}) {
		t.Errorf("%v", got)
	}
}

// The reuse of blocks is that of a set of all beginnings, an implementation that
// knows no hashes. Of a prompt that is clipped only the blocks that are sent count.
func TestReuse(t *testing.T) {
	ids := [][]int{{1, 2, 3}, {1, 2, 4}, {9, 2, 3}, {1, 2, 3, 5}, {}, {2, 3}}
	var b strings.Builder
	for i, list := range ids {
		fmt.Fprintf(&b, `{"timestamp":%d,"input_length":%d,"output_length":1,"hash_ids":%s}`+"\n", i, 512*len(list), strings.ReplaceAll(fmt.Sprint(list), " ", ","))
	}
	tr := read(t, b.String(), Options{})
	for clip, blocks := range map[int]int{0: 9, 2048: 4, 1025: 3, 1024: 2, 512: 1, 1: 1} {
		seen, hits, all := map[string]bool{}, 0, 0
		for _, list := range ids {
			for k := range list[:min(blocks, len(list))] {
				way := fmt.Sprint(list[:k+1])
				if all++; seen[way] {
					hits++
				}
				seen[way] = true
			}
		}
		if share, ok := tr.Reuse(tr.Len(), clip); !ok || share != float64(hits)/float64(all) {
			t.Errorf("clipped to %d: reuse %v, want %d of %d", clip, share, hits, all)
		}
	}
	if share, ok := tr.Reuse(1, 0); !ok || share != 0 {
		t.Errorf("reuse of one row %v", share)
	}
	if _, ok := read(t, "time,x\n1,1", Options{}).Reuse(1, 0); ok {
		t.Error("a trace without blocks has a reuse")
	}
}

// A session of which every request failed is none of the trace.
func TestSessionsOfFailedRows(t *testing.T) {
	tr := read(t, "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n0,7,1,x,10,0,10,y\n1,8,1,x,10,5,15,y\n2,8,1,x,10,5,15,y\n", Options{})
	if tr.Sessions() != 1 || tr.Failed != 1 || tr.Len() != 2 {
		t.Errorf("%d sessions, %d failed, %d rows", tr.Sessions(), tr.Failed, tr.Len())
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n",
		"Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n0,7,2.25,ChatGPT,10,20,30,x\n",
		`{"timestamp": 3000, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}`,
		`{"chat_id": 161, "parent_chat_id": 159, "timestamp": 4, "input_length": 30, "output_length": 3, "hash_ids": [9, 8, 7]}`,
		`{"schema":"llmops.request/v1","scheduled_at":"2026-01-02T03:04:06.5Z","prompt_tokens":12,"session":"a"}`,
		"time,input,session\n1,2,x\n-3e9,\"4\",x\n",
	} {
		f.Add([]byte(seed), "")
		for _, format := range Formats() {
			f.Add([]byte(seed), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		tr, err := Read("f", bytes.NewReader(data), Options{Format: format})
		if (err == nil) != (tr != nil) || tr != nil && tr.Len() == 0 {
			t.Fatalf("%v and %v", tr, err)
		}
		if fe, ok := errors.AsType[*prompt.FileError](err); ok && (fe.Line < 1 || fe.Column < 0) {
			t.Fatal(err)
		}
		if tr == nil {
			return
		}
		last := time.Duration(0)
		for i := range tr.Len() {
			r := tr.Row(i)
			if r.At < last || r.Took < 0 || r.CutAfter < 0 || r.Input != nil && *r.Input < 0 || r.Output != nil && *r.Output < 0 {
				t.Fatalf("row %d behind %v: %+v", i, last, r)
			}
			last = r.At
		}
		n := 0
		for turns := range tr.Turns() {
			n += len(turns)
		}
		if n != tr.Len() {
			t.Fatalf("%d turns of %d rows", n, tr.Len())
		}
	})
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, fixtures+"/azure-2024.csv", Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Load(t.Context(), fixtures+"/none.csv", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
