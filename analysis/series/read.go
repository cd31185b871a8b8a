package series

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/accesslog"
)

// Options say how files are read. The zero Options tell formats apart by content.
type Options struct {
	Format    string            // of all files: one of FormatNames; "" for the one that the content is of
	Map       map[string]string // the fields of generic request logs, as in accesslog.Options
	By        []string          // of Splits: request logs become series for each model, route or both
	Workers   int               // 0: as many as processors
	MaxSeries int               // of one file; 0: a million
	// Rename gives other names that a series also goes by, such as the canonical one
	// of an exporter's own.
	Rename   func(labels.Labels) []Alias
	Progress *atomic.Int64 // if not nil, counts the bytes of the files that were read
}

// A Summary is what was read. It is the same whatever the number of workers and the
// order of the sources.
type Summary struct {
	Files   []string // sorted; those that held anything or not
	Skipped []string // found in folders, and of no known format
	Format  string   // of the files; "mixed": of several formats; "": all are empty
	Series  int      // aliases not counted
	Points  int64    // values; those that took the place of others with the same time, once
	Missing int64    // times at which it is said that there is no value
	Dropped int64    // values in whose place others with the same time came
	// Malformed rows, or cells of wide tables, cannot be read. Histograms are native
	// ones of Prometheus, which are not read.
	Malformed, Histograms int64
	Bytes                 int64              // decompressed
	First, Last           int64              // times in ms since the epoch; of no use without points
	Samples               []accesslog.Sample // the first malformed rows by file and line
	Requests              *accesslog.Summary // of the request logs, if any; its rows are also in Malformed and Samples
}

const defaultMaxSeries = 1_000_000

// FormatNames lists the names of the formats, those of request logs last.
func FormatNames() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	for _, name := range accesslog.FormatNames() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// An UnknownFormatError is about a file of no format that is known.
type UnknownFormatError struct {
	Name string // of the file
	Row  string // its first, as it can be shown
}

func (e *UnknownFormatError) Error() string {
	return fmt.Sprintf("%s: no metrics of a known format: it begins with %q", e.Name, e.Row)
}

// Hint says what to do about it.
func (e *UnknownFormatError) Hint() string {
	return "metrics are CSV with a column timestamp, an answer of Prometheus's query_range, a metrics page with timestamps, " +
		"an export of VictoriaMetrics, recorded snapshots, or a request log that budget reads"
}

// Read reads the sources into a store. An error names the file it is about, with
// line and column where there is one; of several it is the first file's.
func Read(ctx context.Context, sources []accesslog.Source, o Options) (*Store, Summary, error) {
	if o.Format != "" && !slices.Contains(FormatNames(), o.Format) {
		return nil, Summary{}, fmt.Errorf("no format %q; the formats are %s", o.Format, strings.Join(FormatNames(), ", "))
	}
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(a, b accesslog.Source) int { return strings.Compare(a.Name, b.Name) })
	files := make([]file, len(sources))
	var next, failed atomic.Int64
	failed.Store(math.MaxInt64)
	var wg sync.WaitGroup
	for range min(max(1, cmp.Or(o.Workers, runtime.GOMAXPROCS(0))), len(sources)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				// Files are taken in order, so those before the first that fails are all read.
				i := next.Add(1) - 1
				if i >= int64(len(sources)) || i > failed.Load() {
					return
				}
				files[i].source = sources[i]
				if files[i].read(ctx, o); files[i].err != nil {
					for at := failed.Load(); i < at && !failed.CompareAndSwap(at, i); at = failed.Load() {
					}
				}
			}
		})
	}
	wg.Wait()
	return gather(ctx, files, o)
}

// A file is what one source held.
type file struct {
	source accesslog.Source
	w      *writer // nil: no metrics
	format string
	tally  tally
	bytes  int64
	log    bool // it may be a request log, to be read from reopened
	replay accesslog.Source
	err    error
}

// sniffSize is what formats are told apart by; headers of tables may be longer.
const (
	sniffSize  = 64 << 10
	longHeader = 4 << 20
)

func (f *file) read(ctx context.Context, o Options) {
	if o.Format != "" && !slices.ContainsFunc(formats(), func(x format) bool { return x.name == o.Format }) {
		f.log, f.replay = true, f.source
		return
	}
	content, err := f.source.Content(o.Progress)
	if err != nil {
		f.err = err
		return
	}
	in := newInput(f.source.Name, content)
	start, err := in.sniff()
	if err != nil || start == nil {
		f.err = err
		_ = content.Close() // nothing was written
		return
	}
	for _, x := range formats() {
		if o.Format == x.name || o.Format == "" && len(o.Map) == 0 && x.is(start) {
			f.format = x.name
			r := &reader{input: in, ctx: ctx, w: newWriter(cmp.Or(o.MaxSeries, defaultMaxSeries))}
			f.err = x.read(r)
			r.w.feed.finish()
			f.w, f.tally, f.bytes = r.w, r.tally, in.size
			_ = content.Close() // nothing was written
			return
		}
	}
	f.log = true
	if f.replay = f.source; content.Reopens() {
		_ = content.Close() // nothing was written
		return
	}
	f.replay.Open = func() (io.ReadCloser, error) {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(in.buf), content), content}, nil
	}
}

// sniff is the beginning of the content, its first line whole, without a byte order
// mark and leading blanks, which are consumed; nil if there is nothing.
func (in *input) sniff() ([]byte, error) {
	if err := in.need(sniffSize); err != nil {
		return nil, err
	}
	in.pos = len(in.buf) - len(bytes.TrimPrefix(in.buf, []byte("\uFEFF")))
	in.begin = in.pos
	if start := in.rest(); !bytes.ContainsFunc(start, func(c rune) bool { return c > ' ' }) && len(bytes.TrimLeft(start, " \t\r\n")) > 0 {
		return start, nil // NULs, as a power cut leaves them, are not nothing
	}
	c, err := in.peek()
	if err != nil || len(in.rest()) == 0 {
		return nil, err
	}
	for c != '{' && c != '[' && lineEnd(in.rest()) == 0 && !in.eof && len(in.buf) < longHeader {
		if err := in.need(2 * len(in.buf)); err != nil {
			return nil, err
		}
	}
	// The line after it may say more.
	if n := lineEnd(in.rest()); n > 0 {
		if err := in.need(n + 1<<10); err != nil {
			return nil, err
		}
	}
	return in.rest(), nil
}
