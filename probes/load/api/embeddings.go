package api

// embeddings is OpenAI's embeddings interface. Its replies are documents
// without text; they have prompt tokens only.
func embeddings() API {
	return API{
		Name: "embeddings", version: "/v1", stream: "/embeddings", whole: "/embeddings", models: "/models",
		noText: true, body: embeddingsBody, read: readEmbeddings,
	}
}

func embeddingsBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	b.str("input", p.text())
	return b.close()
}

func readEmbeddings(d *decoder) {
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "data":
			d.valid = false
			for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
				d.valid = true
				d.c.Skip()
			}
		case "usage":
			d.usage = d.usageValue()
			d.usage.completion = -1
		default:
			d.common(key)
		}
	}
}
