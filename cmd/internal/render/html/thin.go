package html

import "math"

// maxPoints of a series are more than a chart has pixels.
const maxPoints = 2000

// thin returns X and values with at most limit points a series.
func thin(c *Chart, limit int) ([]float64, [][]*float64) {
	values := c.values()
	n := len(c.X)
	if c.edges() {
		n--
	}
	switch {
	case n <= limit:
		return c.X, values
	case c.edges():
		return merge(c.X, values, (n+limit-1)/limit)
	case c.Kind == Line:
		return envelope(c.X, values, limit/2)
	}
	return tallest(c.X, values, limit)
}

// merge adds up size neighbouring bins at a time.
func merge(edges []float64, values [][]*float64, size int) ([]float64, [][]*float64) {
	n := len(edges) - 1
	var x []float64
	for i := 0; i < n; i += size {
		x = append(x, edges[i])
	}
	x = append(x, edges[n])
	out := make([][]*float64, len(values))
	for s, vs := range values {
		for i := 0; i < n; i += size {
			var sum *float64
			for _, v := range vs[i:min(i+size, n)] {
				switch {
				case v == nil:
				case sum == nil:
					sum = new(*v)
				default:
					*sum = min(*sum+*v, math.MaxFloat64)
				}
			}
			out[s] = append(out[s], sum)
		}
	}
	return x, out
}

// stretches cuts 0..n into k parts whose lengths differ by one at most.
func stretches(n, k int, part func(from, to int)) {
	for i := range k {
		part(i*n/k, (i+1)*n/k)
	}
}

// envelope keeps two points of each stretch: the least and the greatest value,
// in the order in which they came, at its first and its middle X, for these are common
// to all series. So no peak is lost, and none moves by more than half a stretch.
func envelope(x []float64, values [][]*float64, parts int) ([]float64, [][]*float64) {
	var xs []float64
	out := make([][]*float64, len(values))
	stretches(len(x), parts, func(from, to int) {
		xs = append(xs, x[from], x[(from+to)/2])
		for s, vs := range values {
			low, high := -1, -1
			for i := from; i < to; i++ {
				if vs[i] == nil {
					continue
				}
				if low < 0 || *vs[i] < *vs[low] {
					low = i
				}
				if high < 0 || *vs[i] > *vs[high] {
					high = i
				}
			}
			if low < 0 {
				out[s] = append(out[s], nil, nil)
				continue
			}
			out[s] = append(out[s], vs[min(low, high)], vs[max(low, high)])
		}
	})
	return xs, out
}

// tallest keeps the column of each stretch whose values add up to most, all of
// its series together, at the first X of the stretch, so that the columns stay
// equally far apart.
func tallest(x []float64, values [][]*float64, parts int) ([]float64, [][]*float64) {
	var xs []float64
	out := make([][]*float64, len(values))
	stretches(len(x), parts, func(from, to int) {
		best, most := from, -1.0
		for i := from; i < to; i++ {
			sum, some := 0.0, false
			for _, vs := range values {
				if vs[i] != nil {
					sum, some = sum+*vs[i], true
				}
			}
			if some && sum > most {
				best, most = i, sum
			}
		}
		xs = append(xs, x[from])
		for s, vs := range values {
			out[s] = append(out[s], vs[best])
		}
	})
	return xs, out
}
