package sim

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one goroutine at a time. The runtime's own timers wait in
// epoll_wait, in whole milliseconds; a timerfd is exact to the kernel's timer.
type alarm struct {
	file  *os.File // nil: no timerfd to be had
	conn  syscall.RawConn
	fd    int
	epoch time.Time
	due   atomic.Int64 // since epoch
	slept bool
	timer *time.Timer
}

func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err == nil {
		a := &alarm{fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), epoch: time.Now()}
		if a.conn, err = a.file.SyscallConn(); err == nil {
			return a
		}
		_ = a.file.Close()
	}
	return &alarm{timer: time.NewTimer(time.Hour)}
}

// set lets wait return after d, whatever was set before. It may be called
// while another goroutine waits.
func (a *alarm) set(d time.Duration) {
	if a.file == nil {
		a.timer.Reset(d)
		return
	}
	a.due.Store(int64(time.Since(a.epoch) + d))
	// A value of 0 would disarm it. With a valid descriptor and value there is
	// no error to come.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	_ = unix.TimerfdSettime(a.fd, 0, &spec, nil)
}

// wait returns when the time has come, or earlier by chance.
func (a *alarm) wait() {
	if a.file == nil {
		<-a.timer.C
		return
	}
	a.slept = false
	_ = a.conn.Read(a.awake) // fails only when it is closed
}

// awake is asked once after the poller has forgotten old wake-ups, and again
// after a new one. A look at the clock tells the first time whether the timer
// went off before, so it is never read, which saves two system calls.
func (a *alarm) awake(uintptr) bool {
	if a.slept {
		return true
	}
	a.slept = true
	return int64(time.Since(a.epoch)) >= a.due.Load()
}

func (a *alarm) close() {
	if a.file != nil {
		_ = a.file.Close()
		return
	}
	a.timer.Stop()
}
