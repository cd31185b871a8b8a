package loadreport

import (
	"errors"
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
