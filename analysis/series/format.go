package series

import (
	"context"

	"llmops/analysis/accesslog"
)

// A format is one kind of metric file.
type format struct {
	name string
	// is tells whether a file that begins like start (up to 64 KiB, without a byte
	// order mark and leading blanks; never empty) is of this format.
	is func(start []byte) bool
	// read reads the whole file.
	read func(r *reader) error
}

// formats are all of them; the first that a file is of reads it. A new format is
// one file and one line here. What is of none of them may be a request log.
func formats() []format {
	return []format{
		{"snapshots", isSnapshots, readSnapshots},
		{"prometheus-json", isPrometheusJSON, readPrometheusJSON},
		{"victoriametrics", isVictoriaMetrics, readVictoriaMetrics},
		{"csv-long", isCSVLong, readCSVLong},
		{"csv-wide", isCSVWide, readCSVWide},
		{"prometheus-text", isText, readText},
	}
}

// A reader is a file while it is read.
type reader struct {
	*input
	ctx   context.Context
	w     *writer
	clock clock
	names nameParser
	tally tally
}

// A tally is what was met in a file beside samples.
type tally struct {
	malformed  int64
	histograms int64
	samples    []accesslog.Sample // the first malformed rows
}

// maxShown is how many malformed rows of a file, and of all, are shown.
const maxShown = 5

// malformed counts a row that cannot be read.
func (r *reader) malformed(line int64, column int, row []byte, why string) {
	r.tally.malformed++
	if len(r.tally.samples) < maxShown {
		r.tally.samples = append(r.tally.samples, accesslog.Sample{
			File: r.name, Line: line, Column: column, Text: accesslog.Shown(trimEnd(row)), Why: why,
		})
	}
}
