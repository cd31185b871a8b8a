//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock waits until no other process has f; it ends with the process. File systems that
// know no locks are used without one.
func lock(ctx context.Context, f *os.File, wait time.Duration) error {
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil, errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOLCK):
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case !time.Now().Before(end):
			return fmt.Errorf("%w, for %v by now", ErrLocked, wait)
		}
	}
}
