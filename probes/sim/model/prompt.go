package model

// PromptHash counts a prompt's tokens and hashes its blocks: each hash covers
// the prompt from its beginning to the end of one full block, so that equal
// hashes mean equal prefixes. The zero value is not usable; see NewPromptHash.
type PromptHash struct {
	size   int
	sum    uint64
	tokens int
	prefix []uint64
}

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// NewPromptHash starts a prompt for blocks of so many tokens.
func NewPromptHash(blockSize int) *PromptHash { return &PromptHash{size: blockSize, sum: fnvOffset} }

// Words adds one token for each word of text, as white space separates them.
func (p *PromptHash) Words(text string) {
	inside := false
	for i := range len(text) {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r', '\v', '\f':
			if inside {
				p.token()
			}
			inside = false
		default:
			p.byte(c)
			inside = true
		}
	}
	if inside {
		p.token()
	}
}

// Token adds one token that came as a number.
func (p *PromptHash) Token(id int64) {
	for range 8 {
		p.byte(byte(id))
		id >>= 8
	}
	p.token()
}

// Mark adds something that is part of the content but no token, such as a role.
func (p *PromptHash) Mark(s string) {
	for i := range len(s) {
		p.byte(s[i])
	}
	p.byte(0)
}

func (p *PromptHash) byte(c byte) { p.sum = (p.sum ^ uint64(c)) * fnvPrime }

func (p *PromptHash) token() {
	p.byte(' ')
	p.tokens++
	if p.tokens%p.size == 0 {
		p.prefix = append(p.prefix, max(p.sum, 1)) // 0 means "no hash" in a block
	}
}

// Tokens is the number of tokens so far, at least 1: an empty prompt still has
// its begin-of-text token.
func (p *PromptHash) Tokens() int { return max(p.tokens, 1) }

// Prefix is one hash for each full block so far.
func (p *PromptHash) Prefix() []uint64 { return p.prefix }
