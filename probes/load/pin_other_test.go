//go:build !linux

package load

func pin(int, int) bool { return false }
