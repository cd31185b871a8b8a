package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (r *reader) interval(n *yaml.Node) Interval {
	v := Interval{Position: Position{n.Line, n.Column}}
	r.fields(n, "the time interval", map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) { v.Name, _ = r.text(n, "name") },
		"time_intervals": func(n *yaml.Node) {
			for _, item := range r.list(n, "time_intervals") {
				v.Periods = append(v.Periods, r.period(item))
			}
		},
	})
	if v.Name == "" {
		r.fail(n, "add name: NAME", "the time interval has no name")
	}
	return v
}

func (r *reader) period(n *yaml.Node) Period {
	var p Period
	ranges := func(into *[]Range, what string, parse func(string) (Range, error)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			for _, item := range r.list(n, what) {
				text, ok := r.text(item, "an entry of "+what)
				if !ok {
					continue
				}
				v, err := parse(strings.ToLower(text))
				if err != nil {
					r.fail(item, err.Error(), "%s in %s cannot be read", quote(text), what)
				}
				*into = append(*into, v)
			}
		}
	}
	r.fields(n, "the period", map[string]func(*yaml.Node){
		"times":         func(n *yaml.Node) { p.Times = r.times(n) },
		"weekdays":      ranges(&p.Weekdays, "weekdays", weekdays),
		"days_of_month": ranges(&p.DaysOfMonth, "days_of_month", daysOfMonth),
		"months":        ranges(&p.Months, "months", months),
		"years":         ranges(&p.Years, "years", years),
		"location": func(n *yaml.Node) {
			name, _ := r.text(n, "location")
			zone, err := time.LoadLocation(name)
			if err != nil {
				r.fail(n, "want a name of the time zone database, such as Europe/Berlin", "%s is no time zone", quote(name))
				return
			}
			p.Location = zone
		},
	})
	return p
}

func (r *reader) times(n *yaml.Node) []Range {
	var out []Range
	for _, item := range r.list(n, "times") {
		v := Range{-1, -1}
		minute := func(into *int) func(*yaml.Node) {
			return func(n *yaml.Node) {
				text, _ := r.text(n, "the time")
				m, ok := minuteOfDay(text)
				if !ok {
					r.fail(n, "want hours and minutes, from 00:00 to 24:00, in quotes", "%s is no time of the day", quote(text))
				}
				*into = m
			}
		}
		before := len(r.problems)
		r.fields(item, "the time range", map[string]func(*yaml.Node){"start_time": minute(&v.Begin), "end_time": minute(&v.End)})
		if len(r.problems) == before && (v.Begin < 0 || v.Begin >= v.End) {
			r.fail(item, "want {start_time: '09:00', end_time: '17:00'}; a range over midnight is two", "the time range needs a start_time, and an end_time after it")
		}
		out = append(out, v)
	}
	return out
}

var clock = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

func minuteOfDay(text string) (int, bool) {
	if text == "24:00" {
		return 24 * 60, true
	}
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	h, _ := strconv.Atoi(m[1])
	min, _ := strconv.Atoi(m[2])
	return h*60 + min, true
}

// span reads one value, or two with a colon between them.
func span(text, hint string, value func(string) (int, bool)) (Range, error) {
	from, to, two := strings.Cut(text, ":")
	if !two {
		to = from
	}
	begin, okBegin := value(from)
	end, okEnd := value(to)
	if !okBegin || !okEnd {
		return Range{}, fmt.Errorf("want %s", hint)
	}
	return Range{begin, end}, nil
}

func ordered(v Range, err error) (Range, error) {
	if err == nil && v.Begin > v.End {
		return v, fmt.Errorf("the end must not be before the beginning")
	}
	return v, err
}

func named(names string) func(string) (int, bool) {
	list := strings.Fields(names)
	return func(s string) (int, bool) {
		i := slices.Index(list, s)
		return i, i >= 0
	}
}

func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func weekdays(text string) (Range, error) {
	return ordered(span(text, "a day or a range, such as monday:friday; the week begins on sunday",
		named("sunday monday tuesday wednesday thursday friday saturday")))
}

func months(text string) (Range, error) {
	byName := named("- january february march april may june july august september october november december")
	return ordered(span(text, "a month or a range, such as 1:3 or january:march", func(s string) (int, bool) {
		if n, ok := number(s); ok {
			return n, n >= 1 && n <= 12
		}
		n, ok := byName(s)
		return n, ok && n > 0
	}))
}

func years(text string) (Range, error) {
	return ordered(span(text, "a year or a range, such as 2026:2028", number))
}

// daysOfMonth accepts what may be a range in some month: the shortest has 28 days.
func daysOfMonth(text string) (Range, error) {
	v, err := span(text, "a day or a range, such as 1:15 or -3:-1, where -1 is the last day", func(s string) (int, bool) {
		n, ok := number(s)
		return n, ok && n != 0 && n >= -31 && n <= 31
	})
	if err != nil {
		return v, err
	}
	if v.Begin < 0 && v.End > 0 {
		return v, fmt.Errorf("where the beginning is counted from the end of the month, so must the end be")
	}
	begin, end := v.Begin, v.End
	if begin < 0 {
		begin += 28
	}
	if end < 0 {
		end += 28
	}
	if begin > end {
		return v, fmt.Errorf("the end must not be before the beginning")
	}
	return v, nil
}
