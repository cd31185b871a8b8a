package routing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

type amInterval struct {
	Name    string     `yaml:"name"`
	Periods []amPeriod `yaml:"time_intervals"`
}

type amPeriod struct {
	Times       []map[string]string `yaml:"times,flow,omitempty"`
	Weekdays    []string            `yaml:"weekdays,flow,omitempty"`
	DaysOfMonth []string            `yaml:"days_of_month,flow,omitempty"`
	Months      []string            `yaml:"months,flow,omitempty"`
	Years       []string            `yaml:"years,flow,omitempty"`
	Location    string              `yaml:"location,omitempty"`
}

func exportInterval(v Interval) amInterval {
	out := amInterval{Name: v.Name, Periods: []amPeriod{}}
	for _, p := range v.Periods {
		period := amPeriod{
			Weekdays:    rangeTexts(p.Weekdays, func(n int) string { return strings.ToLower(time.Weekday(n).String()) }),
			DaysOfMonth: rangeTexts(p.DaysOfMonth, strconv.Itoa),
			Months:      rangeTexts(p.Months, strconv.Itoa),
			Years:       rangeTexts(p.Years, strconv.Itoa),
		}
		for _, t := range p.Times {
			period.Times = append(period.Times, map[string]string{"start_time": clockText(t.Begin), "end_time": clockText(t.End)})
		}
		if p.Location != nil {
			period.Location = p.Location.String()
		}
		out.Periods = append(out.Periods, period)
	}
	return out
}

func clockText(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

func rangeTexts(ranges []Range, text func(int) string) []string {
	var out []string
	for _, r := range ranges {
		s := text(r.Begin)
		if r.End != r.Begin {
			s += ":" + text(r.End)
		}
		out = append(out, s)
	}
	return out
}
