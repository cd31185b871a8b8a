//go:build !amd64

package accesslog

func fitsQuickly() bool { return false }

// fitParts is there for other processors only.
func fitParts(_ []byte, _ []part, _ []extent, k, i int) (int, int) { return k, i }
