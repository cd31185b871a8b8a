// Package runfolder is the folder that a load test leaves: the names of its
// files, what is kept of a run beside its requests, and reading all of it back
// so that the run can be judged again. It renders nothing and judges nothing.
package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/request"
	"llmops/probes/request/runlog"
	"llmops/rules/slo"
)

// The files of a run folder.
const (
	Summary   = "summary.json"
	Requests  = "requests.jsonl"
	Events    = "events.bin" // what requests.jsonl leaves out; see package runlog
	Telemetry = "telemetry.jsonl"
	JUnit     = "junit.xml"
	Report    = "report.html"
)

// Facts is what is kept of a run beside its requests. The names of its fields
// are part of the format of events.bin.
type Facts struct {
	Run        loadreport.Run
	Load       string // in words, without the shard
	Objectives []slo.Objective
	Confidence float64
	Price      loadreport.Price
	First      string // what the first failed request said
	Exhausted  int64  // requests for which the client had no file descriptor or port left
	Ended      bool   // false: the process was killed before it could write down how the run ended
}

// Folder is a run folder that can be read.
type Folder struct {
	Dir     string
	Facts   *Facts              // nil: the folder is of a version without events.bin
	Start   time.Time           // of the measured part; zero: not known
	Summary *loadreport.Summary // nil: the run did not come to its end
}

// Is tells whether dir looks like a run folder.
func Is(dir string) bool {
	for _, name := range []string{Requests, Summary} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Open reads what dir holds beside the requests. What the server counted is in its
// summary only. Errors are of usage.
func Open(dir string) (d *Folder, err error) {
	d = &Folder{Dir: dir}
	if d.Summary, err = ReadSummary(d.path(Summary)); err != nil {
		return nil, err
	}
	events, err := os.Open(d.path(Events))
	if errors.Is(err, fs.ErrNotExist) {
		if d.Summary != nil {
			return d, nil
		}
		return nil, cli.WithHint(cli.Usagef("%s is no folder of a load test that can be shown: it holds neither %s nor %s", dir, Summary, Events), "\"llmops loadtest URL --out DIR\" writes one")
	}
	if err != nil {
		return nil, cli.Usage(err)
	}
	defer events.Close()
	head, err := runlog.Scan(events)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(fmt.Errorf("%s: %w", d.path(Events), err)), "it was changed since the load test wrote it: copy the folder again, or name its %s alone", Summary)
	}
	if head.Facts == nil {
		return nil, cli.WithHint(cli.Usagef("%s does not say what the run was: it ends too early", d.path(Events)), "the load test was killed as it began: run it again")
	}
	d.Start, d.Facts = head.Start, &Facts{}
	if err := json.Unmarshal(head.Facts, d.Facts); err != nil {
		return nil, cli.WithHint(cli.Usage(fmt.Errorf("%s: what it says of the run: %w", d.path(Events), err)), "it may be of a newer version of llmops")
	}
	if d.Summary != nil {
		d.Facts.Run.Server = d.Summary.Server
	}
	return d, nil
}

func (d *Folder) path(name string) string { return filepath.Join(d.Dir, name) }

// Lost is what of a run is not there.
type Lost struct {
	Records   int64
	NoEvents  int64
	NoRequest int64
	CutLine   bool
}

// Read gives the records of the run, with its measured part beginning at origin
// (zero: when it did), and what the checks of answers found. It may be called
// several times. Errors are of usage, or that of the callbacks. That requests are
// missing of a run that came to its end is one: no verdict may rest on those that are
// left.
func (d *Folder) Read(origin time.Time, start func(time.Time), checks func(loadreport.Checked), record func(*request.Record) error) (lost Lost, err error) {
	requests, err := os.Open(d.path(Requests))
	if errors.Is(err, fs.ErrNotExist) && d.Facts == nil {
		return lost, nil // a summary of several runs
	}
	if err != nil {
		return lost, cli.Usage(err)
	}
	defer requests.Close()
	var events io.Reader
	if d.Facts != nil {
		f, err := os.Open(d.path(Events))
		if err != nil {
			return lost, cli.Usage(err)
		}
		defer f.Close()
		events = f
	}
	r := runlog.NewReader(requests, events)
	r.Origin, r.Start = origin, start
	r.Checks = func(text []byte) error {
		var c loadreport.Checked
		if err := json.Unmarshal(text, &c); err != nil {
			return err
		}
		checks(c)
		return nil
	}
	for rec, err := range r.All() {
		if err != nil {
			return lost, d.readError(err)
		}
		if err := record(rec); err != nil {
			return lost, err
		}
	}
	lost = Lost{r.Records, r.NoEvents, r.NoRequest, r.CutLine}
	if d.Facts != nil && d.Facts.Ended && (lost.NoEvents > 0 || lost.NoRequest > 0) {
		return lost, cli.WithHint(cli.Usagef("%s: %s has %d requests where %s has %d", d.Dir, Requests, lost.Records, Events, lost.Records-lost.NoEvents+lost.NoRequest),
			"one of them was changed or broken off since the load test wrote it: copy the folder again, or name its %s alone", Summary)
	}
	return lost, nil
}

// readError says where in which file something is wrong.
func (d *Folder) readError(err error) error {
	e, ok := errors.AsType[*runlog.LineError](err)
	if !ok {
		return cli.Usage(fmt.Errorf("%s: %w", d.Dir, err))
	}
	where := d.path(Requests) + ":" + strconv.FormatInt(e.Line, 10)
	if e.Column > 0 {
		where += ":" + strconv.Itoa(e.Column)
	}
	return cli.Usage(fmt.Errorf("%s: %w", where, e.Err))
}

// Warning is what a reader should know of what is lost; "" when nothing is.
func (l Lost) Warning() string {
	switch {
	case l.NoEvents > 0:
		return fmt.Sprintf("%s ends before %s does: of %d requests, %d have no events and are not in itl_ms, chunk_gap_ms and the client's lateness",
			Events, Requests, l.Records, l.NoEvents)
	case l.NoRequest > 0:
		return fmt.Sprintf("%s ends before %s does: %d requests are left out", Requests, Events, l.NoRequest)
	case l.CutLine:
		return Requests + " ends within a line, which is left out"
	}
	return ""
}

// Log writes events.bin while a run goes on. The nil Log keeps nothing.
type Log struct{ w *runlog.Writer }

// NewLog writes to w, which the caller closes after Close.
func NewLog(w io.Writer, now time.Time) *Log { return &Log{runlog.NewWriter(w, now)} }

// Facts keeps f; the last one counts.
func (l *Log) Facts(f Facts) error {
	if l == nil {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keep what the run is: %w", err)
	}
	return l.w.Facts(text)
}

// Start tells when the measured part begins.
func (l *Log) Start(at time.Time) error {
	if l == nil {
		return nil
	}
	return l.w.Start(at)
}

// Checks keeps what the checks of an answer found.
func (l *Log) Checks(c loadreport.Checked) error {
	if l == nil {
		return nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep the checks of request %d: %w", c.ID, err)
	}
	return l.w.Checks(text)
}

// Record keeps what the JSON of r leaves out.
func (l *Log) Record(r *request.Record) error {
	if l == nil {
		return nil
	}
	return l.w.Write(r)
}

// Close writes what is left.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.w.Close()
}
