package pushdown

import (
	"fmt"
	"strings"
)

// A clock is how a table tells when a request ended: a whole number of ticks.
type clock struct {
	ticks     string // an expression
	perSecond int64  // of ticks; 0: not known yet
	raw       int64  // the same of the column itself
	column    field
	latency   *field // of a column that holds the start; nil: it holds the end
}

// clockOf takes the end of requests, or else their start and their latency.
func clockOf(fields map[string]field) *clock {
	c := &clock{column: fields["time"]}
	if _, ok := fields["time"]; !ok {
		c.column = fields["start"]
		if l, ok := fields["latency"]; ok {
			c.latency = &l
		}
	}
	switch f := &c.column; {
	case f.family == datetime:
		c.perSecond = 1
	case f.family == datetime64 && f.scale <= 3:
		c.perSecond = 1e3
	case f.family == datetime64 && f.scale <= 6:
		c.perSecond = 1e6
	case f.family == datetime64:
		c.perSecond = 1e9
	}
	c.express()
	return c
}

// unitKnown is false of whole numbers until tellUnit.
func (c *clock) unitKnown() bool { return c.perSecond > 0 }

// newest is the number whose greatest value tells the unit.
func (c *clock) newest() string { return "toInt64(" + c.column.sql + ")" }

// tellUnit tells seconds, ms, µs and ns since the epoch apart by their size, as
// readers of logs do.
func (c *clock) tellUnit(newest int64) {
	switch {
	case newest >= 1e17:
		c.perSecond = 1e9
	case newest >= 1e14:
		c.perSecond = 1e6
	case newest >= 1e11:
		c.perSecond = 1e3
	default:
		c.perSecond = 1
	}
	c.express()
}

// express writes the ticks of the end of a request. Start and latency are added
// as nanoseconds.
func (c *clock) express() {
	name := c.column.sql
	c.raw = c.perSecond
	switch {
	case c.column.family == datetime:
		c.ticks = "toInt64(toUnixTimestamp(" + name + "))"
	case c.column.family == datetime64:
		c.ticks = map[int64]string{1e3: "toUnixTimestamp64Milli(", 1e6: "toUnixTimestamp64Micro(", 1e9: "toUnixTimestamp64Nano("}[c.perSecond] + name + ")"
	default:
		c.ticks = "toInt64(" + name + ")"
	}
	if c.latency == nil || c.perSecond == 0 {
		return
	}
	const nanos = 1e9
	c.ticks = fmt.Sprintf("%s * %d + if(%s, %s, 0)", c.ticks, int64(nanos)/c.perSecond, c.latency.measured(), c.latency.nanos())
	c.perSecond = nanos
}

// nanos is a duration as a whole number of nanoseconds, rounded up; a float to
// the nearest one, as rounding up would add to most of them.
func (f *field) nanos() string {
	factor := int64(1)
	for range f.Scale + 6 {
		factor *= 10
	}
	switch f.family {
	case integer:
		return fmt.Sprintf("toInt64(ifNull(%s, 0)) * %d", f.sql, factor)
	case decimals:
		return fmt.Sprintf("toInt64(ceil(toDecimal128(ifNull(%s, 0), %d) * %d))", f.sql, f.scale, factor)
	}
	return fmt.Sprintf("toInt64(round(if(%s, %s, 0) * %d))", f.measured(), f.sql, factor)
}

// millis is when ticks are, in ms, rounded up as the end of an event is.
func (c *clock) millis(ticks int64) int64 {
	if c.perSecond < 1000 {
		return ticks * (1000 / c.perSecond)
	}
	per := c.perSecond / 1000
	ms := ticks / per
	if ticks%per > 0 {
		ms++
	}
	return ms
}

// at is the last tick up to a time in ms.
func (c *clock) at(ms int64) int64 {
	if c.perSecond < 1000 {
		return floorDiv(ms*c.perSecond, 1000)
	}
	return ms * (c.perSecond / 1000)
}

func floorDiv(a, b int64) int64 {
	n := a / b
	if a%b < 0 {
		n--
	}
	return n
}

// among tells of requests that ended in one of some milliseconds.
func (c *clock) among(b *binder, moments []int64) string {
	var ways []string
	for _, ms := range moments {
		ways = append(ways, fmt.Sprintf("llmops_t > %s AND llmops_t <= %s", b.number("Int64", c.at(ms-1)), b.number("Int64", c.at(ms))))
	}
	if len(ways) == 0 {
		return "0"
	}
	return "toUInt8(" + strings.Join(ways, " OR ") + ")"
}

// minutes is the number of the minute that holds the end: number k ends at k min.
func (c *clock) minutes() string {
	return fmt.Sprintf("intDiv(llmops_t + %d, %d)", 60*c.perSecond-1, 60*c.perSecond)
}

// within selects the requests that ended in (since, now], both whole seconds in
// ms. The column itself stands there alone, for an index to see it.
func (c *clock) within(b *binder, since, now int64) string {
	limit := func(ms int64) string {
		switch c.column.family {
		case datetime:
			return "toDateTime(" + b.number("UInt32", max(floorDiv(ms, 1000), 0)) + ")"
		case datetime64:
			return fmt.Sprintf("toDateTime64(%s, %d)", b.number("Int64", floorDiv(ms, 1000)), c.column.scale)
		}
		return b.number("Int64", floorDiv(ms, 1000)*c.raw)
	}
	if c.latency == nil {
		return fmt.Sprintf("%[1]s > %[2]s AND %[1]s <= %[3]s", c.column.sql, limit(since), limit(now))
	}
	return fmt.Sprintf("%s <= %s AND %s > %s AND %s <= %s", c.column.sql, limit(now),
		c.ticks, b.number("Int64", c.at(since)), c.ticks, b.number("Int64", c.at(now)))
}
