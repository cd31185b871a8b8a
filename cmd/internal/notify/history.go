package notify

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"llmops/cmd/internal/cli"
)

// ErrLocked says that another run has the history.
var ErrLocked = errors.New("another run has it locked")

// HistorySchema is that of each line of a history.
const HistorySchema = "llmops.notifications/v1"

// Entry is what a receiver was told last of a group.
type Entry struct {
	Receiver string    `json:"receiver"`
	GroupKey string    `json:"group_key"`
	Firing   []string  `json:"firing"`  // fingerprints of the alerts that it knows to fire, sorted
	SentAt   time.Time `json:"sent_at"` // when it was told last
}

// historyLine is an entry in the file.
type historyLine struct {
	Schema string `json:"schema"` // first, so that a broken line still tells whose it is
	Entry
}

type historyKey struct{ receiver, group string }

// History is the file of what was told, one JSON object a line. It is locked from
// OpenHistory to Close, so that of two runs at once the second knows what the first has
// sent. It holds labels of alerts, but no secrets.
type History struct {
	path    string
	lock    *os.File
	entries map[historyKey]Entry
}

// OpenHistory locks and reads a history; a file that is not there is an empty one. It
// waits for another run as long as wait says; that this was not enough is ErrLocked. The warnings are about lines that cannot
// be read, such as the last one of a file that was cut: what they told is told again.
func OpenHistory(ctx context.Context, path string, wait time.Duration) (*History, []string, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) // not the file itself, which is replaced
	if err != nil {
		return nil, nil, fmt.Errorf("history of notifications: %w", err)
	}
	h := &History{path: path, lock: f, entries: map[historyKey]Entry{}}
	if err := lock(ctx, f, wait); err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("history of notifications %s: %w", path, err)
	}
	warnings, err := h.read()
	if err != nil {
		_ = h.Close()
		return nil, nil, err
	}
	return h, warnings, nil
}

func (h *History) read() ([]string, error) {
	f, err := os.Open(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("history of notifications: %w", err)
	}
	defer f.Close()
	warnings, ours, err := h.decode(f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("history of notifications: read %s: %w", h.path, err)
	case !ours:
		return nil, fmt.Errorf("%s is no history of notifications, and nothing is written to it", h.path)
	}
	return warnings, nil
}

// decode reads lines. A file is ours if it is empty, if any line says so, or if it is
// one that was cut before it could.
func (h *History) decode(r io.Reader) (warnings []string, ours bool, err error) {
	in := bufio.NewReader(r)
	mark := []byte(`{"schema":"` + HistorySchema + `"`)
	empty := true
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		if body := bytes.TrimSpace(text); len(body) > 0 {
			empty = false
			var l historyLine
			bad := json.Unmarshal(body, &l) != nil || l.Schema != HistorySchema || l.Receiver == ""
			if bad {
				warnings = append(warnings, fmt.Sprintf("%s:%d: the line is damaged; what it told will be told again", h.path, n))
			} else {
				h.Put(l.Entry)
			}
			cutShort := n == 1 && err != nil && bytes.HasPrefix(mark, body)
			ours = ours || !bad || bytes.HasPrefix(body, mark) || cutShort
		}
		if err != nil {
			return warnings, ours || empty, nil
		}
	}
}

// Entries are all, by receiver and group.
func (h *History) Entries() []Entry {
	return slices.SortedFunc(maps.Values(h.entries), func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Receiver, b.Receiver), cmp.Compare(a.GroupKey, b.GroupKey))
	})
}

// Put replaces the entry of the same receiver and group. To be called for what was sent,
// and not for what failed.
func (h *History) Put(e Entry) {
	e.Firing = slices.Sorted(slices.Values(e.Firing))
	h.entries[historyKey{e.Receiver, e.GroupKey}] = e
}

// Delete forgets a group that is over, and of which the receiver was told so.
func (h *History) Delete(receiver, groupKey string) {
	delete(h.entries, historyKey{receiver, groupKey})
}

// Save replaces the file with what is known now, at once or not at all; a new file has
// mode 0600. It may be called after each message, so that a run that is killed repeats
// none.
func (h *History) Save() error {
	return cli.WriteFile(h.path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, e := range h.Entries() {
			if e.Firing == nil {
				e.Firing = []string{}
			}
			e.SentAt = e.SentAt.UTC()
			if err := enc.Encode(historyLine{HistorySchema, e}); err != nil {
				return fmt.Errorf("write %s: %w", h.path, err)
			}
		}
		return nil
	})
}

// Close lets other runs in. It does not save.
func (h *History) Close() error { return h.lock.Close() }
