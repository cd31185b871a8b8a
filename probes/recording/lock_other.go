//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package recording

import (
	"os"
	"time"
)

// lock does nothing here: one process at a time.
func lock(*os.File, time.Duration) error { return nil }
