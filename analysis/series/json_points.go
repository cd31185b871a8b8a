package series

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// nameless is the name of series that have none, such as the answer to sum(x).
const nameless = "value"

// A pointReader reads the objects that Prometheus and VictoriaMetrics write series
// as: {"metric":{…},"values":[[t,"v"],…]} and {"metric":{…},"values":[…],"timestamps":[…]}.
type pointReader struct {
	*reader
	labels  labels.Labels
	times   []int64
	values  []float64
	pairs   bool // values came with their times
	stamped bool // a list of times came
}

const near = 96 // bytes in which a usual pair ends

// series reads one object and puts what it holds into the store.
func (p *pointReader) series() error {
	p.labels = labels.EmptyLabels()
	p.times, p.values, p.pairs, p.stamped = p.times[:0], p.values[:0], false, false
	err := p.object(func(key string) error {
		switch key {
		case "metric":
			return p.metric()
		case "values":
			return p.list()
		case "value":
			p.pairs = true
			return p.pair()
		case "timestamps":
			p.stamped = true
			return p.stamps()
		case "histogram", "histograms":
			p.tally.histograms++
		}
		return p.skip()
	})
	switch {
	case err != nil:
		return err
	case !p.pairs && len(p.times) != len(p.values):
		return p.fail("%d values and %d timestamps", len(p.values), len(p.times))
	case len(p.values) == 0:
		return p.ctx.Err()
	}
	e, err := p.w.series(p.labels)
	if err != nil {
		line, _ := p.place()
		return fmt.Errorf("%s:%d: %w", p.name, line, err)
	}
	for i, t := range p.times {
		p.w.feed.add(e, t, p.values[i])
	}
	return p.ctx.Err()
}

// metric reads labels.
func (p *pointReader) metric() error {
	b := &p.names.builder
	b.Reset()
	named := false
	err := p.object(func(key string) error {
		value, err := p.text()
		if err == nil && value != "" && key != "" {
			named = named || key == model.MetricNameLabel
			b.Add(key, value)
		}
		return err
	})
	if !named {
		b.Add(model.MetricNameLabel, nameless)
	}
	b.Sort()
	p.labels = b.Labels()
	if name, twice := p.labels.HasDuplicateLabelNames(); twice && err == nil {
		err = p.fail("label %q is there twice", name)
	}
	return err
}

// list reads values, or pairs of times and values.
func (p *pointReader) list() error {
	if err := p.take('['); err != nil {
		return err
	}
	c, err := p.peek()
	switch {
	case err != nil:
		return err
	case c == '[':
		p.pairs = true
		return p.all(p.pair, func(b []byte) int {
			t, v, n := p.quickPair(b)
			if n > 0 {
				p.times, p.values = append(p.times, t), append(p.values, v)
			}
			return n
		})
	}
	return p.all(p.value, func(b []byte) int {
		n := wordEnd(b)
		v, ok := parseFloat(b[:n])
		if n == 0 || !ok {
			return 0
		}
		p.values = append(p.values, v)
		return n
	})
}

// stamps reads timestamps.
func (p *pointReader) stamps() error {
	if err := p.take('['); err != nil {
		return err
	}
	return p.all(p.stamp, func(b []byte) int {
		n := wordEnd(b)
		t, ok := p.clock.parse(b[:n])
		if n == 0 || !ok {
			return 0
		}
		p.times = append(p.times, t)
		return n
	})
}

// all reads the elements of a list from behind its bracket. quick reads one in the
// usual notation, and gives its length, 0 if it cannot; one reads any.
func (p *pointReader) all(one func() error, quick func(b []byte) int) error {
	for first := true; ; first = false {
		if len(p.buf)-p.pos < near {
			if err := p.need(near); err != nil {
				return err
			}
		}
		if b := p.buf[p.pos:]; len(b) >= near {
			if !first && b[0] == ',' {
				b = b[1:]
				if b[0] == ' ' {
					b = b[1:]
				}
			} else if !first {
				b = nil
			}
			if len(b) > 0 {
				if n := quick(b); n > 0 {
					p.pos = len(p.buf) - len(b) + n
					continue
				}
			}
		}
		switch more, err := p.more(first, ']'); {
		case err != nil:
			return err
		case !more:
			return nil
		}
		if err := one(); err != nil {
			return err
		}
	}
}

// wordEnd is the length of a number that ends before a comma or a bracket.
func wordEnd(b []byte) int {
	for i, c := range b {
		if c == ',' || c == ']' {
			return i
		}
		if c <= ' ' || c == '"' || i == near {
			break
		}
	}
	return 0
}

// quickPair reads [1700000000.123,"0.5"] and gives its length; 0: it is written in
// another way.
func (p *pointReader) quickPair(b []byte) (t int64, v float64, n int) {
	b = b[:near-2]
	i := 1
	for i < len(b) && b[i] != ',' {
		i++
	}
	if i+4 >= len(b) || b[0] != '[' {
		return 0, 0, 0
	}
	t, ok := p.clock.parse(b[1:i])
	if i++; b[i] == ' ' {
		i++
	}
	if !ok || b[i] != '"' {
		return 0, 0, 0
	}
	from := i + 1
	for i = from; i < len(b) && b[i] != '"'; i++ {
	}
	if i+1 >= len(b) || b[i+1] != ']' {
		return 0, 0, 0
	}
	if v, ok = parseFloat(b[from:i]); !ok {
		return 0, 0, 0
	}
	return t, v, i + 2
}

// pair reads [time, value].
func (p *pointReader) pair() error {
	if err := p.take('['); err != nil {
		return err
	}
	if err := p.stamp(); err != nil {
		return err
	}
	if err := p.take(','); err != nil {
		return err
	}
	if err := p.value(); err != nil {
		return err
	}
	return p.take(']')
}

func (p *pointReader) stamp() error {
	b, err := p.token()
	if err != nil {
		return err
	}
	t, ok := p.clock.time(b)
	if !ok {
		p.pos -= len(b)
		return p.fail("%q is no time", b[:min(len(b), 40)])
	}
	p.times = append(p.times, t)
	return nil
}

func (p *pointReader) value() error {
	b, err := p.token()
	if err != nil {
		return err
	}
	v, ok := number(b)
	if !ok {
		p.pos -= len(b)
		return p.fail("%q is no number", b[:min(len(b), 40)])
	}
	p.values = append(p.values, v)
	return nil
}
