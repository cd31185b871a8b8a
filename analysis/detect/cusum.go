package detect

// cusum: the cumulated deviation from the median of the rows before, upwards and
// downwards each,
//
//	z = (x - median) / sd, clipped at 4;  S = max(0, S + z - 1);  strange at S > 12,
//
// with median and sd of robust (Page 1954). It sees small changes of level that last,
// and begins anew after an alert. 0.3 µs.
type cusum struct {
	base     robust
	up, down float64
}

const (
	cusumSlack = 1
	cusumClip  = 4
	cusumLimit = 12
)

func newCusum() *cusum { return &cusum{base: *newRobust(robustRows, 1, 1, 1)} }

// Next judges the sum with v.
func (c *cusum) Next(t int64, v float64) Look {
	look := c.base.Next(t, v)
	if look.Strange < 0 {
		return early
	}
	if !(look.High > look.Low) {
		return nothing
	}
	mid := look.Low + (look.High-look.Low)/2
	sd := (look.High - look.Low) / 2
	z := min(max((v-mid)/sd, -cusumClip), cusumClip)
	c.up = max(0, c.up+z-cusumSlack)
	c.down = max(0, c.down-z-cusumSlack)
	s := max(c.up, c.down) / cusumLimit
	if s >= 1 {
		c.up, c.down = 0, 0
	}
	return Look{s, mid - cusumSlack*sd, mid + cusumSlack*sd}
}
