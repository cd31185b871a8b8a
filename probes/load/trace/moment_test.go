package trace

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Dates are what time.Parse makes of them.
func TestParseDate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	layouts := []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05.000Z07:00", time.RFC3339Nano, "2006-01-02 15:04:05.0000000", "2006-01-02 15:04:05.000000-07:00"}
	for range 5_000 {
		layout := layouts[rng.IntN(len(layouts))]
		at := time.Unix(rng.Int64N(4e9), rng.Int64N(1e9)).In(time.FixedZone("", (rng.IntN(1560)-720)*60))
		text := []byte(at.Format(layout))
		if rng.IntN(3) == 0 { // any other byte
			text[rng.IntN(len(text))] = "0123456789-:TZ.+x"[rng.IntN(17)]
		}
		want, err := time.Parse("2006-01-02 15:04:05Z07:00", string(text[:10])+" "+string(text[11:]))
		if err != nil {
			want, err = time.Parse("2006-01-02 15:04:05", string(text[:10])+" "+string(text[11:]))
		}
		separated := text[10] == ' ' || text[10] == 'T'
		got, ok := parseDate(string(text))
		if ok != (err == nil && separated) || ok && !got.Equal(want) {
			t.Fatalf("%s: %v, %v; time.Parse: %v, %v", text, got, ok, want, err)
		}
	}
}
