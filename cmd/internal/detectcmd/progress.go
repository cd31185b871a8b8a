package detectcmd

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"llmops/analysis/detect"
	"llmops/cmd/internal/render"
)

// progress is how far the work is, for one line on a terminal.
type progress struct {
	files  int
	passed atomic.Int64 // files that are done
	of     atomic.Int64 // rows of the file that is judged
	here   atomic.Int64 // rows of it that are done
	rows   atomic.Int64 // of all files
	taught atomic.Int64 // series that the baseline had

	now   func() time.Time
	begun time.Time
}

// begin begins to judge a file.
func (p *progress) begin(rows int64) {
	p.here.Store(0)
	p.of.Store(rows)
}

// add counts rows that are judged.
func (p *progress) add(rows int64) {
	p.here.Add(rows)
	p.rows.Add(rows)
}

// pass ends a file.
func (p *progress) pass() {
	p.passed.Add(1)
	p.begin(0)
}

// line says how far it is, how fast, and how long it takes yet if the rest is like it.
func (p *progress) line() string {
	passed, of, here := p.passed.Load(), p.of.Load(), p.here.Load()
	text := fmt.Sprintf("file %d of %d", min(passed+1, int64(p.files)), p.files)
	share := float64(passed)
	if of > 0 {
		part := min(1, float64(here)/float64(of))
		text += fmt.Sprintf(", %.0f %% of %s rows", 100*part, render.Short(float64(of)))
		share += part
	}
	took := p.now().Sub(p.begun)
	if rows := p.rows.Load(); rows > 0 && took > 0 {
		text += fmt.Sprintf(", %s rows/s", render.Short(float64(rows)/took.Seconds()))
	}
	if share /= float64(p.files); share > 0 && share < 1 {
		text += fmt.Sprintf(", %s left", render.Span(time.Duration(float64(took)*(1-share)/share).Round(time.Second)))
	}
	return text
}

// countedRows is how many rows are counted at once.
const countedRows = 4096

// counted are rows as they come, counted, until ctx ends.
func (p *progress) counted(ctx context.Context, rows iter.Seq[detect.Row]) iter.Seq[detect.Row] {
	return func(yield func(detect.Row) bool) {
		n := int64(0)
		defer func() { p.add(n) }()
		for r := range rows {
			if n == countedRows {
				p.add(n)
				n = 0
			}
			if n == 0 && ctx.Err() != nil {
				return
			}
			n++
			if !yield(r) {
				return
			}
		}
	}
}
