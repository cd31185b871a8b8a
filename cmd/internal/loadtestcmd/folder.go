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
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/load"
	"llmops/probes/recording"
	"llmops/probes/request"
	"llmops/probes/snapshot"
)

// The files of a run folder.
const (
	summaryFile  = runfolder.Summary
	requestsFile = runfolder.Requests
	junitFile    = runfolder.JUnit
	reportFile   = runfolder.Report

	telemetryFile = runfolder.Telemetry
)

// folder is the run folder, with requests.jsonl and events.bin open. The zero
// value, for a run without --out, keeps nothing.
type folder struct {
	dir          string
	file, events *os.File
	journal      *load.Journal
	log          *runfolder.Log
}

func openFolder(dir string) (*folder, error) {
	if dir == "" {
		return &folder{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, folderError(dir, err)
	}
	// Results of an earlier run must not stand beside the requests of this one.
	for _, name := range []string{summaryFile, junitFile, reportFile, telemetryFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, folderError(dir, err)
		}
	}
	f, err := create(filepath.Join(dir, requestsFile))
	if err != nil {
		return nil, folderError(dir, err)
	}
	events, err := create(filepath.Join(dir, runfolder.Events))
	if err != nil {
		_ = f.Close()
		return nil, folderError(dir, err)
	}
	return &folder{dir: dir, file: f, events: events, journal: load.NewJournal(f), log: runfolder.NewLog(events, time.Now())}, nil
}

// create opens an empty file that nobody else may read.
func create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && runtime.GOOS != "windows" {
		if err := f.Chmod(0o600); err != nil { // it may be an old one
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

// begin keeps what is known of the run before it begins, for one that is killed.
func (d *folder) begin(f runfolder.Facts) error {
	if err := d.log.Facts(f); err != nil {
		return folderError(d.dir, err)
	}
	return nil
}

// start keeps when the measured part begins. What goes wrong there goes wrong
// with the next request too, which tells.
func (d *folder) start(at time.Time) { _ = d.log.Start(at) }

// checks keeps what the checks of an answer found; as with start.
func (d *folder) checks(c loadreport.Checked) { _ = d.log.Checks(c) }

// record keeps one request.
func (d *folder) record(r *request.Record) error {
	if d.journal == nil {
		return nil
	}
	if err := d.journal.Write(r); err != nil {
		return folderError(d.dir, err)
	}
	if err := d.log.Record(r); err != nil {
		return folderError(d.dir, err)
	}
	return nil
}

// keepReading keeps a line of telemetry.
func (d *folder) keepReading(line []byte) error {
	if d.dir == "" {
		return nil
	}
	f := recording.File{Path: filepath.Join(d.dir, telemetryFile), Prefix: `{"schema":"` + snapshot.Schema + `"`}
	if err := f.Append(line); err != nil {
		return folderError(d.dir, err)
	}
	return nil
}

// close completes requests.jsonl and events.bin, with what the run was. After a
// failed write it cuts the line that did not fit, so that what is there can be
// read.
func (d *folder) close(f runfolder.Facts) error {
	if d.journal == nil {
		return nil
	}
	err := d.journal.Close()
	if err != nil {
		err = errors.Join(err, cutLastLine(d.file))
	}
	for _, err2 := range []error{d.log.Facts(f), d.log.Close(), d.file.Close(), d.events.Close()} {
		if err == nil {
			err = err2
		}
	}
	d.journal, d.log = nil, nil
	if err != nil {
		return folderError(d.dir, err)
	}
	return nil
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
