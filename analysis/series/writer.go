package series

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/probes/snapshot"
)

// A writer takes the samples of one file.
type writer struct {
	slab    slab
	entries map[string]*entry // by the bytes of their labels
	order   []*entry
	kinds   map[string]Kind // that the file gives for names
	key     []byte
	limit   int // of series
	feed    feed
}

type entry struct {
	column
	labels labels.Labels
}

func newWriter(limit int) *writer {
	return &writer{entries: map[string]*entry{}, kinds: map[string]Kind{}, limit: limit}
}

// A limitError says that there are more series than may be.
type limitError struct{ limit int }

func (e limitError) Error() string {
	return fmt.Sprintf("more than %d series; a label with ever new values, such as a request id, makes them", e.limit)
}

// series finds the series of some labels.
func (w *writer) series(ls labels.Labels) (*entry, error) {
	w.key = ls.Bytes(w.key)
	if e := w.entries[string(w.key)]; e != nil {
		return e, nil
	}
	if len(w.order) >= w.limit {
		return nil, limitError{w.limit}
	}
	e := &entry{labels: ls, column: column{slab: &w.slab}}
	w.entries[string(w.key)] = e
	w.order = append(w.order, e)
	return e, nil
}

// An Alias is another name for a series, in another unit.
type Alias struct {
	Labels labels.Labels
	Factor float64 // what a value is multiplied by: 0.01 makes a ratio of per cent
}

// assemble puts together what was written, in this order, and gives it the other
// names that rename has. It also counts the samples that others with the same time
// took the place of.
func assemble(writers []*writer, rename func(labels.Labels) []Alias) (*Store, int64) {
	var all []*Series
	places := map[string]*Series{}
	kinds := map[string]Kind{}
	unsorted := map[*Series]bool{}
	var key []byte
	var s slab
	for _, w := range writers {
		for name, kind := range w.kinds {
			if kinds[name] == Unknown {
				kinds[name] = kind
			}
		}
		for _, e := range w.order {
			e.close()
			e.open.buf = nil
			if len(e.chunks) == 0 {
				continue
			}
			key = e.labels.Bytes(key)
			x := places[string(key)]
			if x == nil {
				x = &Series{labels: e.labels, factor: 1, original: true}
				places[string(key)] = x
				all = append(all, x)
			} else if e.chunks[0].first <= x.chunks[len(x.chunks)-1].last {
				unsorted[x] = true
			}
			unsorted[x] = unsorted[x] || e.unsorted
			x.chunks = append(x.chunks, e.chunks...)
			x.count, x.missing = x.count+e.count, x.missing+e.missing
		}
		w.entries, w.order = nil, nil
	}
	var dropped, points int64
	for _, x := range all {
		x.kind = kinds[x.Name()]
		if unsorted[x] {
			c := sorted(x.chunks, &s)
			dropped += x.count - c.count
			x.chunks, x.count, x.missing = c.chunks, c.count, c.missing
		}
		points += x.Count()
	}
	if rename != nil {
		all = withAliases(all, places, rename)
	}
	store := newStore(all)
	store.points = points
	return store, dropped
}

// withAliases adds series under their other names. A series that is there under
// that name already stays; of several with the same alias the first by its labels
// has it.
func withAliases(all []*Series, places map[string]*Series, rename func(labels.Labels) []Alias) []*Series {
	slices.SortFunc(all, func(a, b *Series) int { return labels.Compare(a.labels, b.labels) })
	var key []byte
	for _, x := range all[:len(all):len(all)] {
		for _, a := range rename(x.labels) {
			key = a.Labels.Bytes(key)
			if places[string(key)] != nil || a.Factor == 0 || math.IsNaN(a.Factor) {
				continue
			}
			alias := *x
			alias.labels, alias.factor, alias.original = a.Labels, a.Factor, false
			places[string(key)] = &alias
			all = append(all, &alias)
		}
	}
	return all
}

// A Builder makes a Store of samples that lie in memory.
type Builder struct{ w *writer }

// NewBuilder makes an empty one.
func NewBuilder() *Builder { return &Builder{newWriter(math.MaxInt)} }

// Add adds a sample at t, in ms; NaN says that there is no value from then on. The
// order of samples is of no matter but for those with equal times: the last counts.
func (b *Builder) Add(ls labels.Labels, kind Kind, t int64, v float64) {
	e, _ := b.w.series(ls.WithoutEmpty()) // without a limit it cannot fail
	if kind != Unknown {
		b.w.kinds[ls.Get(model.MetricNameLabel)] = kind
	}
	e.append(t, v)
}

// AddSnapshot adds every number of a snapshot at the time it was taken.
func (b *Builder) AddSnapshot(s snapshot.Snapshot) { _ = b.w.snapshot(s) } // without a limit it cannot fail

// Store gives what was added, with the other names that rename, if not nil, has for
// it. The builder is empty then.
func (b *Builder) Store(rename func(labels.Labels) []Alias) *Store {
	s, _ := assemble([]*writer{b.w}, rename)
	b.w = newWriter(math.MaxInt)
	return s
}

// snapshot adds the numbers of a snapshot.
func (w *writer) snapshot(s snapshot.Snapshot) (err error) {
	at := milliseconds(s.TakenAt)
	builder := labels.NewScratchBuilder(8)
	for x := range s.Samples {
		builder.Reset()
		builder.Add(model.MetricNameLabel, x.Name)
		for _, l := range x.Labels {
			builder.Add(l.Name, l.Value)
		}
		builder.Sort()
		e, err := w.series(builder.Labels())
		if err != nil {
			return err
		}
		w.kinds[x.Name] = Gauge
		if x.Kind == snapshot.Counter {
			w.kinds[x.Name] = Counter
		}
		e.append(at, x.Value)
	}
	return nil
}

// milliseconds is t to the nearest millisecond.
func milliseconds(t time.Time) int64 { return t.Add(time.Millisecond / 2).UnixMilli() }
