package loadtestcmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/request"
)

// The files of a run folder.
const (
	summaryFile  = "summary.json"
	requestsFile = "requests.jsonl"
	junitFile    = "junit.xml"
	reportFile   = "report.html"
)

// folder is the run folder, with requests.jsonl open. The zero value, for a run
// without --out, keeps nothing.
type folder struct {
	dir     string
	file    *os.File
	journal *load.Journal
}

func openFolder(dir string) (*folder, error) {
	if dir == "" {
		return &folder{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, folderError(dir, err)
	}
	// Results of an earlier run must not stand beside the requests of this one.
	for _, name := range []string{summaryFile, junitFile, reportFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, folderError(dir, err)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, requestsFile), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, folderError(dir, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && runtime.GOOS != "windows" {
		if err := f.Chmod(0o600); err != nil { // it may be an old one
			_ = f.Close()
			return nil, folderError(dir, err)
		}
	}
	return &folder{dir: dir, file: f, journal: load.NewJournal(f)}, nil
}

// record keeps one request.
func (d *folder) record(r *request.Record) error {
	if d.journal == nil {
		return nil
	}
	if err := d.journal.Write(r); err != nil {
		return folderError(d.dir, err)
	}
	return nil
}

// closeRequests completes requests.jsonl. After a failed write it cuts the
// line that did not fit, so that what is there can be read.
func (d *folder) closeRequests() error {
	if d.journal == nil {
		return nil
	}
	err := d.journal.Close()
	if err != nil {
		err = folderError(d.dir, errors.Join(err, cutLastLine(d.file)))
	}
	if cerr := d.file.Close(); err == nil && cerr != nil {
		err = folderError(d.dir, cerr)
	}
	d.journal = nil
	return err
}

// cutLastLine removes what follows the last newline of f.
func cutLastLine(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return f.Truncate(end - n + int64(i) + 1)
		}
		end -= n
	}
	return f.Truncate(0)
}

// write writes one of the finished files.
func (d *folder) write(name string, content func(io.Writer) error) error {
	if d.dir == "" {
		return nil
	}
	return cli.WriteFile(filepath.Join(d.dir, name), content)
}

func folderError(dir string, err error) error {
	failed := cli.Failed(fmt.Errorf("write results to %s: %w", dir, err))
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return cli.WithHint(failed, "the disk is full: free some space or choose another --out; what was written until then is complete")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return cli.WithHint(failed, "choose a folder that you may write to with --out")
	}
	return failed
}
