//go:build !amd64

package accesslog

func marksQuickly() bool { return false }

// findMarks is there for other processors only.
func findMarks(*marks, []byte) (size, ends, parts int) { return 0, 0, 0 }
