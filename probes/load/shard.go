package load

import "fmt"

// Shard is one part of a run that several machines do together. Each numbers and
// schedules all of the run and sends what is its own, so that the parts are
// together exactly the run that one machine would have done. The zero value is the
// whole.
type Shard struct {
	Index int // from 0
	Count int // 0: the run is not divided
}

// Owns tells whether number n of a run belongs to this part. Numbers of the
// warm-up are negative, from -1, and are dealt out likewise.
func (s Shard) Owns(n int64) bool { return s.Count <= 1 || turnOf(n, s.Count) == s.Index }

// Share is this part of n things that are dealt out one by one.
func (s Shard) Share(n int64) int64 {
	if s.Count <= 1 {
		return n
	}
	return (n + int64(s.Count-1-s.Index)) / int64(s.Count)
}

// turnOf deals out numbers in turn, those of the warm-up too.
func turnOf(n int64, count int) int {
	if n < 0 {
		n = ^n // -1, -2, … become 0, 1, …
	}
	return int(n % int64(count))
}

func (s Shard) validate(concurrency, maxConcurrency int) error {
	switch {
	case s == Shard{}:
		return nil
	case s.Count < 1 || s.Index < 0 || s.Index >= s.Count:
		return fmt.Errorf("shard %d of %d does not exist: they count from 0", s.Index, s.Count)
	case concurrency > 0 && s.Count > concurrency:
		return fmt.Errorf("a concurrency of %d cannot be dealt out to %d shards: each needs 1 at least", concurrency, s.Count)
	case maxConcurrency > 0 && s.Count > maxConcurrency:
		return fmt.Errorf("a cap of %d requests in flight cannot be dealt out to %d shards: each needs 1 at least", maxConcurrency, s.Count)
	}
	return nil
}
