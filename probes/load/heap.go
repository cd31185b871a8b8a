package load

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is how much may be allocated between two garbage collections, in
// bytes. A client has a small heap and makes garbage fast; with the runtime's
// default, which lets the heap double, it would collect ten times a second, and
// each collection makes requests late. It is a sum and not a multiple, so that
// memory stays bounded however many streams are open.
const headroom = 48 << 20

// collector keeps the garbage collector's target at headroom above what is live.
type collector struct {
	before, percent int
	live            []metrics.Sample // what the target is a percentage of
}

func newCollector() *collector {
	c := &collector{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}}
	c.percent = c.wanted()
	c.before = debug.SetGCPercent(c.percent)
	return c
}

// wanted is the growth that headroom is of the live heap, in percent; never less
// than the default.
func (c *collector) wanted() int {
	metrics.Read(c.live)
	var live uint64
	for _, s := range c.live {
		if s.Value.Kind() == metrics.KindUint64 {
			live += s.Value.Uint64()
		}
	}
	// Little is live before the run has begun; it will be more.
	return int(max(100, math.Round(headroom*100/float64(max(live, 4<<20)))))
}

// adjust follows the live heap. To set the target stops the world for a moment,
// so that is done only when it is far off.
func (c *collector) adjust() {
	if w := c.wanted(); w > 2*c.percent || 2*w < c.percent {
		c.percent = w
		debug.SetGCPercent(w)
	}
}

// release gives the target back that was there before.
func (c *collector) release() { debug.SetGCPercent(c.before) }
