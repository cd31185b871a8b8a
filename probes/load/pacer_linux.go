package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil waits with clock_nanosleep, whose wake-ups are 5 to 10 times more
// punctual than those of runtime timers, which rest on epoll's milliseconds.
// The wait is relative: Go's monotonic clock cannot be read as an absolute
// value, and the caller re-reads the clock after every wait.
func sleepUntil(t time.Time) {
	left := time.Until(t)
	if left <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(left))
	// A signal ends the wait early; the caller's loop goes on.
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}
