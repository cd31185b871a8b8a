package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A daily wave with noise and spikes, a row every 15 s, as exporters give it.
func wave(rows int) []Row {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]Row, rows)
	for i := range all {
		t := int64(i) * 15_000
		v := 100 + 30*math.Sin(2*math.Pi*float64(t)/dayMS) + 5*r.NormFloat64()
		if r.IntN(500) == 0 {
			v *= 1 + 3*r.Float64()
		}
		all[i] = Row{1_700_000_000_000 + t, v}
	}
	return all
}

// BenchmarkDefault is the cost of a row with the default channels: below 1 µs is more
// than a million rows by second and core.
func BenchmarkDefault(b *testing.B) {
	all := wave(4 * 5760)
	b.ReportAllocs()
	d := New(Options{})
	i := 0
	for b.Loop() {
		if i == len(all) {
			d, i = New(Options{}), 0
		}
		d.Next(all[i].T, all[i].V)
		i++
	}
}

func BenchmarkChannels(b *testing.B) {
	all := wave(4 * 5760)
	for i, k := range Kinds() {
		b.Run(k.Name, func(b *testing.B) {
			d := New(Options{Channels: 1 << i})
			n := 0
			for b.Loop() {
				if n == len(all) {
					d, n = New(Options{Channels: 1 << i}), 0
				}
				d.Next(all[n].T, all[n].V)
				n++
			}
		})
	}
}
