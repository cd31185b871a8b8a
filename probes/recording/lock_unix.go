//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package recording

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock waits until no other process writes to f. File systems that know no locks are
// written without one.
func lock(f *os.File, timeout time.Duration) error {
	for end := time.Now().Add(timeout); ; time.Sleep(2 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil, errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOLCK):
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock: %w", err)
		case time.Now().After(end):
			return fmt.Errorf("another process has had it locked for %v", timeout)
		}
	}
}
