package api

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func tokensOf(t *testing.T, events ...string) []int32 {
	t.Helper()
	o := play(t, "chat", nil, sse(append(events, mark)...))
	var n []int32
	for _, c := range o.Chunks {
		n = append(n, c.Tokens)
	}
	return n
}

func withUsage(text string, n int) string {
	return `{"choices":[{"delta":{"content":"` + text + `"}}],"usage":{"completion_tokens":` + strconv.Itoa(n) + `}}`
}

func total(n int) string {
	return `{"choices":[],"usage":{"completion_tokens":` + strconv.Itoa(n) + `}}`
}

func TestTokensOfChunks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string
		want   []int32
	}{
		{"no usage", []string{delta("abc"), delta("d")}, []int32{1, 1}},
		{"as many as events", []string{delta("abcdefgh"), delta("d"), total(2)}, []int32{1, 1}},
		{"fewer than events", []string{delta("a"), delta("b"), total(1)}, []int32{1, 1}},
		{"running usage", []string{withUsage("a", 3), withUsage("bbbbbb", 4), withUsage("c", 9), total(10)}, []int32{3, 1, 5}},
		{"running usage that stands still", []string{withUsage("a", 4), withUsage("a", 4), total(6)}, []int32{3, 3}},
		{"by characters", []string{delta("aaa"), delta("a"), total(8)}, []int32{6, 2}},
		{"rounded", []string{delta("a"), delta("a"), delta("a"), total(4)}, []int32{1, 2, 1}},
		{"at least one", []string{delta("a"), delta("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), delta("a"), total(5)}, []int32{1, 3, 1}},
		{"characters, not bytes", []string{delta("漢字"), delta("ab"), total(6)}, []int32{3, 3}},
		{"escapes are one character", []string{delta(`\ud83d\ude00\n`), delta("ab"), total(6)}, []int32{3, 3}},
	} {
		if got := tokensOf(t, tt.events...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Every chunk has at least one token, and together they have the total.
func TestSharesAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := 1 + rng.IntN(20)
		sum := n + rng.IntN(1000)
		var events []string
		for range n {
			events = append(events, delta(strings.Repeat("x", 1+rng.IntN(60))))
		}
		var got int32
		for _, k := range tokensOf(t, append(events, total(sum))...) {
			if k < 1 {
				t.Fatalf("a chunk of %d tokens", k)
			}
			got += k
		}
		if int(got) != sum {
			t.Fatalf("%d chunks share %d tokens, not %d", n, got, sum)
		}
	}
}
