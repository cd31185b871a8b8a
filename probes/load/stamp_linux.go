//go:build linux && (amd64 || arm64)

package load

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver reads from a TCP socket with the time at which the kernel got the
// newest segment of what it returns (SO_TIMESTAMPNS). However late this process
// comes to read, the stamp stays true. It must not be used by two goroutines at
// the same time; net/http reads a connection from one at a time.
type receiver struct {
	raw  syscall.RawConn
	try  func(fd uintptr) bool // bound once: a closure a read would be an allocation a read
	addr net.Addr

	iov unix.Iovec
	msg unix.Msghdr
	oob [64]byte // room for one struct timespec with its header

	n     int
	errno syscall.Errno
}

// newReceiver asks the kernel for stamps; false if it gives none.
func newReceiver(nc net.Conn) (*receiver, bool) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, false
	}
	var serr error
	if err := raw.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil || serr != nil {
		return nil, false
	}
	r := &receiver{raw: raw, addr: nc.RemoteAddr()}
	r.try = r.receive
	return r, true
}

func (r *receiver) receive(fd uintptr) bool {
	r.msg.Control, r.msg.Iov, r.msg.Iovlen = &r.oob[0], &r.iov, 1
	r.msg.SetControllen(len(r.oob))
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.msg)), 0) // the socket does not block
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false // wait until there is something
		}
		r.n, r.errno = int(n), errno
		return true
	}
}

// read is io.Reader's, with the time of arrival. stamped is false when the
// kernel gave none or one that cannot be: then arrived is now.
func (r *receiver) read(p []byte) (n int, arrived time.Time, stamped bool, err error) {
	if len(p) == 0 {
		return 0, time.Time{}, false, nil
	}
	r.iov.Base = &p[0]
	r.iov.SetLen(len(p))
	err = r.raw.Read(r.try)
	r.iov.Base = nil // p is the caller's
	now := time.Now()
	switch {
	case err != nil:
		return 0, now, false, err
	case r.errno != 0:
		return 0, now, false, &net.OpError{Op: "read", Net: "tcp", Addr: r.addr, Err: os.NewSyscallError("read", r.errno)}
	case r.n == 0:
		return 0, now, false, io.EOF
	}
	lag, ok := r.lag(now)
	return r.n, now.Add(-lag), ok, nil
}

// maxLag is the largest believable time between the arrival of a segment and
// its being read. More is a step of the wall clock, which stamps are taken on.
const maxLag = 30 * time.Second

// lag is how long the newest segment has waited. Both ends are on the wall
// clock, a moment apart, so that only a step in between could falsify it.
func (r *receiver) lag(now time.Time) (time.Duration, bool) {
	length := int(r.msg.Controllen)
	if length < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0, false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&r.oob[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return 0, false
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&r.oob[unix.CmsgLen(0)]))
	lag := time.Duration(now.UnixNano() - ts.Nano())
	if lag < 0 || lag > maxLag {
		return 0, false
	}
	return lag, true
}
