package diagnose

import "time"

// episodes are a candidate where its score is highest, if that is least, and at each other
// time, further away than an interruption may last, at which it is again.
func (c *candidate) episodes(g grid, least, again float64) []*candidate {
	var found []*candidate
	taken := make([]bool, len(c.score))
	for {
		x := *c
		x.fit(g, taken)
		if x.confidence < least || x.confidence == 0 {
			return found
		}
		if x.first = &x; len(found) > 0 {
			x.first = found[0]
		}
		found, least = append(found, &x), max(least, again)
	}
}

// fit finds where the score is highest, and how far to both sides it is half of that, of the
// time that is not taken, and takes it.
func (c *candidate) fit(g grid, taken []bool) {
	for t, v := range c.score {
		if v > c.confidence && !taken[t] {
			c.confidence, c.peak = v, t
		}
	}
	c.from, c.to = c.peak, c.peak
	gap := gapSteps(g)
	for t, quiet := c.peak, 0; t >= 0 && quiet <= gap && !taken[t]; t-- {
		quiet++
		if c.score[t] >= c.confidence/2 {
			c.from, quiet = t, 0
		}
	}
	for t, quiet := c.peak, 0; t < len(c.score) && quiet <= gap && !taken[t]; t++ {
		quiet++
		if c.score[t] >= c.confidence/2 {
			c.to, quiet = t, 0
		}
	}
	for t := max(0, c.from-gap); t <= min(len(taken)-1, c.to+gap); t++ {
		taken[t] = true
	}
	if c.to < len(c.score)-1 {
		c.to = max(c.from, c.to-c.held/2) // the mean falls to a half so long after the end
	}
}

// gapSteps is how long an interruption may last within one incident.
func gapSteps(g grid) int { return g.steps(3*time.Minute, 20, 4) }
