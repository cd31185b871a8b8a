package accesslog

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Read reads the sources and hands each request to a sink. newSink is called once
// for each worker; a sink is not called by two at a time. What is handed on, and
// the Summary, do not depend on the number of workers or the order of the sources;
// in which order requests come, and to which sink, does.
//
// An error names the file it is about; of several it is the first file's. The
// Summary then holds what was read until then, and so it does when ctx ends.
func Read(ctx context.Context, sources []Source, o Options, newSink func() func(*Event)) (Summary, error) {
	p, err := newPlan(o)
	if err != nil {
		return Summary{}, err
	}
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	q := newQueue(sources)
	defer q.close()

	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	all := newTally()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		w := &worker{ctx: ctx, queue: q, plan: p, tally: newTally(), sink: newSink()}
		wg.Go(func() {
			w.run()
			mu.Lock()
			defer mu.Unlock()
			all.add(w.tally)
		})
	}
	wg.Wait()

	all.number(q.files)
	s := all.summary()
	formats := map[string]bool{}
	for _, f := range q.files {
		switch {
		case f.skipped:
			s.Skipped = append(s.Skipped, f.source.Name)
			continue
		case f.format != nil:
			formats[f.format.Name] = true
			s.Format = f.format.Name
		}
		s.Files = append(s.Files, f.source.Name)
	}
	if len(formats) > 1 {
		s.Format = "mixed"
	}
	if err := ctx.Err(); err != nil {
		return s, context.Cause(ctx)
	}
	if q.err == nil && len(s.Files) == 0 && len(s.Skipped) > 0 {
		return s, q.unknown
	}
	return s, q.err
}

// A queue hands files to workers. A file that a worker has read a block of goes
// back on top, so that no more files are open than there are workers.
type queue struct {
	files   []*logFile
	big     large
	mu      sync.Mutex
	changed sync.Cond
	ready   []*logFile // the last one is next
	busy    int        // files that workers have
	limit   int        // files from this one on are read no more: it failed
	err     error      // of that one
	unknown error      // of the first file that was skipped
	skipped int        // which one that is
}

func newQueue(sources []Source) *queue {
	q := &queue{limit: math.MaxInt, skipped: math.MaxInt}
	q.changed.L = &q.mu
	for i, s := range sources {
		q.files = append(q.files, &logFile{index: i, source: s})
	}
	q.ready = slices.Clone(q.files)
	slices.Reverse(q.ready)
	return q
}

// get gives a file to read from; nil if none is left.
func (q *queue) get() *logFile {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.ready) > 0 {
			f := q.ready[len(q.ready)-1]
			q.ready = q.ready[:len(q.ready)-1]
			if f.index < q.limit {
				q.busy++
				return f
			}
		}
		if q.busy == 0 {
			// Where the last file was dropped just now, nobody else says that it is over.
			q.changed.Broadcast()
			return nil
		}
		q.changed.Wait()
	}
}

// put takes a file back; more: there is more to read of it.
func (q *queue) put(f *logFile, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	if more {
		q.ready = append(q.ready, f)
	} else {
		f.close()
	}
	q.changed.Broadcast()
}

// share takes a file back that the worker goes on to read a chunk of; more: there
// are more chunks.
func (q *queue) share(f *logFile, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.readers++
	if more {
		q.busy--
		q.ready = append(q.ready, f)
		q.changed.Signal()
	}
	f.all = !more
}

// leave ends what share began.
func (q *queue) leave(f *logFile) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.readers--
	if f.all && f.readers == 0 {
		q.busy--
		f.close()
		q.changed.Broadcast()
	}
}

// fail ends the reading at a file. Those before it are read on, so that the error
// is the same each time.
func (q *queue) fail(f *logFile, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if unknown, ok := errors.AsType[*UnknownFormatError](err); ok && f.source.Found {
		f.skipped = true
		if f.index < q.skipped {
			q.skipped, q.unknown = f.index, unknown
		}
		return
	}
	if f.index < q.limit {
		q.limit, q.err = f.index, err
	}
}

func (q *queue) close() {
	for _, f := range q.files {
		f.close()
	}
}
