package series

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Series under other labels have their samples; those that become one have them in order.
func TestRelabel(t *testing.T) {
	b := NewBuilder()
	for i, of := range []string{"a", "b", "c"} {
		ls := labels.FromStrings(model.MetricNameLabel, "x", "of", of)
		for k := range 3 {
			b.Add(ls, Kind(2*(i%2)), int64(10*k+i/2*5), float64(10*i+k))
		}
	}
	s := b.Store(nil).Relabel(func(x *Series) labels.Labels {
		switch x.Labels().Get("of") {
		case "b":
			return labels.EmptyLabels()
		case "c":
			return labels.FromStrings(model.MetricNameLabel, "y", "of", "a", "no", "")
		}
		return labels.FromStrings(model.MetricNameLabel, "y", "of", x.Labels().Get("of"))
	})
	var got []Point
	for _, x := range s.Series() {
		for at, v := range x.Points() {
			got = append(got, Point{T: at, F: v})
		}
	}
	want := []Point{{T: 0, F: 0}, {T: 5, F: 20}, {T: 10, F: 1}, {T: 15, F: 21}, {T: 20, F: 2}, {T: 25, F: 22}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Points() != 6 || len(s.Series()) != 1 || s.Series()[0].Name() != "y" || !s.Series()[0].Original() {
		t.Errorf("%d points, %d series", s.Points(), len(s.Series()))
	}
	if first, last, ok := s.Bounds(); first != 0 || last != 25 || !ok {
		t.Error(first, last, ok)
	}
}
