package accesslog

import (
	"cmp"
	"math"
	"slices"
)

// A Summary is what was read. It is the same whatever the number of workers and
// the order of the sources.
type Summary struct {
	Files   []string // sorted; those that held anything or not
	Skipped []string // found in folders, and no logs
	Format  string   // of the files; "mixed": of several formats; "": all are empty
	Records int64    // requests
	// Malformed rows cannot be read as a record of the format. Other rows are none
	// (other spans, server messages), Blank ones are empty.
	Malformed, Other, Blank int64
	Bytes                   int64    // of rows, decompressed
	First, Last             int64    // event times in ms since the epoch; of no use without records
	Samples                 []Sample // the first malformed rows by file and line
}

// A Sample is a malformed row.
type Sample struct {
	File   string
	Line   int64
	Column int    // from 1; 0: no place in particular
	Text   string // the beginning of the row, without control characters
	Why    string
}

// Rows is the number of rows that should have been records: those that are and
// the malformed ones.
func (s *Summary) Rows() int64 { return s.Records + s.Malformed }

// maxSamples is how many malformed rows are shown.
const maxSamples = 5

// A tally is what one worker has counted.
type tally struct {
	records, malformed, other, blank, bytes int64
	first, last                             int64
	samples                                 []sample
}

type sample struct {
	Sample
	file int
}

func newTally() *tally { return &tally{first: math.MaxInt64, last: math.MinInt64} }

func (t *tally) event(e *Event) {
	t.records++
	t.first, t.last = min(t.first, e.End), max(t.last, e.End)
}

func bySample(a, b sample) int { return cmp.Or(a.file-b.file, cmp.Compare(a.Line, b.Line)) }

// shows tells whether a malformed row is among the first.
func (t *tally) shows(file int, line int64) bool {
	return len(t.samples) < maxSamples || bySample(sample{Sample{Line: line}, file}, t.samples[maxSamples-1]) < 0
}

func (t *tally) show(s sample) {
	t.samples = append(t.samples, s)
	slices.SortFunc(t.samples, bySample)
	t.samples = t.samples[:min(len(t.samples), maxSamples)]
}

// number gives the samples of files that were read in chunks their lines.
func (t *tally) number(files []*logFile) {
	for i := range t.samples {
		if c := files[t.samples[i].file].chunks; c != nil {
			t.samples[i].Line = c.line(t.samples[i].Line)
		}
	}
}

// add puts together what two workers have counted.
func (t *tally) add(u *tally) {
	t.records += u.records
	t.malformed += u.malformed
	t.other += u.other
	t.blank += u.blank
	t.bytes += u.bytes
	t.first, t.last = min(t.first, u.first), max(t.last, u.last)
	for _, s := range u.samples {
		t.show(s)
	}
}

func (t *tally) summary() Summary {
	s := Summary{Records: t.records, Malformed: t.malformed, Other: t.other, Blank: t.blank, Bytes: t.bytes}
	if t.records > 0 {
		s.First, s.Last = t.first, t.last
	}
	for _, m := range t.samples {
		s.Samples = append(s.Samples, m.Sample)
	}
	return s
}
