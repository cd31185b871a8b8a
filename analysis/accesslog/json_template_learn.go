package accesslog

import (
	"bytes"
	"slices"
)

// learn takes a row that is valid and fitted nowhere.
func (t *templates) learn(row []byte, s *shape) {
	if len(row) > templateRow || bytes.IndexByte(row, '\n') >= 0 || t.spent > firstCredit+t.hits/hitsPerCredit {
		return
	}
	t.spent++
	values := membersOf(row, s)
	t.shown = nil
	for _, x := range t.list {
		if x.widen(row, values) {
			return
		}
	}
	t.holes = make([]extent, max(len(t.holes), len(values)+1))
	x := &template{row: append(make([]byte, 0, len(row)+room), row...), values: values}
	x.build()
	if len(t.list) < templatesMost {
		t.list = append(t.list, x)
	} else {
		t.list[templatesMost-1] = x
	}
}

// membersOf finds the values in a valid row.
func membersOf(row []byte, s *shape) []member {
	var values []member
	var stack []uint64
	i := skipBlank(row, skipBlank(row, 0)+1)
	for row[i] != '}' {
		if row[i] == ',' {
			i = skipBlank(row, i+1)
		}
		v := member{slot: s.slotOf(row[i+1:])}
		v.from = skipKey(row, i)
		v.to = skipValue(row, v.from, 1, &stack)
		values = append(values, v)
		i = skipBlank(row, v.to)
	}
	return values
}

// widen makes holes where the row has other values than the template's row; false
// if it has other text than that between its values.
func (t *template) widen(row []byte, values []member) bool {
	if len(values) != len(t.values) {
		return false
	}
	for i, at, mine := 0, 0, 0; i <= len(values); i++ {
		to, mineTo := len(row), len(t.row)
		if i < len(values) {
			to, mineTo = values[i].from, t.values[i].from
		}
		if string(row[at:to]) != string(t.row[mine:mineTo]) {
			return false
		}
		if i < len(values) {
			at, mine = values[i].to, t.values[i].to
		}
	}
	for i, v := range values {
		mine := &t.values[i]
		a, b := row[v.from:v.to], t.row[mine.from:mine.to]
		kind := max(holeOf(a), holeOf(b))
		if holeOf(a) != holeOf(b) {
			kind = anyHole
		}
		if mine.hole != noHole || string(a) != string(b) {
			mine.hole = max(mine.hole, kind)
			if mine.hole != kind {
				mine.hole = anyHole
			}
		}
	}
	t.build()
	return true
}

func holeOf(value []byte) hole {
	switch c := value[0]; {
	case c == '"':
		return stringHole
	case c == '-' || c-'0' <= 9:
		return numberHole
	}
	return anyHole
}

// build makes the parts of the row and the holes in it.
func (t *template) build() {
	t.parts, t.same, t.wanted = t.parts[:0], t.same[:0], t.wanted[:0]
	at := 0
	for i, v := range t.values {
		again := func(o member) bool { return o.slot == v.slot } // the last one of a key counts
		switch w := (wanted{slot: v.slot, part: len(t.parts), text: t.row[v.from:v.to]}); {
		case v.slot < 0 || slices.ContainsFunc(t.values[i+1:], again):
		case v.hole == noHole:
			t.same = append(t.same, w)
		default:
			if v.hole == stringHole {
				w.quote = 1
			}
			t.wanted = append(t.wanted, w)
		}
		if v.hole == noHole {
			continue
		}
		if v.hole == stringHole {
			v.from++
			v.to--
		}
		t.parts = append(t.parts, part{text: t.row[at:v.from], hole: v.hole, size: v.to - v.from})
		at = v.to
	}
	t.parts = append(t.parts, part{text: t.row[at:]})
}
