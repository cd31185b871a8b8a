package loadtestcmd

import (
	"llmops/probes/load/api"
	"llmops/probes/load/prompt"
)

// batch puts several prompts of a source into one request, for interfaces that take
// them so.
type batch struct {
	prompts prompt.Source
	size    int64
}

// Prompt implements prompt.Source: request i has the prompts from i*size on, in the
// warm-up too.
func (b batch) Prompt(i int64) api.Prompt {
	p := b.prompts.Prompt(b.number(i, 0))
	for k := int64(1); k < b.size; k++ {
		p.More = append(p.More, b.prompts.Prompt(b.number(i, k)))
	}
	return p
}

// Size is the length of all prompts of request i, in words.
func (b batch) Size(i int64) (words, limit int) {
	s, ok := b.prompts.(interface{ Size(int64) (int, int) })
	if !ok {
		return 0, 0
	}
	for k := range b.size {
		n, _ := s.Size(b.number(i, k))
		words += n
	}
	return words, 0
}

func (b batch) number(i, k int64) int64 {
	if i < 0 {
		return ^(^i*b.size + k)
	}
	return i*b.size + k
}
