package compat

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

func (o *object) set(key string, value any) { *o = append(*o, member{key, value}) }

// some sets a number that may not have been measured.
func (o *object) some(key string, v *float64) {
	if v != nil {
		o.set(key, *v)
	}
}

func (o object) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{m.key, m.value} {
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			if j == 1 {
				b.WriteByte(':')
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ratio is a/b; nil where b is 0.
func ratio(a, b float64) *float64 {
	if b == 0 {
		return nil
	}
	return new(a / b)
}

func sum(list []float64) (total float64) {
	for _, v := range list {
		total += v
	}
	return total
}

// spread sorts list and gives its mean and the standard deviation of the population,
// as numpy.std does.
func spread(list []float64) (mean, std float64) {
	slices.Sort(list)
	mean = sum(list) / float64(len(list))
	squares := 0.0
	for _, v := range list {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / float64(len(list)))
}

// percentile interpolates between the two neighbours of rank p/100·(n−1), as
// numpy.percentile does (type 7 of Hyndman and Fan 1996). list is sorted and not empty.
func percentile(list []float64, p float64) float64 {
	return interpolated(int64(len(list)), func(i int64) float64 { return list[i] }, p)
}

// interpolated is the percentile of n values in ascending order, n above 0.
func interpolated(n int64, value func(int64) float64, p float64) float64 {
	at := p / 100 * float64(n-1)
	low := min(max(int64(at), 0), n-1)
	high := min(low+1, n-1)
	return value(low) + (at-float64(low))*(value(high)-value(low))
}

// rank is a percentile's number in a name: 50, 99.9.
func rank(p float64) string { return strconv.FormatFloat(p, 'g', -1, 64) }
