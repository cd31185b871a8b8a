package api

// defaultAnthropicTokens is sent where the prompt sets no limit: the interface
// demands one.
const defaultAnthropicTokens = 1024

// anthropic is the Messages interface.
func anthropic() API {
	return API{
		Name: "anthropic", version: "/v1", stream: "/messages", whole: "/messages", models: "/models",
		apiKey: true, body: anthropicBody, read: readAnthropic,
	}
}

func anthropicBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	limit := p.MaxTokens
	if limit <= 0 {
		limit = defaultAnthropicTokens
	}
	b.limit("max_tokens", limit)
	// Instructions of the system are no turn of the conversation there.
	if system := p.join(func(m Message) bool { return m.Role == "system" }); system != "" {
		b.str("system", system)
	}
	b.messages("messages", p, "system")
	b.flag("stream", o.Stream)
	return b.close()
}

func readAnthropic(d *decoder) {
	from := len(d.answer)
	kind := anthropicKind(d.name)
	var delta, block output
	var content, reasoning int
	var start, own usage = noUsage(), noUsage()
	var stop, deltaStop string
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "type":
			kind = anthropicKind(d.c.Symbol())
		case "delta":
			delta, deltaStop = d.anthropicDelta(from)
		case "content_block":
			block = d.part()
		case "content":
			d.answer = d.answer[:from]
			content, reasoning, d.valid = 0, 0, d.c.Kind() == '['
			for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
				o := d.part()
				content += o.chars()
				reasoning += o.reasoning
			}
		case "message":
			if d.c.Kind() != '{' {
				d.common(key)
				break
			}
			start = d.anthropicMessage()
		case "stop_reason":
			stop = d.reason()
		case "usage":
			own = d.anthropicUsage()
		default:
			d.common(key)
		}
	}
	d.errType = kind == "error"
	if d.document {
		d.chars, d.reasoning, d.finish, d.usage = content, reasoning, stop, own
		return
	}
	switch kind {
	case "message_start":
		// Its output_tokens are a beginning, not a count.
		start.completion = -1
		d.usage = start
	case "content_block_start":
		d.chars, d.reasoning = block.chars(), block.reasoning
	case "content_block_delta":
		d.chars, d.reasoning = delta.chars(), delta.reasoning
	case "message_delta":
		d.finish, d.usage = deltaStop, own
	case "message_stop":
		d.terminal = true
	}
	if d.chars == 0 {
		d.answer = d.answer[:from]
	}
}

func anthropicKind(name []byte) string {
	for _, known := range [...]string{
		"content_block_delta", "content_block_start", "message_start", "message_delta", "message_stop", "error",
	} {
		if string(name) == known {
			return known
		}
	}
	return ""
}

// anthropicDelta reads a piece of a block, or the end of the message.
func (d *decoder) anthropicDelta(from int) (o output, stop string) {
	if !d.c.Object() {
		return output{}, ""
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return o, stop
		}
		switch string(key) {
		case "text":
			o.content = d.answerText(from)
		case "thinking":
			o.reasoning = d.text()
		case "partial_json":
			o.tools = d.text()
		case "stop_reason":
			stop = d.reason()
		default:
			d.c.Skip()
		}
	}
}

// anthropicMessage reads the message that message_start announces.
func (d *decoder) anthropicMessage() usage {
	u := noUsage()
	if !d.c.Object() {
		return u
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return u
		}
		switch string(key) {
		case "model":
			d.model()
		case "usage":
			u = d.anthropicUsage()
		default:
			d.c.Skip()
		}
	}
}

// anthropicUsage counts prompt tokens as the other interfaces do: those read
// from a cache or written to one are part of them.
func (d *decoder) anthropicUsage() usage {
	u := noUsage()
	read, written := int64(-1), int64(-1)
	if !d.c.Object() {
		return u
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			break
		}
		switch string(key) {
		case "input_tokens":
			u.prompt = d.count()
		case "output_tokens":
			u.completion = d.count()
		case "cache_read_input_tokens":
			read = d.count()
		case "cache_creation_input_tokens":
			written = d.count()
		default:
			d.c.Skip()
		}
	}
	u.cached = read
	if u.prompt >= 0 {
		u.prompt += max(read, 0) + max(written, 0)
	}
	return u
}
