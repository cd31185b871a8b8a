//go:build !linux || !(amd64 || arm64)

package load

import (
	"errors"
	"net"
	"time"
)

// receiver would read with the kernel's stamps, which this system does not give.
type receiver struct{}

func newReceiver(net.Conn) (*receiver, bool) { return nil, false }

func (*receiver) read([]byte) (int, time.Time, bool, error) {
	return 0, time.Time{}, false, errors.ErrUnsupported
}
