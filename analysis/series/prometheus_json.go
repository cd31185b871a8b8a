package series

import (
	"bytes"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// isPrometheusJSON knows the answers of query and query_range, whole or their data
// only, also that of a query that failed, and bare lists of series.
func isPrometheusJSON(start []byte) bool {
	switch start[0] {
	case '{':
		return bytes.Contains(start, []byte(`"resultType"`)) || mentions(start, "status", "error") && bytes.Contains(start, []byte(`"errorType"`))
	case '[':
		inner := bytes.TrimLeft(start[1:], " \t\r\n")
		return len(inner) > 0 && inner[0] == '{' && bytes.Contains(start, []byte(`"metric"`)) && bytes.Contains(start, []byte(`"value`))
	}
	return false
}

// readPrometheusJSON reads one answer after the other.
func readPrometheusJSON(r *reader) error {
	p := &pointReader{reader: r}
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return err
		case c == 0:
			return nil
		case c == '[':
			err = p.results()
		default:
			err = p.answer(true)
		}
		if err != nil {
			return err
		}
	}
}

// answer reads {"status":…,"data":{"resultType":…,"result":…}}, and, inside of data,
// the data.
func (p *pointReader) answer(outside bool) error {
	failed, why := false, ""
	err := p.object(func(key string) error {
		c, err := p.peek()
		switch {
		case err != nil:
			return err
		case key == "data" && outside && c == '{':
			return p.answer(false)
		case key == "result" && c == '[':
			return p.results()
		case key == "status" && c == '"':
			status, err := p.text()
			failed = status == "error"
			return err
		case key == "error" && c == '"':
			why, err = p.text()
			return err
		}
		return p.skip()
	})
	if err == nil && failed {
		return fmt.Errorf("%s: the query that this is the answer to failed: %s", p.name, why)
	}
	return err
}

// results reads a list of series, or the one pair that a scalar is.
func (p *pointReader) results() error {
	if err := p.take('['); err != nil {
		return err
	}
	c, err := p.peek()
	if err != nil {
		return err
	}
	if c != '{' && c != ']' {
		return p.scalar()
	}
	return p.all(p.series, func([]byte) int { return 0 })
}

// scalar reads a pair from behind its bracket; text, which is one too, is passed
// over.
func (p *pointReader) scalar() error {
	p.times, p.values = p.times[:0], p.values[:0]
	if err := p.stamp(); err != nil {
		return err
	}
	if err := p.take(','); err != nil {
		return err
	}
	b, err := p.token()
	if err != nil {
		return err
	}
	if v, ok := number(b); ok {
		e, err := p.w.series(labels.FromStrings(model.MetricNameLabel, nameless))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.w.feed.add(e, p.times[0], v)
	}
	return p.take(']')
}
