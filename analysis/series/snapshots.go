package series

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"llmops/probes/snapshot"
)

// isSnapshots knows recorded snapshots by their schema. The first line may be torn, as
// a disk that was full or a log that was cut to its end leaves it.
func isSnapshots(start []byte) bool {
	if start[0] == '{' && bytes.Contains(start, []byte(snapshot.Schema)) && mentions(start, "schema", snapshot.Schema) {
		return true
	}
	return bytes.Contains(start, []byte("\n"+`{"schema":"`+snapshot.Schema+`"`))
}

// mentions tells whether a key with a value stands in JSON text.
func mentions(b []byte, key, value string) bool {
	return regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `"\s*:\s*"` + regexp.QuoteMeta(value) + `"`).Match(b)
}

// readSnapshots reads snapshots, one object a line. An object over several lines, as
// -o json prints it, is read if it is the whole file.
func readSnapshots(r *reader) error {
	for line := int64(1); ; line++ {
		row, err := r.row(lineEnd)
		switch {
		case errors.Is(err, errLong):
			r.malformed(line, 0, row, err.Error())
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if row = trimEnd(row); len(bytes.TrimSpace(row)) == 0 {
			continue
		}
		if line == 1 && !json.Valid(row) {
			first := len(row)
			row = append([]byte(nil), row...)
			rest, err := r.whole()
			if err != nil {
				return err
			}
			if whole := append(append(row, '\n'), rest...); json.Valid(whole) {
				row = whole
			} else {
				row = whole[:first]
				r.pos -= len(rest) // it is lines all the same, the first one malformed
			}
		}
		var s snapshot.Snapshot
		switch err := json.Unmarshal(row, &s); {
		case err != nil:
			column := 0
			if e, ok := errors.AsType[*json.SyntaxError](err); ok {
				column = int(e.Offset)
			}
			r.malformed(line, column, row, err.Error())
			continue
		case s.Schema != snapshot.Schema:
			r.malformed(line, 0, row, fmt.Sprintf("the schema is %q, not %s", s.Schema, snapshot.Schema))
			continue
		case s.TakenAt.IsZero():
			r.malformed(line, 0, row, "no time: the key at is missing")
			continue
		}
		if err := r.w.snapshot(s); err != nil {
			return fmt.Errorf("%s:%d: %w", r.name, line, err)
		}
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
	}
}

// whole is the rest of the file, 16 MiB at most.
func (r *reader) whole() ([]byte, error) {
	if err := r.need(maxRow); err != nil {
		return nil, err
	}
	rest := r.rest()
	r.pos = len(r.buf)
	return rest, nil
}
