package unittest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// mostSamples bounds one series: a year of one sample every three seconds.
const mostSamples = 10_000_000

// repeats is how often a value is written to be repeated: the 5 of "1+2x5".
var repeats = regexp.MustCompile(`x\s*(\d+)`)

// ParseSeries reads a series and its values as input_series has them.
func ParseSeries(series, values string) (labels.Labels, []Value, error) {
	return parseSeries(parser.NewParser(parser.Options{}), series, values)
}

// parseSeries reads a series and its values: 1 2.5 (numbers), 1x3 (1 four times),
// 1+2x3 and 9-2x3 (four values, each 2 more or less), _ (no sample), _x3 (three
// times), stale, NaN, Inf. It is Prometheus's own reader.
func parseSeries(p parser.Parser, series, values string) (labels.Labels, []Value, error) {
	total := 0
	for _, m := range repeats.FindAllStringSubmatch(values, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n >= mostSamples || total+n >= mostSamples {
			return labels.EmptyLabels(), nil, fmt.Errorf("values %q: more than %d samples", shorten(values), mostSamples)
		}
		total += n
	}
	// A line break in the values of a block scalar is a blank like others.
	text := strings.Join(strings.Fields(values), " ")
	ls, sequence, err := p.ParseSeriesDesc(series + " " + text)
	if err != nil {
		return ls, nil, plain(err)
	}
	out := make([]Value, len(sequence))
	for i, v := range sequence {
		if v.Histogram != nil {
			return ls, nil, errors.New("a native histogram: they are not read; write the series of a classic one, with _bucket, _sum and _count")
		}
		out[i] = Value{v.Value, v.Omitted}
	}
	return ls, out, nil
}

// plain leaves out the place, which is in a text that was put together here.
func plain(err error) error {
	if list, ok := errors.AsType[parser.ParseErrors](err); ok && len(list) > 0 {
		return list[0].Err
	}
	return err
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}
