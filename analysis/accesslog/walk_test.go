package accesslog

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// walk lists files, and what lies in folders.
func walk(paths ...string) (list []Source, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				list = append(list, Source{Name: name, Found: name != path, Open: func() (io.ReadCloser, error) { return os.Open(name) }})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
