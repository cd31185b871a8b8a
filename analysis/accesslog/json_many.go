package accesslog

// A fieldsReader makes a record of the fields of a row.
type fieldsReader interface {
	record(emit func(*Event)) Row
}

// many reads rows from the beginning of b as long as a template fits and they are
// records. It gives their number and length.
func (p *rows) many(b []byte, reader fieldsReader, emit func(*Event)) (size int, rows int64) {
	p.found = nil
	for size < len(b) {
		n := p.templates.fit(b[size:], &p.reader, p.f)
		end := size + n
		if n > 0 && end < len(b) && b[end] == '\r' {
			end++
		}
		if n == 0 || end == len(b) || b[end] != '\n' || reader.record(emit) != Record {
			break // and it is looked at again
		}
		size = end + 1
		rows++
	}
	return size, rows
}
