package alerting

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/analysis/alerting/internal/random"
	"llmops/analysis/series"
)

func storeOf(c random.Case) *series.Store {
	b := series.NewBuilder()
	for _, s := range c.Series {
		for _, x := range s.Samples {
			v := x.Value
			if x.Stale {
				v = math.NaN()
			}
			b.Add(s.Labels, series.Unknown, x.T, v)
		}
	}
	return b.Store(nil)
}

func optionsOf(c random.Case) Options {
	return Options{Start: time.UnixMilli(c.Start), End: time.UnixMilli(c.End), Merge: c.Own, ExternalLabels: map[string]string{"region": "eu"}, ExternalURL: "http://p:9090"}
}

// samplesOf is everything in a store, bit for bit.
func samplesOf(s *series.Store) map[string][][2]uint64 {
	all := map[string][][2]uint64{}
	for _, x := range s.Series() {
		for t, v := range x.Samples(math.MinInt64, math.MaxInt64) {
			all[x.Labels().String()] = append(all[x.Labels().String()], [2]uint64{uint64(t), math.Float64bits(v)})
		}
	}
	return all
}

var sameResult = cmp.Options{cmpopts.IgnoreFields(Result{}, "Store", "Recorded"), cmpopts.EquateEmpty()}

// Rules are asked for many times at once where that gives the same.
func TestAheadIsStepwise(t *testing.T) {
	batches, rules := 0, 0
	for seed := range uint64(60) {
		c := random.Make(seed)
		store, o := storeOf(c), optionsOf(c)
		p, err := newPlan(store, c.Groups, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.rules {
			rules++
			if r.batch {
				batches++
			}
		}
		got, err := Replay(t.Context(), store, c.Groups, o)
		if err != nil {
			t.Fatal(err)
		}
		o.stepwise, o.Workers = true, 1
		want, err := Replay(t.Context(), store, c.Groups, o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, sameResult); d != "" {
			t.Fatalf("seed %d: stepwise -, ahead +:\n%s", seed, d)
		}
		if d := cmp.Diff(samplesOf(want.Store), samplesOf(got.Store)); d != "" {
			t.Fatalf("seed %d: stepwise -, ahead +:\n%s", seed, d)
		}
	}
	if batches < rules/3 || batches == rules {
		t.Errorf("%d of %d rules were asked for ahead: this shows little", batches, rules)
	}
}
