package clickhouse

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"llmops/probes/remote"
)

// rowError is an error of the caller's function.
type rowError struct{ err error }

func (e *rowError) Error() string { return e.err.Error() }

// maxLine bounds one row, in bytes.
const maxLine = 16 << 20

// readRows reads TabSeparated. An answer that stops within a row is cut off.
func readRows(r io.Reader, row func(fields []string) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	var fields []string
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return remote.ErrTooLarge
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the answer is cut off: " + io.ErrUnexpectedEOF.Error())
		case err != nil:
			return err
		}
		fields = fields[:0]
		for field := range strings.SplitSeq(string(line[:len(line)-1]), "\t") {
			fields = append(fields, unescape(field))
		}
		if err := row(fields); err != nil {
			return &rowError{err}
		}
		line = line[:0]
	}
}

// unescape reads a field of TabSeparated; NULL stays \N.
func unescape(s string) string {
	at := strings.IndexByte(s, '\\')
	if at < 0 || s == `\N` {
		return s
	}
	var out strings.Builder
	for ; at >= 0 && at+1 < len(s); at = strings.IndexByte(s, '\\') {
		out.WriteString(s[:at])
		c := s[at+1]
		if i := strings.IndexByte("btnfr0", c); i >= 0 {
			c = "\b\t\n\f\r\x00"[i]
		}
		out.WriteByte(c)
		s = s[at+2:]
	}
	out.WriteString(s)
	return out.String()
}
