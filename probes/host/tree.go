package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"llmops/probes/snapshot"
)

// maxFile bounds what is read of one file: a mount table with thousands of
// containers fits.
const maxFile = 8 << 20

// tree reads the files of /proc and /sys below a root.
type tree struct {
	root     string
	pageSize uint64 // of the host, in bytes
}

// path is where name is on this machine. Without a root of its own it stays as
// it is, for the sake of systems whose paths begin with a drive.
func (t tree) path(name string) string {
	if t.root == "/" {
		return name
	}
	return filepath.Join(t.root, name)
}

func (t tree) read(name string) (string, error) {
	f, err := os.Open(t.path(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(b), nil
}

// word is the content of a file without white space around it, "" when it
// cannot be read: for files that one host has and another has not.
func (t tree) word(name string) string {
	s, err := t.read(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// number is a file that holds one number, nil when it does not.
func (t tree) number(name string) *uint64 { return parseUint(t.word(name)) }

// names lists a folder in order; empty when it cannot be read.
func (t tree) names(dir string) []string {
	entries, err := os.ReadDir(t.path(dir))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func (t tree) exists(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

func parseUint(s string) *uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return &n
	}
	return nil
}

// parseFloat reads a finite number that is not negative.
func parseFloat(s string) *float64 {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f <= 1e300 {
		return &f
	}
	return nil
}

// table is what a file of "key value" lines holds.
type table map[string]uint64

// parseTable reads lines of "key value", "key: value" and "key: value kB"
// (turned into bytes); others are passed over.
func parseTable(text string) table {
	t := table{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n := parseUint(f[1])
		if n == nil {
			continue
		}
		if len(f) == 3 && f[2] == "kB" {
			if *n > 1<<53 { // no machine has it, and it would overflow
				continue
			}
			*n *= 1024
		}
		t[strings.TrimSuffix(f[0], ":")] = *n
	}
	return t
}

// get is the value of key, nil when the file did not have it.
func (t table) get(key string) *uint64 {
	if n, ok := t[key]; ok {
		return &n
	}
	return nil
}

// status says what kind of absence err is.
func status(err error) snapshot.Status {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return snapshot.Forbidden
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTSUP), errors.Is(err, errors.ErrUnsupported):
		return snapshot.Unsupported
	default:
		return snapshot.Failed
	}
}
