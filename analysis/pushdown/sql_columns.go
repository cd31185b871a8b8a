package pushdown

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/accesslog"
)

// A column of a table, with its type as the engine writes it.
type column struct{ name, typ string }

// family says what can be done with a type.
type family uint8

const (
	textual    family = iota // String, Enum
	padded                   // FixedString, filled up with zeros
	integer                  // Int, UInt, Bool
	decimals                 // Decimal(digits, scale)
	floating                 // Float32, Float64
	datetime                 // DateTime
	datetime64               // DateTime64(scale)
	foreign                  // all others
)

// A field is a column that has a role.
type field struct {
	accesslog.Field
	sql    string // its name, quoted
	family family
	digits int
	scale  int // digits after the point
}

// fieldOf finds out what a column can be used for.
func fieldOf(f accesslog.Field, c column) field {
	out := field{Field: f, sql: quote(c.name)}
	t := c.typ
	for _, wrapper := range []string{"LowCardinality(", "Nullable("} {
		if inner, ok := strings.CutPrefix(t, wrapper); ok {
			t = strings.TrimSuffix(inner, ")")
		}
	}
	name, rest, _ := strings.Cut(t, "(")
	args := strings.Split(strings.TrimSuffix(rest, ")"), ",")
	number := func(i int) int {
		if i >= len(args) {
			return 0
		}
		n, _ := strconv.Atoi(strings.TrimSpace(args[i])) // what is none is told by the family
		return n
	}
	switch {
	case name == "String", strings.HasPrefix(name, "Enum"):
		out.family = textual
	case name == "FixedString":
		out.family = padded
	case name == "Bool", strings.HasPrefix(name, "Int") && !strings.HasPrefix(name, "Interval"), strings.HasPrefix(name, "UInt"):
		out.family = integer
	case name == "Decimal":
		out.family, out.digits, out.scale = decimals, number(0), number(1)
	case name == "Float32", name == "Float64":
		out.family = floating
	case name == "DateTime":
		out.family = datetime
	case name == "DateTime64":
		out.family, out.scale = datetime64, number(0)
	default:
		out.family = foreign
	}
	return out
}

// fieldsOf finds the columns of all roles. Of columns that differ by capitals only
// the one that is written alike is meant.
func fieldsOf(columns []column, names map[string]string) (map[string]field, error) {
	wanted, err := accesslog.Fields(names)
	if err != nil {
		return nil, err
	}
	out := map[string]field{}
	for _, w := range wanted {
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == w.Name })
		if at < 0 {
			at = slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.name, w.Name) })
		}
		switch {
		case at >= 0:
			f := fieldOf(w, columns[at])
			if want := allowed[w.Role]; !slices.Contains(want.families, f.family) {
				return nil, fmt.Errorf("column %s for the %s is of type %s: want %s; a view can convert it", w.Name, w.Role, columns[at].typ, want.words)
			}
			out[w.Role] = f
		case w.Mapped:
			return nil, fmt.Errorf("the table has no column %q for --map %s", w.Name, w.Role)
		}
	}
	has := func(role string) bool { _, ok := out[role]; return ok }
	if !has("time") && !has("start") {
		return nil, fmt.Errorf("the table has no column for the time: name one with --map time=…")
	}
	if !has("status") && !has("error") && !has("latency") && !has("ttft") {
		return nil, fmt.Errorf("the table has no column for how a request ended or how long it took: name them with --map status=… --map latency=…")
	}
	return out, nil
}

type families struct {
	families []family
	words    string
}

var (
	times    = families{[]family{datetime, datetime64, integer}, "DateTime, DateTime64, or whole seconds, ms, µs or ns since the epoch"}
	amounts  = families{[]family{integer, decimals, floating}, "a number"}
	integral = families{[]family{integer}, "a whole number"}
	words    = families{[]family{textual, padded}, "text"}
	marks    = families{[]family{textual, padded, integer}, "text or a flag"}
)

// allowed is what the column of each role may be of.
var allowed = map[string]families{
	"time": times, "start": times, "status": integral, "error": marks, "latency": amounts, "ttft": amounts, "tpot": amounts,
	"tokens": integral, "cost": amounts, "quality": amounts, "model": words, "path": words, "user": words,
}

// text is the column as text, "" for what says nothing: NULL, empty or "-".
func (f *field) text() string {
	s := f.sql
	if f.family == padded {
		s = "toStringCutToZero(" + s + ")"
	}
	return fmt.Sprintf("replaceRegexpOne(ifNull(toString(%s), ''), '^-$', '')", s)
}

// measured tells whether the column holds an amount: none is negative.
func (f *field) measured() string {
	if f.family == floating {
		return fmt.Sprintf("ifNull(%[1]s >= 0 AND isFinite(%[1]s), 0)", f.sql)
	}
	return fmt.Sprintf("ifNull(%s >= 0, 0)", f.sql)
}

// failed tells whether the column marks a failure.
func (f *field) failed() string {
	if f.family == integer {
		return fmt.Sprintf("ifNull(%s != 0, 0)", f.sql)
	}
	return "notEmpty(" + f.text() + ")"
}

// reason is the text of a failure, "" if it has none.
func (f *field) reason() string {
	if f.family == integer {
		return "''"
	}
	return f.text()
}

// route is the path without its query, also of a whole URL, as readers of logs cut it.
func (f *field) route() string {
	path := f.text()
	rest := fmt.Sprintf("substring(%[1]s, position(%[1]s, '://') + 3)", path)
	local := fmt.Sprintf("if(position(%[1]s, '/') = 0, '/', substring(%[1]s, position(%[1]s, '/')))", rest)
	whole := fmt.Sprintf("if(startsWith(%[1]s, '/') OR position(%[1]s, '://') <= 1, %[1]s, %[2]s)", path, local)
	return fmt.Sprintf("splitByChar('#', splitByChar('?', %s)[1])[1]", whole)
}
