package api

// completions is OpenAI's older text completions.
func completions() API {
	return API{
		Name: "completions", version: "/v1", stream: "/completions", whole: "/completions", models: "/models",
		finishEnds: true, body: completionsBody, read: readChoices,
	}
}

func completionsBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	b.str("prompt", p.text())
	b.limit("max_tokens", p.MaxTokens)
	b.streamOptions(o)
	return b.close()
}
