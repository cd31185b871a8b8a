//go:build linux && cgo

package nvml

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/google/go-cmp/cmp"
)

// driver is a driver with two devices, the second of which has the state lost.
func driver(initRet, lost nvml.Return) *mock.Interface {
	return &mock.Interface{
		InitFunc:                   func() nvml.Return { return initRet },
		ShutdownFunc:               func() nvml.Return { return nvml.SUCCESS },
		SystemGetDriverVersionFunc: func() (string, nvml.Return) { return "550.54.15", nvml.SUCCESS },
		DeviceGetCountFunc:         func() (int, nvml.Return) { return 2, nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(i int) (nvml.Device, nvml.Return) {
			if i == 1 && lost != nvml.SUCCESS {
				return nil, lost
			}
			return &mock.Device{GetNameFunc: func() (string, nvml.Return) { return "NVIDIA H100", nvml.SUCCESS }}, nvml.SUCCESS
		},
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		name       string
		init, lost nvml.Return
		want       Info
		err        string
	}{
		{"two devices", nvml.SUCCESS, nvml.SUCCESS, Info{"550.54.15", []string{"NVIDIA H100", "NVIDIA H100"}}, ""},
		{"one lost", nvml.SUCCESS, nvml.ERROR_GPU_IS_LOST, Info{"550.54.15", []string{"NVIDIA H100", "GPU 1: open it: the GPU has fallen off the bus"}}, ""},
		{"no driver", nvml.ERROR_LIBRARY_NOT_FOUND, nvml.SUCCESS, Info{}, "open the NVIDIA driver: no NVIDIA driver library (libnvidia-ml.so.1) on this machine"},
		{"unknown status", nvml.Return(4711), nvml.SUCCESS, Info{}, "open the NVIDIA driver: NVML error 4711"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(driver(tt.init, tt.lost))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.err {
				t.Errorf("error %q, want %q", text, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// SUCCESS is a non-nil error in go-nvml: it must not become one of ours.
func TestCheckSuccess(t *testing.T) {
	if err := check("do it", nvml.SUCCESS); err != nil {
		t.Errorf("got %v", err)
	}
}

// A driver that never answers costs the caller its deadline and no more.
func TestHungDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		hung := driver(nvml.SUCCESS, nvml.SUCCESS)
		hung.InitFunc = func() nvml.Return { <-answer; return nvml.SUCCESS }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := readUntil(ctx, hung)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(answer)
	})
}
