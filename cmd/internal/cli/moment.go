package cli

import (
	"errors"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"llmops/analysis/accesslog"
)

// ParseTimeOrBefore reads a time as ParseTime does, or a duration: so long before a time.
func ParseTimeOrBefore(text string, before time.Time) (time.Time, error) {
	if t, err := ParseTime(text); err == nil {
		return t, nil
	}
	d, err := model.ParseDuration(strings.TrimPrefix(text, "-"))
	if err != nil {
		return time.Time{}, errors.New("neither a time nor a duration")
	}
	return before.Add(-time.Duration(d)), nil
}

// ParseTime reads a time that somebody types, to a whole millisecond: as readers of
// files do (RFC 3339, a date and time in UTC, seconds, ms, µs or ns since the epoch
// by their size), or a date alone, or one with hours and minutes, in UTC.
func ParseTime(text string) (time.Time, error) {
	var c accesslog.Clock
	if t, ok := c.Parse([]byte(text)); ok && t >= 0 {
		return time.UnixMilli(t.Floor()).UTC(), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04Z", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("not a time")
}
