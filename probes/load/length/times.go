package length

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Times is a distribution of lengths of time, in whole milliseconds, at most Max
// of them. The zero value always gives 0.
type Times struct {
	ms   Dist
	text string
}

// ParseTimes reads the forms of Parse with times in place of numbers:
//
//	5s, uniform:1s,10s, normal:5s,2s, lognormal:5s,0.8
//
// where 0 is no time at all. Normal and lognormal ones are at least 1 ms.
func ParseTimes(s string) (Times, error) {
	text := strings.TrimSpace(s)
	if d, err := time.ParseDuration(text); err == nil && d == 0 {
		return Times{text: text}, nil
	}
	family, args, named := strings.Cut(text, ":")
	if !named {
		family, args = "", text
	}
	var numbers []string
	for arg := range strings.SplitSeq(args, ",") {
		if arg = strings.TrimSpace(arg); len(numbers) == 1 && strings.TrimSpace(family) == "lognormal" {
			numbers = append(numbers, arg) // sigma has no unit
			continue
		}
		d, err := time.ParseDuration(arg)
		if err != nil {
			return Times{}, fmt.Errorf("%q is no distribution of times: want 5s, uniform:1s,10s, normal:5s,2s or lognormal:5s,0.8", s)
		}
		if d < 0 || d > Max*time.Millisecond || d%time.Millisecond != 0 {
			return Times{}, fmt.Errorf("distribution of times %q: %v is not in whole milliseconds from 0 to %v", s, d, Max*time.Millisecond)
		}
		numbers = append(numbers, strconv.FormatInt(d.Milliseconds(), 10))
	}
	form := strings.Join(numbers, ",")
	if named {
		form = family + ":" + form
	}
	ms, err := Parse(form)
	if err != nil {
		return Times{}, fmt.Errorf("distribution of times %q, in milliseconds: %w", s, err)
	}
	return Times{ms, text}, nil
}

// Draw gives one length of time.
func (t Times) Draw(rng *rand.Rand) time.Duration {
	return time.Duration(t.ms.Draw(rng)) * time.Millisecond
}

// String is the text that ParseTimes reads.
func (t Times) String() string { return t.text }

// Set makes *Times a flag value.
func (t *Times) Set(s string) error {
	v, err := ParseTimes(s)
	if err == nil {
		*t = v
	}
	return err
}

// Type names the value in help texts.
func (t *Times) Type() string { return "times" }
