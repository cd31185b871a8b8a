package accesslog

// A jsonReader reads one row of JSON from the front to the end, each byte once.
// Its methods say whether the text was valid there; after a no, nothing more is
// to be asked.
type jsonReader struct {
	b     []byte
	i     int
	depth int
	stack []uint64 // for skipNested
}

// A field is the text of a value, as it stands; nil where there is none. Of a
// key that occurs several times it is the last one's.
type field []byte

// row reads b as one object and nothing else, and gives the values of the wanted
// keys of s in out.
func (r *jsonReader) row(b []byte, s *shape, out []field) bool {
	r.reset(b)
	return r.object(s, out, nil) && r.end()
}

func (r *jsonReader) reset(b []byte) {
	r.b, r.i, r.depth = b, skipBlank(b, 0), 0
}

// end tells whether nothing but white space is left.
func (r *jsonReader) end() bool { return skipBlank(r.b, r.i) == len(r.b) }

// object reads an object. Where a wanted key has a value that descend wants, it
// reads that value with it, and out is not set; else the value is passed over.
func (r *jsonReader) object(s *shape, out []field, descend func(slot int) (done, ok bool)) bool {
	clear(out)
	b, i := r.b, r.i
	if i >= len(b) || b[i] != '{' || r.depth == jsonMaxDepth {
		return false
	}
	r.depth++
	i++
	this := &s.start
	for first := true; ; first = false {
		var slot int8
		if j := this.next; j != nil && j.first == first && len(b)-i > len(j.text) &&
			string(b[i:i+len(j.text)]) == string(j.text) && b[i+len(j.text)] > ' ' { // and no more white space
			i += len(j.text)
			this, slot = j, j.slot
		} else if i < len(b) && b[i] == '}' {
			r.i = i + 1
			r.depth--
			return true
		} else {
			var done bool
			if i, this, slot, done = s.join(b, i, this, first); i < 0 {
				return false
			}
			if done {
				r.i = i
				r.depth--
				return true
			}
		}
		from := i
		if slot >= 0 && descend != nil {
			r.i = i
			done, ok := descend(int(slot))
			if !ok {
				return false
			}
			if done {
				i = r.i
				continue
			}
		}
		switch {
		case i >= len(b):
			return false
		case b[i] == '"':
			i = skipString(b, i+1)
		case b[i] == '{' || b[i] == '[':
			i = skipNested(b, i, r.depth, &r.stack)
		default:
			i = skipScalar(b, i)
		}
		if i < 0 {
			return false
		}
		if slot >= 0 {
			out[slot] = b[from:i]
		}
	}
}

// array reads an array, each of its elements with element.
func (r *jsonReader) array(element func() bool) bool {
	b := r.b
	if r.i >= len(b) || b[r.i] != '[' || r.depth == jsonMaxDepth {
		return false
	}
	r.depth++
	r.i = skipBlank(b, r.i+1)
	if r.i < len(b) && b[r.i] == ']' {
		r.i++
		r.depth--
		return true
	}
	for {
		if !element() {
			return false
		}
		if r.i = skipBlank(b, r.i); r.i >= len(b) {
			return false
		}
		switch b[r.i] {
		case ',':
			r.i = skipBlank(b, r.i+1)
		case ']':
			r.i++
			r.depth--
			return true
		default:
			return false
		}
	}
}

// skip passes over a value of any kind.
func (r *jsonReader) skip() bool {
	r.i = skipValue(r.b, r.i, r.depth, &r.stack)
	return r.i >= 0
}

// at tells whether the next value begins with c.
func (r *jsonReader) at(c byte) bool { return r.i < len(r.b) && r.b[r.i] == c }
