package series

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"llmops/analysis/accesslog"
)

// gather puts together what the files held.
func gather(ctx context.Context, files []file, o Options) (*Store, Summary, error) {
	var s Summary
	var writers []*writer
	var logs []accesslog.Source
	var unknown error
	kinds := map[string]bool{}
	for i := range files {
		f := &files[i]
		if f.err != nil {
			return nil, s, f.err
		}
		if f.log {
			logs = append(logs, f.replay)
			continue
		}
		s.Files = append(s.Files, f.source.Name)
		if f.w == nil {
			continue
		}
		kinds[f.format] = true
		writers = append(writers, f.w)
		s.Malformed += f.tally.malformed
		s.Histograms += f.tally.histograms
		s.Samples = append(s.Samples, f.tally.samples...)
		s.Bytes += f.bytes
	}
	if ctx.Err() != nil {
		return nil, s, context.Cause(ctx)
	}
	if len(logs) > 0 {
		w, requests, err := readRequests(ctx, logs, o)
		found := func(name string) bool {
			return slices.ContainsFunc(logs, func(x accesslog.Source) bool { return x.Name == name && x.Found })
		}
		if e, ok := errors.AsType[*accesslog.UnknownFormatError](err); ok {
			err = &UnknownFormatError{Name: e.Name, Row: e.Row}
			if found(e.Name) {
				unknown, err = err, nil
			}
		}
		if err != nil {
			return nil, s, err
		}
		s.Skipped = requests.Skipped
		if len(requests.Files) > 0 {
			s.Requests = &requests
			writers = append(writers, w)
			s.Files = append(s.Files, requests.Files...)
			slices.Sort(s.Files)
			s.Malformed += requests.Malformed
			s.Samples = append(s.Samples, requests.Samples...)
			s.Bytes += requests.Bytes
			if requests.Format != "" {
				kinds[requests.Format] = true
			}
		}
		if len(s.Files) == 0 && unknown != nil {
			return nil, s, unknown
		}
	}
	slices.SortStableFunc(s.Samples, func(a, b accesslog.Sample) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	s.Samples = s.Samples[:min(len(s.Samples), maxShown)]
	for kind := range kinds {
		s.Format = kind
	}
	if len(kinds) > 1 {
		s.Format = "mixed"
	}
	store, dropped := assemble(writers, o.Rename)
	s.Dropped, s.Points = dropped, store.points
	for _, x := range store.series {
		if x.original {
			s.Series++
			s.Missing += x.missing
		}
	}
	s.First, s.Last, _ = store.Bounds()
	return store, s, nil
}
