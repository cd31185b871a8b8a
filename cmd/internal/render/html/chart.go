package html

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// chartData is a chart as the script reads it.
type chartData struct {
	Kind   ChartKind    `json:"kind"`
	Edges  bool         `json:"edges,omitempty"`
	Log    bool         `json:"log,omitempty"`
	XLabel string       `json:"xlabel,omitempty"`
	Unit   string       `json:"unit,omitempty"`
	X      []float64    `json:"x"`
	Series []seriesData `json:"series"`
	Marks  []markData   `json:"marks,omitempty"`
}

type seriesData struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

type markData struct {
	Value float64 `json:"value"`
	Label string  `json:"label"`
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// values are the series with a gap for everything that is not a number.
func (c *Chart) values() [][]*float64 {
	out := make([][]*float64, len(c.Series))
	for i, s := range c.Series {
		out[i] = make([]*float64, len(s.Values))
		for j, v := range s.Values {
			if v != nil && finite(*v) {
				out[i][j] = v
			}
		}
	}
	return out
}

// edges tells whether X is the edges of bins.
func (c *Chart) edges() bool {
	return c.Kind != Line && len(c.Series) > 0 && len(c.X) == len(c.Series[0].Values)+1
}

// drawable tells whether there is a value to draw.
func (c *Chart) drawable() bool {
	for _, values := range c.values() {
		for _, v := range values {
			if v != nil && (!c.Log || *v > 0) {
				return true
			}
		}
	}
	return false
}

func (c *Chart) check() error {
	switch c.Kind {
	case Line, Bars, Stacked:
	default:
		return fmt.Errorf("unknown kind %q", string(c.Kind))
	}
	if c.Log && c.Kind == Stacked {
		return errors.New("stacked bars have no logarithmic scale")
	}
	n := len(c.X)
	if c.edges() {
		n--
	}
	for _, s := range c.Series {
		if len(s.Values) != n {
			return fmt.Errorf("series %q has %d values for %d of X", s.Name, len(s.Values), len(c.X))
		}
		for i, v := range s.Values {
			if c.Kind == Stacked && v != nil && *v < 0 {
				return fmt.Errorf("series %q: value %d is %v, and stacked bars cannot go below 0", s.Name, i+1, *v)
			}
		}
	}
	for i, x := range c.X {
		if !finite(x) {
			return fmt.Errorf("number %d of X is %v", i+1, x)
		}
		if i > 0 && x <= c.X[i-1] {
			return fmt.Errorf("number %d of X is %v, after %v: X must ascend", i+1, x, c.X[i-1])
		}
	}
	for _, m := range c.Marks {
		if !finite(m.Value) {
			return fmt.Errorf("mark %q is at %v", m.Label, m.Value)
		}
	}
	return nil
}

// data is what the script draws: thinned out and rounded.
func (c *Chart) data() chartData {
	out := chartData{Kind: c.Kind, Edges: c.edges(), Log: c.Log, XLabel: c.XLabel, Unit: c.Unit}
	x, values := thin(c, maxPoints)
	out.X = roundX(x)
	for i, s := range c.Series {
		for j, v := range values[i] {
			if v != nil {
				values[i][j] = new(round(*v))
			}
		}
		out.Series = append(out.Series, seriesData{Name: s.Name, Values: values[i]})
	}
	for _, m := range c.Marks {
		out.Marks = append(out.Marks, markData{Value: round(m.Value), Label: m.Label})
	}
	return out
}

// digits of a number in the file: more than a screen can show.
const digits = 6

func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil || r == 0 { // beyond the largest float64, or -0
		return v + 0
	}
	return r
}

// roundX rounds to six digits of the extent of x: of the numbers themselves,
// those of a late stretch would fall together. Where neighbours do, all keep
// every digit.
func roundX(x []float64) []float64 {
	if len(x) < 2 || !finite(x[len(x)-1]-x[0]) {
		return slices.Clone(x)
	}
	whole := int(math.Ceil(math.Log10(x[len(x)-1] - x[0])))
	unit := math.Pow(10, float64(min(max(digits-whole, 0), 15))) // as many to one
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Round(v*unit)/unit + 0 // + 0: no -0
		if !finite(out[i]) || i > 0 && out[i] <= out[i-1] {
			return slices.Clone(x)
		}
	}
	return out
}
