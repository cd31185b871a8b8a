package accesslog

import "golang.org/x/sys/cpu"

// fitsQuickly tells whether the processor has the instructions of fitParts.
func fitsQuickly() bool { return cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 }

// fitParts does what the loop of templates.try does, from part k and place i on, 32
// bytes at a time, as long as it is simple: it gives up before a part whose text
// differs, whose hole is an anyHole, has an escape, a sign or an exponent in it or
// more than 15 characters of a number, and before the last bytes of b. It gives the
// part that it did not do, whose text begins at end; len(parts) if the row fits, and
// end is its end.
//
// The texts of parts must be readable for room bytes more.
//
//go:noescape
func fitParts(b []byte, parts []part, holes []extent, k, i int) (part, end int)
