//go:build linux && cgo

package nvml

import (
	"context"
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Compiled tells whether this binary can talk to the driver at all.
func Compiled() bool { return true }

// Read asks the driver for its version and its devices. A call into a sick
// driver can hang and cannot be cancelled: when ctx ends first, Read returns
// and leaves the call behind, so it is for processes that are about to end.
func Read(ctx context.Context) (Info, error) { return readUntil(ctx, nvml.New()) }

func readUntil(ctx context.Context, lib nvml.Interface) (Info, error) {
	type reply struct {
		info Info
		err  error
	}
	done := make(chan reply, 1)
	go func() {
		info, err := read(lib)
		done <- reply{info, err}
	}()
	select {
	case r := <-done:
		return r.info, r.err
	case <-ctx.Done():
		return Info{}, fmt.Errorf("ask the NVIDIA driver: %w", context.Cause(ctx))
	}
}

func read(lib nvml.Interface) (Info, error) {
	if err := check("open the NVIDIA driver", lib.Init()); err != nil {
		return Info{}, err
	}
	defer lib.Shutdown()
	var info Info
	var ret nvml.Return
	if info.Driver, ret = lib.SystemGetDriverVersion(); ret != nvml.SUCCESS {
		return Info{}, check("read the driver version", ret)
	}
	n, ret := lib.DeviceGetCount()
	if err := check("count the GPUs", ret); err != nil {
		return info, err
	}
	for i := range n {
		name, err := deviceName(lib, i)
		if err != nil {
			name = "GPU " + fmt.Sprint(i) + ": " + err.Error() // one lost GPU must not hide the others
		}
		info.Devices = append(info.Devices, name)
	}
	return info, nil
}

func deviceName(lib nvml.Interface, i int) (string, error) {
	dev, ret := lib.DeviceGetHandleByIndex(i)
	if err := check("open it", ret); err != nil {
		return "", err
	}
	name, ret := dev.GetName()
	return name, check("read its name", ret)
}

// check is the only place where a Return becomes an error: Return implements
// error, and SUCCESS would be a non-nil one.
func check(doing string, ret nvml.Return) error {
	if s := Status(ret); s != OK {
		return fmt.Errorf("%s: %w", doing, errors.New(s.Words()))
	}
	return nil
}
