package stream

const mark = "\xef\xbb\xbf"

// bom swallows a byte order mark at the start of a body, also one that comes
// in pieces. It counts the bytes of the mark seen so far; len(mark) once the
// start is behind.
type bom uint8

// strip takes the mark, or what is left of it, off p. It returns bytes of
// earlier pieces that looked like a mark and were none: they stand before p.
func (b *bom) strip(p *[]byte) (lead string) {
	for n := int(*b); n < len(mark) && len(*p) > 0; n = int(*b) {
		if (*p)[0] != mark[n] {
			*b = bom(len(mark))
			return mark[:n]
		}
		*p = (*p)[1:]
		*b++
	}
	return ""
}
