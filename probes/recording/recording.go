// Package recording keeps snapshots in a file, one JSON object a line. It only
// appends, and only whole lines: a process that is killed or a disk that is full costs
// the newest line, never those before it. It must not read what it wrote nor know what
// is in a line.
package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Old is the suffix of the part that rotation put aside: FILE.1 is what came before
// FILE.
const Old = ".1"

// File is a recording. Several processes may append to the same one.
type File struct {
	Path string
	// MaxSize, in bytes, is the size that is not exceeded: a line that would is the
	// first of a new file, and the full one becomes Path+Old in place of an older one.
	// 0 is no limit.
	MaxSize int64
	// Prefix is what every line begins with. A file that begins with anything else is
	// somebody's, and is not touched.
	Prefix string
}

// A ForeignError says that a file is no recording.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is no recording of snapshots, and nothing is added to it", e.Path)
}

// lockTimeout bounds the wait for another process that appends: it takes milliseconds
// unless it hangs.
const lockTimeout = 5 * time.Second

// Check finds out whether Append would be able to write, and writes nothing. A file
// that is not there yet stays so.
func (r File) Check() error {
	if _, err := os.Stat(r.Path); errors.Is(err, fs.ErrNotExist) {
		// Not the file itself: another process may be about to write to it.
		f, err := os.CreateTemp(filepath.Dir(r.Path), "."+filepath.Base(r.Path)+".*.tmp")
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	f, err := r.open()
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = r.end(f)
	return err
}

// Append adds a line, which ends in its only newline, with one write. The file is
// opened for each line, so that tools which move it away are followed. After an error
// the file holds what it held before.
func (r File) Append(line []byte) error {
	if n := bytes.IndexByte(line, '\n'); n != len(line)-1 || !bytes.HasPrefix(line, []byte(r.Prefix)) {
		return errors.New("append to a recording: not one line of its kind")
	}
	for {
		f, err := r.open()
		if err != nil {
			return err
		}
		rotated, err := r.append(f, line)
		if cerr := f.Close(); err == nil && !rotated {
			err = cerr
		}
		if err != nil || !rotated {
			return err
		}
	}
}

// append writes to f under its lock. rotated tells that f is, or has become, the old
// part: the line goes to the next file.
func (r File) append(f *os.File, line []byte) (rotated bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() { // a pipe or a device: nothing to lock, repair or rotate
		_, err := f.Write(line)
		return false, err
	}
	if err := lock(f, lockTimeout); err != nil { // the end of f frees it
		return false, err
	}
	if now, err := os.Stat(r.Path); err != nil || !os.SameFile(now, info) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		return true, nil // moved while we waited
	}
	size, err := r.end(f)
	if err != nil {
		return false, err
	}
	if r.MaxSize > 0 && size > 0 && size+int64(len(line)) > r.MaxSize {
		return true, os.Rename(r.Path, r.Path+Old)
	}
	if err := f.Truncate(size); err != nil { // what a killed process left of a line
		return false, err
	}
	if _, err := f.Write(line); err != nil {
		return false, errors.Join(err, f.Truncate(size))
	}
	return false, nil
}

// open opens the file for appending, with a mode that lets nobody else read command
// lines and addresses.
func (r File) open() (*os.File, error) {
	return os.OpenFile(r.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
}

// end is where the next line begins: behind the last newline. A file that does not
// begin as a recording does is an error.
func (r File) end(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return 0, err
	}
	size := info.Size()
	head := make([]byte, min(size, int64(len(r.Prefix))))
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, err
	}
	if !bytes.HasPrefix([]byte(r.Prefix), head) {
		return 0, &ForeignError{r.Path}
	}
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}
