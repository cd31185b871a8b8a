package load

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged is the number of bytes that the peer's TCP has acknowledged, the
// SYN counted as one (RFC 4898 leaves that open, Linux does so); 0: not known.
func acknowledged(nc net.Conn) int64 {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	n := int64(0)
	err = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int64(info.Bytes_acked)
		}
	})
	if err != nil {
		return 0
	}
	return n
}
