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

// A time is what its digits say, however they are written: pandas writes small numbers
// with an exponent.
func TestParseTime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1.5": 1500 * time.Millisecond, "-2.25": -2250 * time.Millisecond, ".5": 500 * time.Millisecond, "5.": 5 * time.Second,
		"1.5e-05": 15 * time.Microsecond, "1.5E-05": 15 * time.Microsecond, "12.5e-3": 12500 * time.Microsecond, "1.05e1": 10500 * time.Millisecond, "2.5e+2": 250 * time.Second, "1e-3": time.Millisecond,
		"1700000000":           1700000000 * time.Second,
		"1700000000.123456789": 1700000000*time.Second + 123456789, // beyond a floating-point number
		"1700000000123":        1700000000123 * time.Millisecond,
		"1700000000123.456":    1700000000123*time.Millisecond + 456*time.Microsecond,
		"1700000000123456":     1700000000123456 * time.Microsecond,
		"1700000000123456789":  1700000000123456789,
		"1.7e9":                1700000000 * time.Second,
	} {
		if got, err := parseTime(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "nan", "inf", "1e400", "-1e12", "5e9", "1,5", "1.5.5", "today", "99999999999999999999"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
