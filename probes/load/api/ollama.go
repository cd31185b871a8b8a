package api

// ollama is Ollama's own chat interface: one JSON document a line. The base is
// the root of the server.
func ollama() API {
	return API{
		Name: "ollama", stream: "/api/chat", whole: "/api/chat", models: "/api/tags",
		lines: true, body: ollamaBody, read: readOllama,
	}
}

func ollamaBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	b.messages("messages", p, "")
	b.flag("stream", o.Stream)
	b.nested("options", "num_predict", p.MaxTokens)
	return b.close()
}

func readOllama(d *decoder) {
	from := len(d.answer)
	var message output
	var response, thinking int
	var whole bool
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "message":
			message = d.message(from)
		case "response": // of /api/generate
			whole = d.c.Kind() == '"'
			response = d.answerText(from)
		case "thinking":
			thinking = d.text()
		case "done":
			d.terminal, _ = d.c.Bool()
		case "done_reason":
			d.finish = d.reason()
		case "prompt_eval_count":
			d.usage.prompt = d.count()
		case "eval_count":
			d.usage.completion = d.count()
		default:
			d.common(key)
		}
	}
	d.chars = message.chars() + response + thinking
	d.reasoning = message.reasoning + thinking
	d.valid = d.terminal && (message.present || whole)
}
