package series

// A feed carries samples from the goroutine that reads a file to another one that
// encodes them, so that one file keeps two processors busy. A file of one batch is
// encoded where it is read. The zero feed is ready; finish must be called.
type feed struct {
	batch       []sample
	full, empty chan []sample
	done        chan struct{}
}

type sample struct {
	e *entry
	t int64
	v float64
}

// feedSize makes batches of 48 KiB: two lie in a core's own cache.
const feedSize = 2048

func (f *feed) add(e *entry, t int64, v float64) {
	if len(f.batch) == feedSize {
		f.pass()
	}
	f.batch = append(f.batch, sample{e, t, v})
}

// pass hands the batch over and takes an empty one.
func (f *feed) pass() {
	if f.full == nil {
		const ahead = 3
		f.full, f.empty, f.done = make(chan []sample, ahead), make(chan []sample, ahead), make(chan struct{})
		for range ahead {
			f.empty <- make([]sample, 0, feedSize)
		}
		go func() {
			defer close(f.done)
			for b := range f.full {
				encode(b)
				f.empty <- b[:0]
			}
		}()
	}
	f.full <- f.batch
	f.batch = <-f.empty
}

func encode(batch []sample) {
	for i := range batch {
		s := &batch[i]
		s.e.append(s.t, s.v)
	}
}

// finish encodes what is left, and returns when all is encoded.
func (f *feed) finish() {
	if f.full != nil {
		close(f.full)
		<-f.done
	}
	encode(f.batch)
	*f = feed{}
}
