package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"llmops/probes/request"
)

// flushEvery bounds what is lost when the process is killed.
const flushEvery = 500 * time.Millisecond

// Journal writes records as JSON Lines while the run goes on, so that memory
// does not grow with it and nothing is lost when it breaks off.
type Journal struct {
	mu    sync.Mutex
	w     *bufio.Writer
	enc   *json.Encoder
	timer *time.Timer
	dirty bool
	err   error // the first failure; everything after it fails too
}

// NewJournal writes to w, which the caller closes after Close.
func NewJournal(w io.Writer) *Journal {
	j := &Journal{w: bufio.NewWriterSize(w, 64<<10)}
	j.enc = json.NewEncoder(j.w)
	j.enc.SetEscapeHTML(false)
	j.timer = time.AfterFunc(time.Hour, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.flush()
	})
	return j
}

// Write adds one line. It reports the failure of an earlier flush too.
func (j *Journal) Write(r *request.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	if err := j.enc.Encode(r); err != nil {
		j.err = fmt.Errorf("write request %d: %w", r.ID, err)
		return j.err
	}
	if !j.dirty {
		j.dirty = true
		j.timer.Reset(flushEvery)
	}
	return nil
}

func (j *Journal) flush() {
	if j.err == nil {
		j.err = j.w.Flush()
	}
	j.dirty = false
}

// Close writes what is left.
func (j *Journal) Close() error {
	j.timer.Stop()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flush()
	return j.err
}
