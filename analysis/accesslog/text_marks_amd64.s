#include "go_asm.h"
#include "textflag.h"

DATA marked<>+0(SB)/1, $0x22 // quote
DATA marked<>+1(SB)/1, $0x20 // space
DATA marked<>+2(SB)/1, $0x0a // line feed
DATA marked<>+3(SB)/1, $0x5c // backslash
GLOBL marked<>(SB), RODATA|NOPTR, $4

// The bits of MASK(c, to) are the bytes of Y0 and Y1 that are those of Y register c.
#define MASK(c, to) \
	VPCMPEQB  Y0, c, Y2   \
	VPCMPEQB  Y1, c, Y3   \
	VPMOVMSKB Y2, to      \
	VPMOVMSKB Y3, R11     \
	SHLQ      $32, R11    \
	ORQ       R11, to

// MARK writes the place of the lowest bit of R13 to the list of parts, and drops
// the bit.
#define MARK(at) \
	TZCNTQ R13, R11    \
	ADDL   AX, R11     \
	MOVW   R11, at(R8) \
	BLSRQ  R13, R13

// func findMarks(m *marks, b []byte) (size, ends, parts int)
//
// DI m, SI b, AX the place in it, CX where to stop, R8 and R9 where the next part
// and end go, R10 the quotes so far, DX all bits if the place is within quotes
TEXT ·findMarks(SB), NOSPLIT, $0-56
	MOVQ m+0(FP), DI
	MOVQ b_base+8(FP), SI
	MOVQ b_len+16(FP), CX
	CMPQ CX, $const_markSpan
	JLE  short
	MOVQ $const_markSpan, CX

short:
	ANDQ $~63, CX
	LEAQ marks_parts(DI), R8
	LEAQ marks_ends(DI), R9
	XORL AX, AX
	XORL DX, DX
	XORL R10, R10
	VPBROADCASTB marked<>+0(SB), Y8
	VPBROADCASTB marked<>+1(SB), Y9
	VPBROADCASTB marked<>+2(SB), Y10
	VPBROADCASTB marked<>+3(SB), Y11
	VPCMPEQB X12, X12, X12

next:
	CMPQ AX, CX
	JGE  done
	VMOVDQU  (SI)(AX*1), Y0
	VMOVDQU  32(SI)(AX*1), Y1
	VPCMPEQB Y0, Y11, Y2
	VPCMPEQB Y1, Y11, Y3
	VPOR     Y2, Y3, Y2
	VPTEST   Y2, Y2
	JNZ      done

	MASK(Y8, R12)
	MOVQ    AX, BX
	SHRQ    $6, BX
	MOVQ    R12, marks_quotes(DI)(BX*8)
	MOVL    R10, marks_before(DI)(BX*4)
	POPCNTQ R12, BX
	ADDL    BX, R10
	VMOVQ   R12, X2
	VPCLMULQDQ $0, X12, X2, X2 // each bit: how many of it and those below are set, odd or even
	VMOVQ   X2, R12
	XORQ    DX, R12
	MOVQ    R12, DX
	SARQ    $63, DX            // the highest bit goes on

	MASK(Y9, R13)
	ANDNQ R13, R12, R13
	MASK(Y10, R12)
	ORQ   R12, R13

	POPCNTQ R12, R14
	LEAQ    (R9)(R14*2), BX
	TZCNTQ  R12, R11           // whether there is one or not: it is written over
	ADDL    AX, R11
	MOVW    R11, (R9)
	CMPQ    R14, $1
	JLE     spaces

ends:
	TZCNTQ R12, R11
	ADDL   AX, R11
	MOVW   R11, (R9)
	ADDQ   $2, R9
	BLSRQ  R12, R12
	JNZ    ends

spaces:
	MOVQ    BX, R9
	POPCNTQ R13, R14
	LEAQ    (R8)(R14*2), BX
	MARK(0)
	MARK(2)
	MARK(4)
	MARK(6)
	CMPQ R14, $4
	JLE  marked
	MARK(8)
	MARK(10)
	MARK(12)
	MARK(14)
	MARK(16)
	MARK(18)
	MARK(20)
	MARK(22)
	CMPQ R14, $12
	JLE  marked
	ADDQ $24, R8

parts:
	MARK(0)
	ADDQ  $2, R8
	TESTQ R13, R13
	JNZ   parts

marked:
	MOVQ BX, R8
	ADDQ $64, AX
	JMP  next

done:
	VZEROUPPER
	LEAQ marks_parts(DI), R11
	SUBQ R11, R8
	SHRQ $1, R8
	LEAQ marks_ends(DI), R11
	SUBQ R11, R9
	SHRQ $1, R9
	MOVQ AX, size+32(FP)
	MOVQ R9, ends+40(FP)
	MOVQ R8, parts+48(FP)
	RET
