package accesslog

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A clock reads each instant as it is read alone, whatever came before.
func TestClock(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var c clock
	at := time.Date(2026, 3, 3, 22, 57, 58, 0, time.UTC)
	for range 300_000 {
		at = at.Add(time.Duration(r.IntN(4000)-1000) * time.Millisecond)
		if r.IntN(500) == 0 {
			at = at.Add(time.Duration(r.IntN(100)-50) * 24 * time.Hour)
		}
		text := at.Format("2006-01-02T15:04:05.000Z")
		switch r.IntN(8) {
		case 0:
			text = at.Format(time.RFC3339)
		case 1:
			text = at.Format("2006-01-02T15:04:05.000000Z")
		case 2:
			text = text[:19] + "+01:00"
		case 3:
			b := []byte(text)
			b[r.IntN(len(b))] = "0123456789:.ZTt -+/"[r.IntN(19)]
			text = string(b)
		case 4:
			text = text[:17] + "60" + text[19:]
		}
		got, ok := c.parse([]byte(text))
		want, wantOK := parseTime([]byte(text))
		if got != want || ok != wantOK {
			t.Fatalf("%s: %d, %v, want %d, %v", text, got, ok, want, wantOK)
		}
	}
}
