package api

import "llmops/probes/load/jsonscan"

// embeddings is OpenAI's embeddings interface. Its replies are documents
// without text; they have prompt tokens only, and one vector for each input.
func embeddings() API {
	return API{
		Name: "embeddings", version: "/v1", stream: "/embeddings", whole: "/embeddings", models: "/models",
		noText: true, body: embeddingsBody, read: readEmbeddings,
	}
}

// Inputs is how many vectors the reply to p must hold; 0 for an interface that
// answers in words.
func (a API) Inputs(p Prompt) int {
	if !a.noText {
		return 0
	}
	return 1 + len(p.More)
}

func embeddingsBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	if len(p.More) == 0 {
		b.str("input", p.text())
	} else if b.open("input") {
		b.dst = jsonscan.AppendString(append(b.dst, '['), p.text())
		for _, more := range p.More {
			b.dst = jsonscan.AppendString(append(b.dst, ','), more.text())
		}
		b.dst = append(b.dst, ']')
	}
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
			d.vectors = 0
			for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
				d.vectors++
				d.c.Skip()
			}
			d.valid = d.vectors > 0
		case "usage":
			d.usage = d.usageValue()
			d.usage.completion = -1
		default:
			d.common(key)
		}
	}
}
