package loadtestcmd

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whatever stands in an argument, the manifest is YAML that gives it back.
func FuzzQuoteYAML(f *testing.F) {
	for _, text := range []string{"", "--rate=60", `a "b" \ c`, "true", "x: y # z", "tab\tnew\nline\x00\x7f", "\u0085\u2028\ufeff\ufffe é 😀", "%s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := strings.ToValidUTF8(text, "\ufffd")
		if !strings.Contains(text, want) {
			return // not what a command line can hold
		}
		var got struct{ A string }
		if err := yaml.Unmarshal([]byte("a: "+quoteYAML(want)), &got); err != nil || got.A != want {
			t.Errorf("%q: %q, %v", want, got.A, err)
		}
	})
}

func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"data.jsonl=./a/data.jsonl": "data.jsonl=./a/data.jsonl",
		"a=/my dir/a":               "'a=/my dir/a'",
		"a=it's":                    `'a=it'\''s'`,
		"a=x\n- evil: true":         "'a=x- evil: true'", // it stands in a comment of one line
		"a=$(rm)":                   "'a=$(rm)'",
	} {
		if got := shellWord(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// The manifest depends on what is asked, not on how maps are walked.
func TestManifestIsDeterministic(t *testing.T) {
	j := job{name: "x", image: "i", shards: 3, args: []string{"loadtest"}, variables: []string{"A", "B"},
		inputs:  map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"},
		secrets: map[string]string{"k": "1", "l": "2", "m": "3"}}
	var first bytes.Buffer
	if err := j.write(&first); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var again bytes.Buffer
		if err := j.write(&again); err != nil || again.String() != first.String() {
			t.Fatalf("%v\n%s", err, again.String())
		}
	}
}
