//go:build !linux || !cgo

package nvml

import (
	"context"
	"errors"
	"runtime"
)

// Compiled tells whether this binary can talk to the driver at all.
func Compiled() bool { return false }

// Open has nothing to open.
func Open() (Library, Status) { return nil, NoLibrary }

// Read says why nothing can be read.
func Read(context.Context) (Info, error) {
	if runtime.GOOS != "linux" {
		return Info{}, errors.New("NVML is read on Linux only")
	}
	return Info{}, errors.New("built without cgo")
}
