//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// keep gives f the permissions of the file that it replaces, and its owner and group
// where this process may. Another group is not let in where the old one was.
func keep(f *os.File, old fs.FileInfo) {
	mode := old.Mode().Perm()
	if was, ok := old.Sys().(*syscall.Stat_t); ok && f.Chown(int(was.Uid), int(was.Gid)) != nil && f.Chown(-1, int(was.Gid)) != nil {
		mode = mode&0o707 | mode&(mode&0o007<<3) // what all others may too
	}
	_ = f.Chmod(mode) // a file system without permissions; the new file is its owner's alone
}
