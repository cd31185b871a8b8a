package accesslog

import "golang.org/x/sys/cpu"

// marksQuickly tells whether the processor has the instructions of findMarks.
func marksQuickly() bool {
	return cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT && cpu.X86.HasPCLMULQDQ
}

// findMarks looks at the beginning of b, which is that of a row: at most markSpan bytes
// in whole words of 64, and only up to the word with the first backslash, for such
// a one may escape a quote. It gives the number of bytes looked at and of marks.
//
// Quotes are told open from closed by counting: what it says of spaces is right up
// to the first row with an odd number of quotes, and of line ends always.
//
//go:noescape
func findMarks(m *marks, b []byte) (size, ends, parts int)
