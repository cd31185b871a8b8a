package detect

// yesterday: novelty of the difference to the value of a day before. What comes every
// day cancels out, however large it is; what is left is as wide as days differ. The
// limit is twice that of novelty. A day is kept in steps of 5 minutes. 0.15 µs.
type yesterday struct {
	slots [2 * daySlots]slot // of two days
	first int64              // the first slot of all
	begun bool
	inner *novelty
}

type slot struct {
	at  int64 // its number since the epoch
	v   float64
	set bool
}

const (
	slotMS         = 5 * 60 * 1000
	daySlots       = dayMS / slotMS
	yesterdayLimit = 1.0 / 10
	// near is how many slots a row may be off the one of yesterday: up to an hour.
	nearSlots = hourMS / slotMS
)

func newYesterday(floor float64) *yesterday {
	return &yesterday{inner: newNovelty(yesterdayLimit, noveltyDelay, floor)}
}

// Next judges how v differs from the value of a day before.
func (y *yesterday) Next(t int64, v float64) Look {
	n := floorDiv(t, slotMS)
	if !y.begun || n < y.first {
		y.begun, y.first = true, n
	}
	var before float64
	ok := n-daySlots >= y.first-nearSlots
	if ok {
		before, ok = y.find(n - daySlots)
	}
	here := y.at(n)
	*here = slot{n, v, true}
	if !ok {
		return early
	}
	look := y.inner.Next(t, v-before)
	look.Low, look.High = look.Low+before, look.High+before
	return look
}

// find is the value of a slot, or of the nearest that has one.
func (y *yesterday) find(n int64) (float64, bool) {
	for d := range int64(nearSlots + 1) {
		for _, m := range [2]int64{n - d, n + d} {
			if s := y.at(m); s.set && s.at == m {
				return s.v, true
			}
		}
	}
	return 0, false
}

func (y *yesterday) at(n int64) *slot {
	i := n % int64(len(y.slots))
	if i < 0 {
		i += int64(len(y.slots))
	}
	return &y.slots[i]
}

// floorDiv is a/b, rounded down; b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
