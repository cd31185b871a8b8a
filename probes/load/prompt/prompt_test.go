package prompt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

func TestSyntheticIsAFunctionOfSeedAndNumber(t *testing.T) {
	input, err := length.Parse("uniform:1,40")
	if err != nil {
		t.Fatal(err)
	}
	s := Synthetic{Seed: 7, Input: input, Output: length.Constant(9)}
	seen := map[string]bool{}
	for i := int64(-50); i < 50; i++ {
		p := s.Prompt(i)
		if diff := cmp.Diff(p, s.Prompt(i)); diff != "" {
			t.Fatalf("prompt %d differs from itself: %s", i, diff)
		}
		if n := len(strings.Fields(p.Text)); n < 1 || n > 40 || p.MaxTokens != 9 {
			t.Errorf("prompt %d has %d words and the limit %d", i, n, p.MaxTokens)
		}
		seen[p.Text] = true
	}
	if len(seen) < 95 {
		t.Errorf("%d different prompts of 100", len(seen))
	}
	// Pinned: the same seed must give the same bodies with every release.
	if got, want := (Synthetic{Seed: 1, Input: length.Constant(5)}).Prompt(0).Text, "children head much her public"; got != want {
		t.Errorf("prompt 0 of seed 1 is %q, want %q", got, want)
	}
}

func TestWordsAreDistinctAndPlain(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range words {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" || seen[w] {
			t.Errorf("word %q is empty, not plain, or there twice", w)
		}
		seen[w] = true
	}
}

// entries are prompts without checks.
func entries(prompts ...api.Prompt) (all []Entry) {
	for _, p := range prompts {
		all = append(all, Entry{Prompt: p})
	}
	return all
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want []api.Prompt
		line int // of the error, 0: none
		says string
	}{
		"lines": {data: "{\"prompt\":\"a\"}\n\n{\"prompt\":\"b\",\"max_tokens\":3,\"id\":7}\r\n",
			want: []api.Prompt{{Text: "a"}, {Text: "b", MaxTokens: 3}}},
		"messages": {data: `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}`,
			want: []api.Prompt{{Messages: []api.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "u"}}}}},
		"sharegpt": {data: "\ufeff[\n{\"conversations\":[{\"from\":\"system\",\"value\":\"x\"},{\"from\":\"human\",\"value\":\"hi\"},{\"from\":\"gpt\",\"value\":\"yo\"}]},\n{\"conversations\":[]}]\n",
			want: []api.Prompt{{Text: "hi"}}},
		"array of prompts":  {data: `[{"prompt":"a"},{"prompt":"b"}]`, want: []api.Prompt{{Text: "a"}, {Text: "b"}}},
		"empty":             {data: "", line: 1, says: "no prompt"},
		"blank":             {data: "\n\n", line: 2, says: "no prompt"},
		"no conversation":   {data: `[{"conversations":[]}]`, line: 1, says: "no prompt"},
		"cut line":          {data: "{\"prompt\":\"a\"}\n{\"prompt\":", line: 2, says: "not a JSON object"},
		"cut array":         {data: "[{\"prompt\":\"a\"},\n\n", line: 3, says: "ends in the middle"},
		"behind the array":  {data: "[{\"prompt\":\"a\"}]\n{}", line: 1, says: "more text"},
		"bad entry":         {data: "[{\"prompt\":\"a\"},\n{\"x\":1}]", line: 2, says: "no prompt"},
		"no key":            {data: "{\"prompt\":\"a\"}\n{\"text\":\"b\"}", line: 2, says: "no prompt"},
		"empty prompt":      {data: `{"prompt":""}`, line: 1, says: "no prompt"},
		"wrong type":        {data: `{"prompt":5}`, line: 1, says: `key "prompt": want a string, found number`},
		"not an object":     {data: `"hello"`, line: 1, says: "want a JSON object, found string"},
		"negative limit":    {data: `{"prompt":"a","max_tokens":-1}`, line: 1, says: "max_tokens -1"},
		"huge limit":        {data: `{"prompt":"a","max_tokens":99999999}`, line: 1, says: "max_tokens"},
		"fractional limit":  {data: `{"prompt":"a","max_tokens":1.5}`, line: 1, says: "want a whole number"},
		"message, no role":  {data: `{"messages":[{"content":"u"}]}`, line: 1, says: "message 1 has no role"},
		"two forms":         {data: `{"prompt":"a","messages":[{"role":"user","content":"u"}]}`, line: 1, says: `"prompt" and "messages" in one entry`},
		"one form is empty": {data: `{"prompt":"a","messages":[]}`, want: []api.Prompt{{Text: "a"}}},
		"other keys": {data: `{"prompt":"a","promptId":1,"checked":true,"prompt_id":2,"tokens":3,"model":"m","Max_Tokens":4,"text":"t","message_count":5,"checks":null}`,
			want: []api.Prompt{{Text: "a", MaxTokens: 4}}},
		"plain text is not": {data: "hello\n", line: 1, says: "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("f", []byte(tc.data))
			if tc.line == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(entries(tc.want...), got, cmpopts.IgnoreFields(Entry{}, "Turns")); diff != "" {
					t.Error(diff)
				}
				return
			}
			fe, ok := errors.AsType[*FileError](err)
			if !ok || fe.Line != tc.line || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want line %d and %q", err, tc.line, tc.says)
			}
		})
	}
}

