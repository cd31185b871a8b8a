package simcmd

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/request"
)

// requestLog is the file of what the server saw, one line a request. It is
// written by a goroutine of its own, so that no reply waits for the disk as
// long as the queue has room.
type requestLog struct {
	path    string
	file    *os.File
	journal *load.Journal
	records chan *request.Record
	stop    chan struct{} // closed: no more records are taken
	done    chan struct{} // closed: everything taken has been written
	err     error         // after done
}

// queued is how many records may wait to be written, about 1 MB.
const queued = 1024

// openRequestLog empties the file and starts to write; failed is called once
// when that fails, after which records are dropped.
func openRequestLog(path string, failed func()) (*requestLog, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, requestLogError(path, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && runtime.GOOS != "windows" {
		if err := f.Chmod(0o600); err != nil { // it may be an old one
			return nil, requestLogError(path, errors.Join(err, f.Close()))
		}
	}
	l := &requestLog{path: path, file: f, journal: load.NewJournal(f),
		records: make(chan *request.Record, queued), stop: make(chan struct{}), done: make(chan struct{})}
	go l.run(failed)
	return l, nil
}

// add may be called from any goroutine, also after close.
func (l *requestLog) add(r *request.Record) {
	select {
	case l.records <- r:
	case <-l.stop:
	}
}

func (l *requestLog) run(failed func()) {
	defer close(l.done)
	for {
		select {
		case r := <-l.records:
			l.write(r, failed)
		case <-l.stop:
			for {
				select {
				case r := <-l.records:
					l.write(r, failed)
				default:
					return
				}
			}
		}
	}
}

func (l *requestLog) write(r *request.Record, failed func()) {
	if l.err != nil {
		return
	}
	if l.err = l.journal.Write(r); l.err != nil {
		failed()
	}
}

// close writes what is left. The error is the first that occurred. A nil log
// has nothing left.
func (l *requestLog) close() error {
	if l == nil {
		return nil
	}
	close(l.stop)
	<-l.done
	err := l.err
	if flushed := l.journal.Close(); err == nil {
		err = flushed
	}
	if closed := l.file.Close(); err == nil {
		err = closed
	}
	return requestLogError(l.path, err)
}

func requestLogError(path string, err error) error {
	if err == nil {
		return nil
	}
	return cli.WithHint(cli.Failed(fmt.Errorf("write the request log %s: %w", path, err)), "choose another file with --request-log")
}
