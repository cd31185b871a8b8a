package accesslog

import (
	"encoding/binary"
	"math/bits"
)

// The functions of this file check JSON text as strictly as encoding/json does
// (which is fuzzed against them) and find the ends of values. They build nothing.
// Each takes the text and the place of the first byte of its value, and gives the
// place behind the value; -1 if that is no valid one.

// jsonMaxDepth is the number of objects and arrays within each other that
// encoding/json reads.
const jsonMaxDepth = 10_000

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// skipString takes a string whose opening quote is just before i.
func skipString(b []byte, i int) int {
	for {
		// Eight bytes at a time, to the first one that is a quote, a backslash or a
		// control character. A byte of x is zero where it is the one that is looked
		// for; (x - low) &^ x has the high bit of the first such byte set, and maybe
		// of later ones.
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^'"'*lowBits, w^'\\'*lowBits
			hits := ((quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-' '*lowBits)&^w) & highBits
			if hits != 0 {
				i += bits.TrailingZeros64(hits) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		if i >= len(b) || b[i] < ' ' {
			return -1
		}
		if b[i] == '"' {
			return i + 1
		}
		if i = skipEscape(b, i); i < 0 {
			return -1
		}
	}
}

// skipEscape takes an escape sequence from its backslash on.
func skipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(b) {
			return -1
		}
		for _, c := range b[i+2 : i+6] {
			if c-'0' > 9 && c|0x20-'a' > 5 {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

// skipNumber takes a number.
func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b) || b[i]-'0' > 9:
		return -1
	case b[i] == '0':
		i++
	default:
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = skipDigits(b, start); i == start {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = skipDigits(b, start); i == start {
			return -1
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// skipBlank takes white space, of which there may be none; it never fails.
func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipScalar takes a value that is neither an object nor an array.
func skipScalar(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i+1)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// skipKey takes the key of a member, from its quote on, the colon and the white
// space around it.
func skipKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = skipString(b, i+1); i < 0 {
		return -1
	}
	if i = skipBlank(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return skipBlank(b, i+1)
}

// skipValue takes a value of any kind that lies within depth objects and arrays.
func skipValue(b []byte, i, depth int, stack *[]uint64) int {
	if i < len(b) && (b[i] == '{' || b[i] == '[') {
		return skipNested(b, i, depth, stack)
	}
	return skipScalar(b, i)
}

// skipNested takes an object or an array that lies within depth others. The
// kinds of those that it is in at the moment are bits of stack, which it may
// enlarge.
func skipNested(b []byte, i, depth int, stack *[]uint64) int {
	const object = 1
	open := 0 // how many objects and arrays are open here
	for {
		// A value begins at i.
		if i >= len(b) {
			return -1
		}
		c := b[i]
		if c == '{' || c == '[' {
			if open+depth >= jsonMaxDepth {
				return -1
			}
			if open/64 == len(*stack) {
				*stack = append(*stack, 0)
			}
			word, bit := &(*stack)[open/64], uint64(object)<<(open%64)
			open++
			i = skipBlank(b, i+1)
			if i >= len(b) {
				return -1
			}
			if c == '{' {
				*word |= bit
				if b[i] != '}' {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
					continue
				}
			} else {
				*word &^= bit
				if b[i] != ']' {
					continue
				}
			}
			i++
			open--
		} else if i = skipScalar(b, i); i < 0 {
			return -1
		}
		// A value ended before i.
		for {
			if open == 0 {
				return i
			}
			if i < len(b) && b[i] <= ' ' {
				i = skipBlank(b, i)
			}
			if i >= len(b) {
				return -1
			}
			inObject := (*stack)[(open-1)/64]>>((open-1)%64)&object == object
			if b[i] == ',' {
				i = skipBlank(b, i+1)
				if inObject {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
				}
				break
			}
			if inObject && b[i] != '}' || !inObject && b[i] != ']' {
				return -1
			}
			i++
			open--
		}
	}
}
