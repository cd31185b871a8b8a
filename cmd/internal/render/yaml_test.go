package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"llmops/cmd/internal/render"
)

var yamlWords = []string{"", " ", "a", "latency_ms", "true", "Yes", "y", "NO", "null", "~", "1", "0x1f", "1e3", "12:30:45", "2026-03-01", "2026-03-01T00:00:00Z", ".inf", "nan", "-", "- a", "a: b", "a #b",
	"#", "&a", "*a", "!t", "%", "@", "`", "{", "[x]", "a,b", "\"q\"", "'s'", "tab\there", "line\nline\n", "\n", "end ", " begin", "é日", "\u0001", "\u007f", "\u0085", "\u2028", "\ufeff", "/v1/chat/completions?x=1", "<<", "=", "a:", ":a", "on", "p99_ttft_ms < 300", strings.Repeat("word ", 60)}

func randomDocument(r *rand.Rand, depth int) any {
	word := func() string { return yamlWords[r.IntN(len(yamlWords))] }
	kind := r.IntN(8)
	if depth == 0 {
		kind = r.IntN(5)
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []any{1.0, -0.5, 1e-9, 1e21, 123456789.0}[r.IntN(5)]
	case 3, 4:
		return word()
	case 5:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomDocument(r, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range r.IntN(4) {
		object[word()] = randomDocument(r, depth-1)
	}
	return object
}

// A reader of YAML reads what a reader of JSON does, of any document.
func TestYAMLIsWhatJSONIs(t *testing.T) {
	for seed := range uint64(3000) {
		doc := randomDocument(rand.New(rand.NewPCG(seed, 5)), 4)
		var text, want bytes.Buffer
		if err := render.YAML(&text, doc); err != nil {
			t.Fatal(err)
		}
		if err := render.JSON(&want, doc); err != nil {
			t.Fatal(err)
		}
		var read any
		if err := yaml.Unmarshal(text.Bytes(), &read); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, &text)
		}
		got, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal(want.Bytes(), &b) != nil {
			t.Fatal(string(got), &want)
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Fatalf("seed %d (-JSON +YAML)\n%s\n%s", seed, diff, &text)
		}
	}
}

// Documents are laid out as other writers of YAML do it.
func TestYAMLLayout(t *testing.T) {
	doc := map[string]any{"a": []any{map[string]any{"b": 1, "c": []any{}}, []any{"x", []any{map[string]any{}}}, "no"}, "d": map[string]any{"e": nil}}
	var got bytes.Buffer
	if err := render.YAML(&got, doc); err != nil {
		t.Fatal(err)
	}
	const want = "a:\n  - b: 1\n    c: []\n  - - x\n    - - {}\n  - \"no\"\nd:\n  e: null\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkYAML(b *testing.B) {
	type row struct {
		By, Key string
		Bad     int
		Share   float64
	}
	rows := make([]row, 20_000)
	for i := range rows {
		rows[i] = row{"route", fmt.Sprintf("/v1/tenants/%d/chat", i), i, float64(i) / 1e6}
	}
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := render.YAML(&out, map[string]any{"contributors": rows}); err != nil {
			b.Fatal(err)
		}
	}
}
