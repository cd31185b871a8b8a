//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package notify

import (
	"os"
	"time"
)

// lock does nothing here: one run at a time.
func lock(*os.File, time.Duration) error { return nil }
