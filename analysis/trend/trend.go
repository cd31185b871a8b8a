// Package trend tells how the numbers of recorded snapshots go with time: their range,
// and whether they rise or fall by more than chance. It reads recordings, and must not
// open files or look at the clock: the newest snapshot is now.
package trend

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/snapshot"
)

// Schema names the JSON form of a Report.
const Schema = "llmops.trend/v1"

// Report is what became of one metric.
type Report struct {
	Schema    string     `json:"schema"`
	Metric    string     `json:"metric"`
	Snapshots int        `json:"snapshots"`
	Unread    int        `json:"unreadable_lines,omitempty"`
	First     *time.Time `json:"first,omitempty"`
	Last      *time.Time `json:"last,omitempty"`
	Series    []Series   `json:"series"`
}

// Series is one series of the metric. Of a counter every number is its rate by the
// second between two snapshots, and Rate is set.
type Series struct {
	Name       string            `json:"name"`
	Labels     map[string]string `json:"labels,omitempty"`
	Rate       bool              `json:"per_second,omitempty"`
	Count      int               `json:"count"`
	Min        float64           `json:"min"`
	Max        float64           `json:"max"`
	Mean       float64           `json:"mean"`
	Last       float64           `json:"last"`
	LastAt     time.Time         `json:"last_at"`
	Direction  stats.Direction   `json:"direction"`
	Change     *float64          `json:"change_per_hour,omitempty"` // median slope; absent when undetermined
	ChangeLow  *float64          `json:"change_low,omitempty"`      // its interval at 95 %
	ChangeHigh *float64          `json:"change_high,omitempty"`
	P          *float64          `json:"p,omitempty"`
	Points     []Point           `json:"-"` // in order of time
}

// Point is a value and when it was taken.
type Point struct {
	At    time.Time
	Value float64
}

// confidence is that of directions and intervals.
const confidence = 0.95

// maxLine bounds a snapshot, in bytes: a host with hundreds of processes on its GPUs
// has one of half a megabyte.
const maxLine = 64 << 20

// A Reader takes recordings of one metric, one after the other.
type Reader struct {
	query    query
	metric   string
	series   map[string]*Series
	names    map[string]bool // every name that was seen, for advice
	count    int
	unread   int
	from, to time.Time
}

// New makes a reader for a metric: the name of a series, a selector of PromQL such as
// gpu_temperature_c{gpu="0"}, or the path of a field such as gpus[0].temperature.gpu_c,
// with [*] for every member of a list.
func New(metric string) (*Reader, error) {
	q, err := parse(metric)
	if err != nil {
		return nil, err
	}
	return &Reader{query: q, metric: metric, series: map[string]*Series{}, names: map[string]bool{}}, nil
}

// Names are the names of all series that were read, sorted.
func (r *Reader) Names() []string {
	names := make([]string, 0, len(r.names))
	for name := range r.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Read takes one recording. A line that is no snapshot is counted and passed over; the
// last one may be cut, as a process that was killed leaves it.
func (r *Reader) Read(ctx context.Context, in io.Reader) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 && !r.take(text) {
			r.unread++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return nil //nolint:nilerr // it is the end
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("longer than %d MiB", maxLine>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// take reads one line; false says that it is no snapshot.
func (r *Reader) take(line []byte) bool {
	var s snapshot.Snapshot
	if err := json.Unmarshal(line, &s); err != nil || s.Schema != snapshot.Schema || s.TakenAt.IsZero() {
		return false
	}
	if r.count++; r.from.IsZero() || s.TakenAt.Before(r.from) {
		r.from = s.TakenAt
	}
	if s.TakenAt.After(r.to) {
		r.to = s.TakenAt
	}
	for x := range s.Samples {
		r.names[x.Name] = true
	}
	for found := range r.query.find(line, s) {
		key := found.key()
		x := r.series[key]
		if x == nil {
			x = &Series{Name: found.name, Labels: found.labels, Rate: found.counter}
			r.series[key] = x
		}
		x.Points = append(x.Points, Point{s.TakenAt, found.value})
	}
	return true
}

// Report judges what was read.
func (r *Reader) Report() Report {
	report := Report{Schema: Schema, Metric: r.metric, Snapshots: r.count, Unread: r.unread, Series: []Series{}}
	if r.count > 0 {
		report.First, report.Last = &r.from, &r.to
	}
	keys := make([]string, 0, len(r.series))
	for key := range r.series {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		x := *r.series[key]
		x.Points = ordered(x.Points)
		if x.Rate {
			x.Points = rates(x.Points)
		}
		if x.Count = len(x.Points); x.Count > 0 {
			x.judge()
			report.Series = append(report.Series, x)
		}
	}
	return report
}

// ordered sorts points; of several at one time the last counts.
func ordered(points []Point) []Point {
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	out := points[:0:0]
	for i, p := range points {
		if i+1 == len(points) || !points[i+1].At.Equal(p.At) {
			out = append(out, p)
		}
	}
	return out
}

// rates are what a counter gains by the second. One that fell began again at zero.
func rates(points []Point) []Point {
	var out []Point
	for i := 1; i < len(points); i++ {
		gained := points[i].Value - points[i-1].Value
		if gained < 0 {
			gained = points[i].Value
		}
		out = append(out, Point{points[i].At, gained / points[i].At.Sub(points[i-1].At).Seconds()})
	}
	return out
}

func (x *Series) judge() {
	values := make([]stats.At, len(x.Points))
	x.Min, x.Max = x.Points[0].Value, x.Points[0].Value
	for i, p := range x.Points {
		x.Min, x.Max = min(x.Min, p.Value), max(x.Max, p.Value)
		x.Mean += p.Value/float64(i+1) - x.Mean/float64(i+1) // no sum that could overflow
		values[i] = stats.At{T: float64(p.At.Sub(x.Points[0].At)) / 1e6, V: p.Value}
	}
	x.Mean = max(x.Min, min(x.Max, x.Mean))
	last := x.Points[len(x.Points)-1]
	x.Last, x.LastAt = last.Value, last.At
	const perHour = 3_600_000 // of a slope by the millisecond
	t := stats.TrendOf(values, confidence)
	if x.Direction = t.Direction; t.Direction != stats.Undetermined {
		x.Change, x.ChangeLow, x.ChangeHigh, x.P = finite(t.Slope*perHour), finite(t.Low*perHour), finite(t.High*perHour), finite(t.P)
	}
}

// finite is absent for what overflowed: values as large as a number can be.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// found is one value that a query picked.
type found struct {
	name    string
	labels  map[string]string
	value   float64
	counter bool
}

func (f found) key() string {
	pairs := make([]string, 0, len(f.labels))
	for name, value := range f.labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, value))
	}
	slices.SortFunc(pairs, cmp.Compare[string])
	return f.name + "{" + strings.Join(pairs, ",") + "}"
}
