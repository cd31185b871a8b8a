package trace

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/load"
	"llmops/probes/load/length"
)

func plan(t *testing.T, tr *Trace, o PlanOptions) *Plan {
	t.Helper()
	p, err := NewPlan(tr, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTimeScale(t *testing.T) {
	tr := read(t, "time,input\n10,1\n11,2\n13.000001,3\n", Options{})
	for scale, want := range map[float64][]time.Duration{
		0:    {0, s, 3000001 * time.Microsecond},
		2:    {0, 500 * ms, 1500001 * time.Microsecond}, // half a microsecond is rounded
		0.25: {0, 4 * s, 12000004 * time.Microsecond},
	} {
		p := plan(t, tr, PlanOptions{Scale: scale})
		if got := slices.Collect(p.Times()); !slices.Equal(got, want) || p.Span() != want[2] || p.Validate() != nil {
			t.Errorf("scale %v: %v, want %v", scale, got, want)
		}
	}
	scale, err := tr.ScaleFor(4)
	if err != nil {
		t.Fatal(err)
	}
	if rate := 2 / plan(t, tr, PlanOptions{Scale: scale}).Span().Seconds(); math.Abs(rate-4) > 1e-5 {
		t.Errorf("mean rate %v, want 4", rate)
	}
	if _, err := read(t, "time,input\n1,1\n1,1", Options{}).ScaleFor(4); err == nil {
		t.Error("rows of one time have a rate")
	}
	for _, scale := range []float64{-1, math.Inf(1), math.NaN(), 1e-12} {
		if _, err := NewPlan(tr, PlanOptions{Scale: scale}); err == nil {
			t.Errorf("scale %v is no error", scale)
		}
	}
}

// Equal beginnings of block ids are equal words, however far apart; the same id
// behind another block is other words.
func TestBlocksShareTheirText(t *testing.T) {
	var b strings.Builder
	for i, r := range []struct {
		length int
		ids    string
	}{{1100, "[1,2,3]"}, {1536, "[1,2,4]"}, {700, "[9,2]"}, {1500, "[1,2,3]"}, {600, "[1]"}} {
		fmt.Fprintf(&b, `{"timestamp":%d,"input_length":%d,"output_length":7,"hash_ids":%s}`+"\n", i, r.length, r.ids)
	}
	p := plan(t, read(t, b.String(), Options{}), PlanOptions{Seed: 3})
	var w [][]string
	for i := range int64(5) {
		w = append(w, strings.Fields(p.Prompt(i).Text))
		if size, limit := p.Size(i); len(w[i]) != size || limit != 7 || p.Prompt(i).MaxTokens != 7 {
			t.Errorf("prompt %d has %d words, Size says %d", i, len(w[i]), size)
		}
	}
	common := func(a, b []string) (n int) {
		for n < min(len(a), len(b)) && a[n] == b[n] {
			n++
		}
		return n
	}
	// Different words agree by chance once in 256, so a few words behind are allowed.
	for _, tc := range []struct{ a, b, want int }{{0, 1, 1024}, {0, 3, 1100}, {1, 3, 1024}, {0, 2, 0}, {0, 4, 512}} {
		if n := common(w[tc.a], w[tc.b]); n < tc.want || n > tc.want+3 {
			t.Errorf("prompts %d and %d share %d words, want %d", tc.a, tc.b, n, tc.want)
		}
	}
	if slices.Equal(w[0][512:700], w[2][512:700]) {
		t.Error("block 2 has the same words behind another block")
	}
	if other := plan(t, p.trace, PlanOptions{Seed: 4}); other.Prompt(0).Text == p.Prompt(0).Text {
		t.Error("another seed gives the same words")
	}
}

func TestLengthsThatTheTraceLacks(t *testing.T) {
	tr := read(t, "time,input,output\n1,,5\n2,6,\n3,0,0\n", Options{})
	p := plan(t, tr, PlanOptions{Input: length.Constant(11), Output: length.Constant(12), MaxPrompt: 8})
	for id, want := range map[int64][2]int{0: {8, 5}, 1: {6, 12}, 2: {1, 1}} {
		in, out := p.Size(id)
		if got := [2]int{in, out}; got != want || len(strings.Fields(p.Prompt(id).Text)) != in || p.Prompt(id).MaxTokens != out {
			t.Errorf("request %d: %v, want %v", id, got, want)
		}
	}
	if a, b := p.Over(3, 12), p.Over(3, 13); a != 2 || b != 1 {
		t.Errorf("%d and %d requests are over, want 2 and 1", a, b)
	}
	if n := p.Clipped(3); n != 1 {
		t.Errorf("%d clipped, want 1", n)
	}
	if in, out := plan(t, tr, PlanOptions{}).Size(1); in != 6 || out != 0 {
		t.Errorf("size %d, limit %d: want none where nobody gives one", in, out)
	}
}

const talks = `time,session,took,input
0,a,1,5
1,,1,6
4,a,0.5,9
4.5,b,9,7
8,a,,12
10,b,,8
`

// Think times are from the end of a turn to the next, where the end is known; a
// request that came before that was not waited for.
func TestThinkTimes(t *testing.T) {
	tr := read(t, talks, Options{})
	p := plan(t, tr, PlanOptions{Scale: 2, Think: true})
	if got, want := slices.Collect(p.Times()), []time.Duration{0, 500 * ms, 2250 * ms}; !slices.Equal(got, want) {
		t.Errorf("arrivals %v, want %v", got, want)
	}
	want := []load.Session{{Key: "a", Think: []time.Duration{0, 1500 * ms, 1750 * ms}}, {Key: "row-1", Think: []time.Duration{0}}, {Key: "b", Think: []time.Duration{0, 0}}}
	for n, w := range want {
		if diff := cmp.Diff(w, p.Session(int64(n))); diff != "" {
			t.Errorf("session %d: %s", n, diff)
		}
	}
	// Numbered session by session, each turn with the words of the one before.
	var sizes []int
	for id := range int64(6) {
		words, _ := p.Size(id)
		sizes = append(sizes, words)
	}
	if want := []int{5, 9, 12, 6, 7, 8}; !slices.Equal(sizes, want) {
		t.Errorf("lengths %v, want %v", sizes, want)
	}
	if !strings.HasPrefix(p.Prompt(1).Text, p.Prompt(0).Text) || !strings.HasPrefix(p.Prompt(2).Text, p.Prompt(1).Text) || strings.HasPrefix(p.Prompt(4).Text, p.Prompt(0).Text) {
		t.Error("turns do not begin as the one before, or all sessions alike")
	}
	if _, err := NewPlan(read(t, "time,input\n1,1", Options{}), PlanOptions{Think: true}); err == nil {
		t.Error("a trace without sessions has think times")
	}

	// Without think times each row goes out when it came, with the name of its session.
	p = plan(t, tr, PlanOptions{})
	for n, key := range []string{"a", "row-1", "a", "b", "a", "b"} {
		if got := p.Session(int64(n)); got.Key != key || len(got.Think) > 0 {
			t.Errorf("row %d: %+v, want the key %q alone", n, got, key)
		}
	}
}

// The warm-up is made of the first rows, numbered as load.Run numbers them.
func TestWarmup(t *testing.T) {
	tr := read(t, talks, Options{})
	for name, tc := range map[string]struct {
		o        PlanOptions
		measured int64
		sizes    map[int64]int
		first    string // key of session 0
	}{
		"requests":        {PlanOptions{WarmupRequests: 2}, 4, map[int64]int{-1: 5, -2: 6, 0: 9, 3: 8}, "a"},
		"time":            {PlanOptions{WarmupDuration: 4200 * ms}, 3, map[int64]int{-1: 5, -3: 9, 0: 7, 2: 8}, "b"},
		"sessions":        {PlanOptions{WarmupRequests: 2, Think: true}, 3, map[int64]int{-1: 5, -3: 12, 0: 6, 2: 8}, "row-1"},
		"scaled":          {PlanOptions{WarmupDuration: 2 * s, Scale: 2}, 4, map[int64]int{0: 9}, "a"}, // what is due then is measured
		"all of it":       {PlanOptions{WarmupRequests: 9}, 0, map[int64]int{-6: 8}, ""},
		"nothing of it":   {PlanOptions{}, 6, map[int64]int{0: 5}, "a"},
		"beyond the rows": {PlanOptions{}, 6, map[int64]int{6: 0, -7: 0}, "a"},
	} {
		p := plan(t, tr, tc.o)
		if p.Measured() != tc.measured || p.Session(0).Key != tc.first {
			t.Errorf("%s: %d measured, first session %q", name, p.Measured(), p.Session(0).Key)
		}
		for id, want := range tc.sizes {
			if got, _ := p.Size(id); got != want {
				t.Errorf("%s: request %d has %d words, want %d", name, id, got, want)
			}
		}
	}
}

func TestWithin(t *testing.T) {
	tr := read(t, talks, Options{}) // 0, 1, 4, 4.5, 8, 10
	for _, tc := range []struct {
		o        PlanOptions
		requests int64
		duration time.Duration
		want     int
	}{
		{PlanOptions{}, 0, 0, 6}, {PlanOptions{}, 4, 0, 4}, {PlanOptions{}, 0, 4 * s, 2}, {PlanOptions{}, 1, 4 * s, 1},
		{PlanOptions{Scale: 2}, 0, 4 * s, 4}, {PlanOptions{WarmupRequests: 2}, 0, 4 * s, 4}, {PlanOptions{WarmupRequests: 2}, 1, 0, 3},
		{PlanOptions{WarmupDuration: 2 * s}, 0, 2500 * ms, 3}, {PlanOptions{Think: true}, 0, 2 * s, 4},
	} {
		p := plan(t, tr, tc.o)
		if got := p.Within(tc.requests, tc.duration); got != tc.want {
			t.Errorf("%+v, %d requests, %v: %d rows, want %d", tc.o, tc.requests, tc.duration, got, tc.want)
		}
	}
	if got := plan(t, tr, PlanOptions{Scale: 2}).SpanOf(4); got != 2250*ms {
		t.Errorf("span of 4 rows: %v", got)
	}
}

// Our own records play again what they are records of.
func TestCancellations(t *testing.T) {
	tr := read(t, `{"schema":"llmops.request/v1","id":0,"sent_at":"2026-01-02T03:04:06Z","done_at":"2026-01-02T03:04:07Z","error":"cancelled","by_plan":true,"session":""}
{"schema":"llmops.request/v1","id":1,"sent_at":"2026-01-02T03:04:07Z","done_at":"2026-01-02T03:04:09Z","error":"","session":""}`, Options{})
	p := plan(t, tr, PlanOptions{Scale: 10, WarmupRequests: 1})
	if !p.Cancels() || p.Cancel(-1) != (load.Cancellation{After: s}) || p.Cancel(0) != (load.Cancellation{}) || p.Cancel(1) != (load.Cancellation{}) {
		t.Errorf("%v, %v", p.Cancel(-1), p.Cancel(0))
	}
}
