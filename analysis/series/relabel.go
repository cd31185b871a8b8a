package series

import (
	"math"

	"github.com/prometheus/prometheus/model/labels"
)

// Relabel is a store of the same samples under other labels, in which every series is an
// original; one for which to gives none is left out. Series that come to have the same
// labels become one: of samples with equal times that of the last by its own labels
// counts. Samples are not copied, but for those of series that become one.
func (s *Store) Relabel(to func(*Series) labels.Labels) *Store {
	var order [][]*Series
	place := map[string]int{}
	kinds := map[string]Kind{}
	var key []byte
	for _, x := range s.series {
		ls := to(x)
		if ls.IsEmpty() {
			continue
		}
		y := *x
		y.labels, y.original = ls.WithoutEmpty(), true
		if kinds[y.Name()] == Unknown {
			kinds[y.Name()] = y.kind
		}
		key = y.labels.Bytes(key)
		i, is := place[string(key)]
		if !is {
			i = len(order)
			place[string(key)] = i
			order = append(order, nil)
		}
		order[i] = append(order[i], &y)
	}
	var room slab
	all := make([]*Series, len(order))
	var count int64
	for i, twins := range order {
		x := twins[0]
		if len(twins) > 1 {
			var list []Point
			for _, t := range twins {
				list = points(list, t.iterator(math.MinInt64, math.MaxInt64))
			}
			c := ordered(list, &room)
			x.factor, x.tail, x.chunks, x.count, x.missing = 1, nil, c.chunks, c.count, c.missing
		}
		x.kind = kinds[x.Name()]
		count += x.Count()
		all[i] = x
	}
	out := newStore(all)
	out.points = count
	return out
}
