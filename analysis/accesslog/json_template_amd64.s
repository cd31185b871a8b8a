#include "go_asm.h"
#include "textflag.h"

DATA quote<>+0(SB)/1, $0x22
GLOBL quote<>(SB), RODATA|NOPTR, $1
DATA backslash<>+0(SB)/1, $0x5c
GLOBL backslash<>(SB), RODATA|NOPTR, $1
DATA control<>+0(SB)/1, $0x1f // the last control character
GLOBL control<>(SB), RODATA|NOPTR, $1
DATA zero<>+0(SB)/1, $0x30
GLOBL zero<>(SB), RODATA|NOPTR, $1
DATA nine<>+0(SB)/1, $9
GLOBL nine<>(SB), RODATA|NOPTR, $1

// func fitParts(b []byte, parts []part, holes []extent, k, i int) (part, end int)
//
// SI b, CX the last place of which 32 bytes can be read, AX the place in b
// DI the part, BX its number, DX the number of parts, R8 holes
// R12 the place before the part, R14 that of the hole
TEXT ·fitParts(SB), NOSPLIT, $0-104
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), CX
	SUBQ $32, CX
	MOVQ parts_base+24(FP), DI
	MOVQ parts_len+32(FP), DX
	MOVQ holes_base+48(FP), R8
	MOVQ k+72(FP), BX
	MOVQ i+80(FP), AX
	MOVQ AX, R12
	IMUL3Q $part__size, BX, R9
	ADDQ R9, DI
	VPBROADCASTB quote<>(SB), Y8
	VPBROADCASTB backslash<>(SB), Y9
	VPBROADCASTB control<>(SB), Y10
	VPBROADCASTB zero<>(SB), X11
	VPBROADCASTB nine<>(SB), X12

next:
	MOVQ AX, R12
	MOVQ part_text(DI), R10
	MOVQ part_text+8(DI), R9
	LEAQ (AX)(R9*1), R11
	CMPQ R11, CX // of the hole behind the text too
	JG   done

text:
	VMOVDQU   (SI)(AX*1), Y0
	VPCMPEQB  (R10), Y0, Y0
	VPMOVMSKB Y0, R11
	NOTL      R11
	CMPQ      R9, $32
	JLE       rest
	TESTL     R11, R11
	JNZ       done
	ADDQ      $32, AX
	ADDQ      $32, R10
	SUBQ      $32, R9
	JMP       text

rest:
	BZHIL R9, R11, R11
	TESTL R11, R11
	JNZ   done
	ADDQ  R9, AX
	MOVQ  AX, R14
	MOVBLZX part_hole(DI), R11
	CMPL  R11, $const_stringHole
	JEQ   string
	CMPL  R11, $const_numberHole
	JEQ   number
	CMPL  R11, $const_noHole
	JNE   done
	MOVQ  R14, (R8)(BX*8)
	MOVQ  AX, R12
	INCQ  BX
	JMP   done

string:
	VMOVDQU   (SI)(AX*1), Y0
	VPCMPEQB  Y0, Y8, Y1
	VPCMPEQB  Y0, Y9, Y2
	VPMINUB   Y0, Y10, Y3
	VPCMPEQB  Y0, Y3, Y3
	VPOR      Y1, Y2, Y2
	VPOR      Y2, Y3, Y3
	VPMOVMSKB Y3, R11
	TESTL     R11, R11
	JZ        longer
	TZCNTL    R11, R11
	ADDQ      R11, AX
	CMPB      (SI)(AX*1), $0x22
	JNE       done
	JMP       hole

longer:
	ADDQ $32, AX
	CMPQ AX, CX
	JLE  string
	JMP  done

number:
	VMOVDQU   (SI)(AX*1), X0
	VPSUBB    X11, X0, X0
	VPMINUB   X0, X12, X1
	VPCMPEQB  X0, X1, X1
	VPMOVMSKB X1, R11
	NOTL      R11             // bits of what is no digit; those from 16 on are set
	TZCNTL    R11, R9
	JEQ       done            // no digit
	CMPQ      R9, $15
	JGT       done
	CMPB      (SI)(AX*1), $0x30
	JNE       whole
	CMPQ      R9, $1
	JNE       done            // a zero before other digits

whole:
	LEAQ (AX)(R9*1), R10
	MOVBLZX (SI)(R10*1), R13
	CMPL R13, $0x2e
	JNE  exponent
	BLSRL R11, R11            // the point is looked at
	TZCNTL R11, R13
	CMPQ R13, $15
	JGT  done
	SUBQ R9, R13
	CMPQ R13, $1
	JEQ  done                 // no digit behind the point
	ADDQ R13, R10
	MOVBLZX (SI)(R10*1), R13

exponent:
	ORL  $0x20, R13
	CMPL R13, $0x65
	JEQ  done
	MOVQ R10, AX

hole: // written whole, as it is read
	MOVQ AX, R11
	SHLQ $32, R11
	ORQ  R14, R11
	MOVQ R11, (R8)(BX*8)
	ADDQ $part__size, DI
	INCQ BX
	CMPQ BX, DX
	JLT  next
	MOVQ AX, R12

done:
	VZEROUPPER
	MOVQ BX, part+88(FP)
	MOVQ R12, end+96(FP)
	RET
