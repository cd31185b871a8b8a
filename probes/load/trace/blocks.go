package trace

import (
	"errors"
	"strings"
	"time"

	"llmops/probes/load/jsonscan"
)

// mooncake is the trace format of Mooncake (FAST'25): time in ms, and ids of
// the prompt's blocks of 512 tokens. An id stands for its block and all before it.
func mooncake() format {
	return format{name: "mooncake", read: blocks{size: 512, unit: time.Millisecond}.read,
		is: func(head string) bool {
			return strings.HasPrefix(head, "{") && strings.Contains(head, `"timestamp"`) && strings.Contains(head, `"input_length"`)
		}}
}

// bailian is the format of Alibaba's Qwen-Bailian traces: time in s, blocks of
// 16 tokens, and the chats that a request goes on with.
func bailian() format {
	return format{name: "bailian", read: blocks{size: 16, unit: time.Second}.read,
		is: func(head string) bool { return strings.HasPrefix(head, "{") && strings.Contains(head, `"chat_id"`) }}
}

// blocks is a format whose rows name the blocks of their prompts.
type blocks struct {
	size int           // tokens
	unit time.Duration // of timestamp
}

func (b blocks) read(r *reader) error {
	var (
		chats        = map[string]int32{} // chat to session
		cursor       jsonscan.Cursor
		e            entry
		timed        bool
		chat, parent string
		chain        []uint64
	)
	clean := func() {
		e, timed, chat, parent, chain = entry{input: -1, output: -1}, false, "", "", nil
	}
	clean()
	r.trace.block = b.size
	return r.objects(func(m member) (err error) {
		switch m.key {
		case "timestamp":
			timed = true
			e.at, err = m.seconds(b.unit)
		case "input_length":
			e.input, err = m.tokens()
		case "output_length":
			e.output, err = m.tokens()
		case "chat_id":
			chat, err = m.id()
		case "parent_chat_id":
			parent, err = m.id()
		case "hash_ids":
			chain, err = m.chain(&cursor)
		}
		return err
	}, func() error {
		if !timed || e.input < 0 {
			return errors.New(`want the keys "timestamp" and "input_length"`)
		}
		if chat != "" {
			// The chat that a request goes on with has its own id, so that the first
			// of them names the session.
			s, ok := chats[parent]
			if !ok {
				s = r.sessionOf(chat)
			}
			chats[chat], e.session = s, s
		}
		// Ids beyond the prompt's end say nothing about it.
		if most := (e.input + b.size - 1) / b.size; len(chain) > most {
			chain = chain[:most]
		}
		r.add(e)
		r.trace.chain = append(r.trace.chain, chain)
		clean()
		return nil
	})
}

// chain reads a list of ids as the hashes of the ways that lead to them, so
// that the same id behind another block is another block.
func (m member) chain(c *jsonscan.Cursor) ([]uint64, error) {
	if m.raw[0] != '[' {
		return nil, m.fault(errors.New("want a list of whole numbers"))
	}
	c.Reset(m.raw)
	var chain []uint64
	way := uint64(0)
	for ok := c.Array(); ok; {
		if ok = c.Elem(); ok {
			id, whole := c.Int()
			if !whole {
				return nil, m.fault(errors.New("want a list of whole numbers"))
			}
			way = mix(way ^ mix(uint64(id)+0x9e3779b97f4a7c15))
			chain = append(chain, way)
		}
	}
	return chain, nil
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
