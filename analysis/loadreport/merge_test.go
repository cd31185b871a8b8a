package loadreport

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMergeSumsUp(t *testing.T) {
	part := func(shard string, f ClientFacts, l *Lengths) Part {
		return Part{Name: "dir" + shard, Verdict: ClientValid, Run: Run{Version: "v1", Load: Load{Mode: "open", Shard: shard, WarmupRequests: 3}, Client: f, Lengths: l, Window: time.Second}}
	}
	got, err := Merge([]Part{
		part("2/2", ClientFacts{TimestampSource: "user", CPU: new(time.Second), Cores: 4, Events: 5, AskedRate: new(10.0), AchievedRate: new(9.0), LongestWait: new(time.Second),
			Pauses: 2, PauseMax: new(time.Duration(7)), ClockStep: new(-3 * time.Second)}, &Lengths{Prompt: &Length{Requests: 30, Asked: 10, Measured: 20}}),
		part("1/2", ClientFacts{TimestampSource: "kernel", CPU: new(2 * time.Second), Cores: 2, Events: 7, AskedRate: new(10.5), AchievedRate: new(10.0), LongestWait: new(time.Minute),
			Pauses: 1, PauseMax: new(time.Duration(9)), ClockStep: new(time.Second)}, &Lengths{Prompt: &Length{Requests: 10, Asked: 30, Measured: 20}, Output: &Length{Requests: 1, Asked: 2, Measured: 3}}),
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	want := Run{
		Version: "v1", Load: Load{Mode: "open", WarmupRequests: 6}, Window: time.Second,
		Client: ClientFacts{TimestampSource: "mixed", CPU: new(3 * time.Second), Cores: 6, Events: 12, AskedRate: new(20.5), AchievedRate: new(19.0), LongestWait: new(time.Minute),
			Pauses: 3, PauseMax: new(time.Duration(9)), ClockStep: new(-3 * time.Second), Judged: true},
		Lengths: &Lengths{Prompt: &Length{Requests: 40, Asked: 15, Measured: 20}, Output: &Length{Requests: 1, Asked: 2, Measured: 3}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What one shard did not measure is not known of the run.
func TestMergeOfTheUnmeasured(t *testing.T) {
	whole := ClientFacts{CPU: new(time.Second), AskedRate: new(1.0), AchievedRate: new(1.0), LongestWait: new(time.Second)}
	for _, order := range [][]ClientFacts{{whole, {}}, {{}, whole}} {
		got, err := Merge([]Part{{Run: Run{Load: Load{Shard: "1/2"}, Client: order[0]}}, {Run: Run{Load: Load{Shard: "2/2"}, Client: order[1]}}}, false)
		if c := got.Client; err != nil || c.CPU != nil || c.AskedRate != nil || c.AchievedRate != nil || c.LongestWait != nil {
			t.Errorf("%+v %v", c, err)
		}
	}
}

// Shards that sent other prompts are not of one run. Of a shard of a version that did
// not keep what they were made of nothing is known.
func TestMergeOfOtherPrompts(t *testing.T) {
	for _, x := range []struct {
		second map[string]string
		want   string
	}{
		{map[string]string{"--prompt-tokens": "128", "--dataset": "a"}, ""},
		{nil, ""},
		{map[string]string{"--prompt-tokens": "256", "--dataset": "a"}, "a and b are not of one run: --prompt-tokens is 128 in the one and 256 in the other"},
		{map[string]string{"--prompt-tokens": "128"}, "a and b are not of one run: --dataset is a in the one and not set in the other"},
	} {
		first := Run{Load: Load{Shard: "1/2"}, Prompts: map[string]string{"--prompt-tokens": "128", "--dataset": "a"}}
		_, err := Merge([]Part{{Name: "a", Run: first}, {Name: "b", Run: Run{Load: Load{Shard: "2/2"}, Prompts: x.second}}}, false)
		if e, ok := errors.AsType[*PartsError](err); ok != (x.want != "") || ok && e.Text != x.want {
			t.Errorf("%v: %v", x.second, err)
		}
	}
	// Not of the first is nothing known, but of others.
	_, err := Merge([]Part{{Name: "a", Run: Run{Load: Load{Shard: "1/3"}}}, {Name: "b", Run: Run{Load: Load{Shard: "2/3"}, Prompts: map[string]string{"--output-tokens": "64"}}},
		{Name: "c", Run: Run{Load: Load{Shard: "3/3"}, Prompts: map[string]string{"--output-tokens": "65"}}}}, false)
	if err == nil || err.Error() != "b and c are not of one run: --output-tokens is 64 in the one and 65 in the other" {
		t.Error(err)
	}
}

func TestMergeOfMissingShards(t *testing.T) {
	parts := []Part{{Name: "a", Run: Run{Load: Load{Shard: "3/4"}}}, {Name: "b", Run: Run{Load: Load{Shard: "1/4"}}}}
	_, err := Merge(parts, false)
	if e, ok := errors.AsType[*PartsError](err); !ok || !cmp.Equal(e.Missing, []string{"2/4", "4/4"}) || e.Text != "of the run that b belongs to, shards 2/4, 4/4 are missing" {
		t.Error(err)
	}
	got, err := Merge(parts, true)
	if err != nil || len(got.Client.Invalid) != 1 {
		t.Errorf("%+v %v", got.Client, err)
	}
	for _, shard := range []string{"x/2", "1", "0/2", "3/2", "1/2/3", ""} {
		if _, err := Merge([]Part{{Name: "a", Run: Run{Load: Load{Shard: shard}}}}, true); err == nil {
			t.Errorf("%q is taken for a shard", shard)
		}
	}
}

// Shards that did not overlap were never the load that was asked for; of one that never
// began nothing is known.
func TestMergeOfOtherTimes(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		second           time.Time
		invalid, suspect int
	}{
		{began.Add(2 * time.Second), 0, 0},
		{began.Add(59 * time.Second), 0, 1},
		{began.Add(60 * time.Second), 1, 0},
		{began.Add(24 * time.Hour), 1, 0},
		{time.Time{}, 0, 0},
	} {
		part := func(shard string, at time.Time) Part {
			return Part{Name: shard, Run: Run{StartedAt: at, Duration: time.Minute, Load: Load{Shard: shard}}}
		}
		got, err := Merge([]Part{part("1/2", began), part("2/2", x.second)}, false)
		if err != nil || len(got.Client.Invalid) != x.invalid || len(got.Client.Suspect) != x.suspect || !got.StartedAt.Equal(began) {
			t.Errorf("%s: started %s, %v, %v, %v", x.second, got.StartedAt, got.Client.Invalid, got.Client.Suspect, err)
		}
	}
}

// A number of shards is only a number: a message does not name a million of them.
func TestMergeOfManyMissing(t *testing.T) {
	_, err := Merge([]Part{{Name: "a", Run: Run{Load: Load{Shard: "1/1000000"}}}}, false)
	if err == nil || len(err.Error()) > 300 || !strings.HasSuffix(err.Error(), "11/1000000 and 999989 more are missing") {
		t.Errorf("%.300v", err)
	}
}

// The engine counts the load of all shards: of several readings of it one is taken, and
// nothing of a single client.
func TestMergeOfServers(t *testing.T) {
	seen := func(shard, url string, window *float64, count float64) Part {
		return Part{Run: Run{Load: Load{Shard: shard}, Server: &Server{
			Engine: "vllm", URL: url, WindowS: window, Scrapes: 3, TTFT: engineSaw(count, 40, 0, 50), ClientTTFT: engineSaw(5, 60, 0, 100),
			Split: &Split{ClientMs: new(1.0), NetworkMs: new(2.0), QueueMs: new(3.0), OtherMs: new(37.0)}, Disagreement: &Disagreement{Detail: "x"},
		}}}
	}
	server := func(parts ...Part) *Server {
		t.Helper()
		got, err := Merge(parts, false)
		if err != nil {
			t.Fatal(err)
		}
		return got.Server
	}
	here := seen("2/3", "a", new(9.5), 200)
	here.Run.Server.GPUs = []GPU{{Label: "0"}}
	longest := seen("3/3", "a", new(10.0), 205)
	got := server(seen("1/3", "a", nil, 0), here, longest)
	want := &Server{
		Engine: "vllm", URL: "a", WindowS: new(10.0), Scrapes: 3, TTFT: engineSaw(205, 40, 0, 50),
		GPUs: []GPU{{Label: "0"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if longest.Run.Server.ClientTTFT == nil {
		t.Error("what the shard itself has was changed")
	}
	none := Part{Run: Run{Load: Load{Shard: "2/2"}}}
	if got := server(seen("1/2", "a", new(1.0), 5), none); got == nil || got.TTFT.Count != 5 {
		t.Errorf("%+v", got)
	}
	if got := server(seen("1/2", "a", new(1.0), 5), seen("2/2", "b", new(1.0), 5)); got != nil {
		t.Errorf("two servers taken for one: %+v", got)
	}
	if got := server(Part{Run: Run{Load: Load{Shard: "1/2"}}}, none); got != nil {
		t.Errorf("%+v", got)
	}
}
