package comparecmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"llmops/analysis/compare"
	"llmops/analysis/compare/results"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
	"llmops/probes/request/runlog"
)

// folder is what is there of a run.
type folder struct {
	summary  *loadreport.Summary
	stopped  string            // why the run did not come to its end; "": it did, or nothing tells
	prompts  map[string]string // what those of a shard are made of; nil: not known
	requests string            // path; "": not there
	events   string            // path; "": not there, or too large to be worth reading
}

// mostEvents is the size of events.bin up to which the gaps between chunks are read:
// there are as many as there are chunks, and 16 MiB hold about four million.
const mostEvents = 16 << 20

func openFolder(p part) (*folder, error) {
	f := &folder{}
	var err error
	switch {
	case p.lines:
		f.requests = p.path
	case p.summary:
		f.summary, err = runfolder.ReadSummary(p.path)
	default:
		if path := filepath.Join(p.path, runfolder.Requests); regular(path) {
			f.requests = path
		}
		path := filepath.Join(p.path, runfolder.Events)
		info, missing := os.Stat(path)
		if missing != nil {
			f.summary, err = runfolder.ReadSummary(filepath.Join(p.path, runfolder.Summary))
			break
		}
		if info.Size() <= mostEvents {
			f.events = path
		}
		err = f.open(p.path)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// open reads how the run ended.
func (f *folder) open(dir string) error {
	d, err := runfolder.Open(dir)
	if err != nil {
		return err
	}
	f.summary = d.Summary
	if d.Facts != nil {
		f.prompts = d.Facts.Run.Prompts
	}
	switch {
	case d.Summary == nil, d.Facts != nil && !d.Facts.Ended:
		f.stopped = "the load test did not come to its end"
	case d.Facts != nil && d.Facts.Run.Interrupted:
		f.stopped = "the load test was interrupted"
	}
	return nil
}

// sameRun tells whether two shards are of one run.
func (f *folder) sameRun(other *folder) bool {
	run := func(s *loadreport.Summary) (string, error) {
		load := s.Load
		load.Shard, load.WarmupRequests = "", 0
		text, err := json.Marshal([]any{s.Target, load})
		return string(text), err
	}
	a, err := run(f.summary)
	b, err2 := run(other.summary)
	return err == nil && err2 == nil && a == b && (f.prompts == nil || other.prompts == nil || maps.Equal(f.prompts, other.prompts))
}

// read makes a run of its folder, or of those of its shards.
func read(ctx context.Context, name string, folders ...*folder) (compare.Run, error) {
	var b compare.Builder
	lines := false
	for _, f := range folders {
		if f.requests == "" {
			continue
		}
		lines = true
		if err := f.read(ctx, &b); err != nil {
			return compare.Run{}, err
		}
	}
	r := compare.Run{}
	if lines {
		r = b.Run(name)
	}
	r.Name, r.About.Tool = name, results.Ours
	if s := folders[0].summary; s != nil {
		r.About, r.Open = about(s), s.Load.Mode == "open"
		if len(folders) == 1 {
			r.Figures = figures(s)
		}
	}
	for _, f := range folders {
		r.About.Stopped = cmp.Or(r.About.Stopped, f.stopped)
	}
	for _, f := range folders[1:] {
		if c := f.summary.Client; c.Verdict == loadreport.ClientInvalid {
			r.About.Client, r.About.Reasons = string(c.Verdict), c.Reasons
		}
	}
	return r, nil
}

// read adds the requests of a folder.
func (f *folder) read(ctx context.Context, b *compare.Builder) error {
	requests, err := os.Open(f.requests)
	if err != nil {
		return cli.Usage(err)
	}
	defer requests.Close()
	var events io.Reader
	if f.events != "" {
		file, err := os.Open(f.events)
		if err != nil {
			return cli.Usage(err)
		}
		defer file.Close()
		events = file
	}
	var base time.Time
	n := 0
	lines := runlog.NewReader(requests, events)
	for rec, err := range lines.All() {
		if e, ok := errors.AsType[*runlog.LineError](err); ok {
			return cli.Usage(fmt.Errorf("%s:%d:%d: %w", f.requests, e.Line, max(e.Column, 1), e.Err))
		}
		if err != nil {
			return cli.Usage(fmt.Errorf("%s: %w", f.requests, err))
		}
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if base.IsZero() {
			base = rec.SentAt
		}
		add(b, rec, base)
	}
	if lines.CutLine && f.summary == nil {
		f.stopped = cmp.Or(f.stopped, "it ends within a line: requests are missing")
	}
	if s := f.summary; s != nil && f.stopped == "" && int64(n) != s.Requests.Total { // those that are missing may be the slow ones
		return cli.WithHint(cli.Usagef("%s has %d requests where %s has %d", f.requests, n, runfolder.Summary, s.Requests.Total),
			"one of them was changed or broken off since the load test wrote it: copy the folder again, or name its %s alone", runfolder.Summary)
	}
	return nil
}

// add keeps what of a request is compared.
func add(b *compare.Builder, r *request.Record, base time.Time) {
	if r.Error == request.Cancelled {
		return
	}
	b.Count(r.ID, !r.OK)
	if !r.OK {
		return
	}
	for _, x := range []struct {
		metric string
		v      *float64
	}{{"ttft_ms", r.TTFTms}, {"tpot_ms", r.TPOTms}, {"latency_ms", r.LatencyMs}, {"queue_ms", r.QueueMs}} {
		if x.v != nil {
			b.Value(x.metric, r.ID, *x.v)
		}
	}
	tokens := 0.0
	if r.CompletionTokens != nil {
		tokens = float64(*r.CompletionTokens)
	}
	if !r.SentAt.IsZero() && !r.DoneAt.IsZero() {
		b.Span(r.SentAt.Sub(base).Seconds(), r.DoneAt.Sub(base).Seconds(), tokens)
	}
	for i := 1; i < len(r.Chunks); i++ {
		gap, perToken := loadreport.Gap(r.Chunks, i)
		b.Gap(r.ID, gap)
		b.Value("itl_ms", r.ID, perToken)
	}
}
