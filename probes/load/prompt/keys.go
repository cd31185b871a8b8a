package prompt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"llmops/probes/load/jsonscan"
)

// keys are those of an entry. Others are ignored, except where they look like
// one of these that was mistyped: its value would be lost in silence.
func keys() []string { return []string{"prompt", "messages", "max_tokens", "checks", "conversations"} }

// keyError is a key that is nearly one of ours.
type keyError struct{ key, meant string }

func (e *keyError) Error() string { return fmt.Sprintf("unknown key %q", e.key) }

func (e *keyError) hint() string { return fmt.Sprintf("did you mean %q?", e.meant) }

// misspelt finds such a key in a valid object; the error is a *keyError.
func misspelt(object []byte) error {
	var c jsonscan.Cursor
	c.Reset(object)
	if !c.Object() {
		return nil
	}
	for {
		key, ok := c.Key()
		if !ok {
			return nil
		}
		if meant := nearest(key); meant != "" {
			return &keyError{key: string(key), meant: meant}
		}
		c.Skip()
	}
}

// nearest is our key that another one was probably meant to be, "" if none. Case
// does not count, as it does not in encoding/json. A short key of ours is one
// slip away at most: "promptId" and "checked" are words of their own.
func nearest(key []byte) string {
	const longest = len("conversations") + 2
	if len(key) > longest {
		return ""
	}
	word, best, least := strings.ToLower(string(key)), "", 3
	for _, k := range keys() {
		slips := 2
		if len(k) <= len("checks") {
			slips = 1
		}
		d := distance(word, k)
		if d == 0 || strings.EqualFold(string(key), k) {
			return ""
		}
		if d <= slips && d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many slips lead from a to b: a letter more, less or other, or
// two neighbours swapped (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// keyAt is where a key stands in an object, 0 if it does not.
func keyAt(object []byte, key string) int {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return 0
	}
	for dec.More() {
		from := int(dec.InputOffset())
		k, err := dec.Token()
		if err != nil {
			return 0
		}
		if k == key {
			return from + bytes.IndexByte(object[from:], '"')
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return 0
		}
	}
	return 0
}
