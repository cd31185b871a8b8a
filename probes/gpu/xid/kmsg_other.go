//go:build !linux

package xid

import (
	"context"
	"errors"
)

// Kernel has no log to read here.
func Kernel(context.Context, string) ([]byte, error) { return nil, errors.ErrUnsupported }
