package stats

import (
	"encoding/json"
	"testing"
)

// Of 1 to 1000 the q-quantile by nearest rank is 1000q, and small numbers have a
// bucket of their own.
func TestDistribution(t *testing.T) {
	var s Sketch
	text := func() string {
		b, err := json.Marshal(s.Distribution(func(v float64) float64 { return v / 4 }))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := text(); got != `{"count":0}` {
		t.Errorf("without a value: %s", got)
	}
	for v := range int64(1000) {
		s.Add(v + 1)
	}
	want := `{"count":1000,"mean":125.125,"min":0.25,"p50":125,"p90":225,"p95":237.5,"p99":247.5,"p999":249.75,"max":250}`
	if got := text(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
