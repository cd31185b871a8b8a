package xid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
)

// largest bounds what is read of the kernel's ring: it is 16 MiB at most on
// common kernels.
const largest = 32 << 20

// Kernel reads all that the kernel log holds at the moment: one record a read,
// without waiting for more. It needs root, or a kernel that does not restrict
// dmesg.
func Kernel(ctx context.Context, root string) ([]byte, error) {
	path := filepath.Join(root, "dev/kmsg")
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer syscall.Close(fd)
	var all bytes.Buffer
	record := make([]byte, 16<<10)
	for all.Len() < largest && ctx.Err() == nil {
		n, err := syscall.Read(fd, record)
		switch {
		case errors.Is(err, syscall.EAGAIN), err == nil && n <= 0:
			return all.Bytes(), nil
		case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.EINTR):
			continue // overwritten while it was read: the next one
		case err != nil:
			return all.Bytes(), fmt.Errorf("read %s: %w", path, err)
		}
		all.Write(record[:n])
	}
	return all.Bytes(), ctx.Err()
}
