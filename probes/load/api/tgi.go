package api

// tgi is the own interface of Text Generation Inference. The base is the root
// of the server.
func tgi() API {
	return API{
		Name: "tgi", stream: "/generate_stream", whole: "/generate", models: "/info",
		body: tgiBody, read: readTGI,
	}
}

func tgiBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("inputs", p.text())
	if p.MaxTokens > 0 {
		b.nested("parameters", "max_new_tokens", p.MaxTokens, `"details":true`)
	} else {
		b.raw("parameters", `{"details":true}`) // without them there is no count of tokens
	}
	return b.close()
}

func readTGI(d *decoder) {
	from := len(d.answer)
	var token output
	var special bool
	var generated int
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "token":
			token, special = d.tgiToken(from)
		case "generated_text":
			d.terminal = d.c.Kind() != 'n'
			d.valid = d.c.Kind() == '"'
			if d.document || len(d.answer) == 0 { // else the tokens have said it
				generated = d.answerText(from)
			} else {
				generated = d.text()
			}
		case "details":
			d.tgiDetails()
		default:
			d.common(key)
		}
	}
	if d.document {
		d.chars = generated
		return
	}
	d.chars, d.whole = token.chars(), generated
	if special {
		d.answer = d.answer[:from]
	}
}

func (d *decoder) tgiToken(from int) (o output, special bool) {
	if !d.c.Object() {
		return output{}, false
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return o, special
		}
		switch string(key) {
		case "text":
			o.content = d.answerText(from)
		case "special":
			special, _ = d.c.Bool()
		default:
			d.c.Skip()
		}
	}
}

func (d *decoder) tgiDetails() {
	d.finish, d.usage = "", noUsage()
	if !d.c.Object() {
		return
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return
		}
		switch string(key) {
		case "finish_reason":
			d.finish = d.reason()
		case "generated_tokens":
			d.usage.completion = d.count()
		case "input_length":
			d.usage.prompt = d.count()
		default:
			d.c.Skip()
		}
	}
}
