package accesslog

import (
	"slices"
	"strings"
)

// jsonlFormat is generic JSON Lines, whose fields Options.Map names; a dot in a
// name leads into an object.
func jsonlFormat() Format {
	return Format{
		Name: "jsonl",
		Detect: detectRows(20, []string{"timestamp", "status", "latency_ms"}, func(f []field) bool {
			return f[0] != nil && (f[1] != nil || f[2] != nil)
		}),
		DetectMapped: func(rows [][]byte, wanted []genericField) int {
			var keys []string
			for _, w := range wanted {
				if w.role == roleTime || w.role == roleStart {
					top, _, _ := strings.Cut(w.name, ".")
					keys = append(keys, w.name, top)
				}
			}
			return detectRows(90, keys, func(f []field) bool {
				return slices.ContainsFunc(f, func(v field) bool { return v != nil })
			})(rows)
		},
		New: func(o Options) Parser {
			wanted, _ := genericFields(o.Map) // Read has looked at the error
			return newJSONLParser(wanted)
		},
	}
}

type jsonlParser struct {
	rows
	wanted []genericField
	paths  []path
	e      genericEvent
}

// A path is where a field is: at the top under its whole name, else in objects
// within each other.
type path struct {
	slot, top int // of the whole name and of its first part
	inner     []nested
}

func newJSONLParser(wanted []genericField) *jsonlParser {
	p := &jsonlParser{wanted: wanted}
	var keys []string
	slot := func(key string) int {
		i := slices.Index(keys, key)
		if i < 0 {
			i = len(keys)
			keys = append(keys, key)
		}
		return i
	}
	for _, w := range wanted {
		parts := strings.Split(w.name, ".")
		where := path{slot: slot(w.name), top: slot(parts[0])}
		for _, part := range parts[1:] {
			where.inner = append(where.inner, newNested(part))
		}
		p.paths = append(p.paths, where)
	}
	p.rows = newRows(keys...)
	return p
}

// Parse reads one request.
func (p *jsonlParser) Parse(row []byte, emit func(*Event)) Row {
	p.bad = ""
	if !p.read(row) {
		return p.otherwise(row)
	}
	p.e.reset()
	for i, w := range p.wanted {
		f := p.field(&p.paths[i])
		text, ok := f.plain()
		if !ok && w.role == roleError { // an object that describes it, or true
			if !f.is("false") && !f.is("{}") && !f.is("[]") {
				p.e.failure = []byte{}
			}
			continue
		}
		if text == nil && ok {
			continue
		}
		if why := p.e.set(w, text); why != "" || !ok {
			p.bad = w.name + " cannot be read"
		}
	}
	if why := p.e.finish(); p.bad == "" {
		p.bad = why
	}
	if p.bad != "" {
		return Malformed
	}
	emit(&p.e.Event)
	return Record
}

func (p *jsonlParser) field(at *path) field {
	f := p.f[at.slot]
	if f != nil || len(at.inner) == 0 {
		return f
	}
	f = p.f[at.top]
	for i := range at.inner {
		f = at.inner[i].read(f)[0]
	}
	return f
}
