package load

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestCountsSince(t *testing.T) {
	bounds := []float64{0, 1e-6, 1e-3, 1, math.Inf(1)}
	at := func(n ...uint64) counts { return counts{bounds: bounds, n: n} }
	for name, c := range map[string]struct {
		now, base     counts
		p99, greatest time.Duration // 0: none
		total         uint64
	}{
		"nothing known":         {counts{}, counts{}, 0, 0, 0},
		"nothing new":           {at(5, 5, 5, 5), at(5, 5, 5, 5), 0, 0, 0},
		"no base":               {at(1, 0, 0, 0), counts{}, time.Microsecond, time.Microsecond, 1},
		"one late of a hundred": {at(99, 1, 0, 0), at(0, 0, 0, 0), time.Microsecond, time.Millisecond, 100},
		"two late of a hundred": {at(98, 1, 1, 0), at(0, 0, 0, 0), time.Millisecond, time.Second, 100},
		"base left out":         {at(1000, 2, 0, 0), at(1000, 0, 0, 0), time.Millisecond, time.Millisecond, 2},
		"beyond all bounds":     {at(0, 0, 0, 1), at(0, 0, 0, 0), time.Second, time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p99, greatest, total := c.now.since(c.base)
			if total != c.total || value(p99) != c.p99 || value(greatest) != c.greatest {
				t.Errorf("p99 %v, greatest %v of %d; want %v, %v of %d", value(p99), value(greatest), total, c.p99, c.greatest, c.total)
			}
		})
	}
}

func value(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

// A clock that is set while the run goes on is noticed, with its sign; one that
// is being corrected slowly, or was set before the measured part, is not.
func TestMonitorClock(t *testing.T) {
	for name, c := range map[string]struct {
		offset func(beat int) time.Duration
		want   time.Duration
	}{
		"steady":            {func(int) time.Duration { return 0 }, 0},
		"corrected":         {func(beat int) time.Duration { return time.Duration(beat) * 100 * time.Microsecond }, 0},
		"set forward":       {func(beat int) time.Duration { return time.Duration(min(beat/8, 1)) * time.Hour }, time.Hour},
		"set back":          {func(beat int) time.Duration { return -time.Duration(min(beat/8, 1)) * 2 * time.Second }, -2 * time.Second},
		"set before it all": {func(beat int) time.Duration { return time.Duration(min(beat, 1)) * time.Hour }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			beat := 0
			four, begun, twelve := make(chan struct{}), make(chan struct{}), make(chan struct{})
			m := newMonitor(func() (time.Duration, bool) {
				d := c.offset(beat)
				switch beat {
				case 4:
					close(four)
				case 5:
					<-begun
				case 12:
					close(twelve)
				}
				beat++
				return d, true
			})
			<-four
			m.begin(time.Now())
			close(begun)
			<-twelve
			if h := m.stop(); value(h.ClockStep) != c.want {
				t.Errorf("a step of %v, want %v", value(h.ClockStep), c.want)
			}
		})
	}
}

// The clocks of this machine agree for a moment.
func TestWallClock(t *testing.T) {
	read := wallClock(time.Now())
	for range 100 {
		if d, ok := read(); ok && max(d, -d) > time.Second {
			t.Fatalf("the clocks are %s apart", d)
		}
	}
}

// A process that does not run for a while says so; a monitor that was never told
// of a measured part says nothing.
func TestMonitorStall(t *testing.T) {
	if h := newMonitor(wallClock(time.Now())).stop(); h != (Health{}) {
		t.Errorf("without a measured part: %+v", h)
	}
	// The end of the run is known before the process goes on: that it stood still counts.
	for range 10 {
		beats, stopped, goOn := 0, make(chan struct{}), make(chan struct{})
		m := newMonitor(func() (time.Duration, bool) {
			if beats++; beats == 5 {
				close(stopped)
				<-goOn
			}
			return 0, true
		})
		m.begin(time.Now())
		var wg sync.WaitGroup
		for range 1000 { // the runtime samples the waits
			wg.Go(func() {})
		}
		wg.Wait()
		<-stopped
		time.AfterFunc(20*heartbeat, func() { close(goOn) })
		h := m.stop()
		if h.Stall == nil || *h.Stall < 15*heartbeat {
			t.Errorf("stall %v, want about %v", value(h.Stall), 20*heartbeat)
		}
		if h.SchedP99 == nil || h.SchedMax == nil || *h.SchedP99 > *h.SchedMax {
			t.Errorf("waits for a processor: p99 %v, max %v", value(h.SchedP99), value(h.SchedMax))
		}
	}
}
