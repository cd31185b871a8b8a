package load

import (
	"errors"
	"syscall"
)

// exhausted tells that err is the fault of this machine, which has no file
// descriptor, port or memory left for another connection.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
