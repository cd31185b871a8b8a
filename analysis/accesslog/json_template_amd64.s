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
	JNE   any
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
	ADDQ      AX, R11
	CMPB      (SI)(R11*1), $0x22
	JEQ       hole
	JMP       done

longer:
	ADDQ $32, AX
	CMPQ AX, CX
	JLE  string
	JMP  done

any:
	MOVBLZX (SI)(AX*1), R11
	CMPL R11, $0x74 // t
	JEQ  true
	CMPL R11, $0x66 // f
	JEQ  false
	CMPL R11, $0x6e // n
	JEQ  null
	CMPL R11, $0x22
	JNE  number

quoted:
	VMOVDQU   1(SI)(AX*1), Y0
	VPCMPEQB  Y0, Y8, Y1
	VPCMPEQB  Y0, Y9, Y2
	VPMINUB   Y0, Y10, Y3
	VPCMPEQB  Y0, Y3, Y3
	VPOR      Y1, Y2, Y2
	VPOR      Y2, Y3, Y3
	VPMOVMSKB Y3, R11
	TESTL     R11, R11
	JZ        more
	TZCNTL    R11, R11
	LEAQ      2(AX)(R11*1), R11
	CMPB      -1(SI)(R11*1), $0x22
	JEQ       hole
	JMP       done

more:
	ADDQ $32, AX
	CMPQ AX, CX
	JLT  quoted
	JMP  done

true:
	CMPL (SI)(AX*1), $0x65757274
	JNE  done
	LEAQ 4(AX), R11
	JMP  hole

false:
	CMPL 1(SI)(AX*1), $0x65736c61
	JNE  done
	LEAQ 5(AX), R11
	JMP  hole

null:
	CMPL (SI)(AX*1), $0x6c6c756e
	JNE  done
	LEAQ 4(AX), R11
	JMP  hole

number:
	VMOVDQU   (SI)(AX*1), X0
	VPSUBB    X11, X0, X0
	VPMINUB   X0, X12, X1
	VPCMPEQB  X0, X1, X1
	VPMOVMSKB X1, R10
	NOTL      R10             // bits of what is no digit; those from 16 on are set
	TZCNTL    R10, R9
	JEQ       done            // no digit
	CMPQ      R9, $15
	JGT       done
	CMPB      (SI)(AX*1), $0x30
	JNE       whole
	CMPQ      R9, $1
	JNE       done            // a zero before other digits

whole:
	LEAQ (AX)(R9*1), R11
	MOVBLZX (SI)(R11*1), R13
	CMPL R13, $0x2e
	JNE  exponent
	BLSRL R10, R10            // the point is looked at
	TZCNTL R10, R13
	CMPQ R13, $15
	JGT  done
	SUBQ R9, R13
	CMPQ R13, $1
	JEQ  done                 // no digit behind the point
	ADDQ R13, R11
	MOVBLZX (SI)(R11*1), R13

exponent:
	ORL  $0x20, R13
	CMPL R13, $0x65
	JEQ  done

hole: // from R14 to R11
	CMPB part_varies(DI), $0
	JNE  varies
	MOVQ part_size(DI), R13
	ADDQ R14, R13
	CMPQ R11, R13
	JNE  differs
	MOVQ R13, AX // no need to wait for R11

store: // written whole, as it is read
	SHLQ $32, R11
	ORQ  R14, R11
	MOVQ R11, (R8)(BX*8)
	ADDQ $part__size, DI
	INCQ BX
	CMPQ BX, DX
	JLT  next
	MOVQ AX, R12
	JMP  done

differs:
	MOVB $1, part_varies(DI)

varies:
	MOVQ R11, AX
	JMP  store

done:
	VZEROUPPER
	MOVQ BX, part+88(FP)
	MOVQ R12, end+96(FP)
	RET
