package accesslog

import (
	"math/rand/v2"
	"testing"
)

// Eight characters at once are read as they are one by one.
func TestEightBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	read := 0
	for range 200_000 {
		const chars = "0123456789012345678901234567890123456789...-e \"/:"
		b := make([]byte, 12)
		for i := range b {
			b[i] = chars[r.IntN(len(chars))]
		}
		n, scale := 1+r.IntN(8), r.IntN(10)-6
		text, alone := b[:n], b[:n:n] // of eight bytes there is no other way
		got, ok := parseShort(text, scale)
		want, wantOK := parseDecimal(text)
		f, fits := want.fixed(scale)
		if ok && (!wantOK || !fits || got != f) {
			t.Fatalf("%q * 10^%d is %d, want %d, %v", text, scale, got, f, wantOK)
		}
		if v, slowly := parseShort(alone, scale); slowly != ok || v != got {
			t.Fatalf("%q * 10^%d: %d, %v, one by one %d, %v", text, scale, got, ok, v, slowly)
		}
		if ok {
			read++
		}
	}
	if read < 50_000 {
		t.Errorf("%d were read", read)
	}
}
