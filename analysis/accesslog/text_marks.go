package accesslog

import "math/bits"

// Marks are where the fields of rows of text may part: where lines end, and the
// spaces that are not within double quotes. They say nothing of what is between.
type marks struct {
	quotes [markWords]uint64 // the double quotes, a bit each byte
	before [markWords]uint32 // how many of them lie before each word of quotes
	ends   [markSpan + markRoom]uint16
	parts  [markSpan + markRoom]uint16 // ends and spaces, both ascending
}

const (
	// markSpan is how many bytes are looked at in one go. The marks of more do not
	// stay in the cache next to the processor.
	markSpan  = 8 << 10
	markWords = markSpan / 64
	// markRoom is how far behind the last mark findMarks may write.
	markRoom = 64
)

// quotesBefore is how many double quotes there are before place i of what findMarks
// has looked at.
func (m *marks) quotesBefore(i int) int {
	return int(m.before[i>>6&(markWords-1)]) + bits.OnesCount64(m.quotes[i>>6&(markWords-1)]&(1<<(i&63)-1))
}
