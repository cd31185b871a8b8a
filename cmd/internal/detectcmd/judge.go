package detectcmd

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"llmops/analysis/detect"
	"llmops/cmd/internal/render"
)

// A judgedFile is an input and what was found in it.
type judgedFile struct {
	*file
	name    string
	names   []string // of the series
	results []detect.Judgement
	ruled   []detect.Anomaly // by rules
	about   int              // series that rules are about
	scores  [][]float64      // by series and row; nil: not wanted
}

// forget drops what was read, once it is written.
func (f *judgedFile) forget() { f.file, f.scores = nil, nil }

// judge scores all series of a file, or when ctx ends as many rows as it can by then.
func (o *options) judge(ctx context.Context, f *file, healthy baseline, p *progress) *judgedFile {
	done := &judgedFile{file: f, name: f.name, names: make([]string, f.len()), results: make([]detect.Judgement, f.len())}
	if o.output.Format == "csv" {
		done.scores = make([][]float64, f.len())
	}
	p.begin(f.total())
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), f.len()) {
		wg.Go(func() {
			for {
				i := int(next.Add(1) - 1)
				if i >= f.len() {
					return
				}
				var each func(detect.Score)
				if done.scores != nil {
					each = func(s detect.Score) { done.scores[i] = append(done.scores[i], s.Value) }
				}
				done.names[i] = f.seriesName(i)
				var past []detect.Row
				if ctx.Err() == nil { // else nobody waits for what they teach
					past = healthy.of(f, i)
				}
				if len(past) > 0 {
					p.taught.Add(1)
				}
				done.results[i] = detect.Judge(done.names[i], p.counted(ctx, f.rows(i)), past, detect.Options{Class: f.class(i), Channels: o.detect.Channels, Also: o.detect.Also}, each)
			}
		})
	}
	wg.Wait()
	return done
}

// A finding is an anomaly and where it is.
type finding struct {
	detect.Anomaly
	file string
}

// report is everything that is shown.
type report struct {
	files       []*judgedFile
	anomalies   []finding
	interrupted bool
}

// sort gathers the anomalies of all files, worst first.
func (r *report) sort() {
	r.anomalies = nil
	for _, f := range r.files {
		for _, a := range f.ruled {
			r.anomalies = append(r.anomalies, finding{a, f.name})
		}
		for _, j := range f.results {
			for _, a := range j.Anomalies {
				r.anomalies = append(r.anomalies, finding{a, f.name})
			}
		}
	}
	slices.SortStableFunc(r.anomalies, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.From, b.From), cmp.Compare(a.file, b.file), cmp.Compare(a.Series, b.Series))
	})
}

// Verdicts.
const (
	ok           = "ok"
	anomalies    = "anomalies"
	insufficient = "insufficient_data"
)

func (r *report) verdict() string {
	if len(r.anomalies) > 0 {
		return anomalies
	}
	if _, judged, _, _ := r.counts(); judged > 0 {
		return ok
	}
	return insufficient
}

// counts are the numbers of series, rows and values.
func (r *report) counts() (series, judged, rows, values int) {
	for _, f := range r.files {
		series += len(f.results)
		here := 0
		for _, j := range f.results {
			rows, values = rows+j.Rows, values+j.Values
			if j.Judged {
				here++
			}
		}
		judged += max(here, min(f.about, len(f.results)))
	}
	return series, judged, rows, values
}

// name tells which series a finding is of.
func (r *report) name(f finding) string {
	if len(r.files) < 2 {
		return f.Series
	}
	return render.Clean(f.file) + ": " + f.Series
}