// Faults in checks have line and column, in characters, in either frame.
func TestParseChecks(t *testing.T) {
	const good = `{"prompt":"a","checks":[{"exact":"A"},{"regex":"^A$","weight":2}]}`
	for name, tc := range map[string]struct {
		data  string
		place string // of the error, "": none
		says  string
	}{
		"lines":              {data: good + "\n" + `{"prompt":"b"}` + "\n" + `{"prompt":"c","checks":null}`},
		"array":              {data: "[" + good + ",\n{\"prompt\":\"b\"},{\"conversations\":[{\"from\":\"human\",\"value\":\"c\"}],\"checks\":[]}]"},
		"one without a list": {data: `{"prompt":"a","checks":{"exact":"A"}}` + "\n{\"prompt\":\"b\"}\n{\"prompt\":\"c\"}"},
		"second line":        {data: good + "\n  {\"prompt\":\"Fähre\",\"checks\": [{\"exakt\":\"A\"}]}", place: "2:33", says: `unknown key "exakt"`},
		"behind a mark":      {data: "\ufeff" + `{"prompt":"a","checks":5}`, place: "1:24", says: "must be an object"},
		"last of two":        {data: `{"checks":[],"prompt":"a","Checks":[{"regex":"("}]}`, place: "1:46", says: "missing closing"},
		"in an array":        {data: "[{\"prompt\":\"a\"},\n {\"prompt\":\"b\",\n  \"checks\":[\n    {\"json_schema\":{\"type\":\"x\"}}]}]", place: "4:20", says: "the schema is wrong at /type"},
		"no prompt":          {data: `{"checks":[{"exact":"a"}]}`, place: "1", says: "no prompt"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("f", []byte(tc.data))
			if tc.place != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "f:"+tc.place+": ") || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error %v, want place %s and %q", err, tc.place, tc.says)
				}
				return
			}
			if err != nil || len(got) != 3 {
				t.Fatalf("%d prompts, error %v", len(got), err)
			}
			d := &Dataset{Prompts: got}
			if d.Checked() != 1 || len(d.Checks(0)) == 0 || d.Checks(1) != nil || len(d.Checks(2)) != 0 || len(d.Checks(3)) == 0 || len(d.Checks(-3)) == 0 {
				t.Errorf("%d prompts with checks: %v", d.Checked(), got)
			}
		})
	}
	_, err := Parse("f", []byte(`{"prompt":"a","checks":[{"regex":"(?=a)"}]}`))
	if fe, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(fe.Hint, "RE2") {
		t.Errorf("%#v", err)
	}
}

