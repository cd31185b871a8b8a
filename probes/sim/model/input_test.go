package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOutputLength(t *testing.T) {
	for _, c := range []struct {
		spec     string
		mean, sd float64
	}{
		{"7", 7, 0},
		{"uniform:10,30", 20, math.Sqrt((21*21 - 1) / 12.0)},
		{"exponential:20", 20, math.Sqrt(20 * 19)}, // geometric: variance (1−p)/p²
		{"exponential:1", 1, 0},
		{"lognormal:200,0.5", 200 * math.Exp(0.125), 200 * math.Exp(0.125) * math.Sqrt(math.Exp(0.25)-1)},
	} {
		l, err := ParseOutputLength(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if l.String() != c.spec {
			t.Errorf("%q is written %q", c.spec, l)
		}
		const n = 40_000
		sum := 0
		for id := range ID(n) {
			x := l.draw(1, id, 1e6)
			if x < 1 || x != l.draw(1, id, 1e6) {
				t.Fatalf("%s: request %d draws %d, or not always", c.spec, id, x)
			}
			if l.draw(1, id, 3) != min(x, 3) {
				t.Fatalf("%s: the limit is not kept", c.spec)
			}
			sum += x
		}
		if mean := float64(sum) / n; math.Abs(mean-c.mean) > 4*c.sd/math.Sqrt(n)+1e-9 {
			t.Errorf("%s: mean %g, want %g", c.spec, mean, c.mean)
		}
	}
	if (OutputLength{}).draw(1, 1, 17) != 17 {
		t.Error("without a distribution the length is the limit")
	}
	for _, s := range []string{"0", "-1", "x", "uniform:3", "exponential:", "exponential:0", "exponential:NaN", "exponential:1,2", "exponential:1e99"} {
		if l, err := ParseOutputLength(s); err == nil {
			t.Errorf("%q reads as %v", s, l)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	bad := Config{PrefillBase: -1, DecodeBase: 1e6 * time.Hour, ServiceTime: -1, MaxWaiting: -1, KVBlocks: 1 << 40, WeightsMiB: math.NaN(), Faults: []Fault{{Kind: "x"}, {Kind: SlowDecode}}}
	err := bad.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"prefill base", "decode base", "service time", "max running", "max model length", "block size", "KV blocks", "max waiting", "GPU memory", `kind "x"`, "slow-decode: factor"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not speak of %s: %v", part, err)
		}
	}
	if _, err := New(bad); err == nil {
		t.Error("New takes a bad configuration")
	}
}

// Block hashes are equal exactly as long as the prompts are.
func TestPromptHash(t *testing.T) {
	read := func(parts ...string) *PromptHash {
		h := NewPromptHash(2)
		for _, p := range parts {
			h.Words(p)
		}
		return h
	}
	a := read(" one two\tthree\nfour five ")
	if a.Tokens() != 5 || len(a.Prefix()) != 2 {
		t.Fatalf("%d tokens, %d full blocks, want 5 and 2", a.Tokens(), len(a.Prefix()))
	}
	for _, c := range []struct {
		other *PromptHash
		same  int
	}{
		{read("one two three four five"), 2}, {read("one two", "three four"), 2}, {read("one two three fo ur"), 1},
		{read("onetwo three four"), 0}, {read("two one three four"), 0}, {read("one two x four"), 1},
	} {
		same := 0
		for i, h := range c.other.Prefix() {
			if i < len(a.Prefix()) && a.Prefix()[i] == h {
				same++
			}
		}
		if same != c.same {
			t.Errorf("%v shares %d blocks, want %d", c.other.Prefix(), same, c.same)
		}
	}
	user, system := NewPromptHash(1), NewPromptHash(1)
	user.Mark("user")
	system.Mark("system")
	user.Words("hi")
	system.Words("hi")
	if slices.Equal(user.Prefix(), system.Prefix()) {
		t.Error("the role does not count")
	}
	ids := NewPromptHash(1)
	ids.Token(7)
	ids.Token(7)
	if ids.Tokens() != 2 || ids.Prefix()[0] == ids.Prefix()[1] {
		t.Error("token numbers are not chained")
	}
	if NewPromptHash(4).Tokens() != 1 {
		t.Error("an empty prompt must be one token")
	}
}

// The oldest block goes first, the end of a prompt before its beginning.
func TestEviction(t *testing.T) {
	kv := newKVCache(4)
	a := kv.take(nil, 2)
	kv.publish(a, []uint64{1, 2})
	kv.release(a)
	b := kv.take(nil, 2) // the two that were never used
	kv.publish(b, []uint64{3, 4})
	kv.release(b)
	known := func() string {
		var s []string
		for h := uint64(1); h <= 4; h++ {
			if _, ok := kv.byHash[h]; ok {
				s = append(s, fmt.Sprint(h))
			}
		}
		return strings.Join(s, " ")
	}
	for _, want := range []string{"1 2 3 4", "1 3 4", "3 4", "3", ""} {
		if got := known(); got != want {
			t.Errorf("known contents %q, want %q", got, want)
		}
		if want != "" {
			kv.take(nil, 1)
		}
	}
}

func TestHistogram(t *testing.T) {
	h := newHistogram([]float64{1, 2})
	for _, v := range []float64{0.5, 1, 1.5, 2, 3} { // a bound belongs to its bucket
		h.observe(v)
	}
	if !slices.Equal(h.Counts, []int64{2, 2, 1}) || h.Sum != 8 || h.Count != 5 {
		t.Errorf("counts %v, sum %g, count %d", h.Counts, h.Sum, h.Count)
	}
}
