package detect

// timeOfDay: novelty among the values that the series had at this time of day (UTC, two
// hours earlier to two hours later) on the days before. It sees what is usual but at the
// wrong hour, from the third day on. The scale is the range of all values, the limit
// twice that of novelty, as there are fewer values to be near to. Five binary searches
// among at most 1,024 values each: 0.2 µs.
type timeOfDay struct {
	hours  [24]hour
	lo, hi float64
	begun  bool
	day    int64 // when this day of rows began, the first with the first row
	days   int   // those before it; days without rows are none
	limit  float64
	floor  float64
}

// An hour of the day: what is known of the days before, and what today has brought.
type hour struct {
	known, today neighbours
	last         int64 // when today's newest row was
}

const (
	dayMS     = 24 * hourMS
	hourMS    = 3600 * 1000
	todSpread = 2 // hours to either side
	todDays   = 3
	todLimit  = 1.0 / 10
	todFinest = 1.0 / 512
	todAgo    = dayMS / 2 // values of an hour count for the days after it
)

func newTimeOfDay(floor float64) *timeOfDay {
	c := &timeOfDay{limit: todLimit, floor: floor}
	for i := range c.hours {
		c.hours[i].known.finest, c.hours[i].today.finest = todFinest, todFinest
	}
	return c
}

// Next judges v by the days before.
func (c *timeOfDay) Next(t int64, v float64) Look {
	if !c.begun {
		c.begun, c.day, c.lo, c.hi = true, t, v, v
	}
	if t < c.day-dayMS { // it fell, and the day that had begun is none; late rows are no fall
		c.day, c.days = t, max(0, c.days-1)
	}
	if t-c.day >= dayMS {
		c.days++
		if c.day += dayMS; t-c.day >= dayMS {
			c.day = t
		}
	}
	h := int(((t/hourMS)%24 + 24) % 24)
	look := early
	if c.days >= todDays {
		look = c.look(t, v, h)
	}
	c.lo, c.hi = min(c.lo, v), max(c.hi, v)
	here := &c.hours[h]
	here.settle(t)
	here.today.add(v)
	here.last = t
	return look
}

func (c *timeOfDay) look(t int64, v float64, h int) Look {
	scale := max(max(c.hi, v)-min(c.lo, v), c.floor)
	if scale <= 0 {
		return nothing
	}
	var best Look
	known := false
	low, high := 0.0, 0.0
	for d := -todSpread; d <= todSpread; d++ {
		at := &c.hours[(h+d+24)%24]
		at.settle(t)
		y, ok := at.known.nearest(v)
		if !ok {
			continue
		}
		s := max(v-y, y-v) / scale / c.limit
		if !known {
			best, low, high = Look{s, y, y}, at.known.lo, at.known.hi
		}
		if known = true; s < best.Strange {
			best = Look{s, y, y}
		}
		low, high = min(low, at.known.lo), max(high, at.known.hi)
	}
	if !known {
		return early
	}
	if v < low || v > high {
		best.Low, best.High = low, high
	} else {
		best.Low, best.High = best.Low-c.limit*scale, best.High+c.limit*scale
	}
	return best
}

// settle makes the values of an earlier day known.
func (h *hour) settle(t int64) {
	if len(h.today.set) == 0 || max(t-h.last, h.last-t) < todAgo {
		return
	}
	for _, x := range h.today.set {
		h.known.add(x)
	}
	h.today.reset()
}