// A key that is a slip in one of ours is no other key.
func TestMisspeltKeys(t *testing.T) {
	for key, meant := range map[string]string{
		"check": "checks", "chekcs": "checks", "Check": "checks", "cheks": "checks", "promt": "prompt", "prompts": "prompt", "pormpt": "prompt",
		"message": "messages", "mesage": "messages", "max_token": "max_tokens", "max-tokens": "max_tokens", "maxTokens": "max_tokens",
		"max_toksen": "max_tokens", "conversation": "conversations",
	} {
		for place, frame := range map[string]string{
			"f:2:16": "{\"prompt\":\"a\"}\n{\"prompt\":\"é\", %q:[{\"exact\":\"a\"}]}",
			"f:3:4":  "[{\"prompt\":\"a\"},\n\n { %q : 1 }]",
		} {
			_, err := Parse("f", fmt.Appendf(nil, frame, key))
			fe, ok := errors.AsType[*FileError](err)
			if want := fmt.Sprintf("%s: unknown key %q", place, key); !ok || err.Error() != want || fe.Hint != fmt.Sprintf("did you mean %q?", meant) {
				t.Errorf("%s: %v (%+v), want %s and %q", key, err, fe, want, meant)
			}
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcd", "acbd", 1}, {"ca", "abc", 3}, {"checks", "checks", 0},
	} {
		if d, back := distance(tc.a, tc.b), distance(tc.b, tc.a); d != tc.want || back != tc.want {
			t.Errorf("%q to %q: %d, back %d, want %d", tc.a, tc.b, d, back, tc.want)
		}
	}
}

func TestDatasetCycles(t *testing.T) {
	d := &Dataset{Prompts: entries(api.Prompt{Text: "a", MaxTokens: 5}, api.Prompt{Text: "b"})}
	for i, want := range map[int64]string{0: "a", 1: "b", 2: "a", -1: "b", -2: "a"} {
		if got := d.Prompt(i).Text; got != want {
			t.Errorf("prompt %d is %q, want %q", i, got, want)
		}
	}
	if n := d.Prompt(0).MaxTokens; n != 5 {
		t.Errorf("limit %d, want the file's", n)
	}
	d.Output = length.Constant(8)
	if n := d.Prompt(0).MaxTokens; n != 8 {
		t.Errorf("limit %d, want the one that replaces the file's", n)
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.jsonl")
	if err := os.WriteFile(path, []byte(`{"prompt":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadFile(path); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := LoadFile(path + ".no"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestShippedDataset(t *testing.T) {
	entries, err := LoadFile("../../../fixtures/datasets/checks.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i, answer := range []string{"Paris\n", "The Elbe and the RHINE.", "366", "```json\n{\"name\":\"Oslo\",\"population\":709037}\n```", ""} {
		if score, results, _ := entries[i].Checks.Score(t.Context(), []byte(answer)); len(results) > 0 && score != 1 || (len(results) == 0) != (i == 4) {
			t.Errorf("line %d: score %v, %+v", i+1, score, results)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"prompt":"a"}`, `[{"conversations":[{"from":"human","value":"x"}]}]`, "[", "{}\n", `{"messages":[{"role":"user"}]}`,
		`{"prompt":"a","checks":[{"exact":"a","trim":true},{"contains":["a","b"],"all":true},{"regex":"^a$","not":true}]}`,
		`[{"prompt":"a","checks":{"json_schema":{"type":"object"},"fenced":true,"weight":2,"name":"n"}}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		prompts, err := Parse("f", data)
		if (err == nil) != (len(prompts) > 0) {
			t.Fatalf("%d prompts and the error %v", len(prompts), err)
		}
		if fe, ok := errors.AsType[*FileError](err); err != nil && (!ok || fe.Line < 1 || fe.Column < 0 || fe.Column > len(data)+1 || fe.Line > strings.Count(string(data), "\n")+1) {
			t.Fatalf("error %v", err)
		}
		for _, p := range prompts {
			if p.Text == "" && len(p.Messages) == 0 || p.MaxTokens < 0 {
				t.Fatalf("prompt %+v", p)
			}
		}
	})
}
