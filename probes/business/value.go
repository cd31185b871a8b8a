package business

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longestText bounds what a message repeats of the source.
const longestText = 60

func quoted(s string) string {
	if len(s) > longestText {
		s = strings.ToValidUTF8(s[:longestText], "") + "…"
	}
	return strconv.Quote(s)
}

// number reads a value; false where the source says that there is none.
func number(text string) (float64, bool, error) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "", "null", "nan", "na", "n/a", "-":
		return 0, false, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(text, "xXpP_") {
		return 0, false, fmt.Errorf("%s is not a number", quoted(text))
	}
	return v, true, nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

const longestLabel = 1024 // bytes of a value

// taken are the columns that files of metrics have beside labels.
var taken = [...]string{"timestamp", "metric", "value"}

func checkLabel(name, value string) error {
	if !labelName.MatchString(name) || strings.HasPrefix(name, "__") || slices.Contains(taken[:], name) {
		return fmt.Errorf("%s cannot be the name of a label", quoted(name))
	}
	if len(value) > longestLabel {
		return fmt.Errorf("the value of label %s is longer than %d bytes", name, longestLabel)
	}
	return nil
}

// when reads a time: RFC 3339, "YYYY-MM-DD HH:MM:SS" and "YYYY-MM-DD" in UTC, or
// Unix time in s, ms, µs or ns, told apart by size. nil: there is none.
func when(text string) (*time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "<nil>" {
		return nil, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return new(t.UTC()), nil
		}
	}
	if v, ok, err := number(text); err == nil && ok && v > 0 {
		for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
			if s := v / unit; s < 1e11 { // a second in the year 5138
				whole, part := math.Modf(s)
				return new(time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC()), nil
			}
		}
	}
	return nil, fmt.Errorf("%s is not a time: want RFC 3339, YYYY-MM-DD HH:MM:SS, or Unix time", quoted(text))
}
