package render

import "testing"

func TestSpark(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	for name, c := range map[string]struct {
		values []*float64
		width  int
		ascii  bool
		want   string
	}{
		"none":     {nil, 10, false, ""},
		"no room":  {[]*float64{v(1)}, 0, false, ""},
		"rising":   {[]*float64{v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)}, 8, false, "▁▂▃▄▅▆▇█"},
		"ascii":    {[]*float64{v(0), v(7)}, 8, true, "_@"},
		"gap":      {[]*float64{v(0), nil, v(1)}, 8, false, "▁ █"},
		"level":    {[]*float64{v(3), v(3)}, 8, false, "▅▅"},
		"folded":   {[]*float64{v(1), v(1), v(1), v(-9), v(1), v(1)}, 3, false, "█▁█"},
		"only gap": {[]*float64{nil, nil}, 8, false, "  "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Spark(c.values, c.width, c.ascii); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
