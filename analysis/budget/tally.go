package budget

// A tally counts events or slices, in the units of its rule.
type tally struct{ total, bad int64 }

func (t tally) plus(o tally) tally  { return tally{t.total + o.total, t.bad + o.bad} }
func (t tally) minus(o tally) tally { return tally{t.total - o.total, t.bad - o.bad} }

// A point is the tally of the bucket or slice of time that ends at end.
type point struct {
	end    int64
	events int64 // good and bad ones, of which a slice was judged
	tally
}

const minute = 60_000

// bucketOf is the number of the bucket of that length in which t lies; bucket k
// ends at k*length.
func bucketOf(t, length int64) int64 {
	t--
	k := t / length
	if t%length < 0 {
		k--
	}
	return k + 1
}

// roundUp is the first whole multiple of length from t on.
func roundUp(t, length int64) int64 { return bucketOf(t, length) * length }
