package budget_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// What rows tell is counted over all shards, and changes nothing else.
func TestOfWhich(t *testing.T) {
	const (
		once, twice = accesslog.RetryTold, accesslog.RetryTold | accesslog.Retried
		miss, hit   = accesslog.CacheTold, accesslog.CacheTold | accesslog.CacheHit
	)
	for name, c := range map[string]struct {
		notes   []accesslog.Notes // of good requests
		tooMany []accesslog.Notes // of 429s
		want    string
	}{
		"nothing":  {notes: []accesslog.Notes{0, 0}, want: "null"},
		"retries":  {notes: []accesslog.Notes{once, twice, twice, 0}, want: `{"retries":2}`},
		"no retry": {notes: []accesslog.Notes{once, 0}, want: `{"retries":0}`},
		"cache":    {notes: []accesslog.Notes{miss, hit, hit, hit}, want: `{"cache_hits":3}`},
		"no hit":   {notes: []accesslog.Notes{miss}, want: `{"cache_hits":0}`},
		"own":      {tooMany: []accesslog.Notes{accesslog.LimitedOwn, accesslog.LimitedOwn}, want: `{"rate_limited_own":2,"rate_limited_provider":0}`},
		"nobody's": {tooMany: []accesslog.Notes{0, 0, 0}, want: `{"rate_limited_unknown":3}`},
		"all kinds": {[]accesslog.Notes{twice | miss, once | hit}, []accesslog.Notes{accesslog.LimitedProvider, twice | accesslog.LimitedOwn, 0, accesslog.LimitedProvider},
			`{"retries":2,"cache_hits":1,"rate_limited_own":1,"rate_limited_provider":2,"rate_limited_unknown":1}`},
	} {
		var events []accesslog.Event
		add := func(status int16, list []accesslog.Notes) {
			for _, n := range list {
				var e accesslog.Event
				e.Reset()
				e.End, e.Status, e.Notes = start+int64(len(events)), status, n
				events = append(events, e)
			}
		}
		add(200, c.notes)
		add(429, c.tooMany)
		for _, shards := range []int{1, 3} {
			cfg := budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}}
			got := report(t, cfg, shards, events)
			text, err := json.Marshal(got.Source.OfWhich)
			if err != nil || string(text) != c.want {
				t.Errorf("%s, %d shards: %s, %v; want %s", name, shards, text, err, c.want)
			}
			plain := append([]accesslog.Event(nil), events...)
			for i := range plain {
				plain[i].Notes = 0
			}
			bare := report(t, cfg, shards, plain)
			got.Source.OfWhich, bare.Source.OfWhich = nil, nil
			if d := cmp.Diff(bare, got); d != "" {
				t.Errorf("%s: notes change the report (-without +with):\n%s", name, d)
			}
		}
	}
}
