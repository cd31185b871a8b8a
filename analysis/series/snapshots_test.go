package series

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

// A recording gives the same series as the snapshots that it was made of, and so
// does one snapshot that is printed over several lines.
func TestSnapshots(t *testing.T) {
	at := time.Date(2026, 5, 28, 20, 26, 40, 500_400_000, time.UTC)
	var all []snapshot.Snapshot
	for i := range 3 {
		all = append(all, snapshot.Snapshot{
			Schema: snapshot.Schema, TakenAt: at.Add(time.Duration(i) * 15 * time.Second),
			Business: &snapshot.Business{Values: []snapshot.BusinessValue{
				{Name: "conversion_rate", Value: 0.25 * float64(i), Labels: map[string]string{"plan": "free"}},
				{Name: "orders_total", Value: 100 * float64(i)},
			}},
			TimingsMS: map[string]float64{"host": 3.5},
		})
	}
	b := NewBuilder()
	var recording string
	for _, s := range all {
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		recording += string(line) + "\n"
		b.AddSnapshot(s)
	}
	built := b.Store(nil)
	read, s := mustRead(t, recording)
	if diff := cmp.Diff(dump(built), dump(read)); diff != "" || s.Format != "snapshots" || s.Malformed != 0 {
		t.Errorf("%+v %s", s, diff)
	}
	orders := read.Named("orders_total")[0]
	if orders.Kind() != Counter || read.Named("conversion_rate")[0].Kind() != Gauge {
		t.Error("kinds are lost")
	}
	var got []Point
	for at, v := range orders.Points() {
		got = append(got, Point{T: at, F: v})
	}
	first := at.Truncate(time.Millisecond).UnixMilli()
	if diff := cmp.Diff([]Point{{T: first, F: 0}, {T: first + 15_000, F: 100}, {T: first + 30_000, F: 200}}, got); diff != "" {
		t.Error(diff)
	}

	printed, err := json.MarshalIndent(all[2], "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b.AddSnapshot(all[2])
	read, s = mustRead(t, string(printed)+"\n")
	if diff := cmp.Diff(dump(b.Store(nil)), dump(read)); diff != "" || s.Malformed != 0 {
		t.Errorf("%+v %s", s, diff)
	}

	// A gate over one snapshot.
	b.AddSnapshot(all[2])
	r, err := NewEngine(Limits{}).Instant(t.Context(), b.Store(nil), `conversion_rate{plan="free"} >= 0.5`, all[2].TakenAt.Add(time.Millisecond))
	if err != nil || len(r.Rows) != 1 || r.Rows[0].Labels.Get("plan") != "free" {
		t.Errorf("%+v %v", r, err)
	}
}

// A torn first line may be longer than what formats are told apart by.
func TestTornFirstLine(t *testing.T) {
	const whole = `{"schema":"llmops.snapshot/v1","at":"2026-05-28T20:26:40Z","timings_ms":{"host":3}}` + "\n"
	for _, torn := range []string{strings.Repeat("x", sniffSize-20), strings.Repeat("x", 5*sniffSize), `"findings":[]}`, `{"schema":"llmops.sna`, `{"at":"20`} {
		_, s := mustRead(t, torn+"\n"+whole+whole)
		if s.Format != "snapshots" || s.Malformed != 1 || s.Points != 4 {
			t.Errorf("%.20s, %d bytes: %s, %d malformed, %d points", torn, len(torn), s.Format, s.Malformed, s.Points)
		}
	}
}
