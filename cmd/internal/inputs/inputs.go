// Package inputs finds the files that a command line names: files, folders that
// are walked, and the standard input. It opens them; what is in them is others'.
package inputs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llmops/analysis/accesslog"
	"llmops/rules/near"
)

// Stdin is the name that stands for the standard input.
const Stdin = "-"

// Walk lists the logs that paths name: files, all files of folders (but for hidden
// ones), and "-" for stdin. A file that is named twice is listed once.
func Walk(paths []string, stdin io.Reader) ([]accesslog.Source, error) {
	var list []accesslog.Source
	for _, path := range paths {
		if path == Stdin {
			list = append(list, accesslog.Source{Name: Stdin, Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			list = append(list, fileSource(path, false))
			continue
		}
		err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if name != path && strings.HasPrefix(entry.Name(), ".") {
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				list = append(list, fileSource(name, true))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b accesslog.Source) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return boolOrder(a.Found) - boolOrder(b.Found)
	})
	return slices.CompactFunc(list, func(a, b accesslog.Source) bool { return a.Name == b.Name }), nil
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

func fileSource(path string, found bool) accesslog.Source {
	path = filepath.Clean(path)
	return accesslog.Source{Name: path, Found: found, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// Hint says what to do about a path that does not exist: the name next to it that
// was most likely meant.
func Hint(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		dir, name := filepath.Split(filepath.Clean(e.Path))
		if entries, err := os.ReadDir(filepath.Clean(dir)); err == nil {
			names := func(yield func(string) bool) {
				for _, entry := range entries {
					if !yield(entry.Name()) {
						return
					}
				}
			}
			if hits := near.Names(name, names, 1); len(hits) > 0 {
				return "did you mean " + dir + hits[0] + "?"
			}
		}
	}
	return "name a log file, a folder that holds some, or " + Stdin + " for the standard input"
}
