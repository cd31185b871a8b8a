package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// packed is a file in an archive.
type packed struct {
	mode fs.FileMode
	data []byte
}

// unpack reads an archive into memory, by the names of its files.
func unpack(name string, data []byte) (map[string]packed, error) {
	if strings.HasSuffix(name, ".zip") {
		return unzip(data)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	files := map[string]packed{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir && name == debData {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%s is no plain file", h.Name)
		}
		if err := add(files, h.Name, h.FileInfo().Mode(), tr); err != nil {
			return nil, err
		}
	}
}

func unzip(data []byte) (map[string]packed, error) {
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	files := map[string]packed{}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		if err := errors.Join(add(files, f.Name, f.Mode(), r), r.Close()); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func add(files map[string]packed, name string, mode fs.FileMode, r io.Reader) error {
	if _, twice := files[name]; twice {
		return fmt.Errorf("%s is there twice", name)
	}
	data, err := io.ReadAll(r)
	files[name] = packed{mode, data}
	return err
}

// compare tells in which way files are not those of want. A nil want matches
// any content; the only file that may be run is binary.
func compare(files map[string]packed, want map[string][]byte, binary string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		f, ok := files[name]
		mode := fs.FileMode(0o644)
		if name == binary {
			mode = 0o755
		}
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s is missing", name))
		case f.mode != mode:
			errs = append(errs, fmt.Errorf("%s has mode %v, want %v", name, f.mode, mode))
		case len(f.data) == 0:
			errs = append(errs, fmt.Errorf("%s is empty", name))
		case want[name] != nil && !bytes.Equal(f.data, want[name]):
			errs = append(errs, fmt.Errorf("%s is not the file of the source tree", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, ok := want[name]; !ok {
			errs = append(errs, fmt.Errorf("%s does not belong there", name))
		}
	}
	return errors.Join(errs...)
}
