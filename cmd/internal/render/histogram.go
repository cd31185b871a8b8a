package render

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bucket is one bar of a histogram.
type Bucket struct {
	Label string // such as "100-200 ms"
	Count int64
}

// ladder are the eighths of a full block, the bar's end.
const ladder = "▏▎▍▌▋▊▉"

// Histogram writes one line a bucket: label, bar, count and share. The longest
// bar is as wide as width allows (80 when width is 0). A bucket with a count
// never looks empty. ascii draws with # instead of block elements.
func Histogram(w io.Writer, buckets []Bucket, width int, ascii bool) error {
	var most, total int64
	labels := 0
	for _, b := range buckets {
		most, total = max(most, b.Count), total+max(0, b.Count)
		labels = max(labels, utf8.RuneCountInString(b.Label))
	}
	share := func(b Bucket) float64 { return float64(max(0, b.Count)) / float64(total) }
	shares := 0
	for _, b := range buckets {
		shares = max(shares, len(Percent(share(b))))
	}
	if most <= 0 {
		return nil // nothing was counted: there is nothing to draw
	}
	if width <= 0 {
		width = 80
	}
	digits := len(fmt.Sprint(most))
	room := max(10, width-labels-digits-shares-len("  "+"  "+"  "))
	var out strings.Builder
	for _, b := range buckets {
		count := max(0, b.Count)
		bar := bar(float64(count)/float64(most), room, ascii)
		fmt.Fprintf(&out, "%s%s  %s%s  %*d  %*s\n",
			strings.Repeat(" ", labels-utf8.RuneCountInString(b.Label)), b.Label,
			bar, strings.Repeat(" ", room-utf8.RuneCountInString(bar)),
			digits, count, shares, Percent(share(b)))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// bar is share (0..1) of room columns.
func bar(share float64, room int, ascii bool) string {
	if ascii {
		n := int(share*float64(room) + 0.5)
		if n == 0 && share > 0 {
			return "."
		}
		return strings.Repeat("#", n)
	}
	eighths := int(share*float64(room*8) + 0.5)
	if eighths == 0 && share > 0 {
		eighths = 1
	}
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(ladder)[rest-1])
	}
	return s
}

// Unicode tells whether the locale of the environment can show more than
// ASCII. An environment that says nothing is taken for a modern one.
func Unicode(getenv func(string) (string, bool)) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v, ok := getenv(name); ok && v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}
