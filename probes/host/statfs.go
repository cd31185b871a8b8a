package host

import (
	"context"

	"github.com/shirou/gopsutil/v4/disk"
)

// statfs asks the file system at path for its space. It can hang for as long
// as the device or server behind it does, whatever ctx says.
func statfs(ctx context.Context, path string) (space, error) {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return space{}, err
	}
	return space{total: u.Total, used: u.Used, available: u.Free, inodes: u.InodesTotal, inodesFree: u.InodesFree}, nil
}
