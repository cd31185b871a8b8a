package accesslog

import "bytes"

// A csvRow splits one row of a CSV file into its fields: RFC 4180, and a quote
// that stands inside a field without quotes is taken as it is.
type csvRow struct {
	comma   byte
	fields  [][]byte // of the last row, valid until the next one
	scratch []byte   // what stood between quotes with quotes in it
}

// split takes a row without its line end. It is false if there is anything but a
// comma behind a closing quote, or no closing quote.
func (r *csvRow) split(row []byte) bool {
	r.fields = r.fields[:0]
	if bytes.IndexByte(row, '"') < 0 {
		for {
			i := bytes.IndexByte(row, r.comma)
			if i < 0 {
				r.fields = append(r.fields, row)
				return true
			}
			r.fields = append(r.fields, row[:i])
			row = row[i+1:]
		}
	}
	if cap(r.scratch) < len(row) {
		r.scratch = make([]byte, 0, 2*len(row)) // never grows while fields point into it
	}
	r.scratch = r.scratch[:0]
	for {
		var field []byte
		if len(row) > 0 && row[0] == '"' {
			var ok bool
			if field, row, ok = r.quoted(row[1:]); !ok {
				return false
			}
		} else {
			i := bytes.IndexByte(row, r.comma)
			if i < 0 {
				i = len(row)
			}
			field, row = row[:i], row[i:]
		}
		r.fields = append(r.fields, field)
		switch {
		case len(row) == 0:
			return true
		case row[0] != r.comma:
			return false
		}
		row = row[1:]
	}
}

// quoted reads a field from behind its opening quote. Of two quotes in a row one
// is meant, and of a CR LF the LF.
func (r *csvRow) quoted(row []byte) (field, rest []byte, ok bool) {
	i := bytes.IndexByte(row, '"')
	if i < 0 {
		return nil, nil, false
	}
	if (i+1 == len(row) || row[i+1] != '"') && bytes.IndexByte(row[:i], '\r') < 0 {
		return row[:i], row[i+1:], true
	}
	from := len(r.scratch)
	for {
		i := bytes.IndexByte(row, '"')
		if i < 0 {
			return nil, nil, false
		}
		r.scratch = appendLF(r.scratch, row[:i])
		row = row[i+1:]
		if len(row) == 0 || row[0] != '"' {
			return r.scratch[from:len(r.scratch):len(r.scratch)], row, true
		}
		r.scratch = append(r.scratch, '"')
		row = row[1:]
	}
}

// appendLF appends text with LF for CR LF.
func appendLF(to, text []byte) []byte {
	for {
		i := bytes.Index(text, []byte("\r\n"))
		if i < 0 {
			return append(to, text...)
		}
		to = append(to, text[:i]...)
		text = text[i+1:]
	}
}

// csvComma guesses what separates the fields of a header: a comma, or, in one
// without, a tab or a semicolon.
func csvComma(header []byte) byte {
	for _, c := range []byte(",\t;") {
		if bytes.IndexByte(header, c) >= 0 {
			return c
		}
	}
	return ','
}
