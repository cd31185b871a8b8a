package api

// chat is OpenAI's chat completions, as nearly every engine serves it.
func chat() API {
	return API{
		Name: "chat", version: "/v1", stream: "/chat/completions", whole: "/chat/completions", models: "/models",
		finishEnds: true, body: chatBody, read: readChoices,
	}
}

func chatBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	b.messages("messages", p, "")
	limit := "max_tokens"
	if o.MaxCompletionTokens {
		limit = "max_completion_tokens"
	}
	b.limit(limit, p.MaxTokens)
	b.streamOptions(o)
	return b.close()
}

// streamOptions writes what chat and completions have in common.
func (b *builder) streamOptions(o Options) {
	b.flag("stream", o.Stream)
	switch {
	case o.Stream && o.ContinuousUsage:
		b.raw("stream_options", `{"include_usage":true,"continuous_usage_stats":true}`)
	case o.Stream:
		b.raw("stream_options", `{"include_usage":true}`)
	}
	if o.IgnoreEOS {
		b.flag("ignore_eos", true)
	}
}

// readChoices reads the events and documents of chat and of completions.
func readChoices(d *decoder) {
	from := len(d.answer)
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "choices":
			d.answer = d.answer[:from]
			d.chars, d.reasoning, d.finish, d.valid, d.choices = 0, 0, "", false, false
			for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
				d.choice()
			}
		case "usage":
			d.usage = d.usageValue()
		default:
			d.common(key)
		}
	}
}

// output is the text of a message or of a piece of one, in characters.
type output struct {
	present                                    bool
	content, reasoning, refusal, tools, legacy int
}

func (o output) chars() int { return o.content + o.reasoning + o.refusal + o.tools + o.legacy }

func (d *decoder) choice() {
	from := len(d.answer)
	var delta, message, text output
	var finish string
	if !d.c.Object() {
		return
	}
	d.choices = true
	for {
		key, ok := d.c.Key()
		if !ok {
			break
		}
		switch string(key) {
		case "delta":
			delta = d.message(from)
		case "message":
			message = d.message(from)
		case "text":
			text = output{present: d.c.Kind() == '"'}
			text.content = d.answerText(from)
		case "finish_reason":
			finish = d.reason()
		default:
			d.c.Skip()
		}
	}
	if !delta.present {
		delta = message // some gateways send whole messages as events
	}
	d.chars += delta.chars() + text.chars()
	d.reasoning += delta.reasoning
	d.valid = d.valid || delta.present || text.present
	if finish != "" && d.finish != "error" && d.finish != "abort" {
		d.finish = finish
	}
}

// message reads a message, or a piece of one, of chat, OpenAI's and Ollama's.
func (d *decoder) message(from int) (o output) {
	var reasoningContent, thinking int
	if !d.c.Object() {
		return output{}
	}
	o.present = true
	for {
		key, ok := d.c.Key()
		if !ok {
			break
		}
		switch string(key) {
		case "content":
			o.content = d.content(from)
		case "reasoning_content":
			reasoningContent = d.text()
		case "thinking":
			thinking = d.text()
		case "reasoning":
			o.reasoning = d.text()
		case "refusal":
			o.refusal = d.text()
		case "tool_calls":
			o.tools = 0
			for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
				o.tools += d.toolCall()
			}
		case "function_call":
			o.legacy = d.arguments()
		default:
			d.c.Skip()
		}
	}
	// The same text may stand under several names.
	o.reasoning = max(o.reasoning, reasoningContent, thinking)
	return o
}

// content is a string, or a list of parts that hold strings.
func (d *decoder) content(from int) int {
	if d.c.Kind() != '[' {
		return d.answerText(from)
	}
	n := 0
	for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
		n += d.part().chars()
	}
	return n
}

// toolCall reads one call and counts the characters of its arguments.
func (d *decoder) toolCall() (n int) {
	if !d.c.Object() {
		return 0
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return n
		}
		switch string(key) {
		case "function", "custom":
			n = d.arguments()
		default:
			d.c.Skip()
		}
	}
}

// given counts the characters of arguments: a string, or (as Ollama sends them) an
// object with members.
func (d *decoder) given() int {
	if d.c.Kind() != '{' {
		return d.text()
	}
	if n := len(d.c.Raw()); n > len("{}") {
		return n
	}
	return 0
}

// arguments reads the object around the arguments of a call.
func (d *decoder) arguments() (n int) {
	if !d.c.Object() {
		return 0
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return n
		}
		switch string(key) {
		case "arguments", "input":
			n = d.given()
		default:
			d.c.Skip()
		}
	}
}

// part reads one part of a message: text, a refusal, thinking, or the input of
// a tool.
func (d *decoder) part() (o output) {
	from := len(d.answer)
	if !d.c.Object() {
		return output{}
	}
	o.present = true
	for {
		key, ok := d.c.Key()
		if !ok {
			return o
		}
		switch string(key) {
		case "text":
			o.content = d.answerText(from)
		case "thinking":
			o.reasoning = d.thinking()
		case "refusal":
			o.refusal = d.text()
		case "partial_json", "arguments":
			o.tools = d.text()
		case "input":
			o.legacy = d.given()
		default:
			d.c.Skip()
		}
	}
}

// thinking is a string, or a list of parts with text.
func (d *decoder) thinking() int {
	if d.c.Kind() != '[' {
		return d.text()
	}
	n := 0
	from := len(d.answer)
	for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
		n += d.part().chars()
	}
	d.answer = d.answer[:from]
	return n
}
