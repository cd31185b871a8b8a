// Package prompt supplies the prompts of a load test: generated from a seed, or
// read from a dataset. Prompt number i is a function of the seed and of i alone,
// so that it does not matter which connection asks for it, or when.
package prompt

import (
	"math/rand/v2"

	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

// Source gives the prompt with number i; negative numbers are warm-up.
type Source interface {
	Prompt(i int64) api.Prompt
}

// seedStream keeps the prompts' random numbers apart from those of the arrivals.
const seedStream = 0x70726f6d_70747300

// Synthetic makes prompts of random words, one word for about one token of
// common tokenizers. Random words share no prefix, so that a server's prefix
// cache does not flatter the result.
type Synthetic struct {
	Seed   uint64
	Input  length.Dist // words
	Output length.Dist // token limit; zero: none is sent
}

// Prompt implements Source.
func (s Synthetic) Prompt(i int64) api.Prompt {
	rng := rand.New(rand.NewPCG(s.Seed^seedStream, uint64(i)))
	n := s.Input.Draw(rng)
	p := api.Prompt{MaxTokens: s.Output.Draw(rng)}
	p.Text = string(appendWords(make([]byte, 0, n*6), rng, n))
	return p
}

// AppendWords appends n random words, which are a function of the two numbers,
// to dst, with a space between any two.
func AppendWords(dst []byte, seed, key uint64, n int) []byte {
	return appendWords(dst, rand.New(rand.NewPCG(seed, key)), n)
}

func appendWords(dst []byte, rng *rand.Rand, n int) []byte {
	for range n {
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, words[rng.IntN(len(words))]...)
	}
	return dst
}

// words are common English words of one token each in the usual vocabularies.
var words = [...]string{
	"the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not",
	"he", "his", "but", "at", "are", "this", "have", "from", "or", "had", "an", "they", "which", "one", "you", "were",
	"all", "her", "she", "there", "would", "their", "we", "him", "been", "has", "when", "who", "will", "no", "more", "if",
	"out", "so", "up", "said", "what", "its", "about", "than", "into", "them", "can", "only", "other", "time", "new", "some",
	"could", "these", "two", "may", "first", "then", "do", "any", "like", "my", "now", "over", "such", "our", "man", "me",
	"even", "most", "made", "after", "also", "did", "many", "off", "before", "must", "well", "back", "through", "years", "much", "where",
	"your", "way", "down", "should", "because", "long", "each", "just", "state", "those", "people", "too", "how", "little", "good", "world",
	"make", "very", "year", "still", "see", "work", "life", "day", "here", "get", "high", "old", "last", "own", "under", "while",
	"house", "water", "right", "three", "between", "never", "know", "same", "another", "men", "place", "might", "great", "found", "home", "small",
	"part", "school", "number", "course", "war", "until", "always", "away", "something", "fact", "though", "less", "public", "put", "think", "almost",
	"hand", "enough", "far", "took", "head", "yet", "government", "system", "better", "set", "told", "nothing", "night", "end", "why", "called",
	"find", "going", "look", "asked", "later", "point", "next", "program", "city", "business", "give", "group", "toward", "young", "days", "let",
	"room", "word", "side", "social", "given", "present", "several", "order", "second", "rather", "per", "face", "among", "form", "important", "often",
	"things", "early", "white", "case", "large", "big", "need", "four", "within", "felt", "along", "children", "best", "church", "ever", "least",
	"power", "development", "light", "thing", "family", "interest", "want", "members", "mind", "country", "area", "others", "done", "turned", "although", "open",
	"service", "certain", "kind", "problem", "begin", "different", "door", "help", "sense", "means", "whole", "matter", "line", "human", "play", "run",
}
