//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package notify

import (
	"context"
	"os"
	"time"
)

// lock does nothing here: one run at a time.
func lock(context.Context, *os.File, time.Duration) error { return nil }
