package series

import (
	"bytes"
	"errors"
)

// isVictoriaMetrics knows an export by its first keys; the timestamps of a long
// series come too late to be seen.
func isVictoriaMetrics(start []byte) bool {
	return start[0] == '{' && bytes.Contains(start, []byte(`"metric"`)) &&
		(bytes.Contains(start, []byte(`"values"`)) || bytes.Contains(start, []byte(`"timestamps"`)))
}

// readVictoriaMetrics reads one series a line. A line that is none is counted.
func readVictoriaMetrics(r *reader) error {
	p := &pointReader{reader: r}
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return err
		case c == 0:
			return nil
		}
		started, _ := r.place()
		err = p.series()
		bad, ok := errors.AsType[*SyntaxError](err)
		switch {
		case err == nil:
			continue
		case !ok:
			return err
		}
		line, _ := r.place()
		if line > started && r.begin >= 0 {
			r.pos, r.counted = r.begin, r.begin // the line before broke off: this one is whole
			r.malformed(started, 0, nil, "the line breaks off within a value")
			continue
		}
		r.malformed(bad.Line, bad.Column, r.shownLine(), bad.Why)
		if err := r.skipLine(); err != nil {
			return err
		}
	}
}

// shownLine is what is at hand of the line that is read.
func (in *input) shownLine() []byte {
	from := max(in.begin, 0)
	return in.buf[from:min(from+200, len(in.buf))]
}
